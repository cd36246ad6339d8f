"""What each layer's style decides: exchanged by hand it is the same, and nothing where it is."""

import math
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor

from genlib.classifier import Classifier, ClassifierSpec, classified
from genlib.errors import TaskError
from genlib.jobs.catalogue import read_task
from genlib.models.stylegan.model import LAYERS, StyleGAN
from genlib.rng import generator
from genlib.runs.run import Run
from genlib.runs.spec import RunSpec
from genlib.studies.style_layers import (
    Exchanged,
    StyleLayers,
    donor_shares,
    drawn_styles,
    exchanged,
    interval,
    path,
    path_lengths,
    peaks,
    synthesized,
)
from genlib.tasks.progress import Progress
from genlib.tasks.workspace import Workspace
from tests.support.studied import CPU, trained, workspace_of

PICTURES = 100
JUDGE = ClassifierSpec(dataset="digits")
TINY = {"filters": 4, "most_filters": 16, "codings": 6, "width": 8, "mapping": 2}


@pytest.fixture(scope="module")
def run() -> Run:
    return trained("stylegan", 1, **TINY)


@pytest.fixture(scope="module")
def model(run: Run) -> StyleGAN:
    assert isinstance(run.family, StyleGAN)
    return run.family


@pytest.fixture(scope="module")
def workspace(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Return a bench with a judge of digits that was trained for a moment."""
    return judging(tmp_path_factory.mktemp("exchanging"), run)


def judging(folder: Path, run: Run) -> Workspace:
    workspace = workspace_of(folder, run)
    *_, last = ClassifierSpec(dataset="digits", steps=30, batch_size=128).perform(workspace, {})
    workspace.store.write_run(JUDGE.fingerprint, last.files)
    return workspace


@pytest.fixture(scope="module")
def classifier(workspace: Workspace) -> Classifier:
    return JUDGE.read(workspace.store.read_run(JUDGE.fingerprint), CPU)


@pytest.fixture(scope="module")
def steps_done(run: Run, workspace: Workspace) -> list[Progress]:
    return list(StyleLayers(start=run.spec, pictures=PICTURES).perform(workspace, {}))


@pytest.fixture(scope="module")
def measured(steps_done: list[Progress]) -> Exchanged:
    return exchanged(steps_done[-1].files)


def test_a_study_of_styles_is_read_as_it_was_written():
    study = StyleLayers(start=RunSpec.of_preset("stylegan"))
    again = read_task(study.model_dump_json())
    assert type(again) is StyleLayers
    assert again == study
    assert again.fingerprint == study.fingerprint


@pytest.mark.parametrize("family", ["gan", "progressive", "vae"])
def test_only_what_has_styles_exchanges_them(family):
    with pytest.raises(ValidationError, match=f"the family {family} has no styles"):
        StyleLayers(start=RunSpec.of_preset(family, dataset="digits"))


def test_styles_of_a_run_that_is_not_there_are_not_exchanged(run, tmp_path: Path):
    with pytest.raises(TaskError, match="not trained yet"):
        next(StyleLayers(start=run.spec).perform(workspace_of(tmp_path), {}))


def test_it_tells_each_of_its_steps_and_ends_with_its_figures(steps_done):
    count = 2 + 4 + 2  # groups and layers of two sizes, the walks, the peaks
    assert [event.step for event in steps_done] == list(range(1, count + 1))
    assert {event.steps for event in steps_done} == {count}
    assert [bool(event.files) for event in steps_done] == [False] * (count - 1) + [True]


def test_the_same_run_gives_the_same_figures_whatever_was_kept(run, workspace, steps_done):
    *_, again = StyleLayers(start=run.spec, pictures=PICTURES).perform(
        workspace, {"styles.json": b""}
    )
    assert again.files == steps_done[-1].files


def test_slopes_are_as_they_were_while_it_waits(run, workspace):
    """A study that is stopped must not leave the process without gradients."""
    events = StyleLayers(start=run.spec, pictures=PICTURES).perform(workspace, {})
    for _ in range(3):
        next(events)
        assert torch.is_grad_enabled()


def test_figures_are_read_as_they_were_written(steps_done, measured):
    assert measured.to_json() == steps_done[-1].files["styles.json"]
    assert measured.pictures == PICTURES


def test_figures_lie_where_they_can(model, measured):
    assert [share.name for share in measured.groups] == list(model.layers())
    assert [share.name for share in measured.layers] == ["1", "2", "3", "4"]
    for share in (*measured.groups, *measured.layers):
        assert share.low <= share.changed <= share.high
        assert 0 <= share.changed <= 1
        assert 0 <= share.pixels <= 1
    assert [length.space for length in measured.lengths] == ["w", "z"]
    for length in measured.lengths:
        assert length.low <= length.value <= length.high
        assert length.value >= 1 - 1e-4, "no way is shorter than the straight one"
    assert len(measured.peaks) == 4
    assert all(peak >= 1 for peak in measured.peaks), "nothing is larger on average than at most"


def by_hand(model: StyleGAN, layers: list[int]) -> tuple[Tensor, Tensor]:
    """Return pictures, and the same with the styles of others at some layers."""
    own, other = (
        model.style(torch.randn(PICTURES, model.codings, generator=generator(seed)))
        for seed in (0, 1)
    )
    styles = torch.stack(
        [(other if layer in layers else own)[:, layer] for layer in range(own.shape[1])], 1
    )
    return model.synthesise(own), model.synthesise(styles)


def test_what_it_says_of_each_exchange_is_so_by_hand(model, classifier, measured):
    wanted = [*model.layers().values(), *([layer] for layer in range(4))]
    for share, layers in zip((*measured.groups, *measured.layers), wanted, strict=True):
        before, after = by_hand(model, layers)
        classes = [classified(classifier, x).classes for x in (before, after)]
        changed = int((classes[0] != classes[1]).sum())
        assert share.changed * PICTURES == pytest.approx(changed, abs=1)
        assert share.pixels == pytest.approx(float((before - after).abs().mean()), abs=1e-5)
    assert max(share.pixels for share in measured.layers) > 0


def test_the_shares_of_donors_classes_are_so_by_hand(model, classifier, measured):
    every = [layer for layers in model.layers().values() for layer in layers]
    wanted = classified(classifier, by_hand(model, every)[1]).classes
    donors = measured.donors
    assert donors == donor_shares(model, classifier, PICTURES, CPU)
    before = classified(classifier, by_hand(model, [])[1]).classes
    assert donors.before == pytest.approx(float((before == wanted).float().mean()), abs=0.011)
    assert list(donors.groups) == list(model.layers())
    for name, layers in model.layers().items():
        classes = classified(classifier, by_hand(model, layers)[1]).classes
        share = float((classes == wanted).float().mean())
        assert donors.groups[name] == pytest.approx(share, abs=0.011), name


def test_figures_of_before_donors_were_counted_are_still_read(measured):
    document = measured.model_dump()
    del document["donors"]
    assert Exchanged.model_validate(document).donors is None


def test_groups_add_up_to_the_others_own_pictures(model):
    every = [layer for layers in model.layers().values() for layer in layers]
    z = torch.randn(PICTURES, model.codings, generator=generator(1))
    torch.testing.assert_close(by_hand(model, every)[1], model.generate(z))


def silenced(run: Run, part: str) -> Run:
    """Return a run whose mapping gives all the same style, or whose layers do not heed it."""
    again = Run.from_files(run.to_files())
    weights = "parametrizations.weight.original"
    changed = [
        weight
        for name, weight in again.family.generator.named_parameters()
        if part in name and name.endswith(weights)
    ]
    assert changed
    for weight in changed:
        weight.zero_()
    return again


@pytest.mark.parametrize("part", ["mapping", "affine"])
def test_exchanging_equal_styles_or_styles_without_effect_changes_nothing(run, tmp_path, part):
    silent = silenced(run, part)
    *_, last = StyleLayers(start=run.spec, pictures=PICTURES).perform(
        judging(tmp_path, silent), {}
    )
    measured = exchanged(last.files)
    for share in (*measured.groups, *measured.layers):
        assert (share.changed, share.low, share.high) == (0, 0, 0)
        assert share.pixels == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("space", ["w", "z"])
def test_a_walk_goes_from_the_one_style_to_the_other_in_even_steps(model, space):
    first, last = torch.randn(2, model.codings, generator=generator(5))
    way = path(model, first, last, space, 9)
    ends = model.style(torch.stack([first, last]))
    torch.testing.assert_close(way[[0, -1]], ends)
    assert way.shape == (9, 2 * LAYERS, model.config.width)
    if space == "w":
        steps = way.diff(dim=0)
        torch.testing.assert_close(steps, steps[:1].expand_as(steps), atol=1e-5, rtol=1e-3)
        torch.testing.assert_close(steps[0], (ends[1] - ends[0]) / 8)


@pytest.mark.parametrize("space", ["w", "z"])
def test_a_way_of_one_step_is_straight_and_no_way_is_shorter_between_more(
    model, classifier, space, monkeypatch
):
    monkeypatch.setattr("genlib.studies.style_layers.PATHS", 10)
    lengths = []
    for steps in (2, 3, 5, 17):  # each goes through all places of the one before
        monkeypatch.setattr("genlib.studies.style_layers.STEPS", steps)
        lengths.append(path_lengths(model, classifier, space, CPU))
    torch.testing.assert_close(lengths[0], torch.ones(10))
    for coarse, fine in pairwise(lengths):
        assert (fine >= coarse - 1e-4).all()


def test_peaks_are_those_of_the_maps_before_they_are_normalised(model):
    styles = drawn_styles(model, 20, 3, CPU)
    x, expected = model.generator.begin(styles[:, 0]), []
    for index in range(4):
        layer, w = model.generator.layer(index), styles[:, index]
        maps = layer.unstyled(x, w, None)
        sizes = maps.flatten(1).abs()
        ratios = sizes.amax(1) / (sizes.norm(dim=1) / math.sqrt(sizes.shape[1]))
        expected.append(float(ratios.sort().values[9]))
        x = layer.styled(maps, w)
    assert peaks(model, styles) == pytest.approx(expected, rel=1e-4)
    assert not any(layer._forward_hooks for layer in model.modules()), "nothing is left behind"


def test_many_pictures_are_made_in_parts_and_are_the_same(model):
    styles = drawn_styles(model, 1_100, 4, CPU)
    torch.testing.assert_close(synthesized(model, styles), model.synthesise(styles))


def test_the_interval_of_a_share_is_that_of_the_normal_law():
    values = (torch.rand(2_000, generator=generator(0)) < 0.3).float()
    share, low, high = interval(values)
    assert share == pytest.approx(float(values.mean()))
    half = 1.96 * math.sqrt(share * (1 - share) / 2_000)
    assert share - low == pytest.approx(half, rel=0.3)
    assert high - share == pytest.approx(half, rel=0.3)
    assert interval(torch.full((50,), 0.25)) == (0.25, 0.25, 0.25)
