"""Each lesson's page doing its main thing, as a first-year student would."""

import json
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import Locator, Page, expect

from tests.support.reading import (
    Opened,
    chart,
    keyed,
    number,
    pick,
    settled,
    size,
    slide,
    source,
    train_to_the_end,
)
from tests.support.visit import Site, badge, button, run_name, until

LESSONS = (
    *("linear", "stacked", "convolutional", "recurrent", "denoising", "sparse"),
    "pretraining",
)
CHARTS = {"linear": 3, "stacked": 1, "convolutional": 0, "recurrent": 1, "denoising": 0}
CHARTS |= {"sparse": 1, "pretraining": 2}  # plotly's, of the stage and the first figure
DIGITS = "Digits 8×8 (scikit-learn)"
PLACES = """chart => {
  const {xaxis, yaxis} = chart._fullLayout, box = chart.getBoundingClientRect();
  return chart._fullData.filter(trace => trace.customdata).flatMap(
    trace => Array.from(trace.x, (x, i) => [
      box.x + xaxis._offset + xaxis.l2p(x),
      box.y + yaxis._offset + yaxis.l2p(trace.y[i]),
      trace.customdata[i], trace.name]));
}"""

# The linear lesson


def test_the_first_screen_of_the_linear_lesson_is_a_plane_that_moves_at_play(
    site: Site, opened: Opened
):
    page = opened(site.url("linear"))
    badge(page, "shipped")
    settled(page)
    space = chart(page, "linear-space")
    kinds = space.evaluate("e => e._fullData.map(trace => trace.type)")
    assert "mesh3d" in kinds
    assert "scatter3d" in kinds
    expect(space.locator(".gl-container canvas").first).to_be_visible()
    shown = space.get_by_text(re.compile(r"^Step [\d,]+$"))
    last = number(shown, r"([\d,]+)")
    assert last > 0
    space.get_by_text("Play", exact=True).click()
    early = until(lambda: now if (now := number(shown, r"([\d,]+)")) < last else None)
    until(lambda: number(shown, r"([\d,]+)") > early)


@pytest.mark.slow
def test_another_seed_of_the_plane_is_trained_in_seconds_and_finds_the_same_plane(
    site: Site, opened: Opened
):
    page = opened(site.url("linear"))
    badge(page, "shipped")
    settled(page)
    page.get_by_text("More knobs", exact=True).click()
    seed = page.get_by_label("Seed", exact=True)
    seed.fill("7")
    seed.press("Enter")
    badge(page, "not trained yet")
    expect(page).to_have_url(re.compile(r"linear\.seed=7"))
    train_to_the_end(page)
    caption = page.get_by_text(re.compile("At the end: "))
    expect(caption).to_be_visible()
    angles = re.findall(r"([\d.e+-]+)°", caption.inner_text())
    assert len(angles) == 2
    assert max(map(float, angles)) < 1
    chart(page, "linear-angles")
    chart(page, "linear-flat")


def test_a_figure_is_saved_as_svg(site: Site, opened: Opened):
    page = opened(site.url("linear"))
    settled(page)
    chart(page, "linear-flat").hover()
    with page.expect_download() as waiting:
        keyed(page, "linear-flat").locator(".modebar-btn").first.click()
    assert waiting.value.suggested_filename == "figure.svg"
    assert ET.parse(waiting.value.path()).getroot().tag.endswith("svg")  # noqa: S314 (our own)


# The stacked lesson


@pytest.mark.slow
def test_tied_weights_halve_the_number_under_the_architecture(site: Site, opened: Opened):
    page = opened(site.url("stacked", part="How it works"))
    caption = page.get_by_text(re.compile("weights and biases"))
    expect(caption).to_contain_text("163,814 weights and biases")
    settled(page)
    page.get_by_text("Tied weights", exact=True).click()
    expect(caption).to_contain_text("82,414 weights and biases")
    badge(page, "not trained yet")
    expect(page).to_have_url(re.compile(r"stacked\.tied=true", re.IGNORECASE))


