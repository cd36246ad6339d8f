"""What is drawn of games: boards and their bytes, own points, guesses, small clouds, shares."""

import io

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as some
from PIL import Image, ImageColor
from scipy.stats import norm
from torch import Tensor, nn

from genlib.data import CELLS
from genlib.data.dataset import load
from genlib.data.points import MODES
from genlib.models.gan2d.config import GAN2DConfig
from genlib.models.gan2d.model import PlaneGAN
from genlib.plots import GENERATED, REAL, class_areas, paired_bars, scatters
from genlib.plots.scatters import GAP
from genlib.rng import build, generator
from genlib.runs.spec import RunSpec
from genlib.studies.recipe_grid import Recipe
from genlib.studies.seed_sweep import Game, Sweep
from genlib.training.events import Snapshot
from tests.support.unpacked import unpacked
from ui.adversarial.real_or_fake import sensitivity
from ui.adversarial.recipe_grid import _cell, _endings
from ui.runs.plane_preview import board_of, caption, captured_modes, gives_probability
from ui.widgets.drawn_points import EXAMPLE, LIT, cells, written
from ui.widgets.plane_board import LAYERS, Board, packed

RNG = np.random.default_rng(0)
KINDS = {"real": "<u2", "generated": "<u2", "grid": "<u2", "field": "u1"}


def decoded(content: bytes) -> tuple[dict, dict[str, np.ndarray]]:
    """Return what the browser reads: the header, and the arrays as numbers in [0, 1]."""
    header, arrays = unpacked(content)
    return header, {
        name: np.frombuffer(values, KINDS[name]) / np.iinfo(KINDS[name]).max
        for name, values in arrays.items()
    }


def some_board(snapshots: int = 3, samples: int = 5, side: int = 4) -> Board:
    return Board(
        RNG.random((7, 2), np.float32),
        RNG.random((snapshots, samples, 2), np.float32),
        RNG.random((snapshots, side * side, 2), np.float32),
        RNG.random((snapshots, side * side), np.float32),
        [f"Step {snapshot}: 8 × 100 % — “good”." for snapshot in range(snapshots)],
    )


@pytest.mark.parametrize("shape", [(1, 1, 2), (3, 5, 4), (24, 100, 32)])
def test_a_board_is_read_from_its_bytes_as_exactly_as_they_can_hold_it(shape):
    board = some_board(*shape)
    header, arrays = decoded(packed(board, 560, "The plane", dark=False))
    assert set(arrays) == set(KINDS)
    for name, values in arrays.items():
        reference = getattr(board, name)
        error = 0.5001 / (255 if name == "field" else 65535) + 1e-7
        np.testing.assert_allclose(values.reshape(reference.shape), reference, rtol=0, atol=error)
    assert header["captions"] == board.captions
    assert (header["side"], header["samples"], header["size"]) == (shape[2], shape[1], 560)
    assert header["label"] == "The plane"
    assert header["layers"] == LAYERS


def test_what_lies_beyond_a_board_lies_on_its_edge():
    board = some_board(1, 2, 2)
    outside = np.array([[[-3.0, 0.5], [7.0, 1.0]]], np.float32)
    board = board._replace(generated=outside, field=np.array([[-1.0, 0, 1, 2]], np.float32))
    _, arrays = decoded(packed(board, 560, "", dark=False))
    np.testing.assert_allclose(arrays["generated"], [0, 0.5, 1, 1], atol=1e-5)
    np.testing.assert_array_equal(arrays["field"], [0, 0, 1, 1])


def test_a_board_is_light_by_day_and_dark_by_night_and_its_points_the_same():
    light, dark = (decoded(packed(some_board(), 340, "", dark=dark))[0] for dark in (False, True))
    for header in (light, dark):
        assert (header["colors"]["real"], header["colors"]["generated"]) == (REAL, GENERATED)
    brightness = lambda header, key: sum(ImageColor.getrgb(header["colors"][key]))  # noqa: E731
    assert brightness(light, "ground") > 600 > brightness(light, "ink")
    assert brightness(dark, "ground") < 100 < brightness(dark, "ink")


