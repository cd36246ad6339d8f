"""Every page draws, with every preset, and no link can make it fail or train.

The knobs of all families are tested by themselves: tests/ui/runs/test_knobs.py.
"""

from collections.abc import Iterator
from itertools import cycle
from pathlib import Path

import pytest

from genlib.data import DATASETS, default_dataset
from genlib.jobs import Jobs
from genlib.models import FAMILIES
from genlib.runs.spec import RunSpec
from genlib.settings import Settings
from tests.support.app import figures, import_pages, opened, shared, shown_run
from ui.controls import VIEWS
from ui.lesson import PARTS
from ui.navigation import PLAN
from ui.runs.knobs import usual_dataset

LESSONS = [name for name in PLAN if name in FAMILIES]
CHANNELS = 3  # channels of a photograph


@pytest.fixture(scope="module", autouse=True)
def _nobody_asks(house: None) -> Iterator[None]:
    """Whatever is opened here, nobody asks for a run by that."""
    yield
    assert Jobs(Settings()).client.list_workflows(load_input=False) == []


def spec_of(family: str, preset: str | None = None) -> RunSpec:
    """Return a preset's run with the data set that this machine has; the first by default."""
    usual = RunSpec.of_preset(family, preset).dataset
    here = default_dataset() if usual == "fashion_mnist" else usual
    return RunSpec.of_preset(family, preset, here)


def other_data(family: str) -> str:
    """Return a data set that the family learns: of another shape than the usual one, if any."""
    usual = usual_dataset(family)
    others = [
        name
        for name, source in DATASETS.items()
        if source.kind in FAMILIES[family].learns and name != usual
    ]
    return next((name for name in others if DATASETS[name].shape[0] == CHANNELS), others[0])


@pytest.mark.parametrize("name", [name for name in PLAN if name not in LESSONS])
def test_a_page_draws(name: str):
    app = opened(name)
    assert len(app.title) == 1
    assert not app.warning
    assert "Traceback" not in "".join(str(item) for item in app.markdown)


def test_every_family_has_its_page():
    assert FAMILIES.keys() <= PLAN.keys()


@pytest.mark.parametrize("family", LESSONS)
def test_a_lesson_shows_the_shipped_run(family: str):
    app = opened(family)
    assert len(app.title) == 1
    assert not app.warning
    assert shown_run(app) == spec_of(family).fingerprint[:12]
    assert shared(app) == {}
    assert any("shipped" in item.value for item in app.markdown)


@pytest.mark.parametrize("family", LESSONS)
def test_a_shipped_run_can_be_taken_home(family: str):
    app = opened(family, {f"{family}.part": "Take home"})
    labels = [item.label for item in app.get("download_button")]
    assert labels.count("Weights") == labels.count("Plain PyTorch") == 1


@pytest.mark.parametrize("family", LESSONS)
@pytest.mark.parametrize("most", [1, pytest.param(9, marks=pytest.mark.slow)])
def test_a_lesson_goes_to_each_of_its_other_presets(family: str, most: int):
    _, *others = FAMILIES[family].presets
    app = opened(family)
    for preset in others[:most]:
        app.button(key=f"{family}-preset-{preset}").click().run()
        assert not app.exception, preset
        assert not app.error, preset
        assert not [warning.value for warning in app.warning if "link" in warning.value]
        assert shown_run(app) == spec_of(family, preset).fingerprint[:12]


@pytest.mark.parametrize("family", ["stacked", "vae", "ddpm"])
def test_without_fashion_mnist_a_lesson_shows_a_shipped_run_on_digits(family: str, monkeypatch):
    monkeypatch.setattr("genlib.data.catalogue.DEBIAN", Path("/nowhere"))
    app = opened(family)
    assert shown_run(app) == RunSpec.of_preset(family, dataset="digits").fingerprint[:12]
    assert any("stand in" in item.value for item in app.caption)
    assert any("shipped" in item.value for item in app.markdown)


@pytest.mark.parametrize("family", LESSONS)
def test_a_page_draws_all_its_figures_with_data_of_another_shape(family: str):
    dataset = other_data(family)
    for app in figures(family, {f"{family}.dataset": DATASETS[dataset].title}):
        assert not any("not possible" in item.value for item in app.warning)
        assert shown_run(app) == RunSpec.of_preset(family, dataset=dataset).fingerprint[:12]
        assert shared(app)[f"{family}.dataset"] == [dataset]


@pytest.mark.parametrize("family", LESSONS)
def test_nonsense_in_a_link_is_reported_by_the_page_and_does_not_harm_it(family: str):
    link = {f"{family}.seed": "inf", f"{family}.epochs": "-1", "[x](http://a.example)": "1"}
    app = opened(family, link)
    (warning,) = app.warning
    assert "not possible here" in warning.value
    assert shown_run(app) == spec_of(family).fingerprint[:12]
    assert shared(app) == {}


@pytest.mark.parametrize("name", [name for name in PLAN if name != "home"])
def test_nonsense_in_all_views_of_a_link_does_no_harm(name: str):
    import_pages()  # which records the names of their views
    texts = cycle(["x", "-1", "1e999,nan", "1,2,3", "99999999", "", "9" * 3000])
    views = zip(sorted(VIEWS - {"part", *PARTS.values()}), texts, strict=False)
    drawn = [app.title for app in figures(name, {f"{name}.{view}": text for view, text in views})]
    assert len(drawn) > 1


def test_a_part_or_figure_that_is_not_there_is_refused_in_a_sentence():
    app = opened("vae", {"vae.part": "broken", "vae.inside": "Latent mop"})
    part, figure = [item.value for item in app.warning if "link" in item.value]
    assert "Break it" in part
    assert "Latent map" in figure
