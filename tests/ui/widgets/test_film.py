"""A film is sent, laid out and downloaded as it was made: pixel by pixel, frame by frame."""

import io

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as some
from PIL import Image

from genlib.diffusion.diffusion import Diffusion
from genlib.diffusion.samplers import SAMPLERS, Frame, Sampler, ddim
from genlib.latents import FRAMES, spread
from genlib.models.ddpm.config import DDPMConfig
from genlib.models.ddpm.model import DDPM
from genlib.models.flow.config import FlowConfig
from genlib.models.flow.model import FlowMatching
from genlib.plots import animation
from genlib.plots.grid import GROUND, GUTTER
from genlib.rng import build, generator
from genlib.runs.run import Run
from tests.support.studied import trained
from tests.support.unpacked import unpacked
from ui.diffusion.reverse_process import Recipe, class_labels, film_of
from ui.widgets.film import GAP, Film, beside, packed
from ui.widgets.pictures import COLUMNS, grid

RNG = np.random.default_rng(0)
RECIPE = Recipe("DDIM", 0.0, 6, -1, 1.0, 0)
GREY, COLOUR = (1, 8, 8), (3, 8, 8)
both_shapes = pytest.mark.parametrize("shape", [GREY, COLOUR], ids=["grey", "colour"])


def seen(content: bytes) -> Film:
    """Return the film that the browser reads."""
    header, arrays = unpacked(content)
    shape = -1, header["height"], header["width"], header["channels"]
    panels = [
        np.frombuffer(arrays[str(panel)], np.uint8).reshape(shape)
        for panel in range(len(header["panels"]))
    ]
    return Film(dict(zip(header["panels"], panels, strict=True)), header["captions"])


def some_film(
    frames: int = 3, panels: int = 2, height: int = 4, width: int = 5, channels: int = 1
) -> Film:
    shape = frames, height, width, channels
    return Film(
        {f"x̂ № {panel}": RNG.integers(0, 256, shape, np.uint8) for panel in range(panels)},
        [f"t = {frame}: α = 0.50 — “half”." for frame in range(frames)],
    )


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(
    ("frames", "panels", "height", "width"), [(1, 1, 1, 1), (2, 3, 4, 5), (9, 2, 7, 3)]
)
def test_a_film_is_read_from_its_bytes_as_it_was(frames, panels, height, width, channels):
    output = some_film(frames, panels, height, width, channels)
    actual = seen(packed(output, "digits", 3))
    assert actual.captions == output.captions
    assert list(actual.panels) == list(output.panels), "in their order"
    for title, panel in output.panels.items():
        np.testing.assert_array_equal(actual.panels[title], panel)


@pytest.mark.parametrize("channels", [1, 3])
def test_grey_films_are_one_byte_a_pixel_and_coloured_ones_three(channels):
    header, arrays = unpacked(packed(some_film(6, 2, 4, 5, channels), "digits", 3))
    assert (header["width"], header["height"], header["channels"]) == (5, 4, channels)
    assert [len(array) for array in arrays.values()] == [6 * 4 * 5 * channels] * 2


def test_a_film_says_what_it_shows_and_by_how_much_it_is_enlarged():
    header, _ = unpacked(packed(some_film(), "noise on its way — “back”", 7))
    assert (header["label"], header["factor"]) == ("noise on its way — “back”", 7)


@given(some.integers(1, 30), some.data())
def test_a_film_rests_where_it_is_told_to_from_the_end_where_that_is_negative(frames, data):
    start = data.draw(some.integers(-frames, frames - 1))
    output = some_film(frames, 1, 1, 1)
    header, _ = unpacked(packed(output, "", 3, start))
    assert header["start"] == (start if start >= 0 else frames + start)
    assert unpacked(packed(output, "", 3))[0]["start"] == frames - 1, "at its end unless header"


@pytest.mark.parametrize("start", [-4, 3])
def test_a_film_cannot_rest_at_a_frame_that_it_has_not(start):
    with pytest.raises(IndexError):
        packed(some_film(3), "", 3, start)


@given(some.integers(1, 5000), some.integers(2, 200))
def test_moments_are_spread_evenly_from_the_first_to_the_last(count, most):
    actual = spread(count, most)
    assert actual[0] == 0
    assert actual[-1] == count - 1
    assert len(actual) == min(count, most)
    assert (np.diff(actual) > 0).all(), "none is there twice"
    even = np.arange(len(actual)) * (count - 1) / max(1, len(actual) - 1)
    assert (np.abs(actual - even) <= 0.5 + 1e-6).all()


