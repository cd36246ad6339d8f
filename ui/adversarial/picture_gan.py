"""What every lesson of a GAN of pictures shows: whether it works, and what it has learned."""

from genlib.runs.run import Run
from ui import lesson
from ui.adversarial import health, latent_arithmetic, real_or_fake
from ui.widgets import samples


def sections(run: Run | None, family: str) -> None:
    """Draw them, top to bottom as a student reads them."""
    with lesson.section(
        "Is it working?",
        "The losses do not say. Read the verdict: do the samples look real, do they vary, are "
        "all classes there? Each figure stands beside that of real pictures.",
    ):
        health.health(run)
    with lesson.section(
        "Draw something new",
        "Draw new codings, then walk from one sample to another. Does each picture on the way "
        "look like one of the data? How near samples lie to training pictures is said above.",
    ):
        samples.samples(run, family)
    with lesson.section(
        "Arithmetic with codings",
        "Take one kind, take away another, add a third. If directions between codings mean "
        "something, the sum is of the kind that you added. Read how often it is, then try "
        "pullover − T-shirt + dress: should that not be a dress with sleeves?",
    ):
        latent_arithmetic.arithmetic(run)
    with lesson.section(
        "Beat the discriminator",
        "Tick the pictures that you take for real ones. It has seen far more of them than you; "
        "have you a better eye?",
    ):
        real_or_fake.guessing(run)
