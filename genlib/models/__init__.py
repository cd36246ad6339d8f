"""The families in the order of the lessons, by what is known of each before it is loaded."""

from genlib.entry import FamilyEntry
from genlib.models.convolutional import config as convolutional
from genlib.models.dcgan import config as dcgan
from genlib.models.ddpm import config as ddpm
from genlib.models.denoising import config as denoising
from genlib.models.flow import config as flow
from genlib.models.gan import config as gan
from genlib.models.gan2d import config as gan2d
from genlib.models.linear import config as linear
from genlib.models.progressive import config as progressive
from genlib.models.recurrent import config as recurrent
from genlib.models.sparse import config as sparse
from genlib.models.stacked import config as stacked
from genlib.models.stylegan import config as stylegan
from genlib.models.vae import config as vae

FAMILIES: dict[str, FamilyEntry] = {
    "linear": linear.FAMILY,
    "stacked": stacked.FAMILY,
    "convolutional": convolutional.FAMILY,
    "recurrent": recurrent.FAMILY,
    "denoising": denoising.FAMILY,
    "sparse": sparse.FAMILY,
    "vae": vae.FAMILY,
    "gan2d": gan2d.FAMILY,
    "gan": gan.FAMILY,
    "dcgan": dcgan.FAMILY,
    "progressive": progressive.FAMILY,
    "stylegan": stylegan.FAMILY,
    "ddpm": ddpm.FAMILY,
    "flow": flow.FAMILY,
}
