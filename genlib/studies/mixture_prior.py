"""A better prior, found afterwards: a mixture of normal distributions fitted to the codings.

The codings of real pictures do not fill the prior evenly: there are gaps, where nobody told the
decoder what to draw. A mixture fitted to the codings avoids them (P. Ghosh et al., *From
variational to deterministic autoencoders*, ICLR 2020).
"""

import json
from collections.abc import Iterator
from typing import Literal, NamedTuple

import torch
from jaxtyping import Float
from pydantic import Field
from safetensors.torch import load, save
from torch import Tensor

from genlib.classifier import Classifier, classified, classifier_of
from genlib.data.dataset import load as load_dataset
from genlib.family import to_float
from genlib.metrics import frechet_distance
from genlib.rng import generator
from genlib.studies.starts import StudyOfRun, Variational, variational
from genlib.tasks.progress import Files, Progress
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
        chosen = torch.multinomial(self.weights, count, replacement=True, generator=rng)
        eps = torch.randn(count, self.means.shape[1], generator=rng)
        moved: Tensor = (self.factors[chosen] @ eps[:, :, None])[:, :, 0]
        return self.means[chosen] + moved


class MixturePrior(StudyOfRun):
    """Samples of the prior against samples of a mixture, judged by their classifier FID."""

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
    pictures: int = Field(5000, ge=500, le=10_000, description="Samples that are judged.")

    def perform(self, workspace: Workspace, files: Files) -> Iterator[Progress]:
        """Yield how far it is, at last the mixture and its figures; it begins anew."""
        classifier, before = yield from classifier_of(self.start.dataset, workspace, STEPS)
        steps = before + STEPS
        family = variational(workspace.run(self.start)).cpu()
        data = load_dataset(self.start.dataset)
        count = min(self.pictures, len(data.test), len(data.train))  # of all sets alike
        with torch.no_grad():
            codings = family.encode(to_float(data.train[:FITTED]))
        found, rng = fitted(codings, self.components), generator(0)
        yield Progress(before + 1, steps, {})
        with torch.no_grad():
            made = {
                "floor": to_float(data.test[:count]),
                "prior": family.sample(count, rng),
                "mixture": family.decode(found.sample(count, rng)),
            }
        real, figures = _features(classifier, to_float(data.train[:count])), dict[str, float]()
        for step, (name, x) in enumerate(made.items(), before + 2):
            yield Progress(step, steps, {})
            figures[name] = frechet_distance(real, _features(classifier, x))
        kept = {
            "mixture.safetensors": save(found._asdict()),
            "figures.json": json.dumps(figures).encode(),
        }
        yield Progress(steps, steps, kept)


def _features(classifier: Classifier, x: Tensor) -> Tensor:
    return classified(classifier, x).features


def fitted(codings: Float[Tensor, "batch codings"], components: int) -> Mixture:
    """Return the mixture that fits codings best, by scikit-learn's expectation maximisation."""
    from sklearn.mixture import GaussianMixture

    found = GaussianMixture(components, random_state=0, reg_covar=1e-5).fit(codings.numpy())
    factors = torch.linalg.cholesky(torch.from_numpy(found.covariances_))
    parts = torch.from_numpy(found.weights_), torch.from_numpy(found.means_), factors
    return Mixture(*(part.float().contiguous() for part in parts))


def mixture(files: Files) -> Mixture:
    """Return the mixture of `perform`."""
    return Mixture(**load(files["mixture.safetensors"]))
