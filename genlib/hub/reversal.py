"""The way from noise to pictures of a pretrained model, by diffusers' own schedulers."""

import json
import time
from collections.abc import Iterator
from typing import Any, Literal

import torch
from jaxtyping import Float, UInt8
from pydantic import Field
from safetensors.torch import load, save
from torch import Tensor, nn

from genlib.config import Config
from genlib.family import to_uint8
from genlib.hub.errors import HubError
from genlib.hub.pretrained import SamplerName, noise, picture_shape, read_denoiser, scheduler
from genlib.hub.pull import Pull
from genlib.latents import FRAMES, spread
from genlib.rng import generator
from genlib.runs.spec import RunSpec
from genlib.tasks.durations import Durations
from genlib.tasks.progress import Files, Progress
from genlib.tasks.workspace import Workspace

PAUSE = 0.5  # seconds between two looks at what there is
GONE = "This model is not on this server any more; download it again."


class Reversal(Config):
    """All that decides a trajectory from noise to pictures."""

    study: Literal["reversal"] = "reversal"
    start: Pull
    sampler: SamplerName = Field(
        "DDIM",
        title="Sampler",
        description="DDIM draws no noise on its way; DDPM draws some at each step, which wants "
        "many steps.",
    )
    steps: int = Field(
        20,
        ge=1,
        le=250,
        title="Steps",
        description="Each asks the network once about every picture.",
        json_schema_extra={"options": [5, 10, 20, 30, 50, 100, 250]},
    )
    pictures: int = Field(
        9,
        ge=1,
        le=16,
        title="Pictures",
        description="How many are made at once; time grows with them.",
        json_schema_extra={"options": [1, 4, 9, 16]},
    )
    seed: int = Field(0, ge=0, le=9_999, title="Seed", description="Of the noise to begin with.")

    @property
    def prerequisites(self) -> tuple[RunSpec, ...]:
        """None: it begins with a model that was pulled."""
        return ()

    def estimated_seconds(self, durations: Durations) -> float | None:
        """Return about how long it takes: the network's seconds for a picture, at each step."""
        seconds = durations.store.read_file(self.start.fingerprint, "look.json")
        return None if seconds is None else json.loads(seconds) * self.steps * self.pictures

    def perform(self, workspace: Workspace, files: Files) -> Iterator[Progress]:
        """Yield the film so far: x_t and the x̂_0 that the model sees in it, at each moment.

        Raises:
            HubError: the model is not here.
        """
        parts = workspace.store.read_run(self.start.fingerprint)
        if parts is None or self.start.kind != "ddpm":
            raise HubError(GONE)
        network, settings = read_denoiser(parts)
        network.to(workspace.device)
        frames: list[tuple[int, Tensor, Tensor]] = []
        drawn = time.monotonic()
        for steps, (t, x, clean) in enumerate(self._trajectory(network, settings), 1):
            frames.append((t, _grey(x), _grey(clean)))
            if time.monotonic() - drawn > PAUSE and steps <= self.steps:
                drawn = time.monotonic()
                yield Progress(steps, self.steps + 1, _film(frames))
        yield Progress(self.steps + 1, self.steps + 1, _film(frames))

    @torch.inference_mode()
    def _trajectory(
        self, network: nn.Module, settings: dict[str, Any]
    ) -> Iterator[tuple[int, Tensor, Tensor]]:
        """Yield (t, x_t, x̂_0) from noise to the end, where both are the picture."""
        noise_scheduler = scheduler(settings, self.sampler, self.steps)
        device = next(network.parameters()).device
        rng = generator(self.seed)  # on the CPU, so that every device begins with the same noise
        x = torch.randn(self.pictures, *picture_shape(network), generator=rng).to(device)
        x = x * noise_scheduler.init_noise_sigma
        for t in noise_scheduler.timesteps:
            step = noise_scheduler.step(noise(network, x, t), t, x, generator=rng)
            yield int(t) + 1, x, step.pred_original_sample
            x = step.prev_sample
        yield 0, x, x


def _grey(x: Tensor) -> Tensor:
    """Return numbers in [−1, 1] as grey levels."""
    return to_uint8((x + 1) / 2).cpu()


def _film(frames: list[tuple[int, Tensor, Tensor]]) -> Files:
    """Return a film as safetensors: its times, x and clean; the moments that it needs."""
    wanted = spread(len(frames), FRAMES)
    times, x, clean = zip(*(frames[index] for index in wanted), strict=True)
    tensors = {
        "times": torch.tensor(times),
        "x": torch.stack(x),
        "clean": torch.stack(clean),
    }
    return {"film.safetensors": save(tensors)}


Frames = UInt8[Tensor, "frames pictures channels height width"]


def film_of(files: Files) -> tuple[list[int], Frames, Frames]:
    """Return the film of `perform`: the times, x_t, and x̂_0."""
    tensors = load(files["film.safetensors"])
    return tensors["times"].tolist(), tensors["x"], tensors["clean"]


Latents = Float[Tensor, "batch maps rows columns"]


def codings(network: Any, x: Float[Tensor, "batch channels height width"]) -> Latents:
    """Return the latent maps of pictures in [0, 1], by an AutoencoderTiny."""
    latents: Tensor = network.encode(2 * x - 1).latents
    return latents


def decoded(network: Any, z: Latents) -> Float[Tensor, "batch channels height width"]:
    """Return the pictures, in [0, 1], of latent maps."""
    pictures: Tensor = network.decode(z).sample
    return ((pictures + 1) / 2).clamp(0, 1)