@given(some.lists(some.text(max_size=300), min_size=1, max_size=4), some.integers(200, 800))
def test_there_are_lines_enough_for_the_longest_caption(captions, size):
    board = some_board(len(captions))._replace(captions=captions)
    header, _ = decoded(packed(board, size, "", dark=True))
    assert header["captions"] == captions
    assert header["lines"] * (size / 7) >= max(map(len, captions))


def plane_gan(slope: tuple[float, float] = (0.0, 0.0)) -> PlaneGAN:
    """Return a game whose discriminator says real uphill, and whose generator draws its codings.

    Without a slope it is an untrained one.
    """
    family = build(lambda: PlaneGAN(GAN2DConfig(hidden=4), (2, 1, 1)), 0)
    if any(slope):
        seeing, drawing = nn.Linear(2, 1), nn.Linear(2, 2)
        with torch.no_grad():
            seeing.weight.copy_(torch.tensor([slope]))
            seeing.bias.zero_()
            drawing.weight.copy_(0.3 * torch.eye(2))
            drawing.bias.zero_()
        family.discriminator = nn.Sequential(nn.Flatten(), seeing)
        family.generator = nn.Sequential(drawing, nn.Unflatten(1, (2, 1, 1)))
    return family.eval()


def seen(family: PlaneGAN, dataset: str = "ring", step: int = 0) -> Snapshot:
    data = load(dataset)
    with torch.no_grad():
        shown = family.preview(data.test[data.showcase()], generator(0))
    return Snapshot(step, {"energy": 0.25}, shown)


@pytest.mark.parametrize("dataset", ["ring", "grid", "moons", EXAMPLE])
def test_the_real_points_of_a_board_lie_within_it_with_a_margin(dataset):
    data, snapshots = load(dataset), [seen(plane_gan(), dataset, step) for step in (0, 7)]
    board = board_of(data, snapshots)
    shown = len(data.showcase())
    assert board.real.shape == (shown, 2)
    assert board.generated.shape == board.grid.shape == (2, shown, 2)
    assert board.field.shape == (2, shown)
    assert ((board.real > 1 / 6 - 1e-5) & (board.real < 5 / 6 + 1e-5)).all(), "a quarter each side"
    assert ((board.field >= 0) & (board.field <= 1)).all()
    widths = np.ptp(board.real, 0)
    assert widths.max() == pytest.approx(2 / 3, rel=1e-3)
    reference = np.ptp(data.test[data.showcase()].flatten(1).numpy(), 0)
    assert widths[0] / widths[1] == pytest.approx(reference[0] / reference[1], rel=1e-3), (
        "it is square"
    )


def test_places_on_a_board_are_those_of_the_plane_moved_and_scaled():
    data, snapshot = load("ring"), seen(plane_gan((1.0, 0.0)))
    board = board_of(data, [snapshot])
    real = data.test[data.showcase()].flatten(1).numpy()
    x = np.concatenate([board.real, board.generated[0], board.grid[0]])
    samples, bent, _ = snapshot.images.flatten(1).chunk(3)
    y = np.concatenate([real, samples, bent])
    for axis in range(2):
        scale, shift = np.polyfit(y[:, axis], x[:, axis], 1)
        np.testing.assert_allclose(scale * y[:, axis] + shift, x[:, axis], atol=1e-5)
        assert scale == pytest.approx(2 / 3 / np.ptp(real, 0).max(), rel=1e-4)


@pytest.mark.parametrize(("slope", "axis"), [((80.0, 0.0), 1), ((0.0, 80.0), 0)])
def test_the_field_of_a_board_goes_from_left_to_right_and_from_below(slope, axis):
    (field,) = board_of(load("ring"), [seen(plane_gan(slope))]).field
    side = round(len(field) ** 0.5)
    square = field.reshape(side, side)
    low, high = np.split(square, 2, axis)
    assert low.mean() < 0.05
    assert high.mean() > 0.95
    assert (np.diff(square, axis=axis) >= 0).all()
    np.testing.assert_allclose(np.diff(square, axis=1 - axis), 0, atol=1e-6)


