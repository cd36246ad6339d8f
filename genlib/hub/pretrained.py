"""Models from elsewhere, built by code that is here and filled with verified numbers.

Everything comes from bytes: a configuration in JSON, and weights in safetensors. The networks are
diffusers' own classes, or a family of ours. A configuration is a stranger's: it is checked, and
the network is first built without memory, so that a size that the weights do not have costs
nothing.
"""

import importlib
import inspect
import json
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated, Any, Literal, get_args

import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from safetensors import SafetensorError
from safetensors.torch import load
from torch import Tensor, nn

from genlib.hub.curated import Kind
from genlib.hub.errors import HubError
from genlib.rng import generator
from genlib.runs.run import Run

log = logging.getLogger(__name__)
_importing = threading.Lock()

Files = Mapping[str, bytes]
SamplerName = Literal["DDIM", "DDPM"]
Channels = Annotated[int, Field(ge=1, le=1024)]
Blocks = Annotated[int, Field(ge=0, le=8)]
LEVELS = Field(min_length=1, max_length=6)
FOREIGN = "This model is not of a kind that can be opened safely here."
NO_WEIGHTS = "The model's weights are damaged, or no safetensors; nothing else is opened here."
OTHER_WEIGHTS = "The model's weights do not fit its configuration, so it cannot be opened."
NO_NUMBERS = "The model makes something else than pictures of its own size, so it is not shown."
OLD_NAMES = {"query": "to_q", "key": "to_k", "value": "to_v", "proj_attn": "to_out.0"}  # of 2022
TRIED = 64  # pixels at most on which a denoiser is tried: its layers bear any size


class _Checked(BaseModel):
    """What of a configuration costs time or memory; the rest is handed on as it is."""

    model_config = ConfigDict(extra="allow", strict=True)


class _UNet(_Checked):
    cls: Literal["UNet2DModel"] = Field(alias="_class_name")
    sample_size: int = Field(ge=8, le=256)
    in_channels: Literal[1, 3]
    out_channels: Literal[1, 3]
    layers_per_block: int = Field(2, ge=1, le=4)
    block_out_channels: tuple[Channels, ...] = LEVELS
    downsample_padding: int = Field(1, ge=0, le=2)
    num_class_embeds: int | None = Field(None, ge=1, le=10_000)
    class_embed_type: None = None


class _Scheduler(_Checked):
    num_train_timesteps: int = Field(1000, ge=1, le=4000)
    trained_betas: tuple[float, ...] | None = Field(None, max_length=4000)


class _Autoencoder(_Checked):
    cls: Literal["AutoencoderTiny"] = Field(alias="_class_name")
    in_channels: Literal[1, 3]
    out_channels: Literal[1, 3]
    latent_channels: int = Field(4, ge=1, le=16)
    encoder_block_out_channels: tuple[Channels, ...] = LEVELS
    decoder_block_out_channels: tuple[Channels, ...] = LEVELS
    num_encoder_blocks: tuple[Blocks, ...] = LEVELS
    num_decoder_blocks: tuple[Blocks, ...] = LEVELS
    upsampling_scaling_factor: int = Field(2, ge=1, le=4)


def of_diffusers(name: str) -> Any:
    """Return a class of diffusers. Its import takes seconds, and bears no second thread in it."""
    with _importing:
        return getattr(importlib.import_module("diffusers"), name)


def read_denoiser(files: Files) -> tuple[Any, dict[str, Any]]:
    """Return a UNet2DModel, and the configuration of its schedule; both have been tried.

    Raises:
        HubError: it is something else, or not whole.
    """
    with _safely():
        noises = _settings(files, "scheduler.json", _Scheduler)
        network = _filled("UNet2DModel", _settings(files, "network.json", _UNet), files)
        side = min(TRIED, network.config.sample_size)
        x = torch.zeros(1, network.config.in_channels, side, side)
        samplers: tuple[SamplerName, ...] = get_args(SamplerName)
        for noise_scheduler in (scheduler(noises, sampler, 2) for sampler in samplers):
            t = noise_scheduler.timesteps[0]
            step = noise_scheduler.step(noise(network, x, t), t, x, generator=generator(0))
            _check(step.prev_sample, x)
    return network, noises


def read_autoencoder(files: Files) -> Any:
    """Return an AutoencoderTiny, which has been tried.

    Raises:
        HubError: it is something else, or not whole.
    """
    with _safely():
        network = _filled("AutoencoderTiny", _settings(files, "network.json", _Autoencoder), files)
        x = torch.zeros(1, network.config.in_channels, 32, 32)
        output = network.decode(network.encode(x).latents).sample
        _check(output, x)
    return network


