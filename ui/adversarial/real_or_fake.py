"""Real or generated: the student against the discriminator, by right answers and d′."""

from statistics import NormalDist

import streamlit as st
import torch

from genlib.adversarial.gan import GAN
from genlib.family import generating, to_float
from genlib.rng import generator
from genlib.runs.run import Run
from genlib.studies.starts import model_of
from ui import cache
from ui.cache import cached_figure
from ui.widgets.elements import needs_run
from ui.widgets.pictures import row_of_pictures

ROUND = 12  # pictures, about half of them real
WIDTH = 112  # CSS pixels of each
COMPARED = 200  # pictures of each kind, from which D's decision threshold follows


def sensitivity(hits: int, reals: int, alarms: int, fakes: int) -> float:
    """Return the sensitivity index d′ = z(hit rate) − z(false alarm rate).

    The log-linear correction, half a case added to each (Hautus 1995), keeps it finite.

    Args:
        hits: real pictures called real.
        reals: real pictures.
        alarms: generated pictures called real.
        fakes: generated pictures.
    """
    hit_rate = (hits + 0.5) / (reals + 1)
    false_alarm_rate = (alarms + 0.5) / (fakes + 1)
    z = NormalDist().inv_cdf
    return z(hit_rate) - z(false_alarm_rate)


@needs_run
@st.fragment
def guessing(run: Run) -> None:
    """Draw real and generated pictures for the student to tell apart, then who told better."""
    name = run.spec.fingerprint[:8]  # each model has rounds of its own
    number = st.session_state.get(f"{name}-round", 0)
    pictures, real = _round(run, number)
    with st.form(f"{name}-form-{number}", border=False):
        guesses = _guesses(pictures, f"{name}-guess-{number}")
        pressed = st.form_submit_button("Tell me", type="primary")
    if pressed or st.session_state.get(f"{name}-told") == number:
        st.session_state[f"{name}-told"] = number
        _result(_discriminated(run, pictures), real, torch.tensor(guesses))
        if st.button("Another round", key=f"{name}-again"):
            st.session_state[f"{name}-round"] = number + 1
            st.rerun(scope="fragment")


def _guesses(pictures: torch.Tensor, key: str) -> list[bool]:
    """Draw a checkbox under each picture; return which are checked."""
    guesses = []
    with st.container(horizontal=True, gap="medium"):
        for place, picture in enumerate(pictures):
            with st.container(width=WIDTH):
                row_of_pictures(picture[None], f"Picture {place + 1}", 4, WIDTH)
                guesses.append(st.checkbox(f"{place + 1} is real", key=f"{key}-{place}"))
    return guesses


@cached_figure
def _round(run: Run, number: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the pictures of a round, and which of them are real."""
    test = cache.dataset(run.spec.dataset).test
    rng = generator(int(run.spec.fingerprint[:8], 16) + number)
    real = torch.rand(ROUND, generator=rng) < 0.5
    index = torch.randint(len(test), (ROUND,), generator=rng)
    generated = generating(run.family).sample(ROUND, rng)
    mask = real[:, None, None, None]
    return torch.where(mask, to_float(test[index]), generated.clamp(0, 1)), real


@cached_figure
def _discriminated(run: Run, pictures: torch.Tensor) -> torch.Tensor:
    """Return which pictures the discriminator takes for real."""
    model = model_of(run, GAN)
    real = to_float(cache.dataset(run.spec.dataset).test[:COMPARED])
    generated = generating(model).sample(COMPARED, generator(0))
    return model.discriminate(pictures) > model.decision_threshold(real, generated)


def _result(machine: torch.Tensor, real: torch.Tensor, student: torch.Tensor) -> None:
    """Draw how well the student and D told real from generated pictures: right answers and d′."""
    classified = {"You": student, "The discriminator": machine}
    for column, (who, answers) in zip(st.columns(2), classified.items(), strict=True):
        hits = int((answers & real).sum())
        alarms = int((answers & ~real).sum())
        reals = int(real.sum())
        fakes = ROUND - reals
        column.metric(
            who,
            f"{hits + fakes - alarms} of {ROUND} right",
            f"d′ = {sensitivity(hits, reals, alarms, fakes):.2f}",
            delta_color="off",
            help="d′ is how well real and generated are told apart, whatever one prefers to "
            "answer: 0 is guessing, 1 is fair, near 3 is as good as twelve pictures can show.",
        )
    names = ", ".join(str(place + 1) for place in torch.nonzero(real).flatten().tolist())
    st.caption(f"Real were: {names or 'none'}.")