@given(some.integers(1, FRAMES))
def test_of_a_short_path_every_moment_is_kept(count):
    assert spread(count, FRAMES) == list(range(count))


def model(shape: tuple[int, int, int] = GREY, timesteps: int = 12, **changes: object) -> DDPM:
    """Return an untrained model whose weights are all random, where some begin at zero."""
    config = DDPMConfig(width=8, depth=1, timesteps=timesteps, prediction="velocity", **changes)
    family = build(lambda: DDPM(config, shape), 0).eval()
    rng = generator(2)
    for weight in family.parameters():
        weight.data += 0.2 * torch.randn(weight.shape, generator=rng)
    return family.requires_grad_(requires_grad=False)


def walked(
    family: Diffusion, recipe: Recipe = RECIPE, sampler: Sampler | None = None
) -> list[Frame]:
    """Return the frames of a walk, by the recipe's sampler or by another one."""
    rng = generator(recipe.seed)
    noise = torch.randn(COLUMNS**2, *family.shape, generator=rng)
    times = family.schedule.times(recipe.steps)
    with torch.no_grad():
        return list(family.trajectory(noise, sampler or recipe.method, times, rng))


def part(image: np.ndarray, place: int, columns: int = COLUMNS, side: int = 8) -> np.ndarray:
    """Return the picture at a place of a grid."""
    top, left = (side + GUTTER) * np.array(divmod(place, columns))
    return image[top : top + side, left : left + side]


def levels(x: torch.Tensor) -> np.ndarray:
    """Return the grey levels of a picture in [0, 1], its channels last."""
    return np.rint(255 * x.movedim(0, -1).double().numpy())


@both_shapes
@pytest.mark.parametrize(("count", "columns"), [(16, 4), (4, 2), (6, 3), (5, 1)])
def test_pictures_stand_in_rows_with_gutters_between_them(shape, count, columns):
    x = torch.rand(count, *shape, generator=generator(0))
    image = grid(x, columns)
    rows = count // columns
    tall, wide = ((8 + GUTTER) * many - GUTTER for many in (rows, columns))
    assert image.shape == (tall, wide, shape[0])
    assert image.dtype == np.uint8
    taken = np.zeros((tall, wide), bool)
    for place, picture in enumerate(x):
        np.testing.assert_allclose(part(image, place, columns), levels(picture), atol=1e-3)
        part(taken, place, columns)[:] = True
    assert taken.sum() == count * 64
    assert (image[~taken] == GROUND).all()


def test_a_grid_is_a_square_of_sixteen_unless_told():
    image = grid(torch.zeros(COLUMNS**2, *GREY))
    assert image.shape == (4 * 8 + 3 * GUTTER, 4 * 8 + 3 * GUTTER, 1)
    assert (image == GROUND).sum() == image.size - 16 * 64


def test_what_is_beyond_black_and_white_is_black_or_white():
    x = torch.tensor([-3.0, -0.001, 1.001, 9.0]).view(4, 1, 1, 1).expand(4, *GREY)
    image = grid(x, 2)
    assert [part(image, place, 2).max() for place in (0, 1)] == [0, 0]
    assert [part(image, place, 2).min() for place in (2, 3)] == [255, 255]


@pytest.mark.parametrize("factor", [1, 2, 3])
@pytest.mark.parametrize("kinds", [(1,), (1, 1), (3, 3), (1, 3, 1)], ids=str)
def test_panels_stand_side_by_side_each_pixel_enlarged(kinds, factor):
    panels = [
        RNG.integers(0, 256, (3, 4, width, channels), np.uint8)
        for width, channels in zip((5, 6, 7), kinds, strict=False)
    ]
    image = beside(panels, factor)
    assert image.dtype == np.uint8
    small = image[:, ::factor, ::factor]
    block = np.ones((1, factor, factor, 1), np.uint8)
    np.testing.assert_array_equal(np.kron(small, block), image)
    left = 0
    for panel in panels:
        if left:
            assert (small[:, :, left : left + GAP] == GROUND).all()
            left += GAP
        width = panel.shape[2]
        shown = small[:, :, left : left + width]
        np.testing.assert_array_equal(shown, np.broadcast_to(panel, shown.shape))
        left += width
    assert small.shape == (3, 4, left, 3)


