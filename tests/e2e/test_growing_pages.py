"""The lessons of the GAN that grows and of the generator by style, driven as a student would."""

import base64
import io
import re
import statistics
import sys
import time

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.support.reading import Opened, keyed, number, reach, settled, slide, source
from tests.support.visit import PAGE, Site, badge, no_traceback, picture, train, until

SIDE, GUTTER = 28, 2  # pixels of a picture, and between two
LIVING = "New pictures that the model made"
FADED = "The same codings at three values of alpha"
MIXED = "Pictures at the left and above, and between them those of both styles"
LAYERS = "Rows of pictures; in each, one layer has other styles"
NOISES = "Pictures with several noises, and where they differ"
TRUNCATED = "The mean picture, truncated ones, and whole ones"
WALKS = "Two walks between the same two pictures"
MAPS = "The last maps of one picture"
SIZES = {4: 4, 8: 8, 16: 14, 32: 28}  # of a level: pixels of it that are seen, in pictures of 28
MOVES = 8  # of a slider, of which the median is taken
SLOW = 5.0  # seconds that a move may take on the busiest of machines
DIGITS = "progressive.dataset=Digits+8%C3%978+(scikit-learn)"
SMALL = "filters=4 most_filters=16 pictures=256 batch_size=16 epochs=20"


def lesson(site: Site, opened: Opened, name: str, **knobs: object) -> Page:
    """Open the lesson of a shipped run, and wait for it to be whole."""
    page = opened(site.url(name, **knobs))
    badge(page, "shipped")
    settled(page)
    return page


def svg(page: Page, alt: str) -> str:
    """Return the text of a picture that is drawn as SVG; nothing where it is none."""
    head, _, body = source(page, alt).partition("base64,")
    return base64.b64decode(body).decode() if "svg" in head else ""


def names(page: Page, alt: str) -> list[str]:
    """Return the names of a picture's rows, downwards."""
    return re.findall(r"<text[^>]*>([^<]*)</text>", svg(page, alt))


def pixels(page: Page, alt: str) -> np.ndarray:
    """Return the grey levels of a picture; of one with names, those of its rows."""
    inner = re.search(r'href="data:image/png;base64,([^"]*)"', svg(page, alt))
    png = base64.b64decode(inner[1]) if inner else page.request.get(source(page, alt)).body()
    return np.asarray(Image.open(io.BytesIO(png)).convert("L"), dtype=np.int16)


def cells(page: Page, alt: str, factor: int, side: int = SIDE) -> np.ndarray:
    """Return the pictures of a grid: rows, columns, pixels down, pixels across."""
    return cut(pixels(page, alt)[::factor, ::factor], side)


