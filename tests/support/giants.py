"""Models whose settings ask for far too much; as a program, it tries to read each of them."""

import json
import os
import resource
import signal
import time
from collections.abc import Iterator
from pathlib import Path

from genlib.hub.curated import Kind
from tests.support.hub_models import changed, denoiser_parts, fuzzed, outcome
from tests.support.loopback_hub import Files

# What would cost much, if it were built or used: of which kind, and where.
VAST = 10**9
GIANTS: dict[tuple[Kind, str], dict[str, object]] = {
    ("ddpm", "network.json"): {
        "sample_size": VAST,
        "in_channels": VAST,
        "layers_per_block": VAST,
        "norm_num_groups": VAST,
        "attention_head_dim": VAST,
        "time_embedding_dim": VAST,
        "downsample_padding": 1000,
        "block_out_channels": [VAST, VAST],
        "down_block_types": ["DownBlock2D"] * 10**5,
    },
    ("ddpm", "scheduler.json"): {
        "num_train_timesteps": VAST,
        "trained_betas": [0.5] * 10**6,
    },
    ("autoencoder", "network.json"): {
        "latent_channels": VAST,
        "upsampling_scaling_factor": 1000,
        "num_encoder_blocks": [VAST] * 3,
        "num_decoder_blocks": [VAST] * 3,
        "encoder_block_out_channels": [VAST] * 3,
    },
}
DEEP = {
    "block_out_channels": [8] * 500,
    "down_block_types": ["DownBlock2D"] * 500,
    "up_block_types": ["UpBlock2D"] * 500,
}


def giants() -> Iterator[tuple[str, Kind, Files]]:
    """Yield a name, a kind and its parts, one of them with a giant in it."""
    whole = {name: parts for name, (_, _, parts) in fuzzed().items()} | {"ddpm": denoiser_parts()}
    for (kind, part), settings in GIANTS.items():
        for key, value in settings.items():
            odd = changed(whole[kind][part], (key,), value)
            yield f"{kind} {key}", kind, whole[kind] | {part: odd}
    document = json.loads(whole["ddpm"]["network.json"]) | DEEP
    yield "ddpm levels", "ddpm", whole["ddpm"] | {"network.json": json.dumps(document).encode()}


def try_giants() -> None:
    """Write a line of JSON for each: its name, outcome, seconds, MB, each in its own process."""
    assert outcome("ddpm", denoiser_parts()) == "used"  # all that is imported is imported now
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for name, kind, parts in giants():
        if os.fork() == 0:
            signal.alarm(12)
            used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
            resource.setrlimit(resource.RLIMIT_AS, (used + 3 * 2**30,) * 2)
            began = time.monotonic()
            came, seconds = outcome(kind, parts), time.monotonic() - began
            grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1000
            os.write(1, json.dumps([name, came, seconds, grown]).encode() + b"\n")
            os._exit(0)
        if os.wait()[1]:
            os.write(1, json.dumps([name, "killed", 12, 0]).encode() + b"\n")


if __name__ == "__main__":
    try_giants()
