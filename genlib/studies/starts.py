"""The runs that studies begin with."""

from typing import Annotated

from pydantic import AfterValidator

from genlib.adversarial import GrowingGAN
from genlib.data import DATASETS
from genlib.diffusion import Diffusion
from genlib.family import Encodes, Generates
from genlib.models import FAMILIES
from genlib.models.gan2d import PlaneGAN
from genlib.models.stylegan import StyleGAN
from genlib.models.vae import VariationalAutoencoder
from genlib.runs import Run, RunSpec


def _has_codings(spec: RunSpec) -> RunSpec:
    if not issubclass(FAMILIES[spec.family], Encodes):
        raise ValueError(f"the family {spec.family} has no codings")
    return spec


def _draws_pictures(spec: RunSpec) -> RunSpec:
    if not issubclass(FAMILIES[spec.family], Generates):
        raise ValueError(f"the family {spec.family} makes no new pictures")
    if DATASETS[spec.dataset].kind != "pictures":
        raise ValueError("a judge knows pictures alone")
    return spec


def _is_plane_gan(spec: RunSpec) -> RunSpec:
    if FAMILIES[spec.family] is not PlaneGAN:
        raise ValueError(f"the family {spec.family} is no game in the plane")
    return spec


def _grows(spec: RunSpec) -> RunSpec:
    if not issubclass(FAMILIES[spec.family], GrowingGAN):
        raise ValueError(f"the family {spec.family} does not grow")
    return spec


def _has_styles(spec: RunSpec) -> RunSpec:
    if FAMILIES[spec.family] is not StyleGAN:
        raise ValueError(f"the family {spec.family} has no styles")
    return spec


def _is_variational(spec: RunSpec) -> RunSpec:
    if FAMILIES[spec.family] is not VariationalAutoencoder:
        raise ValueError(f"the family {spec.family} is not variational")
    return spec


def _diffuses(spec: RunSpec) -> RunSpec:
    if not issubclass(FAMILIES[spec.family], Diffusion):
        raise ValueError(f"the family {spec.family} knows no noise")
    return _draws_pictures(spec)


Denoiser = Annotated[RunSpec, AfterValidator(_diffuses)]
Encoder = Annotated[RunSpec, AfterValidator(_has_codings)]
Generator = Annotated[RunSpec, AfterValidator(_draws_pictures)]
Growing = Annotated[RunSpec, AfterValidator(_grows)]
Plane = Annotated[RunSpec, AfterValidator(_is_plane_gan)]
Styled = Annotated[RunSpec, AfterValidator(_has_styles)]
Variational = Annotated[RunSpec, AfterValidator(_is_variational)]


def diffusing(run: Run) -> Diffusion:
    """Return a run's model as the one that it is.

    Raises:
        TypeError: it is another.
    """
    if not isinstance(run.family, Diffusion):
        raise TypeError(f"{run.spec.family} knows no noise")
    return run.family


def styled(run: Run) -> StyleGAN:
    """Return a run's model as the StyleGAN that it is.

    Raises:
        TypeError: it is another.
    """
    if not isinstance(run.family, StyleGAN):
        raise TypeError(f"{run.spec.family} has no styles")
    return run.family


def variational(run: Run) -> VariationalAutoencoder:
    """Return a run's model as the variational autoencoder that it is.

    Raises:
        TypeError: it is another.
    """
    if not isinstance(run.family, VariationalAutoencoder):
        raise TypeError(f"{run.spec.family} is not variational")
    return run.family
