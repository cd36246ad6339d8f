"""The game of two players that all GANs share: losses, cures, and the two phases of a step."""

from genlib.adversarial.batchwise import MinibatchDiscrimination, packed, verdict
from genlib.adversarial.game import Game
from genlib.adversarial.gan import GAN
from genlib.adversarial.growing import GrowingGAN
from genlib.adversarial.objectives import OBJECTIVES, gradient_penalty, squared_gradient_norm
from genlib.adversarial.replay import ReplayBuffer

__all__ = [
    "GAN",
    "OBJECTIVES",
    "Game",
    "GrowingGAN",
    "MinibatchDiscrimination",
    "ReplayBuffer",
    "gradient_penalty",
    "packed",
    "squared_gradient_norm",
    "verdict",
]
