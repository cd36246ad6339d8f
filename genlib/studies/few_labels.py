r"""How much a pretrained encoder helps where few pictures have labels.

An autoencoder needs no labels, so its encoder $f$ can learn from all pictures. A classifier then
begins with that encoder and puts one dense layer on its codings, scaled to mean 0 and
deviation 1:

$$\hat p(y \mid x) = \mathrm{softmax}\Bigl(W\, \frac{f(x) - m}{s} + b\Bigr), \qquad
\mathcal L = -\frac 1 n \sum_{i=1}^{n} \ln \hat p(y_i \mid x_i)$$

With $f$ **frozen** only $W$ and $b$ learn: a few hundred numbers, which is safe with few labels.
**Fine-tuning** goes on training $f$ too. **From scratch** is the same network with random
weights, trained at the same rates: the difference is what pretraining is worth at those rates. A
linear classifier on the raw pixels stands beside them as the baseline: what is needed to copy a
picture need not be what tells its class.

Each accuracy is of all test pictures; the labelled ones are drawn anew for each seed, as many of
every class.

**References.** A. Géron, *Hands-On Machine Learning*, chapter 17. D. Erhan et al., *Why does
unsupervised pre-training help deep learning?*, JMLR 11 (2010).
"""

import copy
from collections.abc import Callable, Iterator
from typing import Literal

import torch
from jaxtyping import Float, Int64
from pydantic import Field, field_validator
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import skip_init

from genlib.data import DATASETS
from genlib.data.dataset import Dataset
from genlib.data.dataset import load as load_dataset
from genlib.family import Family, encoding, to_float
from genlib.rng import generator
from genlib.runs.run import Run
from genlib.runs.spec import RunSpec
from genlib.studies.starts import Encoder, StudyOfRun
from genlib.tasks.progress import Files, Progress
from genlib.tasks.result import Result
from genlib.tasks.workspace import Workspace

LABELS = (10, 30, 100, 300, 1000)  # labelled pictures, over all classes
BATCH = 100  # labelled pictures of a step, at most
RATES = 3e-4, 3e-3  # Adam's, for an encoder and the layer on it, however the encoder began
FROZEN_RATES = 0.0, 1e-2  # where the layer on top learns alone
Method = Literal[
    "raw pixels, linear", "from scratch", "pretrained, frozen", "pretrained, fine-tuned"
]


class Accuracy(Result):
    """The share of test pictures that a classifier gets right."""

    method: Method
    labels: int
    seed: int
    accuracy: float


class FewLabels(StudyOfRun):
    """Accuracy against the number of labels, with a pretrained encoder and without."""

    study: Literal["few_labels"] = "few_labels"
    start: Encoder = Field(description="The autoencoder whose encoder is reused.")
    seeds: int = Field(
        8,
        ge=2,
        le=10,
        title="Seeds",
        description="How often each classifier is trained, on other labelled pictures each time.",
    )
    steps: int = Field(
        300,
        ge=50,
        le=1000,
        title="Steps",
        description="Steps of Adam for each classifier, the same for all.",
        json_schema_extra={"step": 50},
    )

    @field_validator("start")
    @classmethod
    def _has_classes(cls, spec: RunSpec) -> RunSpec:
        if len(DATASETS[spec.dataset].classes) < 2:
            raise ValueError(f"{DATASETS[spec.dataset].title} has no classes to tell apart")
        return spec

    def perform(self, workspace: Workspace, files: Files) -> Iterator[Progress]:
        """Yield the accuracies measured so far; those in `files` are not measured again."""
        run = workspace.run(self.start)
        data = load_dataset(run.spec.dataset).to(workspace.device)
        results = accuracies(files) if files else []
        done = {(each.method, each.labels, each.seed) for each in results}
        for labels in LABELS:
            for seed in range(self.seeds):
                for method, measure in METHODS.items():
                    if (method, labels, seed) not in done:
                        share = measure(self, run, data, drawn(data, labels, seed), seed)
                        results.append(
                            Accuracy(method=method, labels=labels, seed=seed, accuracy=share)
                        )
                        yield Progress(len(results), self.size, to_files(results))

    @property
    def size(self) -> int:
        """Classifiers to train in all."""
        return len(LABELS) * self.seeds * len(METHODS)


Labelled = tuple[Tensor, Int64[Tensor, "labelled"]]


