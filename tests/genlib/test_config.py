import hashlib
import json
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field, SerializeAsAny, ValidationError

from genlib.config import Config, Optimizer, TrainConfig
from genlib.settings import Settings

OTHER = {
    "optimizer": "sgd",
    "learning_rate": 0.5,
    "batch_size": 3,
    "epochs": 2,
    "pictures": 7,
    "warmup": 0.25,
    "decay": "cosine",
    "ema": 0.5,
    "clip": 1.0,
    "momentum": 0.5,
    "precision": "bfloat16",
    "seed": 1,
}
RANGES = {
    "learning_rate": (1e-5, 10.0),
    "batch_size": (1, 4096),
    "epochs": (1, 1000),
    "pictures": (0, 60_000),
    "warmup": (0.0, 0.5),
    "ema": (0.0, 0.9999),
    "clip": (0.0, 100.0),
    "momentum": (0.0, 0.99),
    "seed": (0, 9_999),
}
configs = st.builds(
    TrainConfig,
    optimizer=st.sampled_from(get_args(Optimizer)),
    learning_rate=st.floats(1e-5, 10.0),
    batch_size=st.integers(1, 4096),
    warmup=st.floats(0.0, 0.5),
    ema=st.floats(0.0, 0.9999),
    decay=st.sampled_from(["none", "linear", "cosine"]),
    seed=st.integers(0, 9_999),
)


class AB(Config):
    a: int = 1
    b: float = 2.0


class BA(Config):
    b: float = 2.0
    a: int = 1


def test_fingerprint_is_the_sha256_of_sorted_json_without_spaces():
    assert AB().fingerprint == hashlib.sha256(b'{"a":1,"b":2.0}').hexdigest()


class Grown(AB):
    c: int = Field(3, json_schema_extra={"since": 2})


class Remeasured(AB):
    version = 2


class Around(Config):
    inner: SerializeAsAny[Config]


@given(st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.integers())
def test_a_field_added_later_is_in_the_fingerprint_unless_at_its_default(a, b, c):
    before, after = AB(a=a, b=b), Grown(a=a, b=b, c=c)
    assert (after.fingerprint == before.fingerprint) == (c == 3)
    assert Grown(a=a, b=b).fingerprint == before.fingerprint
    inside = Around(inner=after).fingerprint == Around(inner=before).fingerprint
    assert inside == (c == 3)


def test_a_version_above_1_is_in_the_fingerprint():
    text = b'{"a":1,"b":2.0,"version":2}'
    assert Remeasured().fingerprint == hashlib.sha256(text).hexdigest()
    text = b'{"inner":%s}' % text
    assert Around(inner=Remeasured()).fingerprint == hashlib.sha256(text).hexdigest()


def test_fingerprint_does_not_depend_on_the_order_of_fields():
    assert AB().fingerprint == BA().fingerprint
    assert TrainConfig(seed=3, clip=1).fingerprint == TrainConfig(clip=1, seed=3).fingerprint


def test_fingerprint_does_not_depend_on_how_a_number_was_written():
    assert TrainConfig(clip=1).fingerprint == TrainConfig(clip=1.0).fingerprint
    assert TrainConfig(clip="1e0").fingerprint == TrainConfig(clip=1.0).fingerprint


@pytest.mark.parametrize("name", TrainConfig.model_fields)
def test_fingerprint_changes_with_every_field(name):
    changed = TrainConfig.model_validate({name: OTHER[name]})
    assert getattr(changed, name) != getattr(TrainConfig(), name)
    assert changed.fingerprint != TrainConfig().fingerprint


@given(configs)
def test_json_round_trip_keeps_config_and_fingerprint(config):
    again = TrainConfig.model_validate_json(config.model_dump_json())
    assert again == config
    assert again.fingerprint == config.fingerprint
    document = json.loads(json.dumps(config.model_dump(mode="json")))
    assert TrainConfig.model_validate(document).fingerprint == config.fingerprint


@given(configs, configs)
def test_fingerprints_are_equal_exactly_when_configs_are(one, other):
    assert (one.fingerprint == other.fingerprint) == (one.model_dump() == other.model_dump())


@pytest.mark.parametrize("name", ["epoch", "lr", "__class__", "model_config"])
def test_unknown_names_are_refused(name):
    with pytest.raises(ValidationError, match="Extra inputs"):
        TrainConfig.model_validate({name: 1})


@pytest.mark.parametrize("name", RANGES)
@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf"), None, "many", [1]])
def test_what_is_no_finite_number_is_refused(name, bad):
    with pytest.raises(ValidationError) as caught:
        TrainConfig.model_validate({name: bad})
    assert [error["loc"] for error in caught.value.errors()] == [(name,)]


@pytest.mark.parametrize(("name", "ends"), RANGES.items())
def test_ranges_include_their_ends_and_nothing_beyond(name, ends):
    low, high = ends
    for end in ends:
        assert getattr(TrainConfig.model_validate({name: end}), name) == end
    for beyond in (low - 1, high + 1):
        with pytest.raises(ValidationError):
            TrainConfig.model_validate({name: beyond})


@pytest.mark.parametrize("name", ["optimizer", "decay", "precision"])
def test_choices_refuse_other_words(name):
    with pytest.raises(ValidationError):
        TrainConfig.model_validate({name: "best"})


def test_a_config_cannot_be_changed():
    config = TrainConfig()
    with pytest.raises(ValidationError, match="frozen"):
        config.seed = 2


@pytest.mark.parametrize("name", RANGES)
def test_offered_values_are_in_range_and_contain_the_default(name):
    field = TrainConfig.model_fields[name]
    options = (field.json_schema_extra or {}).get("options", [])
    for option in options:
        TrainConfig.model_validate({name: option})
    assert not options or field.default in options


def test_settings_come_from_the_environment(monkeypatch):
    monkeypatch.setenv("GENLIB_HOME", "/nowhere/at/all")
    monkeypatch.setenv("GENLIB_QUOTA_GB", "1.5")
    monkeypatch.delenv("GENLIB_DATABASE_URL", raising=False)
    settings = Settings()
    assert settings.home == Path("/nowhere/at/all")
    assert settings.quota_gb == 1.5
    assert settings.queue_url == "sqlite:////nowhere/at/all/queue.sqlite"
    monkeypatch.setenv("GENLIB_DATABASE_URL", "postgresql://db/queue")
    assert Settings().queue_url == "postgresql://db/queue"
