"""The two small diffusers pipelines that are shipped, trained here and put into the zoo.

One is the peer of `benchmarks diffusion`: diffusers' own training example, a `UNet2DModel` with
its schedule. The other is an `AutoencoderTiny`, the class of TAESD, a hundred times smaller: it
learns to copy pictures through four maps of a quarter of their height and width. With them the
page of pretrained models has something to show where there is no network.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

import genlib
from benchmarks.diffusion import peer
from benchmarks.judging import clock, judge_here
from benchmarks.textbook import say
from genlib.data.dataset import load
from genlib.device import available
from genlib.device import name as device_name
from genlib.family import to_float
from genlib.hub.curated import PARTS, PinnedFile, curated, with_entry, write_curated
from genlib.hub.pretrained import READERS, seconds_per_evaluation
from genlib.hub.pull import Pull
from genlib.rng import build, generator
from genlib.runs.store import write_bundle

ZOO = Path(genlib.__file__).with_name("zoo")
MINUTES = {"ddpm": 8.0, "autoencoder": 3.0}
SHIPPED = {"ddpm": "clothes", "autoencoder": "clothes-autoencoder"}  # in the curated list
BATCH = 64
RATE = 2e-3


def autoencoder(limit: float, device: torch.device) -> tuple[dict[str, float], nn.Module]:
    """Return the test error of an AutoencoderTiny after so many seconds, and the network."""
    from diffusers import AutoencoderTiny

    channels, blocks = (24, 24, 24), (1, 1, 1)
    network = build(
        lambda: AutoencoderTiny(
            in_channels=1,
            out_channels=1,
            encoder_block_out_channels=channels,
            decoder_block_out_channels=channels,
            num_encoder_blocks=blocks,
            num_decoder_blocks=blocks,
        ),
        0,
    ).to(device)
    optimizer = torch.optim.AdamW(network.parameters(), lr=RATE)
    data, rng = load("fashion_mnist").to(device), generator(0, device)
    steps, began = 0, clock(device)
    while (passed := clock(device) - began) < limit:
        for group in optimizer.param_groups:
            group["lr"] = RATE * min(1.0, (steps + 1) / 200) * (1 - passed / limit)
        index = torch.randint(len(data.train), (BATCH,), generator=rng, device=device)
        x = 2 * to_float(data.train[index]) - 1
        F.mse_loss(copied(network, x), x).backward()
        optimizer.step()
        optimizer.zero_grad()
        steps += 1
    with torch.inference_mode():
        parts = [2 * to_float(part) - 1 for part in data.test.split(500)]
        errors = [F.mse_loss(copied(network, part), part) / 4 for part in parts]
    scores = {"mse": float(torch.stack(errors).mean()), "steps": steps, "seconds": limit}
    say(f"AutoencoderTiny: {scores}")
    return scores, network


def copied(network: Any, x: Tensor) -> Tensor:
    """Return decode(encode(x)); its `forward` would round the codings, which stops gradients."""
    reconstructions: Tensor = network.decode(network.encode(x).latents).sample
    return reconstructions


def ship(name: str, folder: Path, seconds: float, device: torch.device) -> None:
    """Put a pipeline that diffusers saved into the zoo, and its pins into the curated list."""
    entry = next(entry for entry in curated() if entry.name == name)
    parts, pins = {}, []
    for part, places in PARTS[entry.kind].items():
        path = next(place for place in places if (folder / place).exists())
        parts[part] = content = (folder / path).read_bytes()
        pins.append(PinnedFile.of(part, path, content))
    READERS[entry.kind](parts)
    entry = entry.model_copy(update={"files": tuple(pins)})
    pull = Pull.of(entry)
    documents = {
        "look.json": seconds_per_evaluation(entry.kind, parts, device),
        "made.json": {"seconds": seconds, "device": device_name(device)},
        "study.json": pull.model_dump(mode="json"),
    }
    texts = {name: json.dumps(value, indent=1).encode() for name, value in documents.items()}
    write_bundle(ZOO / pull.fingerprint, parts | texts)
    write_curated(with_entry(entry))


def main(argv: list[str]) -> None:
    """Train both, put them into the zoo, and print one line of JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks pipelines", description=__doc__)
    parser.add_argument("folder", type=Path, help="where diffusers saves them first")
    given = parser.parse_args(argv)
    from diffusers import DDPMScheduler

    device, scores = available()[0], {}
    scores["autoencoder"], network = autoencoder(60 * MINUTES["autoencoder"], device)
    network.save_pretrained(given.folder / "autoencoder")
    scores["ddpm"], unet = peer(60 * MINUTES["ddpm"], judge_here(device), device)
    unet.save_pretrained(given.folder / "ddpm" / "unet")
    noises = DDPMScheduler(1000, beta_schedule="squaredcos_cap_v2")
    noises.save_pretrained(given.folder / "ddpm" / "scheduler")
    for kind, name in SHIPPED.items():
        ship(name, given.folder / kind, scores[kind]["seconds"], device)
    print(json.dumps({"hardware": device_name(device)} | scores))