def read_run(files: Files) -> Run:
    """Return a run that was published; it never takes the place of one that was trained here.

    Raises:
        HubError: it is something else, or not whole.
    """
    named = {"run.json": "config.json", "run.safetensors": "model.safetensors"}
    with _safely():
        return Run.from_files({named.get(part, part): content for part, content in files.items()})


READERS: dict[Kind, Callable[[Files], object]] = {
    "ddpm": read_denoiser,
    "autoencoder": read_autoencoder,
    "run": read_run,
}


def scheduler(settings: dict[str, Any], sampler: SamplerName, steps: int) -> Any:
    """Return a new scheduler of diffusers set to so many steps from pure noise."""
    kind = of_diffusers(f"{sampler}Scheduler")
    noise_scheduler = kind.from_config(settings, timestep_spacing="trailing")
    noise_scheduler.set_timesteps(min(steps, noise_scheduler.config.num_train_timesteps))
    return noise_scheduler


def seconds_per_evaluation(kind: Kind, files: Files, device: torch.device) -> float:
    """Return the seconds of one evaluation of a denoiser, per picture, here; 0 for other kinds."""
    if kind != "ddpm":
        return 0.0
    network, _ = read_denoiser(files)
    network.to(device)
    x = torch.zeros(2, *picture_shape(network), device=device)
    with torch.inference_mode():
        noise(network, x, 0)  # the first one warms up
        began = time.perf_counter()
        noise(network, x, 0).cpu()
    return (time.perf_counter() - began) / len(x)


def noise(network: Any, x: Tensor, t: Tensor | int) -> Tensor:
    """Return which noise a denoiser sees in pictures at a time; the n-th one is of class n."""
    classes = network.config.num_class_embeds
    labels = None if classes is None else torch.arange(len(x), device=x.device) % classes
    seen: Tensor = network(x, t, class_labels=labels).sample
    return seen


def picture_shape(network: Any) -> tuple[int, int, int]:
    """Return (channels, height, width) of a denoiser's pictures."""
    side = network.config.sample_size
    return network.config.in_channels, side, side


@contextmanager
def _safely() -> Iterator[None]:
    """Compute no gradients, and say one sentence whatever a stranger's files may break.

    Raises:
        HubError: they broke something.
    """
    try:
        with torch.no_grad():
            yield
    except HubError:
        raise
    except Exception as error:
        log.warning("a model from elsewhere does not open: %s", type(error).__name__)
        raise HubError(FOREIGN) from error


def _check(output: Tensor, x: Tensor) -> None:
    """Raise HubError where what a network made is not of the same shape, or no number."""
    if output.shape != x.shape or not output.isfinite().all():
        raise HubError(NO_NUMBERS)


def _settings(files: Files, part: str, kind: type[_Checked]) -> dict[str, Any]:
    try:
        kind.model_validate_json(files[part])
    except ValidationError as error:
        raise HubError(_reason(error)) from error
    settings: dict[str, Any] = json.loads(files[part])
    return settings


def _reason(error: ValidationError) -> str:
    """Return which setting of a configuration keeps it from being opened, by our name for it."""
    first = error.errors()[0]
    if not first["loc"]:
        return "The model's configuration is damaged, so it cannot be opened."
    setting, message = str(first["loc"][0]).strip("_"), str(first["msg"])
    if first["type"] == "missing":
        return f"The model's configuration lacks its {setting}, so it cannot be opened."
    message = message.replace("Input should be", "has to be").replace("Input should", "has to")
    return f"The model cannot be opened here: its {setting} {message}."


def _filled(name: str, settings: dict[str, Any], files: Files) -> Any:
    """Return the network of a configuration with the weights of a file, all and no others."""
    kind = of_diffusers(name)
    try:
        weights: dict[str, Tensor] = load(files["network.safetensors"])
    except SafetensorError as error:
        raise HubError(NO_WEIGHTS) from error
    parameters = set(inspect.signature(kind.__init__).parameters)
    with torch.device("meta"):
        network: nn.Module = kind(**{key: settings[key] for key in parameters & settings.keys()})
    names = network.state_dict().keys()
    wide = {
        name if name in names else _renamed(name): value.float() for name, value in weights.items()
    }
    try:
        if len(wide) < len(weights):
            raise HubError(OTHER_WEIGHTS)
        network.load_state_dict(wide, assign=True)
    except RuntimeError as error:
        raise HubError(OTHER_WEIGHTS) from error
    if any(value.is_meta for value in network.buffers()):
        raise ValueError("the weights do not fill the network")
    return network.eval().requires_grad_(requires_grad=False)


def _renamed(name: str) -> str:
    """Return the name that a weight of attention has today."""
    *module, layer, kind = name.split(".")
    return ".".join([*module, OLD_NAMES.get(layer, layer), kind])
