"""The families, one file each, in the order of the lessons."""

from genlib.family import Family
from genlib.models.convolutional.model import ConvolutionalAutoencoder
from genlib.models.dcgan.model import DCGAN
from genlib.models.ddpm.model import DDPM
from genlib.models.denoising.model import DenoisingAutoencoder
from genlib.models.flow.model import FlowMatching
from genlib.models.gan.model import DenseGAN
from genlib.models.gan2d.model import PlaneGAN
from genlib.models.linear.model import LinearAutoencoder
from genlib.models.progressive.model import ProgressiveGAN
from genlib.models.recurrent.model import RecurrentAutoencoder
from genlib.models.sparse.model import SparseAutoencoder
from genlib.models.stacked.model import StackedAutoencoder
from genlib.models.stylegan.model import StyleGAN
from genlib.models.vae.model import VariationalAutoencoder

FAMILIES: dict[str, type[Family]] = {
    "linear": LinearAutoencoder,
    "stacked": StackedAutoencoder,
    "convolutional": ConvolutionalAutoencoder,
    "recurrent": RecurrentAutoencoder,
    "denoising": DenoisingAutoencoder,
    "sparse": SparseAutoencoder,
    "vae": VariationalAutoencoder,
    "gan2d": PlaneGAN,
    "gan": DenseGAN,
    "dcgan": DCGAN,
    "progressive": ProgressiveGAN,
    "stylegan": StyleGAN,
    "ddpm": DDPM,
    "flow": FlowMatching,
}