def cut(levels: np.ndarray, side: int = SIDE) -> np.ndarray:
    """Return the pictures of a grid that is not enlarged, in the same way."""
    grid = np.pad(levels, (0, GUTTER))
    unit = side + GUTTER
    rows, columns = (length // unit for length in grid.shape)
    assert grid.shape == (rows * unit, columns * unit)
    return grid.reshape(rows, unit, columns, unit).swapaxes(1, 2)[:, :, :side, :side]


def alike(one: np.ndarray, other: np.ndarray) -> bool:
    """Return whether pictures are the same, but for the rounding of batches of other sizes."""
    return bool((np.abs(one - other) <= 1).all())


def seams(pictures: np.ndarray) -> set[int]:
    """Return the columns of pixels that differ from those at their left in any picture."""
    changes = np.diff(pictures, axis=-1).reshape(-1, pictures.shape[-1] - 1).any(axis=0)
    return {int(column) + 1 for column in np.flatnonzero(changes)}


def moved(page: Page, asked: str, alt: str, before: str) -> str:
    """Wait until the link holds what was asked and the picture is another; return its source."""
    expect(page).to_have_url(re.compile(rf"{asked}(&|$)"))
    now: str = until(lambda: now if (now := source(page, alt)) != before else "")
    return now


def draw_anew(page: Page, name: str, alt: str) -> str:
    """Press the button beside the number of a draw; return the source of the other picture."""
    before, key = source(page, alt), name.replace(".", "-")
    keyed(page, f"{key}-next").get_by_role("button").click()
    return moved(page, re.escape(f"{name}=1"), alt, before)


def same_elsewhere(page: Page, opened: Opened, alt: str) -> None:
    """Check that whoever has the link sees the same picture."""
    again = opened(page.url)
    settled(again)
    assert source(again, alt) == source(page, alt)


@pytest.mark.slow
def test_the_rewound_training_says_its_size_and_alpha(site: Site, opened: Opened):
    page = lesson(site, opened, "progressive")
    film = keyed(page, "progressive-pictures")
    caption, slider = film.locator(".told"), film.get_by_role("slider", name="Moment")

    def drawn() -> set[int]:
        with Image.open(io.BytesIO(picture(page, LIVING))) as png:
            return seams(cut(np.asarray(png.convert("L"), dtype=np.int16)))

    expect(caption).to_contain_text(", 32 × 32, α = 1.00,")
    slider.focus()
    slider.press("Home")
    expect(caption).to_contain_text(", 4 × 4, α = 1.00,")
    assert drawn() <= {6, 14, 22}  # eight pixels each, cut at the border
    while not re.search(r", 16 × 16, α = 0\.\d\d,", caption.inner_text()):
        slider.press("ArrowRight")
    assert len(drawn()) > 3
    assert not any(column % 2 for column in drawn())
    again = lesson(site, opened, "progressive", rewind=0)
    expect(keyed(again, "progressive-pictures").locator(".told")).to_contain_text("Step 0 of")


@pytest.mark.slow
def test_each_size_is_drawn_in_its_own_pixels(site: Site, opened: Opened):
    page = lesson(site, opened, "progressive")
    steps = page.get_by_text(re.compile(r"^Step [\d,]+ of [\d,]+$"))
    expect(steps).to_have_count(len(SIZES))
    ends = [number(each, r"Step ([\d,]+)") for each in steps.all()]
    assert ends == sorted(set(ends))
    counts = []
    for size, seen in SIZES.items():
        alt = f"Samples of {size} × {size} pixels"
        side = (pixels(page, alt).shape[1] + GUTTER) // 5 - GUTTER
        actual = seams(cells(page, alt, 1, side))
        assert side % seen == 0
        assert actual <= set(range(0, side, side // seen))
        counts.append(len(actual))
    assert counts == sorted(set(counts))


def test_alpha_goes_from_the_size_below_to_the_new_one(site: Site, opened: Opened):
    page = lesson(site, opened, "progressive", inside="New layers fade in")
    half = source(page, FADED)
    below, middle, above = cells(page, FADED, 2)
    assert not alike(middle, below)
    assert not alike(middle, above)
    slide(page, "α", "Home")
    none = moved(page, r"progressive\.alpha=0", FADED, half)
    assert names(page, FADED) == ["α = 0", "α = 0", "α = 1"]
    assert alike(*cells(page, FADED, 2)[:2])
    same_elsewhere(page, opened, FADED)
    slide(page, "α", "End")
    whole = moved(page, r"progressive\.alpha=1", FADED, none)
    assert whole != half
    assert names(page, FADED) == ["α = 0", "α = 1", "α = 1"]
    assert alike(*cells(page, FADED, 2)[1:])
    slide(page, "α", *["ArrowLeft"] * 10)
    until(lambda: source(page, FADED) == half)


@pytest.mark.slow
def test_another_size_fades_in_from_the_one_below_it(site: Site, opened: Opened):
    page = lesson(site, opened, "progressive", inside="New layers fade in")
    before = source(page, FADED)
    keyed(page, "progressive-level").get_by_text("8 × 8", exact=True).click()
    moved(page, r"progressive\.level=8\+%C3%97\+8", FADED, before)
    below, _, above = cells(page, FADED, 2)
    assert seams(below) <= {6, 14, 22}
    assert seams(above) <= {2, 6, 10, 14, 18, 22, 26}
    draw_anew(page, "progressive.faded", FADED)
    same_elsewhere(page, opened, FADED)


@pytest.mark.slow
def test_a_student_grows_one_and_reads_its_size_meanwhile(site: Site, opened: Opened):
    knobs = "&".join(f"progressive.{knob}" for knob in SMALL.split())
    page = opened(f"{site.url('progressive')}?{DIGITS}&{knobs}")
    badge(page, "not trained yet")
    settled(page)
    train(page)
    bar = page.get_by_test_id("stProgress")
    expect(bar).to_contain_text(re.compile(r"Step [\d,]+ of 320, ([48]) × \1, α = [01]\.\d\d,"))
    expect(bar).to_have_count(0, timeout=2 * PAGE)
    badge(page, "trained here")
    settled(page)
    caption = keyed(page, "progressive-pictures").locator(".told")
    expect(caption).to_contain_text("Step 320 of 320, 8 × 8, α = 1.00,")
    for size in (4, 8):
        source(page, f"Samples of {size} × {size} pixels")


@pytest.mark.slow
def test_mixing_nowhere_keeps_the_rows_and_everywhere_the_columns(site: Site, opened: Opened):
    page = lesson(site, opened, "stylegan")
    groups, coarse = keyed(page, "stylegan-layers"), source(page, MIXED)
    drawn = cells(page, MIXED, 3)
    above, left = drawn[:1, 1:], drawn[1:, :1]
    assert not alike(drawn[1:, 1:], left)
    assert not alike(drawn[1:, 1:], above)
    groups.get_by_text("coarse", exact=True).click()
    moved(page, r"stylegan\.layers=", MIXED, coarse)
    assert alike(cells(page, MIXED, 3)[1:, 1:], left)
    same_elsewhere(page, opened, MIXED)
    for name in ("coarse", "middle", "fine"):
        groups.get_by_text(name, exact=True).click()
        expect(groups.get_by_role("button", name=name)).to_have_attribute("aria-pressed", "true")
    expect(page).to_have_url(re.compile(r"layers=coarse&.*layers=middle&.*layers=fine"))
    until(lambda: alike(cells(page, MIXED, 3)[1:, 1:], above))
    same_elsewhere(page, opened, MIXED)


@pytest.mark.slow
def test_a_layer_s_style_changes_its_row_alone(site: Site, opened: Opened):
    page = lesson(site, opened, "stylegan", inside="What each layer changes")
    layers = enumerate((size for size in SIZES for _ in range(2)), 1)
    assert names(page, LAYERS) == ["itself", *(f"{layer}: {n} × {n}" for layer, n in layers)]
    itself, *others = cells(page, LAYERS, 2)
    assert alike(itself, itself[:1])
    assert not any(alike(row, itself) for row in others)
    draw_anew(page, "stylegan.exchanged", LAYERS)
    same_elsewhere(page, opened, LAYERS)


@pytest.mark.slow
def test_another_draw_of_noise_changes_only_what_is_new(site: Site, opened: Opened):
    page = lesson(site, opened, "stylegan", inside="Noise inputs")
    none, stored, new, other, deviation = cells(page, NOISES, 2)
    assert not any(alike(new, row) for row in (none, stored, other))
    assert deviation.max() == 255
    drawn = draw_anew(page, "stylegan.grain", NOISES)
    again = cells(page, NOISES, 2)
    assert [alike(*pair) for pair in zip(again, (none, stored, new), strict=False)] == [1, 1, 0]
    slide(page, "Strength of new noise", "Home")
    moved(page, r"stylegan\.strength=0", NOISES, drawn)
    again = cells(page, NOISES, 2)
    assert alike(again[1], stored)
    assert all(alike(again[row], none) for row in (0, 2, 3))
    assert not again[4].any()
    same_elsewhere(page, opened, NOISES)


@pytest.mark.slow
def test_psi_goes_from_the_mean_picture_to_all_variety(site: Site, opened: Opened):
    page = lesson(site, opened, "stylegan", psi=1, inside="Truncation: less variety")
    assert names(page, TRUNCATED) == ["mean: ψ = 0", "ψ = 1", "all: ψ = 1"]
    mean, middle, whole = cells(page, TRUNCATED, 2)
    assert alike(mean, mean[:1])
    assert alike(middle, whole)
    assert not alike(middle, mean)
    seconds = []
    for _ in range(MOVES):
        before, began = source(page, TRUNCATED), time.perf_counter()
        slide(page, "ψ", "ArrowLeft")
        page.wait_for_function(
            "([alt, old]) => document.querySelector(`img[alt='${alt}']`)?.src !== old",
            arg=[TRUNCATED, before],
        )
        seconds.append(time.perf_counter() - began)
    sys.stdout.write(f"from ψ to its pictures: p50 {statistics.median(seconds):.3f} s\n")
    assert statistics.median(seconds) < SLOW
    slide(page, "ψ", *["ArrowLeft"] * (20 - MOVES))
    moved(page, r"stylegan\.psi=0", TRUNCATED, before)
    until(lambda: names(page, TRUNCATED) == ["mean: ψ = 0", "ψ = 0", "all: ψ = 1"])
    rows = cells(page, TRUNCATED, 2)
    assert [alike(*pair) for pair in zip(rows, (mean, mean, whole), strict=True)] == [1, 1, 1]
    same_elsewhere(page, opened, TRUNCATED)


@pytest.mark.slow
def test_both_walks_have_the_same_ends_of_which_a_draw_moves_one(site: Site, opened: Opened):
    page = lesson(site, opened, "stylegan", inside="Interpolation in z and in w")
    assert names(page, WALKS) == ["in z", "in w"]
    walked = cells(page, WALKS, 2)
    same = [alike(*pair) for pair in walked.swapaxes(0, 1)]
    assert same[0]
    assert same[-1]
    assert not all(same)
    draw_anew(page, "stylegan.from", WALKS)
    other = cells(page, WALKS, 2)
    assert not alike(other[:, 0], walked[:, 0])
    assert alike(other[:, -1], walked[:, -1])
    same_elsewhere(page, opened, WALKS)


@pytest.mark.slow
def test_the_maps_of_both_ways_to_style_are_side_by_side(site: Site, opened: Opened):
    page = lesson(site, opened, "stylegan", inside="Why StyleGAN2 gave up AdaIN")
    shown = page.get_by_alt_text(MAPS, exact=True)
    expect(shown).to_have_count(2)
    for index in range(2):
        reach(shown.nth(index), "e => e.complete && e.naturalWidth > 0")
    one, other = (each.bounding_box() or {} for each in shown.all())
    assert one["x"] + one["width"] <= other["x"]
    assert shown.first.get_attribute("src") != shown.last.get_attribute("src")


@pytest.mark.parametrize(
    ("name", "figure", "alt"),
    [
        ("progressive", "New layers fade in", FADED),
        ("stylegan", "Style mixing", MIXED),
        ("stylegan", "What each layer changes", LAYERS),
        ("stylegan", "Noise inputs", NOISES),
        ("stylegan", "Truncation: less variety", TRUNCATED),
        ("stylegan", "Interpolation in z and in w", WALKS),
    ],
)
def test_it_fits_on_a_phone_in_the_dark(
    site: Site, opened: Opened, name: str, figure: str, alt: str
):
    page = opened("about:blank", width=390)
    page.emulate_media(color_scheme="dark")
    page.goto(site.url(name, inside=figure))
    badge(page, "shipped")
    settled(page)
    source(page, alt)
    ground = page.get_by_test_id("stApp").evaluate("e => getComputedStyle(e).backgroundColor")
    assert max(map(int, re.findall(r"\d+", ground)[:3])) < 60
    for part in ("html", "body", "[data-testid=stMain]"):
        wide = page.locator(part).evaluate("e => e.scrollWidth")
        assert wide <= page.evaluate("innerWidth"), f"{part} of /{name} scrolls sideways"
    no_traceback(page)
