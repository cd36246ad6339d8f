"""What the two players of a GAN minimise, and the penalties on the discriminator's slope.

All take logits, the discriminator's output before any sigmoid: positive says real. They return
one number for each picture, so that a mean over the batch is the loss.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from genlib.adversarial.config import Loss

Logits = Float[Tensor, "*lead batch"]
Critic = Callable[[Tensor], Tensor]


class Objective(NamedTuple):
    """The losses of both players, of logits of real and of generated pictures.

    Attributes:
        critic: (real, fake, smoothing) → loss; smoothing is what real labels lack to 1.
        generator: (real, fake) → loss.
        paired: whether the generator's loss needs real pictures too.
        decision_threshold: the logit between real and generated, where smoothing is 0; None
            where only differences of logits mean something.
        probability: whether D learns a probability: the sigmoid of its logit says how likely a
            picture is real. Elsewhere D's output is a score.
    """

    critic: Callable[[Logits, Logits, float], Logits]
    generator: Callable[[Logits, Logits], Logits]
    paired: bool = False
    decision_threshold: float | None = 0.0
    probability: bool = False


def _cross_entropy(real: Logits, fake: Logits, smoothing: float) -> Logits:
    """−(1 − s) ln D(x) − s ln(1 − D(x)) − ln(1 − D(G(z))), D the sigmoid of the logit.

    Goodfellow et al. 2014, eq. 1; the smoothing of Salimans et al. 2016, section 3.4.
    """
    return F.softplus(-real) + smoothing * real + F.softplus(fake)


def _minimax(real: Logits, fake: Logits) -> Logits:
    """ln(1 − D(G(z))): flat where the discriminator is sure, so that little is learned there."""
    return -F.softplus(fake)


def _non_saturating(real: Logits, fake: Logits) -> Logits:
    """−ln D(G(z)) (Goodfellow et al. 2014, section 3)."""
    return F.softplus(-fake)


def _squares(real: Logits, fake: Logits, smoothing: float) -> Logits:
    """½ (D(x) − 1 + s)² + ½ D(G(z))² (Mao et al. 2017, eq. 9)."""
    return ((real - 1 + smoothing).square() + fake.square()) / 2


def _square(real: Logits, fake: Logits) -> Logits:
    """½ (D(G(z)) − 1)²."""
    return (fake - 1).square() / 2


def _hinge(real: Logits, fake: Logits, smoothing: float) -> Logits:
    """max(0, 1 − D(x)) + max(0, 1 + D(G(z))) (Lim and Ye 2017; Miyato et al. 2018, eq. 16)."""
    return F.relu(1 - real) + F.relu(1 + fake)


def _wasserstein(real: Logits, fake: Logits, smoothing: float) -> Logits:
    """D(G(z)) − D(x) (Arjovsky et al. 2017, eq. 3); it needs a penalty on D's slope."""
    return fake - real


def _score(real: Logits, fake: Logits) -> Logits:
    """−D(G(z)): what hinge and Wasserstein loss give the generator."""
    return -fake


def _relative_critic(real: Logits, fake: Logits, smoothing: float) -> Logits:
    """−ln σ(D(x) − D(G(z))): each generated picture beside a real one.

    Jolicoeur-Martineau 2019; Huang et al. 2024, eq. 2.
    """
    return F.softplus(fake - real)


def _relative_generator(real: Logits, fake: Logits) -> Logits:
    """−ln σ(D(G(z)) − D(x))."""
    return F.softplus(real - fake)


OBJECTIVES: dict[Loss, Objective] = {
    "non-saturating": Objective(_cross_entropy, _non_saturating, probability=True),
    "minimax": Objective(_cross_entropy, _minimax, probability=True),
    "least squares": Objective(_squares, _square, decision_threshold=0.5),
    "hinge": Objective(_hinge, _score),
    "wasserstein": Objective(_wasserstein, _score, decision_threshold=None),
    "relativistic": Objective(
        _relative_critic, _relative_generator, paired=True, decision_threshold=None
    ),
}


def guess_level(loss: Loss, smoothing: float = 0.0) -> float:
    """Return the loss of a discriminator that gives all pictures the same, best score.

    It knows nothing of real and generated, so a loss below that level says that it learned
    something. It is the least value of the loss where both scores are equal; penalties are not
    in it.
    """
    scores = torch.linspace(-4, 4, 8001, dtype=torch.float64)  # it is flat or convex in them
    return float(OBJECTIVES[loss].critic(scores, scores, smoothing).min())


def squared_gradient_norm(logits: Logits, *sets: Tensor) -> list[Float[Tensor, "*lead pictures"]]:
    """Return ‖∇ₓ D(x)‖² of each picture of each set, itself differentiable in D's weights.

    All sets in one pass backwards: what was judged in one batch costs no more than one of them.

    Args:
        logits: of all pictures; those that are packed share one.
        sets: pictures that require a gradient, (*lead, pictures, …) with lead as in `logits`.
    """
    gradients = torch.autograd.grad(logits.sum(), sets, create_graph=True)
    return [gradient.flatten(logits.ndim).square().sum(-1) for gradient in gradients]


def gradient_penalty(
    critic: Critic, real: Tensor, fake: Tensor, share: Float[Tensor, "*lead batch"]
) -> Float[Tensor, "*lead batch"]:
    """Return (‖∇D‖ − 1)² between real and generated pictures (Gulrajani et al. 2017, eq. 3).

    Args:
        critic: D.
        real: pictures.
        fake: as many.
        share: where between the two D's slope is taken, in [0, 1]; 1 is at the real one.
    """
    weight = share.view(*share.shape, *[1] * (real.ndim - share.ndim))
    between = torch.lerp(fake.float(), real.float(), weight).detach().requires_grad_()
    (squared,) = squared_gradient_norm(critic(between), between)
    return ((squared + 1e-12).sqrt() - 1).square()
