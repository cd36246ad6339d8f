"""The reverse process: sampling from noise by a sampler of choice, streamed, then a film."""

import time
from typing import Literal, NamedTuple

import streamlit as st
import torch
from streamlit.delta_generator import DeltaGenerator

from genlib.data import DATASETS
from genlib.diffusion.diffusion import Diffusion
from genlib.diffusion.samplers import SAMPLERS, Frame, Sampler, ddim
from genlib.latents import FRAMES, spread
from genlib.plots import animation
from genlib.rng import generator
from genlib.runs.cost import multiply_adds
from genlib.runs.run import Run
from genlib.studies.starts import diffusing
from ui.cache import cached_object
from ui.controls import bound, one_of, ranged, record_views, view_key
from ui.links import Numbers, marks
from ui.widgets.elements import download, needs_run
from ui.widgets.film import Film, beside, film, trajectory_film
from ui.widgets.pictures import COLUMNS, grid, image
from ui.widgets.seed import draw_number

record_views("sampler", "eta", "steps", "label", "guidance", "sample")

PICTURES = COLUMNS**2  # at once
MOST_WORK = 2e12  # multiply-adds of a trajectory: about half a minute on two cores
STEPS = (1, 2, 5, 10, 20, 50, 100, 250, 1000)
FIRST_ORDER = 2  # steps of DPM-Solver++ that are all of first order
FACTOR = 3  # by which pixels are enlarged
PAUSE = 0.08  # seconds between two frames while they come
ALL = "All in turn"


class Recipe(NamedTuple):
    """All that decides a trajectory from noise to pictures, but for the model."""

    sampler: str
    eta: float
    steps: int
    label: int  # −1 is all in turn
    guidance: float
    seed: int

    @property
    def method(self) -> Sampler:
        """The sampler; DDIM with its η."""
        return ddim(self.eta) if self.sampler == "DDIM" else SAMPLERS[self.sampler]


@needs_run
@st.fragment
def reverse(run: Run, family: str) -> None:
    """Draw the reverse process of sixteen pictures, by sampler, steps, η, class and guidance."""
    left, right = st.columns([1, 2], gap="large")
    with left:
        recipe = _recipe(run, family)
    with right:
        shown = _streamed(run, recipe)
        film(shown, f"{family}-reverse", "the way from noise to pictures", FACTOR)
        _downloads(f"{family}-{run.spec.fingerprint[:8]}-{recipe.seed}", shown)


def _recipe(run: Run, family: str) -> Recipe:
    """Return the recipe of the trajectory that the knobs stand for."""
    model = diffusing(run)
    sampler = st.selectbox(
        "Sampler",
        help="How the next step follows from the model's estimate. Euler is DDIM with η = 0.",
        **one_of(family, "sampler", list(SAMPLERS)),
    )
    steps = steps_slider(family, run)
    if same_as_ddim(sampler, steps):
        st.caption(f"With these steps {sampler} takes those of DDIM with η = 0.")
    eta = st.slider(
        "Stochasticity η",
        value=0.0,
        step=0.1,
        disabled=sampler != "DDIM",
        help="DDIM alone: 0 draws nothing on the way, 1 as much as DDPM.",
        **ranged(family, "eta", 0.0, 1.0),
    )
    label, guidance = class_choice(run, family) if model.classes else (-1, 1.0)
    seed = draw_number(family, "sample", "Seed of the noise", "Other noise")
    eta = eta if sampler == "DDIM" else 0.0  # of the others each has its own
    return Recipe(sampler, eta, steps, label, guidance, seed)


def same_as_ddim(sampler: str, steps: int) -> bool:
    """Return whether a sampler ends where DDIM does; the first and the last step often do."""
    return sampler == "Euler" or (sampler == "DPM-Solver++" and steps <= FIRST_ORDER)


def steps_slider(family: str, run: Run, most: int = STEPS[-1]) -> int:
    """Return the steps that the student chooses: at most as many as times, or as work allows."""
    last = diffusing(run).schedule.last
    work = PICTURES * multiply_adds(run.spec)  # of a function evaluation
    allowed = Numbers(1, min(last, most, int(MOST_WORK / work)))
    options = [steps for steps in STEPS if steps <= allowed.high]
    if len(options) <= 1:
        st.caption("This model knows a single time, so there is a single step.")
        return 1
    key = view_key(family, "steps")
    in_link = bound(key, allowed)
    steps = st.select_slider(
        "Steps",
        marks(key, options, allowed),
        20 if 20 in options else options[-1],
        help=f"Each evaluates the network once, Heun's twice. This model knows {last:,} times.",
        **in_link,
    )
    return int(steps)