def test_a_board_says_what_it_is_told_to():
    snapshots = [seen(plane_gan(), step=step) for step in (0, 1)]
    assert board_of(load("ring"), snapshots, ["one", "two"]).captions == ["one", "two"]
    actual = board_of(load("ring"), snapshots).captions
    assert actual == [caption(load("ring"), snapshot) for snapshot in snapshots]


def preview(points: Tensor) -> Tensor:
    """Return what would be previewed of samples; the rest is far away."""
    return torch.cat([points, torch.full((2 * len(points), 2), 1e3)])[:, :, None, None]


@pytest.mark.parametrize("name", MODES)
def test_samples_at_the_middles_of_all_modes_are_the_best_there_are(name):
    modes = len(MODES[name].centres)
    shown = preview(MODES[name].centres.repeat(40, 1))
    actual = captured_modes(name, shown)
    assert (actual.captured, actual.high_quality) == (modes, 1)
    assert actual.reverse_kl == pytest.approx(0, abs=1e-5)
    assert caption(load(name), Snapshot(1234, {}, shown)) == (
        f"Step 1,234: {modes} of {modes} modes captured, 100% of high quality, "
        "reverse KL 0.00 nats."
    )


@pytest.mark.parametrize("name", MODES)
def test_samples_of_the_mixture_itself_meet_all_modes(name):
    count = 20_000
    points = load(name).train[:count].flatten(1)
    actual = captured_modes(name, preview(points))
    assert actual.captured == len(MODES[name].centres)
    share = 1 - np.exp(-4.5)  # of a round normal distribution within three deviations
    assert actual.high_quality == pytest.approx(share, abs=5 * 0.11 / count**0.5)
    assert 0 <= actual.reverse_kl < 0.01


def test_samples_of_one_mode_are_as_far_from_even_as_can_be():
    actual = captured_modes("ring", preview(MODES["ring"].centres[2].expand(100, 2)))
    assert (actual.captured, actual.high_quality) == (1, 1)
    assert actual.reverse_kl == pytest.approx(np.log(8), rel=1e-5)


def test_where_points_lie_at_no_mode_the_caption_has_no_reverse_kl():
    """Each point would count for its nearest mode, however far away: it would look spread."""
    shown = preview(10 * MODES["ring"].centres.repeat(40, 1))
    assert captured_modes("ring", shown).reverse_kl == pytest.approx(0, abs=1e-5)
    assert caption(load("ring"), Snapshot(5, {}, shown)) == (
        "Step 5: 0 of 8 modes captured, 0% of high quality."
    )


@pytest.mark.parametrize(
    ("loss", "probability"),
    [("non-saturating", True), ("minimax", True), ("hinge", False), ("relativistic", False)],
)
def test_only_some_losses_make_what_d_says_a_probability(loss, probability):
    spec = RunSpec.of_preset("gan2d")
    model = spec.model.model_copy(update={"loss": loss})
    assert gives_probability(spec.model_copy(update={"model": model})) is probability
    board = some_board()._replace(probability=probability)
    header, _ = decoded(packed(board, 560, "", dark=False))
    assert header["probability"] is probability


def test_of_data_without_modes_the_energy_distance_is_told():
    snapshot = seen(plane_gan(), "moons", 1000)
    assert captured_modes("moons", snapshot.images) is None
    assert caption(load("moons"), snapshot) == "Step 1,000: energy distance 0.250."


@given(some.integers(0, 16**64 - 1).map("{:064x}".format))
def test_a_drawing_of_cells_is_written_as_it_was_read(text):
    assert written(cells(text)) == text


