"""Flow matching against diffusers' own training example, in one run.

The peer is a `UNet2DModel` of about our size that learns to predict noise as diffusers'
unconditional training example has it: DDPMScheduler (cosine), AdamW at 1e-3 with a warm-up and a
cosine decay that ends with its time, batches of 64, flips left out. It gets eight minutes. Ours
are flow matching's preset `fast`, cut to one epoch and to a minute, and its preset `thorough`,
stopped at the same eight minutes if it is not done. All are judged by 5,000 samples, the clock
standing still. Then the time of 64 pictures in 20 steps, and the same network sampled in as many
steps by `DDPMPipeline` and by `genlib.samplers`.
"""

import argparse
import json
import math
import platform
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.judging import COUNT, clock, floor, judge_here, quality
from benchmarks.textbook import say
from genlib.classifier import Classifier
from genlib.data.dataset import load
from genlib.device import available, name
from genlib.diffusion.samplers import ddim
from genlib.diffusion.schedules import schedule
from genlib.family import generating, to_float
from genlib.rng import build, generator
from genlib.runs.spec import RunSpec
from genlib.training.loop import Training

MINUTES = 8.0
MINUTE = 60.0  # seconds
BATCH = 64
PART = 32  # pictures that our side shows the network at a time: they fit the cache
WARMUP = 500  # steps of the peer
ROUNDS = 5  # of the race, the two sides in turn


def ours(spec: RunSpec, limit: float, classifier: Classifier, device: torch.device) -> Any:
    """Return the figures of a run at its end, or at a limit in seconds."""
    data = load(spec.dataset).to(device)
    run = Training(spec.build().to(device), data.train, spec.train, data.train_labels)
    began = clock(device)
    while run.step < run.steps and clock(device) - began < limit:
        run.advance()
    seconds = clock(device) - began
    model = generating(run.average.eval())
    with torch.no_grad():
        began = clock(device)
        model.sample(64, generator(1, device))
        quick = clock(device) - began
        samples = model.sample(COUNT, generator(0, device))
    scores = quality(classifier, samples) | {
        "seconds": seconds,
        "steps": run.step,
        "64 pictures": quick,
    }
    scores["weights"] = weights(run.family)
    say(f"{spec.family}, {spec.train.epochs} epochs: {scores}")
    return scores


def weights(network: nn.Module) -> int:
    """Return how many weights and biases a network has."""
    return sum(part.numel() for part in network.parameters())


def unet() -> nn.Module:
    """Return the peer's network, with the weights of seed 0."""
    from diffusers import UNet2DModel

    blocks = 3
    return build(
        lambda: UNet2DModel(
            sample_size=28,
            in_channels=1,
            out_channels=1,
            layers_per_block=1,
            block_out_channels=(16, 32, 32),
            norm_num_groups=8,
            down_block_types=("DownBlock2D",) * blocks,
            up_block_types=("UpBlock2D",) * blocks,
        ),
        0,
    )


def peer(limit: float, classifier: Classifier, device: torch.device) -> tuple[Any, nn.Module]:
    """Return the figures of diffusers' training example after so many seconds, and its network."""
    from diffusers import DDIMScheduler, DDPMScheduler

    network = unet().to(device)
    noises = DDPMScheduler(1000, beta_schedule="squaredcos_cap_v2")
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3)
    images, rng = load("fashion_mnist").train.to(device), generator(0, device)
    steps, began = 0, clock(device)
    while (passed := clock(device) - began) < limit:
        for group in optimizer.param_groups:
            decay = (1 + math.cos(math.pi * passed / limit)) / 2
            group["lr"] = 1e-3 * min(1.0, steps / WARMUP) * decay
        index = torch.randint(len(images), (BATCH,), generator=rng, device=device)
        x = 2 * to_float(images[index]) - 1
        eps = torch.randn(x.shape, generator=rng, device=device)
        t = torch.randint(1000, (BATCH,), generator=rng, device=device)
        predicted = network(noises.add_noise(x, eps, t), t, return_dict=False)[0]
        F.mse_loss(predicted, eps).backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        steps += 1
    seconds = clock(device) - began
    sampler = DDIMScheduler(1000, beta_schedule="squaredcos_cap_v2", timestep_spacing="trailing")
    sampler.set_timesteps(40)
    with torch.inference_mode():
        parts = [_sampled(network, sampler, part) for part in _noise(COUNT, device).split(256)]
    scores = quality(classifier, torch.cat(parts)) | {"seconds": seconds, "steps": steps}
    scores["weights"] = weights(network)
    say(f"diffusers: {scores}")
    return scores, network