@both_shapes
@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_film_shows_what_is_there_beside_what_the_model_sees(shape, sampler):
    family = model(shape)
    frames = walked(family, RECIPE._replace(sampler=sampler))
    output = film_of(frames, family)
    there, sight = output.panels.values()
    assert [title.split()[0] for title in output.panels] == ["Noisy", "Predicted"]
    assert len(there) == len(sight) == len(output.captions) == RECIPE.steps + 1
    for snapshot, frame in enumerate(frames):
        for shown, x in ((there, frame.x), (sight, frame.x0_hat)):
            for place in range(COLUMNS**2):
                expected = levels(((x[place] + 1) / 2).clamp(0, 1))
                np.testing.assert_allclose(part(shown[snapshot], place), expected, atol=1)
    np.testing.assert_array_equal(there[-1], sight[-1], "at last it is what the model sees")


@pytest.mark.parametrize("kind", ["ddpm", "flow"])
def test_a_film_tells_the_time_and_how_much_picture_and_noise_there_are(kind):
    flow = build(lambda: FlowMatching(FlowConfig(width=8), GREY), 0).eval()
    family = model() if kind == "ddpm" else flow
    captions = film_of(walked(family), family).captions
    last = family.schedule.last
    for caption, time in zip(captions, family.schedule.times(RECIPE.steps), strict=True):
        alpha, sigma = family.schedule.alphas[time], family.schedule.sigmas[time]
        assert caption.startswith(f"t = {time:,} of {last:,}:")
        assert f" {alpha:.2f} · picture + {sigma:.2f} · noise" in caption
    assert captions[-1].endswith("1.00 · picture + 0.00 · noise")


@both_shapes
def test_the_film_of_a_walk_is_read_from_its_bytes_as_it_was(shape):
    family = model(shape)
    output = film_of(walked(family), family)
    actual = seen(packed(output, "the way", 3))
    assert actual.captions == output.captions
    for title, panel in output.panels.items():
        np.testing.assert_array_equal(actual.panels[title], panel)
        assert panel.shape[3] == shape[0]


def same(one: list[Frame], other: list[Frame]) -> bool:
    return all(torch.equal(a.x, b.x) for a, b in zip(one, other, strict=True))


def test_of_all_samplers_only_ddim_heeds_the_fresh_noise_that_is_asked_for():
    family = model()
    for name, sampler in SAMPLERS.items():
        calm, wild = (RECIPE._replace(sampler=name, eta=eta) for eta in (0.0, 1.0))
        assert same(walked(family, calm), walked(family, wild)) == (name != "DDIM")
        if name != "DDIM":
            assert wild.method is sampler


def test_ddim_without_fresh_noise_is_ddim_and_with_all_of_it_ddpm():
    family = model()
    path = {eta: walked(family, RECIPE._replace(eta=eta)) for eta in (0.0, 0.3, 1.0)}
    assert same(path[0.0], walked(family, sampler=SAMPLERS["DDIM"]))
    assert same(path[0.3], walked(family, sampler=ddim(0.3)))
    assert same(path[1.0], walked(family, sampler=SAMPLERS["DDPM"]))
    assert not same(path[0.0], path[0.3])
    assert not same(path[0.3], path[1.0])


def quick(**changes: object) -> Run:
    return trained("ddpm", 1, timesteps=1, prediction="velocity", width=8, depth=1, **changes)


def test_one_class_is_asked_for_or_all_in_turn_where_the_model_is_told_classes():
    header = quick(conditional=True)
    assert class_labels(header, 7, 5).tolist() == [7] * 5
    assert class_labels(header, 0, 2).tolist() == [0, 0]
    assert class_labels(header, -1, 12).tolist() == [*range(10), 0, 1]
    for label in (-1, 0, 7):
        assert class_labels(quick(), label, 5) is None


@pytest.mark.parametrize("kind", ["GIF", "PNG"])
@both_shapes
def test_a_film_is_downloaded_frame_by_frame(shape, kind):
    family = model(shape)
    output = film_of(walked(family), family)
    frames = beside(output.panels.values(), 2)
    wide = 2 * (2 * (4 * 8 + 3 * GUTTER) + GAP)
    with Image.open(io.BytesIO(animation(frames, 90, kind))) as image:
        assert image.format == kind
        assert image.size == (wide, wide // 2 - GAP)
        assert image.n_frames == len(frames) == RECIPE.steps + 1
        assert image.info["loop"] == 0, "for ever"
        for snapshot, frame in enumerate(frames):
            image.seek(snapshot)
            actual = np.asarray(image.convert("RGB")).astype(int)
            apart = np.abs(actual - frame)
            if kind == "PNG":
                assert apart.max() == 0
            else:  # of 256 colours at most: enough for greys
                assert apart.mean() <= (0 if shape == GREY else 8)
            assert image.info["duration"] == (890 if snapshot == len(frames) - 1 else 90)
