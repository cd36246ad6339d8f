"""Small models as the Hub keeps them, and how a damaged one is refused."""

import functools
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor

from genlib.hub import HubError, Pull, Reversal
from genlib.hub.curated import PARTS, Kind
from genlib.hub.pretrained import (
    READERS,
    seconds_per_evaluation,
)
from genlib.hub.reversal import codings, decoded, film_of
from genlib.rng import build, generator
from genlib.runs.run import Run
from genlib.tasks.workspace import Workspace
from tests.support.loopback_hub import Files
from tests.support.studied import CPU, trained, workspace_of

UNET = "unet/diffusion_pytorch_model.safetensors"


def untrained_denoiser(channels: int, **settings: object) -> torch.nn.Module:
    """Return an untrained UNet2DModel of a few thousand weights."""
    from diffusers import UNet2DModel

    small = {
        "sample_size": 8,
        "in_channels": channels,
        "out_channels": channels,
        "block_out_channels": (8, 8),
        "down_block_types": ("DownBlock2D", "AttnDownBlock2D"),
        "up_block_types": ("AttnUpBlock2D", "UpBlock2D"),
        "attention_head_dim": 4,
        "layers_per_block": 1,
        "norm_num_groups": 4,
    }
    return build(lambda: UNet2DModel(**(small | settings)), 0).eval()


def untrained_autoencoder() -> torch.nn.Module:
    """Return an untrained AutoencoderTiny of a few thousand weights."""
    from diffusers import AutoencoderTiny

    sizes = {
        "encoder_block_out_channels": (8, 8, 8),
        "decoder_block_out_channels": (8, 8, 8),
        "num_encoder_blocks": (1, 1, 1),
        "num_decoder_blocks": (1, 1, 1),
    }
    return build(lambda: AutoencoderTiny(**sizes), 0).eval()


def saved(*models: tuple[object, str]) -> Files:
    """Return the files that diffusers saves of models, each below its folder."""
    with tempfile.TemporaryDirectory() as home:
        for model, folder in models:
            model.save_pretrained(Path(home, folder))
        paths = sorted(path for path in Path(home).rglob("*") if path.is_file())
        return {str(path.relative_to(home)): path.read_bytes() for path in paths}


@functools.cache
def denoiser_files(channels: int = 1, layout: str = "unet", **settings: object) -> Files:
    """Return a repository as DDPMPipeline saves it; or in its root, as older ones are."""
    from diffusers import DDPMPipeline, DDPMScheduler

    unet, noises = untrained_denoiser(channels), DDPMScheduler(beta_schedule="squaredcos_cap_v2")
    noises.register_to_config(**settings)
    if layout == "unet":
        return saved((DDPMPipeline(unet, noises), "."))
    return saved((unet, "."), (noises, "."))


@functools.cache
def autoencoder_files(layout: str = ".") -> Files:
    return saved((untrained_autoencoder(), layout))


@functools.cache
def small_run() -> Run:
    return trained(epochs=1, hidden=16)


def run_files() -> Files:
    return small_run().to_files()


def parts_of(kind: Kind, files: Files) -> Files:
    """Return what `Pull` keeps of a repository."""
    parts = {}
    for part, places in PARTS[kind].items():
        parts[part] = next(files[place] for place in places if place in files)
    return parts


def denoiser_parts(channels: int = 1, **settings: object) -> Files:
    return parts_of("ddpm", denoiser_files(channels, **settings))


def stored(folder: Path, kind: Kind, parts: Files) -> tuple[Workspace, Pull]:
    """Return a bench whose store has a model, and the pull that would have brought it."""
    workspace = workspace_of(folder)
    pull = Pull(kind=kind, repo="ada/model", commit="main", files=())
    workspace.store.write_run(pull.fingerprint, parts)
    return workspace, pull


def film(workspace: Workspace, pull: Pull, **settings: object) -> tuple[list[int], Tensor, Tensor]:
    *_, last = Reversal(start=pull, **({"pictures": 4} | settings)).perform(workspace, {})
    assert last.step == last.steps
    return film_of(last.files)


def fuzzed() -> dict[str, tuple[Kind, str, Files]]:
    """Return a kind, the part whose settings are changed, and all parts, small ones."""
    one = {"block_out_channels": (8,)}
    one |= {"down_block_types": ("AttnDownBlock2D",), "up_block_types": ("AttnUpBlock2D",)}
    network = parts_of("autoencoder", saved((untrained_denoiser(1, **one), ".")))
    return {
        "network": ("ddpm", "network.json", denoiser_parts() | network),
        "scheduler": ("ddpm", "scheduler.json", denoiser_parts() | network),
        "autoencoder": (
            "autoencoder",
            "network.json",
            parts_of("autoencoder", autoencoder_files()),
        ),
        "run": ("run", "run.json", parts_of("run", run_files())),
    }


def places(document: object, *above: str) -> Iterator[tuple[str, ...]]:
    """Yield where a document has a setting."""
    if isinstance(document, dict):
        for key, value in document.items():
            yield from [(*above, key), *places(value, *above, key)]


def changed(content: bytes, place: tuple[str, ...], value: object) -> bytes:
    document = json.loads(content)
    inner = functools.reduce(dict.__getitem__, place[:-1], document)
    inner[place[-1]] = value
    return json.dumps(document).encode()


def outcome(kind: Kind, parts: Files) -> str:
    """Read a model and use it; return what came of that."""
    done = "read"
    try:
        model = READERS[kind](parts)
        done = "use"
        with tempfile.TemporaryDirectory() as folder:
            use(kind, model, parts, Path(folder))
    except HubError:
        return "refused"
    except Exception as error:
        return f"{done}: {type(error).__name__}"
    return "used"


def use(kind: Kind, model: object, parts: Files, folder: Path) -> None:
    """Do what a model is for."""
    if kind == "ddpm":
        seconds_per_evaluation(kind, parts, CPU)
        workspace, pull = stored(folder, kind, parts)
        for sampler in ("DDIM", "DDPM"):
            film(workspace, pull, sampler=sampler, steps=2, pictures=1)
    elif kind == "autoencoder":
        x = torch.zeros(1, model.config.in_channels, 32, 32)
        with torch.inference_mode():
            assert decoded(model, codings(model, x)).shape == x.shape
    else:
        model.family.preview(torch.zeros(2, *model.family.shape), generator(0))
