r"""How likely black-and-white test pictures are under a variational autoencoder.

The ELBO is a lower bound on $\ln p(x)$. Several draws from the same cloud give a tighter one, the
importance-weighted bound (Y. Burda, R. Grosse, R. Salakhutdinov, *Importance weighted
autoencoders*, ICLR 2016, eq. 8):

$$\ln p(x) \ge \mathbb E \Bigl[\ln \frac 1 K \sum_{k=1}^{K} \frac{p(x \mid z_k)\, p(z_k)}
{q(z_k \mid x)}\Bigr], \qquad z_k \sim q(z \mid x)$$

It is the ELBO for $K = 1$, never falls as $K$ grows, and reaches $\ln p(x)$ in the limit.
"""

from collections.abc import Iterator
from typing import Literal

import torch
from jaxtyping import Float
from pydantic import Field, field_validator
from safetensors.torch import load, save
from torch import Tensor

from genlib.data.dataset import load as load_dataset
from genlib.family import Pictures, to_float
from genlib.metrics import importance_bound, log_normal
from genlib.models.vae.model import VariationalAutoencoder
from genlib.rng import generator
from genlib.runs.spec import RunSpec
from genlib.studies.starts import StudyOfRun, Variational, variational
from genlib.tasks.progress import Files, Progress
from genlib.tasks.workspace import Workspace

COUNTS = (1, 10, 100, 1000, 5000)  # K
BATCH = 50  # pictures at a time, each with
DRAWS = 250  # codings at a time


class Likelihood(StudyOfRun):
    """Bounds on the log-likelihood of test pictures, by the number of draws from each cloud."""

    study: Literal["likelihood"] = "likelihood"
    start: Variational = Field(description="The run that is measured.")
    pictures: int = Field(
        500,
        ge=100,
        le=10_000,
        multiple_of=BATCH,
        title="Test pictures",
        description="How many are measured, from the first on; each takes 5,000 draws.",
        json_schema_extra={"options": [100, 500]},
    )

    @field_validator("start")
    @classmethod
    def _has_black_and_white_pixels(cls, spec: RunSpec) -> RunSpec:
        if getattr(spec.model, "loss", "") == "mse":
            raise ValueError("the squared error is not the likelihood of black or white pixels")
        return spec

    def perform(self, workspace: Workspace, files: Files) -> Iterator[Progress]:
        """Yield the bounds of the pictures so far; those in `files` are not measured again."""
        run = workspace.run(self.start)
        family = variational(run)
        images = load_dataset(self.start.dataset).test[: self.pictures]
        x = torch.bernoulli(to_float(images), generator=generator(0)).to(workspace.device)
        results = [bounds(files)] if files else []
        done = -(-sum(map(len, results)) // BATCH)
        batches = x.split(BATCH)
        for number, batch in enumerate(batches[done:], done):
            weights = log_weights(family, batch, generator(number, workspace.device))
            by_count = [importance_bound(weights, count) for count in COUNTS]
            results.append(torch.stack(by_count, 1).cpu())
            files = {"bounds.safetensors": save({"bounds": torch.cat(results)})}
            yield Progress(number + 1, len(batches), files)


@torch.no_grad()
def log_weights(
    family: VariationalAutoencoder, x: Pictures, rng: torch.Generator
) -> Float[Tensor, "draws pictures"]:
    """Return ln p(x, z) − ln q(z | x) in nats, of as many draws as the largest of COUNTS."""
    posterior = family.posterior(x)
    parts = []
    for _ in range(COUNTS[-1] // DRAWS):
        eps = torch.randn(DRAWS, *posterior.mean.shape, generator=rng, device=x.device)
        z = posterior.draw(eps)
        log_ratio = log_normal(z) - log_normal(eps) + posterior.log_variance / 2  # p(z) / q(z | x)
        parts.append(family.log_likelihood(x, z) + log_ratio.sum(-1))
    return torch.cat(parts)


def bounds(files: Files) -> Float[Tensor, "pictures counts"]:
    """Return the bounds of `perform` in nats: for each picture so far, at each of COUNTS."""
    return load(files["bounds.safetensors"])["bounds"]
