"""The way from noise to pictures of a pretrained model: asked for, watched, then a film."""

from functools import partial

from genlib.family import to_float
from genlib.hub import Pull, Reversal
from genlib.hub.curated import Pretrained
from genlib.hub.reversal import film_of
from ui import controls
from ui.pretrained import pull
from ui.runs.knobs import read_link
from ui.runs.study_panel import Files, study_panel
from ui.widgets.film import film, trajectory_film
from ui.widgets.seed import draw_number

controls.record_views("model", "model-repo", "sample")

PAGE = pull.PAGE
FACTOR = 6  # by which pixels are enlarged at most


def knobs() -> tuple[Pretrained | None, Reversal | None]:
    """Draw the choice of the model and of the walk; none while no model is chosen."""
    names = "sampler", "steps", "pictures"
    fields = {name: Reversal.model_fields[name] for name in names}
    read_link(PAGE, fields)
    entry = pull.chosen("ddpm", "model")
    if entry is None:
        return None, None
    pull.facts(entry)
    values = {
        name: controls.widget(PAGE, name, field, field.default) for name, field in fields.items()
    }
    seed = draw_number(PAGE, "sample", "Seed of the noise", "Other noise")
    return entry, Reversal(start=Pull.of(entry), seed=seed, **values)


def walk(entry: Pretrained | None, asked: Reversal | None) -> None:
    """Show the walk that was asked for; before that, what brings its model here."""
    if entry is None or asked is None:
        return
    if not pull.here(asked.start):
        pull.bring(entry)
        return
    study_panel(asked, "Walk from noise", partial(_draw, asked))


def _draw(asked: Reversal, files: Files) -> None:
    times, x, clean = film_of(dict(files))
    columns = max(1, round(asked.pictures**0.5))
    captions = [f"t = {time:,} of {times[0]:,}" for time in times]
    shown = trajectory_film(to_float(x), to_float(clean), captions, columns)
    film(shown, f"{PAGE}-walk", "the way from noise to pictures", FACTOR)
