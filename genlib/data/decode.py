"""A script that makes a stranger's file into plain pixels, in a process of its own.

A decoder is the part of a program that hostile bytes reach first. So it runs here, with little
memory, little time and no file to write to: `python -P decode.py CHANNELS HEIGHT WIDTH` reads a
PNG, JPEG or WebP file from standard input and writes bytes of shape (height, width, channels) to
standard output. What it refuses ends it with status 1 and one sentence on standard error.
"""

import resource
import sys
import warnings
from io import BytesIO

from PIL import (
    Image,
    ImageOps,
    UnidentifiedImageError,
    WebPImagePlugin,  # noqa: F401 (or Pillow would import all its plugins to find it)
)

FORMATS = ("PNG", "JPEG", "WEBP")
MAX_PIXELS = 16_000_000
LIMITS = {
    resource.RLIMIT_AS: 2**30,  # bytes
    resource.RLIMIT_CPU: 10,  # seconds
    resource.RLIMIT_FSIZE: 0,  # bytes in any file; a pipe is none
    resource.RLIMIT_NOFILE: 16,
    resource.RLIMIT_CORE: 0,
}
UNKNOWN = "That is no picture that can be read here. Choose a PNG, JPEG or WebP file."
TOO_LARGE = "The picture has more than 16 megapixels. Make it smaller and upload it again."
DAMAGED = "The picture is damaged or incomplete. Save it again as PNG or JPEG and upload that."


def limit() -> None:
    """Take from this process, for good, what no honest picture needs."""
    for kind, most in LIMITS.items():
        hard = resource.getrlimit(kind)[1]
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (most, most))


def pixels(content: bytes, channels: int, height: int, width: int) -> bytes:
    """Return the middle of a picture as bytes of shape (height, width, channels), 0 to 255.

    Of an animation it is the first frame; what is transparent becomes white. The size is read
    and refused before anything is decoded. Raises whatever Pillow does on broken content.
    """
    Image.MAX_IMAGE_PIXELS = MAX_PIXELS // 2  # Pillow warns from here on, and refuses the double
    image: Image.Image = Image.open(BytesIO(content), formats=FORMATS)
    image.draft(None, (4 * width, 4 * height))  # a JPEG can be decoded at an eighth of its size
    image = ImageOps.exif_transpose(image)
    if image.mode == "I;16":  # converting it would cut all above 255
        image = image.point(lambda level: level / 256).convert("L")
    if image.has_transparency_data:
        seen = image.convert("RGBA")
        image = Image.new("RGBA", seen.size, "white")
        image.alpha_composite(seen)
    image = image.convert({1: "L", 3: "RGB"}[channels])
    return ImageOps.fit(image, (width, height), Image.Resampling.LANCZOS).tobytes()


def main() -> None:
    """Decode standard input to standard output, or say why not."""
    limit()
    warnings.simplefilter("ignore")  # standard error is for the one sentence
    try:
        raw = pixels(sys.stdin.buffer.read(), *map(int, sys.argv[1:]))
    except UnidentifiedImageError:
        sys.exit(UNKNOWN)
    except (Image.DecompressionBombError, MemoryError):
        sys.exit(TOO_LARGE)
    except Exception:  # Pillow has no common class for what is wrong with a file
        sys.exit(DAMAGED)
    sys.stdout.buffer.write(raw)


if __name__ == "__main__":
    main()
