"""A map of the codings: every picture a point, pictures with similar codings close together.

t-SNE (L. van der Maaten, G. Hinton, JMLR 9, 2008) moves the points until each one's neighbours
in the plane are its neighbours among the codings. It starts from PCA, which keeps more of the
large shape than a start at random (D. Kobak, P. Berens, Nature Communications 10, 2019); still
the distances between groups and the sizes of groups mean little.
"""

from collections.abc import Iterator
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float
from pydantic import Field
from safetensors.numpy import save
from torch import Tensor

from genlib.data.dataset import load as load_dataset
from genlib.family import encoding, to_float
from genlib.metrics import principal_axes
from genlib.runs.run import Run
from genlib.studies.starts import Encoder, StudyOfRun
from genlib.tasks.progress import Files, Progress
from genlib.tasks.workspace import Workspace

ROUNDS = 10  # in which the map is moved, and shown after each


class CodeMap(StudyOfRun):
    """The codings of test pictures in two dimensions, by PCA and by t-SNE."""

    study: Literal["code_map"] = "code_map"
    start: Encoder = Field(description="The run whose codings are mapped.")
    pictures: int = Field(5000, ge=100, le=5000, description="Test pictures, from the first on.")
    perplexity: float = Field(30.0, ge=5, le=100, description="About how many neighbours count.")

    def perform(self, workspace: Workspace, files: Files) -> Iterator[Progress]:
        """Yield the map as it forms; it begins anew, whatever `files` hold."""
        codings = codings_of(workspace.run(self.start), self.pictures).numpy()
        places = {"pca": by_pca(codings)}
        places["tsne"] = places["pca"]
        for step, places["tsne"] in enumerate(by_tsne(codings, self.perplexity), 1):
            yield Progress(step, ROUNDS, {"map.safetensors": save(places)})


def codings_of(run: Run, count: int) -> Float[Tensor, "pictures codings"]:
    """Return the codings of the first test pictures.

    Raises:
        TypeError: the run's family has no codings.
    """
    family = encoding(run.family)
    test = load_dataset(run.spec.dataset).test[:count]
    device = next(run.family.parameters()).device
    with torch.no_grad():
        parts = [family.encode(to_float(part.to(device))).cpu() for part in test.split(1000)]
    return torch.cat(parts)


Places = Float[np.ndarray, "pictures 2"]


def by_pca(codings: Float[np.ndarray, "pictures codings"]) -> Places:
    """Return the first two principal components, scaled to a spread of one; one coding is both."""
    count = min(2, codings.shape[1])
    centred = codings - codings.mean(0)
    places = np.repeat(centred @ principal_axes(codings, count), 2 // count, axis=1)
    scaled: Places = (places / np.maximum(places.std(0), 1e-9)).astype(np.float32)
    return scaled


def by_tsne(codings: Float[np.ndarray, "pictures codings"], perplexity: float) -> Iterator[Places]:
    """Yield the map of t-SNE, started from PCA, after each of ROUNDS rounds.

    openTSNE's Barnes-Hut gradient: faster here than scikit-learn's, which neither says how far
    it is nor can be stopped. The first three rounds exaggerate attraction twelve-fold.
    """
    from openTSNE import affinity, initialization
    from openTSNE.tsne import TSNEEmbedding

    most = max(1.0, (len(codings) - 1) / 3)  # it looks at three times as many neighbours
    near = affinity.PerplexityBasedNN(
        codings, min(perplexity, most), method="exact", n_jobs=-1, random_state=0
    )
    embedding = TSNEEmbedding(
        initialization.jitter(initialization.rescale(by_pca(codings)), random_state=0),
        near,
        negative_gradient_method="bh",
        n_jobs=-1,
        random_state=0,
    )
    for number in range(ROUNDS):
        early = number < 3
        embedding = embedding.optimize(
            75, exaggeration=12 if early else None, momentum=0.5 if early else 0.8
        )
        yield np.asarray(embedding, dtype=np.float32)