@given(some.lists(some.integers(0, 255), min_size=CELLS**2, max_size=CELLS**2))
def test_whatever_is_drawn_is_black_or_white_once_it_is_written(levels):
    drawing = torch.tensor(levels, dtype=torch.uint8).view(1, CELLS, CELLS)
    again = cells(written(drawing))
    assert torch.equal(again > 0, drawing > LIT)
    assert set(again.unique().tolist()) <= {0, 255}


def test_the_first_digit_of_a_drawing_is_its_upper_left_corner():
    assert cells("8" + 63 * "0").nonzero().tolist() == [[0, 0, 0]]
    assert cells(63 * "0" + "1").nonzero().tolist() == [[0, CELLS - 1, CELLS - 1]]
    assert cells("0001" + 60 * "0").nonzero().tolist() == [[0, 0, CELLS - 1]]


@pytest.mark.parametrize("text", ["8" + 63 * "0", "000f" + 60 * "0", EXAMPLE[6:]])
def test_points_lie_in_the_cells_that_are_drawn(text):
    points = load(f"drawn-{text}").train.flatten(1)
    column = ((points[:, 0] + 1) / 2 * CELLS).long().clamp(0, CELLS - 1)
    row = ((1 - points[:, 1]) / 2 * CELLS).long().clamp(0, CELLS - 1)
    actual = torch.zeros(CELLS, CELLS)
    actual.index_put_((row, column), torch.ones(len(points)), accumulate=True)
    assert float(actual[cells(text)[0] == 0].sum()) < 0.001 * len(points), "but for rounding"
    assert (actual[cells(text)[0] > 0] > 0).all()


COUNTS = some.integers(0, 6)


@given(COUNTS, COUNTS)
def test_sensitivity_is_the_distance_of_two_normal_distributions(hits, alarms):
    """Where the criterion lies between them, each rate is a part of its distribution."""
    actual = sensitivity(hits, 6, alarms, 6)
    criterion = -norm.ppf((alarms + 0.5) / 7)
    assert norm.cdf(actual - criterion) == pytest.approx((hits + 0.5) / 7)


@given(COUNTS, COUNTS)
def test_sensitivity_changes_its_sign_with_the_roles_and_with_the_answers(hits, alarms):
    actual = sensitivity(hits, 6, alarms, 9)
    assert sensitivity(alarms, 9, hits, 6) == pytest.approx(-actual, abs=1e-12)
    assert sensitivity(6 - hits, 6, 9 - alarms, 9) == pytest.approx(-actual, abs=1e-12)


def test_who_answers_alike_to_both_kinds_is_guessing_and_a_perfect_score_is_finite():
    for hits in range(7):
        assert sensitivity(hits, 6, hits, 6) == 0
    perfect = sensitivity(6, 6, 0, 6)
    assert 2.5 < perfect < 4
    assert all(sensitivity(hits, 6, alarms, 6) < perfect for hits in range(6) for alarms in (0, 1))
    assert sensitivity(0, 0, 6, 12) == pytest.approx(0), "nothing is known of no pictures"


SQUARE = np.array([[-1.0, -1.0], [1.0, 1.0]], np.float32)  # what is shown reaches to ±1.24


def opened(content: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(content)) as image:
        assert image.format == "PNG"
        return np.asarray(image.convert("RGBA"))


def coloured(image: np.ndarray, colour: str) -> np.ndarray:
    """Return where an image has a colour, be it faint."""
    apart = np.abs(image[..., :3].astype(int) - ImageColor.getrgb(colour)).max(-1)
    return (apart < 8) & (image[..., 3] > 60)


