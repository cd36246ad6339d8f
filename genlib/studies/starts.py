"""The runs that studies begin with, and what studies of a finished run share."""

from typing import Annotated, Any, ClassVar, TypeVar

from pydantic import AfterValidator

from genlib.adversarial.growing import GrowingGAN
from genlib.config import Config
from genlib.data import DATASETS, DatasetName
from genlib.diffusion.diffusion import Diffusion
from genlib.entry import Ability
from genlib.family import Family
from genlib.models import FAMILIES
from genlib.models.gan2d.config import GAN2DConfig
from genlib.models.stylegan.config import StyleGANConfig
from genlib.models.stylegan.model import StyleGAN
from genlib.models.vae.config import VAEConfig
from genlib.models.vae.model import VariationalAutoencoder
from genlib.runs.run import Run
from genlib.runs.spec import RunSpec
from genlib.tasks.durations import Durations

Kind = TypeVar("Kind", bound=Family)


def of_pictures(name: DatasetName) -> DatasetName:
    """Return the name of a data set of pictures.

    Raises:
        ValueError: it is of points.
    """
    if DATASETS[name].kind != "pictures":
        raise ValueError("a classifier knows pictures alone")
    return name


def _able(ability: Ability, otherwise: str) -> AfterValidator:
    """Return the check that a run's family has an ability; `otherwise` says what others are."""

    def check(spec: RunSpec) -> RunSpec:
        if ability not in FAMILIES[spec.family].abilities:
            raise ValueError(f"the family {spec.family} {otherwise}")
        return spec

    return AfterValidator(check)


def _set_by(config_type: type[Config], otherwise: str) -> AfterValidator:
    """Return the check that a run's model has such settings; `otherwise` says what others are."""

    def check(spec: RunSpec) -> RunSpec:
        if not isinstance(spec.model, config_type):
            raise ValueError(f"the family {spec.family} {otherwise}")
        return spec

    return AfterValidator(check)


def _of_pictures(spec: RunSpec) -> RunSpec:
    of_pictures(spec.dataset)
    return spec


_PICTURES = AfterValidator(_of_pictures)
Encoder = Annotated[RunSpec, _able("encodes", "has no codings")]
Generator = Annotated[RunSpec, _able("generates", "makes no new pictures"), _PICTURES]
Denoiser = Annotated[RunSpec, _able("diffuses", "knows no noise"), _PICTURES]
Growing = Annotated[RunSpec, _able("grows", "does not grow")]
Plane = Annotated[RunSpec, _set_by(GAN2DConfig, "is no game in the plane")]
Styled = Annotated[RunSpec, _set_by(StyleGANConfig, "has no styles")]
Variational = Annotated[RunSpec, _set_by(VAEConfig, "is not variational")]


ShippedStudy = TypeVar("ShippedStudy", bound="MeasuredStudy")


class MeasuredStudy(Config):
    """A study whose shipped results may have been measured with other settings."""

    shipped_settings: ClassVar[dict[str, Any]] = {}  # in which shipped results differ

    def as_shipped(self: ShippedStudy) -> ShippedStudy:
        """Return the same study with the settings that the shipped results have."""
        return self.model_copy(update=self.shipped_settings)


class StudyOfRun(MeasuredStudy):
    """A study that begins with a finished run."""

    start: RunSpec

    @property
    def prerequisites(self) -> tuple[RunSpec, ...]:
        """The run that must be finished before."""
        return (self.start,)

    def estimated_seconds(self, durations: Durations) -> float | None:
        """Return how long it took for the shipped run of the family, if that was measured."""
        shipped = RunSpec.of_preset(self.start.family)
        return durations.of_study(self.as_shipped().model_copy(update={"start": shipped}))


def model_of(run: Run, kind: type[Kind]) -> Kind:
    """Return a run's model as one of that kind.

    Raises:
        TypeError: it is of another.
    """
    if not isinstance(run.family, kind):
        raise TypeError(f"{run.spec.family} is no {kind.__name__}")
    return run.family


def diffusing(run: Run) -> Diffusion:
    """Return a run's model as the one that it is.

    Raises:
        TypeError: it is another.
    """
    return model_of(run, Diffusion)


def growing(run: Run) -> GrowingGAN:
    """Return a run's model as the GAN that grows.

    Raises:
        TypeError: it is another.
    """
    return model_of(run, GrowingGAN)


def styled(run: Run) -> StyleGAN:
    """Return a run's model as the StyleGAN that it is.

    Raises:
        TypeError: it is another.
    """
    return model_of(run, StyleGAN)


def variational(run: Run) -> VariationalAutoencoder:
    """Return a run's model as the variational autoencoder that it is.

    Raises:
        TypeError: it is another.
    """
    return model_of(run, VariationalAutoencoder)