def drawn(data: Dataset, labels: int, seed: int) -> Labelled:
    """Return so many training pictures in [0, 1] and their labels, evenly from all classes."""
    rng = generator(seed)
    order = torch.randperm(len(data.train), generator=rng)
    ranked = data.train_labels.cpu()[order]
    classes = len(DATASETS[data.name].classes)
    picks = [order[ranked == label][: labels // classes] for label in range(classes)]
    index = torch.cat(picks).to(data.train.device)
    return to_float(data.train[index]), data.train_labels[index]


def linear(study: FewLabels, run: Run, data: Dataset, few: Labelled, seed: int) -> float:
    """Return the accuracy of scikit-learn's logistic regression on the pixels."""
    from sklearn.linear_model import LogisticRegression

    x, y = (part.flatten(1).cpu() if part.ndim > 1 else part.cpu() for part in few)
    model = LogisticRegression(max_iter=1000).fit(x.numpy(), y.numpy())
    test = to_float(data.test).flatten(1).cpu().numpy()
    return float(model.score(test, data.test_labels.cpu().numpy()))


class EncoderClassifier(nn.Module):
    """An encoder, its codings brought to mean 0 and deviation 1, and a dense layer on them.

    Args:
        family: one that encodes; it is trained in place unless its weights are frozen.
        unlabelled: pictures by which the codings are scaled.
        classes: how many there are.
    """

    def __init__(self, family: Family, unlabelled: Tensor, classes: int) -> None:
        super().__init__()
        self.family, self.encode = family, encoding(family).encode
        with torch.no_grad():
            z = self.encode(unlabelled)
        self.mean, self.deviation = z.mean(0), z.std(0).clamp(min=1e-4)
        self.head = skip_init(nn.Linear, z.shape[1], classes, device=z.device)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def forward(self, x: Tensor) -> Float[Tensor, "batch classes"]:
        """Return the logits of the classes."""
        logits: Tensor = self.head((self.encode(x) - self.mean) / self.deviation)
        return logits


def _trained(
    study: FewLabels, family: Family, rates: tuple[float, float], data: Dataset, few: Labelled
) -> float:
    """Return the test accuracy of a classifier trained on few pictures.

    `rates` are Adam's learning rates for the encoder, 0 to freeze it, and for the layer on top.
    """
    x, y = few
    rng = generator(0)
    some = to_float(data.train[torch.randperm(len(data.train), generator=rng)[:5000]])
    classifier = EncoderClassifier(family, some, len(DATASETS[data.name].classes))
    classifier.train()  # cuDNN's LSTMs have no gradient otherwise
    encoder_rate, head_rate = rates
    family.requires_grad_(encoder_rate > 0)
    groups = [{"params": list(classifier.head.parameters()), "lr": head_rate}]
    if encoder_rate:
        groups.append({"params": list(family.parameters()), "lr": encoder_rate})
    optimizer = torch.optim.Adam(groups)
    orders = [torch.randperm(len(x), generator=rng)[:BATCH] for _ in range(study.steps)]
    for batch in torch.stack(orders).to(x.device):
        loss = F.cross_entropy(classifier(x[batch]), y[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        test = to_float(data.test)
        guesses = [classifier(part).argmax(1) for part in test.split(1000)]
    return float((torch.cat(guesses) == data.test_labels).float().mean())


def from_scratch(study: FewLabels, run: Run, data: Dataset, few: Labelled, seed: int) -> float:
    """Return the accuracy of the same network with random weights, all of them trained."""
    train = run.spec.train.model_copy(update={"seed": seed})
    fresh = run.spec.model_copy(update={"train": train}).build().to(data.train.device)
    return _trained(study, fresh, RATES, data, few)


def frozen(study: FewLabels, run: Run, data: Dataset, few: Labelled, seed: int) -> float:
    """Return the accuracy of a dense layer on the codings, the encoder as it is."""
    return _trained(study, _copied(run, data), FROZEN_RATES, data, few)


def fine_tuned(study: FewLabels, run: Run, data: Dataset, few: Labelled, seed: int) -> float:
    """Return the accuracy of the pretrained encoder trained on, with a dense layer on top."""
    return _trained(study, _copied(run, data), RATES, data, few)


def _copied(run: Run, data: Dataset) -> Family:
    """Return a copy of a run's model; `to` lays the weights of an LSTM side by side again."""
    return copy.deepcopy(run.family).to(data.train.device)


Measure = Callable[[FewLabels, Run, Dataset, Labelled, int], float]
METHODS: dict[Method, Measure] = {
    "raw pixels, linear": linear,
    "from scratch": from_scratch,
    "pretrained, frozen": frozen,
    "pretrained, fine-tuned": fine_tuned,
}


def to_files(results: list[Accuracy]) -> Files:
    """Return the accuracies as JSON lines."""
    return {"accuracies.jsonl": b"".join(each.to_json() + b"\n" for each in results)}


def accuracies(files: Files) -> list[Accuracy]:
    """Return the accuracies of `to_files`."""
    return [Accuracy.from_json(line) for line in files["accuracies.jsonl"].splitlines()]