def _noise(count: int, device: torch.device) -> Tensor:
    return torch.randn(count, 1, 28, 28, generator=generator(0, device), device=device)


def _sampled(network: nn.Module, sampler: Any, x: Tensor) -> Tensor:
    for t in sampler.timesteps:
        x = sampler.step(network(x, t, return_dict=False)[0], t, x).prev_sample
    return (x / 2 + 0.5).clamp(0, 1)


def race(network: nn.Module, device: torch.device, count: int = 64, steps: int = 20) -> float:
    """Return how many times faster our samplers are than DDPMPipeline, on the same network."""
    from diffusers import DDPMPipeline, DDPMScheduler

    pipeline = DDPMPipeline(network, DDPMScheduler(1000, beta_schedule="squaredcos_cap_v2"))
    pipeline.set_progress_bar_config(disable=True)
    noises = schedule("cosine", 1000)

    def predict(x: Tensor, t: int) -> Tensor:
        parts = [network(part, t - 1, return_dict=False)[0] for part in x.split(PART)]
        predicted = torch.cat(parts)
        clean: Tensor = (x - noises.sigmas[t] * predicted) / noises.alphas[t]
        return clean.clamp(-1, 1)

    def we() -> None:
        rng = generator(0, device)
        x = torch.randn(count, 1, 28, 28, generator=rng, device=device)
        with torch.inference_mode():
            for _ in ddim(1.0)(predict, x, noises, noises.times(steps), rng):
                pass

    def they() -> None:
        pipeline(
            batch_size=count,
            num_inference_steps=steps,
            generator=generator(0),
            output_type="np",
        )

    times: dict[str, list[float]] = {"ours": [], "theirs": []}
    for _ in range(ROUNDS + 1):
        for side, walk in (("theirs", they), ("ours", we)):
            began = clock(device)
            walk()
            times[side].append(clock(device) - began)
    theirs, mine = (min(times[side][1:]) for side in ("theirs", "ours"))  # the first warms up
    say(f"same network, {steps} steps of {count}: {mine:.2f} s, DDPMPipeline {theirs:.2f} s")
    return theirs / mine


def main(argv: list[str]) -> None:
    """Measure all sides and print one line of JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks diffusion", description=__doc__)
    parser.add_argument("--minutes", type=float, default=MINUTES, help="of training, on each side")
    limit = 60 * parser.parse_args(argv).minutes
    device = available()[0]
    classifier = judge_here(device)
    fast, thorough = (RunSpec.of_preset("flow", preset) for preset in ("fast", "thorough"))
    once = fast.model_copy(update={"train": fast.train.model_copy(update={"epochs": 1})})
    soon = ours(once, min(limit, MINUTE), classifier, device)
    best = ours(thorough, limit, classifier, device)
    theirs, network = peer(limit, classifier, device)
    document = {
        "benchmark": "diffusion",
        "hardware": f"{name(device)}, {platform.processor() or platform.machine()}",
        "floor": floor(classifier),
        "one epoch": soon,
        "thorough": best,
        "diffusers": theirs,
        "fid_ratio": theirs["fid"] / best["fid"],
        "ratio of one epoch": theirs["fid"] / soon["fid"],
        "sampling_ratio": race(network, device),
    }
    print(json.dumps(document))
