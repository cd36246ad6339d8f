"""The way back from noise to pictures: asked for with a few knobs, streamed, then a film."""

import time
from typing import Any, Literal, NamedTuple

import streamlit as st
import torch

from genlib.data import DATASETS
from genlib.diffusion.base import SAMPLERS, Diffusion, SamplerName
from genlib.diffusion.samplers import Frame, Sampler, ddim
from genlib.latents import FRAMES, spread
from genlib.plots import animation, to_png
from genlib.rng import generator
from genlib.runs.cost import multiply_adds
from genlib.runs.run import Run
from genlib.studies.starts import diffusing
from ui.controls import bound, record_views, view_key
from ui.widgets import elements
from ui.widgets.elements import download
from ui.widgets.film import Film, beside, film, walked_film
from ui.widgets.pictures import SIDE, grid
from ui.widgets.seed import draw_number

record_views("sampler", "eta", "steps", "label", "guidance", "sample")

PATIENCE = 2e12  # multiply-adds of a walk: about half a minute on two cores
STEPS = (1, 2, 5, 10, 20, 50, 100, 250, 1000)
FACTOR = 3  # by which pixels are enlarged
PAUSE = 0.08  # seconds between two frames while they come
ALL = "All in turn"


class Recipe(NamedTuple):
    """All that decides a way from noise to pictures, but for the model."""

    sampler: SamplerName
    eta: float
    steps: int
    label: int  # −1 is all in turn
    guidance: float
    seed: int

    @property
    def walk(self) -> Sampler:
        """The sampler; DDIM with its η."""
        return ddim(self.eta) if self.sampler == "DDIM" else SAMPLERS[self.sampler]


@st.fragment
def reverse(run: Run | None, family: str) -> None:
    """Let the student choose how to walk from noise to sixteen pictures, and show the walk."""
    if run is None:
        elements.missing()
        return
    left, right = st.columns([1, 2], gap="large")
    with left:
        recipe = _recipe(run, family)
    with right:
        shown = _streamed(run, recipe)
        film(shown, f"{family}-reverse", "the way from noise to pictures", FACTOR)
        _downloads(f"{family}-{run.spec.fingerprint[:8]}-{recipe.seed}", shown)


def _recipe(run: Run, family: str) -> Recipe:
    """Draw the knobs of the walk."""
    model = diffusing(run)
    names: list[SamplerName] = list(SAMPLERS)
    sampler = st.selectbox(
        "Sampler",
        names,
        help="How the next step follows from what the model sees.",
        **bound(family, "sampler"),
    )
    steps = steps_slider(family, run)
    eta = st.slider(
        "Fresh noise η",
        0.0,
        1.0,
        0.0,
        0.1,
        disabled=sampler != "DDIM",
        help="DDIM alone: 0 draws nothing on the way, 1 as much as DDPM.",
        **bound(family, "eta"),
    )
    label, guidance = class_choice(run, family) if model.classes else (-1, 1.0)
    seed = draw_number(family, "sample", "Seed of the noise", "Other noise")
    drawn = eta if sampler == "DDIM" else 0.0  # of the others each has its own
    return Recipe(sampler, drawn, steps, label, guidance, seed)


def steps_slider(family: str, run: Run, most: int = STEPS[-1]) -> int:
    """Let the student choose the steps of a walk: no more than there are times, or is patience."""
    last = diffusing(run).schedule.last
    dear = SIDE**2 * multiply_adds(run.spec)  # of a look at all pictures
    options = [steps for steps in STEPS if steps <= min(last, most) and steps * dear < PATIENCE]
    if len(options) <= 1:
        st.caption("This model knows a single time, so there is a single step.")
        return 1
    asked = st.query_params.get(view_key(family, "steps"), "")
    if asked.isdecimal() and int(asked) > last:
        st.caption(f"Not {asked[:6]} steps: this model knows {last:,} times.")
    return st.select_slider(
        "Steps",
        options,
        20 if 20 in options else options[-1],
        help=f"Each asks the network once, Heun twice. This model knows {last:,} times.",
        **bound(family, "steps"),
    )