def lonely(places: list[list], but: int) -> list:
    """Return a point (x, y, number, class) of a map, far from its neighbours; not that one."""
    spread = [place for place in places[:: max(1, len(places) // 400)] if place[2] != but]

    def alone(place: list) -> float:
        x, y = place[:2]
        return min(abs(x - a) + abs(y - b) for a, b, other, _ in places if other != place[2])

    return max(spread, key=alone)


def test_a_click_on_the_map_shows_that_picture_and_pca_draws_another_map(
    site: Site, opened: Opened
):
    page = opened(site.url("stacked", inside="A map of the codings"))
    settled(page)
    messages = page.get_by_text(re.compile(r"^Test picture \d+: "))
    expect(messages).to_have_text(re.compile("^Test picture 0: ankle boot"))
    first = source(page, "The nearest pictures")
    actual = chart(page, "stacked-map-tsne")
    x, y, index, title = lonely(actual.evaluate(PLACES), 0)
    page.mouse.move(x, y)
    page.mouse.click(x, y)
    expect(messages).to_have_text(re.compile(f"^Test picture {index}: {title}"))
    until(lambda: source(page, "The nearest pictures") != first)

    before = actual.evaluate(PLACES)[0][:2]
    keyed(page, "stacked-map").get_by_text("PCA", exact=True).click()
    expect(page).to_have_url(re.compile(r"stacked\.map="))
    other = chart(page, "stacked-map-pca")
    expect(keyed(page, "stacked-map-tsne")).to_have_count(0)
    assert other.evaluate(PLACES)[0][:2] != before
    expect(messages).to_have_text(re.compile(f"^Test picture {index}: "))
    settled(page)
    x, y, index, title = lonely(other.evaluate(PLACES), index)
    page.mouse.move(x, y)
    page.mouse.click(x, y)
    expect(messages).to_have_text(re.compile(f"^Test picture {index}: {title}"))


@pytest.mark.slow
def test_no_threshold_calls_every_stranger_one_and_each_class_has_its_bar(
    site: Site, opened: Opened
):
    page = opened(site.url("stacked", inside="Which pictures are hard"))
    settled(page)
    bars = chart(page, "stacked-by-class")
    expect(bars.locator(".bars .point path")).to_have_count(10)
    page = opened(site.url("stacked", inside="Anomaly detection"))
    settled(page)
    verdict = page.get_by_text(re.compile("^Above an error of"))
    usual = number(verdict, r"(\d+)% of the anomalies")
    assert usual < 100
    slide(page, "Threshold", "Home")
    expect(verdict).to_contain_text("100% of the anomalies", use_inner_text=True)
    expect(verdict).to_contain_text("100.0% of the pictures that belong", use_inner_text=True)
    expect(page).to_have_url(re.compile(r"stacked\.threshold=0"))
    slide(page, "Threshold", "End")
    until(lambda: number(verdict, r"(\d+)% of the anomalies") < usual)


@pytest.mark.slow
def test_a_map_that_nobody_made_yet_is_computed_at_the_press_of_a_button(
    site: Site, opened: Opened
):
    page = opened(
        site.url(
            "stacked", dataset=DIGITS, epochs=1, codings=5, seed=4, inside="A map of the codings"
        )
    )
    train_to_the_end(page)
    expect(keyed(page, "stacked-map-tsne")).to_have_count(0)
    button(page, re.compile("Compute the map")).click()
    expect(page.locator(".stMarkdownBadge").filter(has_text="trained here")).to_have_count(2)
    places = chart(page, "stacked-map-tsne").evaluate(PLACES)
    assert len(places) >= 300
    assert len({title for *_, title in places}) == 10
    settled(page)
    other = opened(page.url)
    expect(other.locator(".stMarkdownBadge").filter(has_text="replayed")).to_have_count(2)
    assert chart(other, "stacked-map-tsne").evaluate("e => e._fullData[0].x[0]") == chart(
        page, "stacked-map-tsne"
    ).evaluate("e => e._fullData[0].x[0]")


# The convolutional lesson


@pytest.mark.slow
def test_every_layer_draws_its_features_of_the_picture_that_is_chosen(site: Site, opened: Opened):
    page = opened(site.url("convolutional"))
    badge(page, "shipped")
    settled(page)
    names = ("conv 1", "conv 2", "conv 3", "dense", "up 1", "up 2", "output")
    alts = [f"The feature maps of {name}" for name in names]
    before = [source(page, alt) for alt in alts]
    assert len(set(before)) == len(names)
    slide(page, "Test picture", "ArrowRight", "ArrowRight")
    for alt, old in zip(alts, before, strict=True):
        until(lambda alt=alt, old=old: source(page, alt) != old)
    expect(page).to_have_url(re.compile(r"convolutional\.picture=2"))


@pytest.mark.slow
def test_another_bottleneck_is_another_network_that_nobody_trained_yet(site: Site, opened: Opened):
    page = opened(site.url("convolutional"))
    badge(page, "shipped")
    settled(page)
    knob = keyed(page, "convolutional-bottleneck")
    knob.get_by_text("average", exact=True).click()
    badge(page, "not trained yet")
    expect(button(page, re.compile("Train, about"))).to_be_enabled()
    source(page, "The feature maps of conv 1")  # the parts go on with the run before
    knob.get_by_text("flatten", exact=True).click()
    badge(page, "shipped")
    source(page, "The feature maps of conv 1")


# The recurrent lesson


@pytest.mark.slow
def test_the_same_memory_is_written_in_more_rows_and_in_fewer(site: Site, opened: Opened):
    page = opened(site.url("recurrent"))
    badge(page, "shipped")
    settled(page)
    source(page, "What was read so far, and the reconstruction from it")
    caption = page.get_by_text(re.compile("The same codings, written in"))
    expect(caption).to_contain_text("in 28 rows instead of 28")
    wide, tall = size(page, "The reconstruction in 28 rows")
    slide(page, "Rows to write", "End")
    expect(caption).to_contain_text("in 56 rows instead of 28")
    assert size(page, "The reconstruction in 56 rows") == (wide, tall + 28 * 6)
    slide(page, "Rows to write", "Home")
    expect(caption).to_contain_text("in 14 rows instead of 28")
    assert size(page, "The reconstruction in 14 rows") == (wide, tall - 14 * 6)
    expect(page).to_have_url(re.compile(r"recurrent\.rows=14"))


# The denoising lesson


def choose(page: Page, pictures: str) -> None:
    """Choose the source of the pictures to restore."""
    keyed(page, "denoising-source").get_by_text(pictures, exact=True).click()


def own(page: Page) -> Locator:
    """Return the caption over what the model made."""
    return page.get_by_text(re.compile("^This model, "))


@pytest.mark.slow
def test_the_more_is_spoiled_the_less_is_restored(site: Site, opened: Opened):
    page = opened(site.url("denoising"))
    badge(page, "shipped")
    settled(page)
    usual = number(own(page), r"([\d.]+) dB")
    before = source(page, "this model pictures")
    slide(page, "Test level", "End")
    expect(page.get_by_text(re.compile("^Corrupted, "))).to_be_visible()
    until(lambda: number(own(page), r"([\d.]+) dB") < usual - 3)
    until(lambda: source(page, "this model pictures") != before)
    slide(page, "Test level", "Home")
    until(lambda: number(own(page), r"([\d.]+) dB") > usual)


def test_what_is_drawn_on_the_pad_is_spoiled_and_restored(site: Site, opened: Opened):
    page = opened(site.url("denoising"))
    badge(page, "shipped")
    settled(page)
    choose(page, "Draw")
    expect(page.get_by_text("Draw something, or upload a picture")).to_be_visible()
    expect(own(page)).to_have_count(0)
    canvas = page.locator("canvas[role=application]")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    assert box
    x, y, side = box["x"], box["y"], box["width"]
    page.mouse.move(x + side * 0.3, y + side * 0.2)
    page.mouse.down()
    page.mouse.move(x + side * 0.3, y + side * 0.8, steps=8)
    page.mouse.move(x + side * 0.7, y + side * 0.8, steps=8)
    page.mouse.up()
    expect(own(page)).to_be_visible()
    expect(page.get_by_text(re.compile("^Corrupted, "))).to_be_visible()
    drawn = [source(page, f"{name} pictures") for name in ("clean", "corrupted", "this model")]
    assert len(set(drawn)) == 3
    slide(page, "Test level", "End")
    until(lambda: source(page, "this model pictures") != drawn[2])
    assert source(page, "clean pictures") == drawn[0], "the drawing stays"


@pytest.mark.slow
def test_a_link_to_the_pad_opens_with_the_pad(site: Site, opened: Opened):
    page = opened(site.url("denoising", source="Draw"))
    settled(page)
    expect(page.locator("canvas[role=application]")).to_be_visible()
    expect(page.get_by_text("Draw something, or upload a picture")).to_be_visible()
    expect(page.get_by_text("The link asked for something")).to_have_count(0)
    expect(page).to_have_url(re.compile(r"denoising\.source=Draw"))


def test_a_picture_is_uploaded_and_what_is_none_is_refused_in_a_sentence(
    site: Site, opened: Opened, tmp_path: Path
):
    picture, text = tmp_path / "boot.png", tmp_path / "notes.png"
    drawn = Image.new("L", (64, 48))
    ImageDraw.Draw(drawn).rectangle((20, 10, 44, 38), fill=220)
    drawn.save(picture)
    text.write_text("Dear diary, this is no picture at all.\n" * 20)

    page = opened(site.url("denoising"))
    settled(page)
    choose(page, "Upload")
    chooser = page.get_by_test_id("stFileUploader").locator("input[type=file]")
    chooser.set_input_files(picture)
    expect(own(page)).to_be_visible()
    clean = source(page, "clean pictures")
    assert source(page, "this model pictures") != clean

    page.reload()
    settled(page)
    expect(page).to_have_url(re.compile(r"denoising\.source=Upload"))
    chooser.set_input_files(text)
    refusal = page.get_by_test_id("stAlert").filter(has_text=re.compile("could not|no picture"))
    expect(refusal).to_have_count(1)
    sentence = " ".join(refusal.inner_text().split())
    assert len(sentence) < 200
    assert not re.search(r"Traceback|File \"|\w+Error|site-packages", sentence)
    expect(own(page)).to_have_count(0)


# The sparse lesson


@pytest.mark.slow
def test_the_l1_preset_shows_a_run_in_which_fewer_units_speak(site: Site, opened: Opened):
    page = opened(site.url("sparse", inside="Activations"))
    badge(page, "shipped")
    settled(page)
    figures = page.get_by_text(re.compile(r"mean activation 0\.\d+"))
    kl, name = number(figures, r"mean activation ([\d.]+)"), run_name(page)
    assert kl == pytest.approx(0.1, abs=0.02)
    keyed(page, "sparse-preset-L1").get_by_role("button").click()
    until(lambda: number(figures, r"mean activation ([\d.]+)") != kl)
    settled(page)
    badge(page, "shipped")
    assert run_name(page) != name
    assert number(figures, r"mean activation ([\d.]+)") < kl
    expect(page).to_have_url(re.compile(r"sparse\.penalty=l1"))


@pytest.mark.slow
def test_another_unit_stands_for_other_pictures(site: Site, opened: Opened):
    page = opened(site.url("sparse", inside="What a unit stands for"))
    badge(page, "shipped")
    settled(page)
    before = source(page, "The pictures of the unit")
    caption = page.get_by_text(re.compile("test pictures that activate unit"))
    expect(caption).to_contain_text("activate unit 1 most")
    slide(page, "Unit", "ArrowRight", "ArrowRight")
    expect(caption).to_contain_text("activate unit 3 most")
    until(lambda: source(page, "The pictures of the unit") != before)
    expect(chart(page, "sparse-unit-classes").locator(".bars .point path")).to_have_count(10)


# The pretraining lesson


@pytest.mark.slow
def test_the_curve_of_few_labels_is_there_and_another_is_begun_and_stopped(
    site: Site, opened: Opened
):
    page = opened(site.url("pretraining"))
    badge(page, "shipped")
    settled(page)
    expect(page.get_by_text(re.compile(r"^With 100 labels .*points"))).to_be_visible()
    curve = chart(page, "pretraining-curve")
    assert curve.evaluate("e => e._fullData.map(trace => trace.x.length)") == [5] * 4

    pick(page, "Pretrained encoder", "stacked, tied")
    measure = button(page, re.compile("Measure the curve"))
    expect(measure).to_be_enabled()
    settled(page)
    expect(page).to_have_url(re.compile(r"pretraining\.start=[0-9a-f]{64}"))
    expect(keyed(page, "pretraining-curve")).to_have_count(0)
    measure.click()
    expect(page.get_by_test_id("stProgress")).to_contain_text(re.compile(r"[1-9]\d* of \d+"))
    other = opened(page.evaluate("location.href"))  # whoever has the link sees it being measured
    expect(other.get_by_test_id("stProgress")).to_contain_text(re.compile(r"\d+ of \d+"))
    button(page, "Stop").click()
    expect(button(page, re.compile("Measure the curve"))).to_be_enabled()
    expect(page.get_by_test_id("stProgress")).to_have_count(0)
    expect(button(other, re.compile("Measure the curve"))).to_be_enabled()
    until(lambda: not site.jobs.waiting())


# All lessons


@pytest.mark.parametrize(
    "name", [LESSONS[0], *(pytest.param(name, marks=pytest.mark.slow) for name in LESSONS[1:])]
)
def test_a_lesson_fits_on_a_phone_and_nothing_in_it_fails(site: Site, opened: Opened, name: str):
    page = opened(site.url(name), width=390)
    badge(page, "shipped")
    settled(page)
    drawn = page.locator(".js-plotly-plot")
    expect(drawn).to_have_count(CHARTS[name])
    until(lambda: drawn.evaluate_all("all => all.every(e => e._fullData && e._fullData.length)"))
    for part in ("html", "body", "[data-testid=stMain]"):
        wide, room = page.locator(part).evaluate("e => [e.scrollWidth, e.clientWidth]")
        assert wide <= room, f"{part} of /{name} scrolls sideways"
    beyond = page.locator(
        "[data-testid=stMain] :is(img, canvas, button, p, h1, h2, h3)"
    ).evaluate_all(
        "all => all.filter(e => e.getBoundingClientRect().right > innerWidth + 1)"
        ".filter(e => !e.closest('[role=tablist], pre'))"
        ".map(e => e.tagName + ' ' + (e.alt || e.innerText || '').slice(0, 60))"
    )
    assert not beyond, json.dumps(beyond)
