"""What a worker has to say to everybody: that its GPU does not start, say."""

from contextlib import suppress
from pathlib import Path

import torch

from genlib.settings import Settings


def write(settings: Settings, device: torch.device, sentence: str) -> None:
    """Keep the sentence of a device's worker until it is replaced; an empty one takes it back."""
    name = f"worker-{settings.worker_name}-{device}.notice".replace(":", "-")
    with suppress(OSError):  # a full disk must not stop the worker
        (settings.home / name).write_text(sentence)


def read(settings: Settings) -> list[str]:
    """Return the sentences of all workers that share the folder."""
    paths: list[Path] = sorted(settings.home.glob("worker-*.notice"))
    return [sentence for sentence in (path.read_text() for path in paths) if sentence]
