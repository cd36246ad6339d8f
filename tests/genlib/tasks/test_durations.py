"""How long a task takes here: by what this machine measured, and unknown until it has."""

import json

import pytest

from genlib.runs.spec import RunSpec
from genlib.runs.store import Store
from genlib.studies.seed_sweep import SeedSweep
from genlib.tasks.durations import LEAST, Durations
from tests.support.studied import trained

HERE, CARD = "CPU, 2 cores", "NVIDIA H200"


@pytest.fixture
def durations(tmp_path) -> Durations:
    """A store whose shipped runs took 100 s on a CPU, as far as the two families go."""
    shipped = tmp_path / "shipped"
    store = Store(shipped)
    provenance = trained(codings=10).provenance.model_copy(update={"seconds": 100.0})
    for family in ("stacked", "gan2d"):
        spec = RunSpec.of_preset(family)
        document = {"spec": spec.model_dump(mode="json"), "provenance": provenance.model_dump()}
        store.write_run(spec.fingerprint, {"config.json": json.dumps(document).encode()})
    return Durations(Store(tmp_path / "home", shipped=store.runs))


def test_a_processors_seconds_say_nothing_of_a_gpu(durations):
    spec = RunSpec.of_preset("stacked")
    assert durations.here(spec, HERE) == pytest.approx(100)
    assert durations.here(spec, CARD) is None


def test_what_a_device_trained_tells_how_long_the_next_run_takes_there(durations):
    spec = RunSpec.of_preset("stacked")
    recipe = spec.train.model_copy(update={"epochs": 3 * spec.train.epochs})
    longer = spec.model_copy(update={"train": recipe})
    durations.note(spec, 4.0, CARD)
    assert durations.here(spec, CARD) == pytest.approx(4)
    assert durations.here(longer, CARD) == pytest.approx(12)
    assert durations.here(RunSpec.of_preset("gan2d"), CARD) is None
    assert durations.here(spec, HERE) == pytest.approx(100)
    durations.note(longer, 3.0, CARD, share=0.5)
    assert durations.here(spec, CARD) == pytest.approx(2)


def test_the_seconds_of_the_usual_run_itself_count_once(durations):
    """Trained here too, it takes the shipped one's place as what others are compared with."""
    spec = RunSpec.of_preset("stacked")
    durations.note(spec, 4.0, CARD)
    document = json.loads(durations.store.read_file(spec.fingerprint, "config.json"))
    document["provenance"] |= {"seconds": 4.0, "device": CARD}
    durations.store.write_run(spec.fingerprint, {"config.json": json.dumps(document).encode()})
    assert durations.here(spec, CARD) == pytest.approx(4)


def test_a_study_takes_as_long_as_what_was_trained_here_says(durations):
    study = SeedSweep(start=RunSpec.of_preset("gan2d"), seeds=4)
    usual = durations.here(study, HERE)
    assert durations.here(study, CARD) is None
    durations.note(RunSpec.of_preset("stacked"), 5.0, CARD)
    assert durations.here(study, CARD) == pytest.approx(usual / 20)


def test_a_moment_of_training_tells_nothing(durations):
    spec = RunSpec.of_preset("stacked")
    durations.note(spec, LEAST / 2, CARD)
    assert durations.here(spec, CARD) is None
