"""Beat the discriminator: the student and D judge the same pictures, real or generated."""

import streamlit as st
import torch
from scipy.stats import norm

from genlib.data import Dataset
from genlib.family import Discriminates, generating, to_float
from genlib.rng import generator
from genlib.runs.run import Run
from ui import cache
from ui.widgets import elements
from ui.widgets.pictures import row_of_pictures

ROUND = 12  # pictures, about half of them real
WIDTH = 112  # CSS pixels of each
JUDGED = 200  # of each kind, from which D's border follows


def sensitivity(hits: int, reals: int, alarms: int, fakes: int) -> float:
    """Return d′ = z(hit rate) − z(false alarm rate), each with half a case added.

    The log-linear correction (Hautus 1995) keeps a perfect score finite.

    Args:
        hits: real pictures called real.
        reals: real pictures.
        alarms: generated pictures called real.
        fakes: generated pictures.
    """
    rates = (hits + 0.5) / (reals + 1), (alarms + 0.5) / (fakes + 1)
    return float(norm.ppf(rates[0]) - norm.ppf(rates[1]))


@st.fragment
def guessing(run: Run | None) -> None:
    """Show pictures of both kinds; let the student say which are real, then tell."""
    if run is None or not isinstance(run.family, Discriminates):
        elements.missing()
        return
    name = run.spec.fingerprint[:8]  # each model has rounds of its own
    number = st.session_state.get(f"{name}-round", 0)
    pictures, real = _round(run.spec.fingerprint, number, run)
    with st.form(f"{name}-form-{number}", border=False):
        said = []
        key = f"{name}-guess-{number}"
        with st.container(horizontal=True, gap="medium"):
            for place, picture in enumerate(pictures):
                with st.container(width=WIDTH):
                    row_of_pictures(picture[None], f"Picture {place + 1}", 4, WIDTH)
                    said.append(st.checkbox(f"{place + 1} is real", key=f"{key}-{place}"))
        told = st.form_submit_button("Tell me", type="primary")
    if told or st.session_state.get(f"{name}-told") == number:
        st.session_state[f"{name}-told"] = number
        machine = _of_machine(run.spec.fingerprint, number, run, run.family, pictures)
        _result(machine, real, torch.tensor(said))
        if st.button("Another round", key=f"{name}-again"):
            st.session_state[f"{name}-round"] = number + 1
            st.rerun(scope="fragment")


@st.cache_data(max_entries=32, show_spinner=False)
def _round(name: str, number: int, _run: Run) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the pictures of a round, and which of them are real."""
    data: Dataset = cache.dataset(_run.spec.dataset)
    rng = generator(int(name[:8], 16) + number)
    real = torch.rand(ROUND, generator=rng) < 0.5
    index = torch.randint(len(data.test), (ROUND,), generator=rng)
    made = generating(_run.family).sample(ROUND, rng)
    mask = real[:, None, None, None]
    return torch.where(mask, to_float(data.test[index]), made.clamp(0, 1)), real


@st.cache_data(max_entries=32, show_spinner=False)
def _of_machine(
    name: str, number: int, _run: Run, _classifier: Discriminates, _pictures: torch.Tensor
) -> torch.Tensor:
    """Return which pictures the discriminator takes for real."""
    known = to_float(cache.dataset(_run.spec.dataset).test[:JUDGED])
    made = generating(_run.family).sample(JUDGED, generator(0))
    return _classifier.discriminate(_pictures) > _classifier.decision_threshold(known, made)


def _result(machine: torch.Tensor, real: torch.Tensor, said: torch.Tensor) -> None:
    """Draw how well the student and D told real from generated pictures."""
    classified = {"You": said, "The discriminator": machine}
    reals, fakes = int(real.sum()), int((~real).sum())
    for column, (who, answers) in zip(st.columns(2), classified.items(), strict=True):
        hits, alarms = int((answers & real).sum()), int((answers & ~real).sum())
        right = hits + fakes - alarms
        column.metric(
            who,
            f"{right} of {ROUND} right",
            f"d′ = {sensitivity(hits, reals, alarms, fakes):.2f}",
            delta_color="off",
            help="d′ is how well real and generated are told apart, whatever one prefers to "
            "answer: 0 is guessing, 1 is fair, near 3 is as good as twelve pictures can show.",
        )
    names = ", ".join(str(place + 1) for place in torch.nonzero(real).flatten().tolist())
    st.caption(f"Real were: {names or 'none'}.")
