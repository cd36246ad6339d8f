"""A better prior, fitted afterwards: a mixture of normal distributions of the codings.

The codings of real pictures need not fill the prior evenly. Where there are gaps, the decoder was
never trained on what to draw there; a mixture fitted to the codings puts less into them (P. Ghosh
et al., *From variational to deterministic autoencoders*, ICLR 2020).
"""

from collections.abc import Iterator
from typing import Literal, NamedTuple

import torch
from jaxtyping import Float
from pydantic import Field
from safetensors.torch import load, save
from torch import Tensor

from genlib.classifier import classifier_of
from genlib.data.dataset import load as load_dataset
from genlib.family import to_float
from genlib.rng import generator
from genlib.studies.reference import SAMPLES, Reference
from genlib.studies.starts import StudyOfRun, Variational, variational
from genlib.tasks.progress import Files, Progress
from genlib.tasks.result import Result
from genlib.tasks.workspace import Workspace

FITTED = 20_000  # training pictures whose codings the mixture is fitted to
STEPS = 5


class Mixture(NamedTuple):
    """A mixture of normal distributions."""

    weights: Float[Tensor, "components"]
    means: Float[Tensor, "components codings"]
    factors: Float[Tensor, "components codings codings"]  # of the covariances, by Cholesky

    def sample(self, count: int, rng: torch.Generator) -> Float[Tensor, "batch codings"]:
        """Return draws from the mixture, on the CPU."""
        index = torch.multinomial(self.weights, count, replacement=True, generator=rng)
        eps = torch.randn(count, self.means.shape[1], generator=rng)
        noise: Tensor = (self.factors[index] @ eps[:, :, None])[:, :, 0]
        return self.means[index] + noise


class PriorQuality(Result):
    """The FIDs of samples of either prior, and of real pictures.

    Those of the classifier are `floor`, `prior` and `mixture`; `pixels` has the pixel FIDs.
    """

    floor: float
    prior: float
    mixture: float
    pictures: int | None = None  # samples; version 1 does not say
    pixels: dict[str, float] = {}  # by the same names; version 1 did not measure them


class MixturePrior(StudyOfRun):
    """Samples of the prior against samples of a mixture, by their FIDs."""

    study: Literal["mixture_prior"] = "mixture_prior"
    start: Variational = Field(description="The run whose codings are modelled.")
    components: int = Field(
        10,
        ge=1,
        le=100,
        title="Components",
        description="Normal distributions in the mixture, each with a full covariance.",
        json_schema_extra={"options": [1, 3, 10, 30, 100]},
    )
    pictures: int = Field(SAMPLES, ge=500, le=10_000, description="Samples of each prior.")

    def perform(self, workspace: Workspace, files: Files) -> Iterator[Progress]:
        """Yield how far it is, at last the mixture and its quality; it begins anew."""
        classifier, before = yield from classifier_of(self.start.dataset, workspace, STEPS)
        steps = before + STEPS
        family = variational(workspace.run(self.start)).cpu()
        data = load_dataset(self.start.dataset)
        reference = Reference(classifier, data, self.pictures)
        with torch.no_grad():
            codings = family.encode(to_float(data.train[:FITTED]))
        fit, rng = fitted(codings, self.components), generator(0)
        yield Progress(before + 1, steps)
        fids, pixels = {"floor": reference.fid_floor}, {"floor": reference.pixel_fid_floor}
        yield Progress(before + 2, steps)
        with torch.no_grad():
            samples = {
                "prior": family.sample(reference.count, rng),
                "mixture": family.decode(fit.sample(reference.count, rng)),
            }
        for step, (prior, x) in enumerate(samples.items(), before + 3):
            yield Progress(step, steps)
            seen = reference.seen(x)
            fids[prior], pixels[prior] = reference.fid(seen), reference.pixel_fid(seen)
        quality = PriorQuality(**fids, pictures=reference.count, pixels=pixels)
        mixture = save(fit._asdict())
        yield Progress(
            steps, steps, {"mixture.safetensors": mixture, "figures.json": quality.to_json()}
        )


def fitted(codings: Float[Tensor, "batch codings"], components: int) -> Mixture:
    """Return the mixture that fits codings best, by scikit-learn's expectation maximization."""
    from sklearn.mixture import GaussianMixture

    fit = GaussianMixture(components, random_state=0, reg_covar=1e-5).fit(codings.numpy())
    factors = torch.linalg.cholesky(torch.from_numpy(fit.covariances_))
    parts = torch.from_numpy(fit.weights_), torch.from_numpy(fit.means_), factors
    return Mixture(*(part.float().contiguous() for part in parts))


def mixture(files: Files) -> Mixture:
    """Return the mixture of `perform`."""
    return Mixture(**load(files["mixture.safetensors"]))


def quality(files: Files) -> PriorQuality:
    """Return the quality of both priors that `perform` measured."""
    return PriorQuality.from_json(files["figures.json"])
