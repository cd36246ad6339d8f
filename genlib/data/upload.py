"""A picture that a student uploads, made into one that a model can read."""

import logging
import os
import re
import signal
import site
import subprocess
import sys
import threading
from pathlib import Path

import torch
from jaxtyping import UInt8
from torch import Tensor

log = logging.getLogger(__name__)

SCRIPT = Path(__file__).with_name("decode.py")
MAX_BYTES = 16_000_000
PATIENCE = 10.0  # seconds for one picture
TOOK_TOO_LONG = {  # exit statuses; Windows knows no such signals
    -getattr(signal, name) for name in ("SIGXCPU", "SIGKILL") if hasattr(signal, name)
}
_slots = threading.BoundedSemaphore(2)  # pictures decoded at once, whoever uploads them

TOO_MANY_BYTES = "The file has more than 16 MB. Make the picture smaller and upload it again."
TOO_SLOW = "The picture took too long to read. Save it again as PNG or JPEG and upload that."
BUSY = "Too many pictures are being read just now. Upload yours again in a moment."
DAMAGED = "The picture could not be read. Save it again as PNG or JPEG and upload that."


class UploadError(ValueError):
    """An uploaded file is refused; its text is one sentence or two for the student."""


def decoded(content: bytes, shape: tuple[int, int, int]) -> UInt8[Tensor, "channels height width"]:
    """Return the middle of an uploaded picture, at the size that a model reads.

    `content` is a PNG, JPEG, WebP or AVIF file of at most 16 MB and 16 megapixels, a JPEG of at
    most 64; `shape` is (channels, height, width) with 1 channel for grey or 3 for red, green and
    blue. The result has grey levels from 0 to 255. A grey picture whose border is brighter than
    127 on average is inverted: things in the data sets are light on dark, on photographs dark on
    light.

    The file is decoded by `decode.py` in a process with limits, as it may be hostile. Raises
    UploadError where it is no picture, too large, damaged, or takes longer than 10 seconds.
    """
    channels, height, width = shape
    if len(content) > MAX_BYTES:
        raise UploadError(TOO_MANY_BYTES)
    raw = bytearray(_pixels(content, shape))
    if len(raw) != channels * height * width:
        log.error("decoding gave %d bytes for the shape %s", len(raw), shape)
        raise UploadError(DAMAGED)
    flat = torch.frombuffer(raw, dtype=torch.uint8)
    picture = flat.view(height, width, channels).permute(2, 0, 1).contiguous()
    return 255 - picture if channels == 1 and _border(picture[0]) > 127 else picture


def _pixels(content: bytes, shape: tuple[int, int, int]) -> bytes:
    """Return what the child process makes of a file."""
    command = [sys.executable, "-P", str(SCRIPT), *map(str, shape)]
    if not _slots.acquire(timeout=PATIENCE):
        raise UploadError(BUSY)
    try:
        child = subprocess.run(  # noqa: S603
            command,
            input=content,
            capture_output=True,
            timeout=PATIENCE,
            env=_environment(),
            start_new_session=True,
        )
    except subprocess.TimeoutExpired:
        raise UploadError(TOO_SLOW) from None
    finally:
        _slots.release()
    if child.returncode == 0:
        return child.stdout
    if child.returncode in TOOK_TOO_LONG:
        raise UploadError(TOO_SLOW)
    sentence = child.stderr.decode("ascii", "replace").strip()
    if child.returncode == 1 and re.fullmatch(r"[\w ,.]{1,200}", sentence, re.ASCII):
        raise UploadError(sentence)
    log.error("decoding ended with %d: %s", child.returncode, sentence[-2000:])
    raise UploadError(DAMAGED)


def _environment() -> dict[str, str]:
    """Return the little that Python needs: nothing of this process is for a decoder."""
    own = {"PYTHONUSERBASE": site.getuserbase()}  # where `pip install --user` puts Pillow
    if "SYSTEMROOT" in os.environ:  # Windows has its random numbers there
        own["SYSTEMROOT"] = os.environ["SYSTEMROOT"]
    return own


def _border(picture: UInt8[Tensor, "height width"]) -> float:
    """Return the mean grey level of the outermost pixels."""
    inner = torch.zeros_like(picture, dtype=torch.bool)
    inner[1:-1, 1:-1] = True
    return picture[~inner].float().mean().item()
