"""The families, one file each, in the order of the lessons."""

from genlib.family import Family
from genlib.models.convolutional import ConvolutionalAutoencoder
from genlib.models.dcgan import DCGAN
from genlib.models.ddpm import DDPM
from genlib.models.denoising import DenoisingAutoencoder
from genlib.models.flow import FlowMatching
from genlib.models.gan import DenseGAN
from genlib.models.gan2d import PlaneGAN
from genlib.models.linear import LinearAutoencoder
from genlib.models.progressive import ProgressiveGAN
from genlib.models.recurrent import RecurrentAutoencoder
from genlib.models.sparse import SparseAutoencoder
from genlib.models.stacked import StackedAutoencoder
from genlib.models.stylegan import StyleGAN
from genlib.models.vae import VariationalAutoencoder

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