@pytest.mark.parametrize(("count", "columns"), [(1, 1), (3, 3), (8, 3), (2, 4)])
def test_clouds_stand_side_by_side_with_gaps_between_them(count, columns):
    clouds = np.zeros((count, 1, 2), np.float32)
    image = opened(scatters(clouds, SQUARE, columns=columns, side=50))
    rows = -(-count // columns)
    assert image.shape == (rows * (50 + GAP) - GAP, columns * (50 + GAP) - GAP, 4)
    for number in range(rows * columns):
        top, left = (50 + GAP) * np.array(divmod(number, columns))
        part = image[top : top + 50, left : left + 50]
        if number < count:
            assert coloured(part, GENERATED)[24:26, 24:26].all()
            assert coloured(part, GENERATED).sum() <= 4**2
        else:
            assert not part.any(), "nothing is drawn where there is no cloud"


@given(some.floats(-1, 1, width=32), some.floats(-1, 1, width=32))
def test_a_point_lies_where_it_should_in_its_colour(x, y):
    side = 60
    image = opened(scatters(np.array([[[x, y]]], np.float32), SQUARE, columns=1, side=side))
    rows, columns = np.nonzero(coloured(image, GENERATED))
    assert 1 <= len(rows) <= 4**2
    actual = np.average([columns + 0.5, rows + 0.5], 1, image[rows, columns, 3])
    expected = (x / 2.48 + 0.5) * side, (0.5 - y / 2.48) * side
    np.testing.assert_allclose(actual, expected, atol=0.6)


def test_known_points_lie_under_each_cloud_and_what_is_far_away_is_left_out():
    nowhere = np.full((2, 1, 2), 1e4, np.float32)
    image = opened(scatters(nowhere, SQUARE, columns=2, side=62))
    real = coloured(image, REAL)
    for left in (0, 62 + GAP):
        assert real[56, left + 6], "-1, -1 is below on the left"
        assert real[6, left + 56]
        assert not real[6, left + 6]
    assert not coloured(image, GENERATED).any()


def test_shares_of_classes_stand_on_one_another_and_make_a_whole():
    steps, names = np.array([0.0, 1, 4, 9]), ["shoe", "shirt", "bag"]
    shares = RNG.dirichlet(np.ones(3), 4)
    figure = class_areas(steps, shares, names)
    assert [trace.name for trace in figure.data] == names
    assert len({trace.stackgroup for trace in figure.data}) == 1
    assert len({trace.fillcolor for trace in figure.data}) == 3
    np.testing.assert_allclose(np.sum([trace.y for trace in figure.data], 0), 1)
    for trace, reference in zip(figure.data, shares.T, strict=True):
        np.testing.assert_array_equal(trace.x, steps)
        np.testing.assert_array_equal(trace.y, reference)
    assert tuple(figure.layout.yaxis.range) == (0, 1)


def test_bars_of_generated_and_real_data_are_as_high_as_their_shares_and_in_their_colours():
    names, output, real = list("0123"), np.array([0.7, 0.3, 0, 0]), np.full(4, 0.25)
    figure = paired_bars({"generated": output, "real": real}, names, "share")
    assert [trace.name for trace in figure.data] == ["generated", "real"]
    assert [trace.marker.color for trace in figure.data] == [GENERATED, REAL]
    for trace, heights in zip(figure.data, (output, real), strict=True):
        assert list(trace.x) == names
        np.testing.assert_array_equal(trace.y, heights)
    assert figure.layout.barmode in (None, "group"), "beside each other"
    assert figure.layout.xaxis.type == "category", "numerals are names"


@pytest.mark.parametrize(
    ("captured", "cell"),
    [([], "—"), ([8, 8], "8.0 · 0% · 90%"), ([8, 4], "6.0 · 50% · 90%")],
)
def test_a_recipe_s_cell_tells_the_mean_who_misses_a_mode_and_the_quality(captured, cell):
    recipe = Recipe(loss="hinge", cure="none", captured=captured, high_quality=0.9)
    assert _cell(recipe, 8) == cell


def test_games_that_diverged_are_not_counted_as_collapsed():
    ends = [(8, 0.9), (0, 0.0), (1, 0.9), (0, 0.0)]
    games = [Game(captured=n, high_quality=share, reverse_kl=0.5) for n, share in ends]
    expected = "Of 4 games: 2 diverged, 1 all modes, 1 mode collapse"
    assert _endings(Sweep(games=games, seconds=1.0), 8) == expected
