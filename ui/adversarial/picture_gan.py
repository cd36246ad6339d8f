"""What every lesson of a GAN of pictures shows: whether it works, and what it has learned."""

from genlib.runs.run import Run
from ui.adversarial import health, latent_arithmetic, real_or_fake
from ui.adversarial.training_dynamics import training_dynamics
from ui.lesson import Figure
from ui.widgets import samples


def figures(run: Run | None, family: str) -> list[Figure]:
    """Return them, in the order in which a student reads them."""
    return [
        Figure(
            "Is it working?",
            "The losses do not say. Read the verdict: do the samples look real, do they vary, are "
            "all classes there? Each figure stands beside that of real pictures.",
            lambda: health.health(run),
        ),
        Figure(
            "The game over time",
            "Does one player win? Then D is right nearly always, and its gradient teaches G "
            "little. In a mode collapse whole classes leave the samples.",
            lambda: training_dynamics(run),
        ),
        Figure(
            "Draw something new",
            "Draw new codings, then walk from one sample to another. Does each picture on the way "
            "look like one of the data? “Is it working?” says how near samples lie to training "
            "pictures.",
            lambda: samples.samples(run, family),
        ),
        Figure(
            "Arithmetic with codings",
            "Take one kind, take away another, add a third. If directions between codings mean "
            "something, the sum is of the kind that you added. Read how often it is, then try "
            "pullover − T-shirt + dress: should that not be a dress with sleeves?",
            lambda: latent_arithmetic.arithmetic(run),
        ),
        Figure(
            "Beat the discriminator",
            "Tick the pictures that you take for real ones. It has seen far more of them than "
            "you; have you a better eye?",
            lambda: real_or_fake.guessing(run),
        ),
    ]
