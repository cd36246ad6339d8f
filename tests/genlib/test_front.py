"""The public front: what a student types after `import genlib`."""

import subprocess
import sys

import pytest
import torch

import genlib
from genlib.data.dataset import load as load_dataset
from genlib.errors import TaskError
from genlib.runs.spec import RunSpec
from genlib.runs.store import open_store
from genlib.settings import Settings

SHORT = {"dataset": "digits", "epochs": 1, "progress": False}
BLOCKED = """
import sys
sys.modules["torch"] = None
import genlib
assert genlib.__version__ and {"train", "load", "FAMILIES"} <= set(genlib.__all__)
"""


@pytest.fixture(scope="module")
def module_home(tmp_path_factory):
    """A data folder that the tests of this module share."""
    with pytest.MonkeyPatch.context() as patch:
        home = tmp_path_factory.mktemp("home")
        patch.setenv("GENLIB_HOME", str(home))
        load_dataset.cache_clear()
        yield home
    load_dataset.cache_clear()


@pytest.fixture(scope="module")
def vae(module_home):
    return genlib.train("vae", codings=2, **SHORT)


def test_importing_genlib_imports_no_torch():
    subprocess.run([sys.executable, "-c", BLOCKED], check=True, timeout=60)


def test_there_is_nothing_public_but_what_it_says():
    assert all(getattr(genlib, name) for name in genlib.__all__)
    with pytest.raises(AttributeError, match="paint"):
        genlib.paint  # noqa: B018


def test_training_returns_the_run_that_the_knobs_ask_for(vae):
    expected = RunSpec.of_preset("vae", dataset="digits").model_dump()
    expected["model"]["codings"] = 2
    expected["train"]["epochs"] = 1
    assert vae.spec == RunSpec.model_validate(expected)
    assert vae.fingerprint == vae.spec.fingerprint
    assert vae.provenance.metrics["test_mse"] > 0


def test_samples_are_pictures_and_depend_on_the_seed_alone(vae):
    pictures = vae.sample(16)
    assert pictures.shape == (16, 1, 8, 8)
    assert 0 <= pictures.min() <= pictures.max() <= 1
    assert torch.equal(pictures, vae.sample(16))
    assert not torch.equal(pictures, vae.sample(16, seed=1))


def test_codings_are_the_family_s_own_for_numbers_and_for_grey_levels(vae):
    grey = load_dataset("digits").test[:5]
    z = vae.encode(grey)
    assert z.shape == (5, 2)
    assert torch.equal(z, vae.family.encode(grey.float() / 255))
    assert torch.equal(z, vae.encode(grey.float() / 255))


def test_what_a_family_cannot_do_is_said():
    shipped = genlib.load(RunSpec.of_preset("stacked").fingerprint)
    with pytest.raises(TypeError, match="makes no new pictures"):
        shipped.sample(1)
    gan = genlib.load(RunSpec.of_preset("gan2d").fingerprint)
    with pytest.raises(TypeError, match="has no codings"):
        gan.encode(gan.sample(1))


def test_a_finished_run_is_kept_and_not_trained_again(vae):
    again = genlib.train("vae", codings=2, **SHORT)
    assert again.provenance == vae.provenance
    assert torch.equal(again.sample(3), vae.sample(3))


def test_the_seed_is_a_knob(module_home, vae):
    other = genlib.train("vae", codings=2, seed=1, **SHORT)
    assert other.spec.train.seed == 1
    assert other.fingerprint != vae.fingerprint


def test_a_preset_is_where_the_knobs_start(module_home):
    run = genlib.train("stacked", preset="textbook", codings=4, **SHORT)
    expected = RunSpec.of_preset("stacked", "textbook", "digits")
    assert run.spec.train == expected.train.model_copy(update={"epochs": 1})
    assert run.spec.model == expected.model.model_copy(update={"codings": 4})


def test_a_run_is_loaded_by_its_fingerprint_or_the_beginning_of_it(vae):
    for name in (vae.fingerprint, vae.fingerprint[:8], vae.fingerprint[:20]):
        assert genlib.load(name).spec == vae.spec


def test_a_run_that_is_not_there_or_not_the_only_one_is_refused(vae):
    for name in ("0" * 64, vae.fingerprint[:7], ""):
        with pytest.raises(LookupError, match="no finished run"):
            genlib.load(name)
    twin = vae.fingerprint[:10] + "f" * 54
    open_store(Settings()).write_run(twin, vae.to_files())
    with pytest.raises(LookupError, match="2 runs begin with"):
        genlib.load(vae.fingerprint[:8])


@pytest.mark.parametrize(
    ("family", "asked", "sentence"),
    [
        ("vea", {}, "There is no family 'vea': did you mean 'vae'?"),
        ("vae", {"coding": 2}, "There is no knob of vae 'coding': did you mean 'codings'?"),
        ("vae", {"preset": "zzz"}, "There is no preset of vae 'zzz': there are "),
        ("vae", {"dataset": "digit"}, "There is no data set 'digit': did you mean 'digits'?"),
        ("vae", {"codings": 0}, "codings is 0: it should be greater than or equal to 1."),
        ("vae", {"epochs": 1.5}, "epochs is 1.5: it should be a valid integer"),
        ("vae", {"loss": "best"}, "loss is 'best': it should be 'mse', 'bce' or 'binary'."),
        ("vae", {"dataset": "ellipse"}, "vae does not learn points."),
    ],
)
def test_what_is_wrong_is_one_sentence(home, family, asked, sentence):
    with pytest.raises(genlib.KnobError) as caught:
        genlib.train(family, **asked)
    assert isinstance(caught.value, ValueError)
    assert str(caught.value).startswith(sentence)
    assert "\n" not in str(caught.value)


def test_divergence_is_one_sentence(home):
    knobs = {"optimizer": "adam", "learning_rate": 10.0, "activation": "selu"}
    with pytest.raises(TaskError, match="diverged"):
        genlib.train("stacked", dataset="digits", progress=False, **knobs)


def test_a_progress_bar_is_drawn_while_it_trains(home, capsys):
    genlib.train("stacked", dataset="digits", epochs=30)
    seen = capsys.readouterr()
    assert seen.out == ""
    assert "stacked" in seen.err
    assert "60/60" in seen.err


def test_no_knob_has_two_meanings():
    from genlib.config import TrainConfig

    explicit = {"family", "preset", "dataset", "progress"}
    for family, entry in genlib.FAMILIES.items():
        fields = set(entry.config_type.model_fields)
        assert not fields & (set(TrainConfig.model_fields) | explicit), family
