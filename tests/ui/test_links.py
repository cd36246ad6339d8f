"""Links that somebody typed, shortened or pasted are read as they were meant, or refused."""

from urllib.parse import parse_qs, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as some
from streamlit.testing.v1 import AppTest

from benchmarks.links import links, record_all_views
from genlib.config import TrainConfig
from genlib.models import FAMILIES
from tests.support.app import shared, shown_run
from tests.ui.runs.test_knobs import drawn, spec_of, widgets
from ui.links import YES_OR_NO, Names, Numbers, folded, number, written

REALS, WHOLES = Numbers(0.0, 300.0), Numbers(1, 4096)
SIZES = Names.of(["8 × 8", "16 × 16", "32 × 32"])
RULES = Names.of(TrainConfig.model_fields["optimizer"].annotation.__args__)


@pytest.mark.parametrize(
    ("allowed", "text", "expected"),
    [
        *((REALS, text, "4") for text in ("4", "4.0", "4.", "+4", " 4 ", "4)", "4).")),
        *((REALS, text, "0.001") for text in ("1e-3", "0.001", "1E-3", ".001", "1e-3;")),
        *((REALS, text, "4.5") for text in ("4,5", "4.50", "４.５", "[4.5]", "4.5%")),
        *((REALS, text, "5") for text in ("5", "5e0", "05")),
        *(
            (REALS, text, None)
            for text in ("inf", "nan", "1e400", "-1", "300.1", "", "x", "1,000")
        ),
        *((WHOLES, text, "512") for text in ("512", "512.0", "5.12e2")),
        *((WHOLES, text, None) for text in ("2.5", "0", "4097", "9" * 2000, "−1")),
        *((Numbers(8, 128, 8), text, read) for text, read in (("16", "16"), ("17", None))),
        *(
            (SIZES, text, "16 × 16")
            for text in ("16 × 16", "16 x 16", "16x16", "16X16", "16 × 16)")
        ),
        *((RULES, text, "adamw") for text in ("adamw", "AdamW", "adamw.", "Adam-W")),
        *((RULES, text, None) for text in ("adamm", "", "ada", "1")),
        *((Names.of(range(1, 5)), text, "4") for text in ("4", "4.0", "4)")),
        *((Names.of(["leaky relu"]), text, "leaky relu") for text in ("leaky_relu", "LeakyReLU")),
        *((YES_OR_NO, text, "true") for text in ("true", "True", "yes", "on", "1", "TRUE)")),
        *((YES_OR_NO, text, "false") for text in ("false", "no", "Off", "0")),
        *((YES_OR_NO, text, None) for text in ("2", "-1", "maybe", "")),
    ],
)
def test_a_value_is_read_as_it_was_meant_and_no_other(allowed, text: str, expected: str | None):
    assert allowed.read(text) == expected


@pytest.mark.parametrize(
    ("allowed", "text", "nearest"),
    [
        (REALS, "1000", "nearest: 300"),
        (REALS, "-2", "nearest: 0"),
        (WHOLES, "2.5", "nearest: 2 and 3"),
        (Numbers(8, 128, 8), "17", "nearest: 16 and 24"),
        (REALS, "much", "a number from 0 to 300"),
        (RULES, "adamm", "nearest: adam and nadam"),
    ],
)
def test_what_is_refused_is_told_with_what_comes_nearest(allowed, text: str, nearest: str):
    assert allowed.read(text) is None
    assert allowed.nearest(text) == nearest


@given(some.floats(allow_nan=False, allow_infinity=False))
def test_a_number_in_a_link_is_read_as_the_same_number(value: float):
    assert number(written(value)) == value


@given(some.text(max_size=300))
def test_any_text_is_read_as_a_possible_value_or_refused_in_words(text: str):
    for allowed in (REALS, WHOLES, SIZES, YES_OR_NO):
        read = allowed.read(text)
        assert read is None or allowed.read(read) == read
        assert allowed.nearest(text)
    assert folded(folded(text)) == folded(text)


def beta(app: AppTest) -> float:
    return widgets(app, "vae")["beta"].value


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"beta": "4"}, 4),
        ({"vae.β": "4"}, 4),
        ({"VAE.Beta": "4.0"}, 4),
        ({"vae.beta": "5"}, 5),
        ({"vae.beta": "5)"}, 5),
        ({"vae.beta": "4%2E5"}, 4.5),
        ({quote_plus("vae.beta=7&vae.epochs=3"): ""}, 7),
        ({"vae.epochs": "3", "amp;vae.beta": "7"}, 7),
        ({"vae.beta": ["2", "7"]}, 7),
        ({"vae.beta": "7", "beta": "2"}, 7),
    ],
)
def test_a_link_typed_by_hand_sets_the_knob_and_becomes_the_usual_link(query, expected: float):
    app = drawn("vae", query)
    assert beta(app) == expected
    assert not app.warning
    assert shared(app)["vae.beta"] == [written(expected)]
    assert shown_run(drawn("vae", shared(app))) == shown_run(app)


def test_a_value_between_two_marks_stays_until_another_is_chosen():
    app = drawn("vae", {"vae.beta": "5"})
    asked = spec_of("vae")
    model = asked.model.model_copy(update={"beta": 5.0})
    assert shown_run(app) == asked.model_copy(update={"model": model}).fingerprint[:12]
    app.number_input(key="vae.seed").set_value(3).run()
    assert beta(app) == 5
    app.select_slider(key="vae.beta").set_value(10.0)
    app.query_params["vae.beta"] = "10"  # as the browser does
    assert beta(app.run()) == 10
    assert "5" not in app.run().select_slider(key="vae.beta").options


def test_what_other_sites_add_to_a_link_is_no_wrong_knob():
    app = drawn("vae", {"utm_source": "chat", "fbclid": "abc", "__theme": "dark", "vae.seed": "3"})
    assert not app.warning
    assert shared(app) == {"vae.seed": ["3"]}


def test_a_name_that_is_nearly_one_is_told_with_it():
    app = drawn("vae", {"vae.learning_rates": "0.1"})
    assert "“learning_rates” (nearest: learning_rate)" in app.warning[0].value


@pytest.mark.parametrize("text", ["fashion_mnist", "Fashion-MNIST", "fashion-mnist", "MNIST"])
def test_data_sets_have_short_keys_in_links_and_their_titles_still_open(text: str):
    app = drawn("vae", {"vae.dataset": text, "vae.seed": "3"})
    assert not app.warning
    key = "mnist" if text == "MNIST" else "fashion_mnist"
    assert app.selectbox(key="vae.dataset").value == key
    assert shown_run(drawn("vae", shared(app))) == shown_run(app)


@pytest.mark.parametrize("seed", range(4))
def test_a_random_link_is_no_traceback_and_its_page_s_own_link_says_the_same(seed: int):
    record_all_views()
    asked = ((page, query) for page, query in links(seed, 24) if page in FAMILIES)
    for family, query in asked:
        app = drawn(family, parse_qs(query, keep_blank_values=True))
        again = drawn(family, shared(app))
        assert shown_run(again) == shown_run(app), query
        assert not again.warning, query
