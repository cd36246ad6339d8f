"""What every lesson of a GAN of pictures shows: whether it works, and what it has learned."""

from genlib.runs.run import Run
from ui import lesson
from ui.adversarial import health, latent_arithmetic, real_or_fake
from ui.widgets import samples


def sections(run: Run | None, family: str) -> None:
    """Draw them, top to bottom as a student reads them."""
    with lesson.section(
        "Is it working?",
        "Look at the bands first: a class that is missing is a mode collapse, bands that come and "
        "go are a game that circles. Then read the verdict.",
    ):
        health.health(run)
    with lesson.section(
        "Draw something new",
        "Nothing was copied. Between two samples nothing falls apart, if the generator learned "
        "more than single pictures.",
    ):
        samples.samples(run, family)
    with lesson.section(
        "Arithmetic with codings",
        "Take one kind, take away another, add a third: directions between codings mean "
        "something, though nobody told the generator what a sleeve is.",
    ):
        latent_arithmetic.arithmetic(run)
    with lesson.section(
        "Beat the discriminator",
        "Tick the pictures that you take for real ones. It has seen far more of them than you; "
        "have you a better eye?",
    ):
        real_or_fake.guessing(run)
