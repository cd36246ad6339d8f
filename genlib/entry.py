"""What is known of a family before its networks are loaded: its entry in FAMILIES."""

import inspect
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from genlib.config import Config, TrainConfig

if TYPE_CHECKING:
    from genlib.family import Family

# Of data: a point is a picture of one pixel, with three channels in space and two in the plane.
Kind = Literal["pictures", "points", "plane"]
Baseline = Literal["none", "pca", "linear_denoiser"]
BASELINE_TITLES: dict[Baseline, str] = {
    "none": "",
    "pca": "PCA",
    "linear_denoiser": "best linear",
}
Ability = Literal["encodes", "generates", "denoises", "discriminates", "diffuses", "grows"]


class Preset(NamedTuple):
    """A named configuration, with one sentence on what it shows."""

    model: Config
    train: TrainConfig
    note: str
    dataset: str = "fashion_mnist"  # what the shipped run of it was trained on
    elsewhere: Mapping[str, Mapping[str, Any]] = MappingProxyType({})  # by data set, what differs

    def model_for(self, dataset: str) -> Config:
        """Return the model's settings on a data set: on small pictures some do not fit."""
        return self.model.model_copy(update=self.elsewhere.get(dataset, {}))


@dataclass(frozen=True, kw_only=True)
class FamilyEntry:
    """The facts of a family that a page, a link or a fingerprint needs; none of them needs torch.

    Attributes:
        config_type: the family's settings, in its module `config`.
        class_name: of the family, in the module `model` beside that one.
        presets: by name; the first one is the default, and shipped.
        abilities: the classes of `genlib.family` that it is of, as words: "encodes" for Encodes;
            "diffuses" and "grows" for Diffusion and GrowingGAN.
        headline: (figures of merit of a finished run) → one sentence in Markdown that says them,
            each beside what to compare it with.
        learns: what its data may be.
        knobs: the three to five settings that matter most, of the model or of the training, in
            the order in which a lesson shows them; it shows all others on request.
        shows: what `preview` gives, in order.
        baseline: the simpler method that it has to beat.
        primary_metric: which of its figures of merit is shown first; less is better.
        metric_title: what that one is called.
        trivial: the name and the primary metric of an answer that needs no learning, if there is
            one; it is the baseline where no other was measured.
        training_loss: (settings) → what the training loss is, where it is another quantity than
            the primary metric: then each has an axis of its own.
    """

    config_type: type[Config]
    class_name: str
    presets: Mapping[str, Preset]
    abilities: frozenset[Ability]
    headline: Callable[[Mapping[str, float]], str]
    knobs: tuple[str, ...]
    learns: tuple[Kind, ...] = ("pictures",)
    shows: tuple[str, ...] = ("reconstruction",)
    baseline: Baseline = "none"
    primary_metric: str = "mse"
    metric_title: str = "MSE"
    trivial: tuple[str, float] | None = None
    training_loss: Callable[[Any], str] | None = None

    @property
    def theory(self) -> str:
        """The docstring of the module of its settings: Markdown with formulas."""
        return inspect.getdoc(sys.modules[self.config_type.__module__]) or ""

    def load(self) -> "type[Family]":
        """Return the family's class; its module, and with it torch, is imported now."""
        module = import_module(self.config_type.__module__.removesuffix("config") + "model")
        family: type[Family] = getattr(module, self.class_name)
        return family