def class_choice(run: Run, family: str) -> tuple[int, float]:
    """Return the class and the guidance that the student chooses; −1 is all in turn."""
    classes = DATASETS[run.spec.dataset].classes
    every = [ALL, *classes]
    chosen = st.selectbox("Class", help="What to make.", **one_of(family, "label", every))
    guidance = st.slider(
        "Guidance",
        value=1.5,
        step=0.25,
        help="0 ignores the class, 1 is as trained; more follows the class more closely.",
        **ranged(family, "guidance", 0.0, 5.0),
    )
    return every.index(chosen) - 1, guidance


def class_labels(run: Run, label: int, count: int) -> torch.Tensor | None:
    """Return labels of a class, or of all in turn; None where the model is unconditional."""
    if not diffusing(run).classes:
        return None
    classes = len(DATASETS[run.spec.dataset].classes)
    return torch.arange(count) % classes if label < 0 else torch.full((count,), label)


@cached_object
def _films(run: Run, recipe: Recipe) -> list[Film]:
    """Return the list that the film of a trajectory goes into, once it was streamed."""
    return []


def _streamed(run: Run, recipe: Recipe) -> Film:
    """Return the film of a trajectory; the first time, show each frame as it comes."""
    films = _films(run, recipe)
    if not films:
        films.append(film_of(_stream(run, recipe), diffusing(run)))
    return films[0]


def _stream(run: Run, recipe: Recipe) -> list[Frame]:
    """Draw a trajectory while it is computed; return the frames of its film."""
    model = diffusing(run)
    times = model.schedule.times(recipe.steps)
    rng = generator(recipe.seed)
    noise = torch.randn(PICTURES, *model.shape, generator=rng)
    labels = class_labels(run, recipe.label, PICTURES)
    shown = {times[index] for index in spread(len(times), FRAMES)}
    frames = list[Frame]()
    place = st.empty()
    drawn = 0.0
    trajectory = model.trajectory(noise, recipe.method, times, rng, labels, recipe.guidance)
    for step, frame in enumerate(trajectory):
        if frame.time in shown:
            frames.append(frame)
        if time.monotonic() - drawn > PAUSE:
            drawn = time.monotonic()
            _draw(place, frame, model, f"Step {step} of {recipe.steps}")
    place.empty()
    return frames


def _draw(place: DeltaGenerator, frame: Frame, model: Diffusion, text: str) -> None:
    """Draw one frame while the trajectory is computed: x_t beside the model's x0_hat."""
    panels = [grid(model.unscaled(part))[None] for part in (frame.x, frame.x0_hat)]
    with place.container():
        st.caption(text)
        levels = beside(panels, FACTOR)[0]
        alt = "Noise on its way to pictures, beside the model's estimate of them"
        image(levels, alt, levels.shape[1])


def film_of(frames: list[Frame], model: Diffusion) -> Film:
    """Return the film of a trajectory: x_t beside the model's x0_hat."""
    noise = model.schedule
    captions = [
        f"t = {frame.time:,} of {noise.last:,}: x_t = {noise.alphas[frame.time]:.2f} · picture + "
        f"{noise.sigmas[frame.time]:.2f} · noise"
        for frame in frames
    ]
    x_t = [model.unscaled(frame.x) for frame in frames]
    x0_hat = [model.unscaled(frame.x0_hat) for frame in frames]
    return trajectory_film(x_t, x0_hat, captions)


def _downloads(name: str, shown: Film) -> None:
    """Offer the film as an animation."""

    def animated(kind: Literal["GIF", "PNG"]) -> bytes:
        return animation(beside(shown.panels.values(), 2), 90, kind)

    with st.container(horizontal=True):
        download("GIF", f"{name}.gif", lambda: animated("GIF"))
        download("APNG", f"{name}.png", lambda: animated("PNG"))