def class_choice(run: Run, family: str) -> tuple[int, float]:
    """Let the student ask for a class, and how firmly; −1 is all in turn."""
    classes = DATASETS[run.spec.dataset].classes
    chosen = st.selectbox("Class", [ALL, *classes], help="What to make.", **bound(family, "label"))
    guidance = st.slider(
        "Guidance",
        0.0,
        5.0,
        1.5,
        0.25,
        help="1 is the class as learned; more makes typical pictures, all alike; 0 forgets it.",
        **bound(family, "guidance"),
    )
    return ([ALL, *classes].index(chosen) - 1), guidance


def labelled(run: Run, label: int, count: int) -> torch.Tensor | None:
    """Return so many labels of a class, or of all in turn; None where the model is told none."""
    if not diffusing(run).classes:
        return None
    classes = len(DATASETS[run.spec.dataset].classes)
    return torch.arange(count) % classes if label < 0 else torch.full((count,), label)


@st.cache_resource(max_entries=32, show_spinner=False)
def _kept(name: str, recipe: Recipe) -> list[Film]:
    """Return the place where the film of a walk is kept; empty until it was walked."""
    return []


def _streamed(run: Run, recipe: Recipe) -> Film:
    """Return the film of a walk; the first time, show each frame as it comes."""
    kept = _kept(run.spec.fingerprint, recipe)
    if kept:
        return kept[0]
    model = diffusing(run)
    times = model.schedule.times(recipe.steps)
    rng = generator(recipe.seed)
    noise = torch.randn(SIDE**2, *model.shape, generator=rng)
    labels = labelled(run, recipe.label, SIDE**2)
    wanted = {times[index] for index in spread(len(times), FRAMES)}
    frames, place, drawn = list[Frame](), st.empty(), 0.0
    walk = model.frames(noise, recipe.walk, times, rng, labels, recipe.guidance)
    for step, frame in enumerate(walk):
        if frame.time in wanted:
            frames.append(frame)
        if time.monotonic() - drawn > PAUSE:
            drawn = time.monotonic()
            _draw(place, frame, model, f"Step {step} of {recipe.steps}")
    kept[:] = [film_of(frames, model)]
    place.empty()
    return kept[0]


def _draw(place: Any, frame: Frame, model: Diffusion, text: str) -> None:
    """Draw one frame while the walk goes on: what is there, beside what the model sees in it."""
    panels = [grid(model.unscaled(part))[None] for part in (frame.x, frame.clean)]
    with place.container():
        st.caption(text)
        alt = "Noise on its way to pictures, beside what the model sees in it"
        image = beside(panels, FACTOR)[0]
        st.image(to_png(image), output_format="PNG", width=image.shape[1], alt=alt)


def film_of(frames: list[Frame], model: Diffusion) -> Film:
    """Return the film of a walk: x_t beside what the model sees in it."""
    last = model.schedule.last
    captions = [
        f"t = {frame.time:,} of {last:,}: {model.schedule.alphas[frame.time]:.2f} of a picture, "
        f"noise {model.schedule.sigmas[frame.time]:.2f}"
        for frame in frames
    ]
    x = [model.unscaled(frame.x) for frame in frames]
    clean = [model.unscaled(frame.clean) for frame in frames]
    return walked_film(x, clean, captions, SIDE)


def _downloads(name: str, shown: Film) -> None:
    """Offer the film as an animation."""

    def moving(kind: Literal["GIF", "PNG"]) -> bytes:
        return animation(beside(shown.panels.values(), 2), 90, kind)

    with st.container(horizontal=True):
        download("GIF", f"{name}.gif", lambda: moving("GIF"))
        download("APNG", f"{name}.png", lambda: moving("PNG"))
