"""A script that makes a stranger's file into plain pixels, in a process of its own.

A decoder is the part of a program that hostile bytes reach first. So it runs here, with little
memory, little time and no file to write to: `python -P decode.py CHANNELS HEIGHT WIDTH` reads a
PNG, JPEG, WebP or AVIF file from standard input and writes bytes of shape (height, width,
channels) to standard output. What it refuses ends it with status 1 and one sentence on standard
error.
"""

import sys
import warnings
from contextlib import suppress
from io import BytesIO
from typing import cast

from PIL import (
    AvifImagePlugin,
    Image,
    ImageChops,
    ImageFile,
    ImageOps,
    ImageStat,
    UnidentifiedImageError,
    WebPImagePlugin,  # noqa: F401 (or Pillow would import all its plugins to find it)
)

FORMATS = ("PNG", "JPEG", "WEBP", "AVIF")
MAX_PIXELS = 16_000_000
MAX_JPEG_PIXELS = 64_000_000  # a JPEG is decoded at a reduced size, so it costs little memory
LIMITS = {
    "RLIMIT_AS": 2**30,  # bytes
    "RLIMIT_CPU": 10,  # seconds
    "RLIMIT_FSIZE": 0,  # bytes in any file; a pipe is none
    "RLIMIT_NOFILE": 16,
    "RLIMIT_CORE": 0,
}
HEIC = (b"heic", b"heix", b"hevc", b"heim", b"mif1")  # brands, as the file's first bytes name them
UNKNOWN = "That is no picture that can be read here. Choose a PNG, JPEG, WebP or AVIF file."
UNREADABLE = "{kind} pictures cannot be read here. Save it as JPEG and upload that."
TOO_LARGE = (
    "The picture has more than 16 megapixels, or 64 as JPEG. Make it smaller and upload it."
)
DAMAGED = "The picture is damaged or incomplete. Save it again as PNG or JPEG and upload that."


def limit() -> None:
    """Take from this process, for good, what no honest picture needs; of it what a system can.

    Windows has no such limits, and macOS refuses the one on memory. There the number of pixels,
    which is checked before anything is decoded, and the parent's patience remain.
    """
    with suppress(ImportError):
        import resource

        for name, most in LIMITS.items():
            with suppress(AttributeError, OSError, ValueError):
                kind = getattr(resource, name)
                hard = resource.getrlimit(kind)[1]
                most = most if hard == resource.RLIM_INFINITY else min(most, hard)
                resource.setrlimit(kind, (most, most))


def pixels(content: bytes, channels: int, height: int, width: int) -> bytes:
    """Return the middle of a picture as bytes of shape (height, width, channels), 0 to 255.

    Of an animation it is the first frame. What is transparent becomes white, or black where what
    is on it is bright. The size is read and refused before anything is decoded. Raises whatever
    Pillow does on broken content.
    """
    Image.MAX_IMAGE_PIXELS = MAX_JPEG_PIXELS // 2  # Pillow refuses the double
    AvifImagePlugin.DEFAULT_MAX_THREADS = 1  # each would take from the memory that there is
    file = Image.open(BytesIO(content), formats=FORMATS)
    if file.format not in ("JPEG", "MPO") and file.width * file.height > MAX_PIXELS:
        raise Image.DecompressionBombError
    file.draft(None, (4 * width, 4 * height))  # a JPEG can be decoded at an eighth of its size
    image = ImageOps.exif_transpose(_of_eight_bits(file, content))
    if image.has_transparency_data:
        image = _on_ground(image.convert("RGBA"))
    image = image.convert({1: "L", 3: "RGB"}[channels])
    return ImageOps.fit(image, (width, height), Image.Resampling.LANCZOS).tobytes()


def _of_eight_bits(image: ImageFile.ImageFile, content: bytes) -> Image.Image:
    """Return a PNG of 16 bits with 8: the highest of those that its brightest level needs.

    Cameras and microscopes write 8, 10, 12 or 14 bits into 16, where they would look black.
    """
    order = str(image.tile[0].args) if image.tile else ""
    if not order.endswith("16B"):
        return image
    bands: list[Image.Image] = [image]
    alpha = image.split()[3:]
    if image.mode != "I;16":  # then Pillow reads the first of two bytes; told so, the other
        low = Image.open(BytesIO(content), formats=("PNG",))
        if order != "LA;16B":  # which it cannot read otherwise: one byte is good for both
            low.tile = [tile._replace(args=order.replace("16B", "16L")) for tile in low.tile]
        pairs = zip(low.split()[:3], image.split()[:3], strict=True)
        both = [Image.merge("LA", pair).tobytes() for pair in pairs]
        bands = [Image.frombytes("I;16", image.size, levels) for levels in both]
    extrema = [cast("tuple[int, int]", band.getextrema()) for band in bands]
    bits = max(brightest for _, brightest in extrema).bit_length()
    scale = 2 ** max(0, bits + bits % 2 - 8)
    narrow = [band.point(lambda level: level / scale).convert("L") for band in bands]
    result = Image.merge("L" if len(bands) == 1 else image.mode, [*narrow, *alpha])
    result.info = image.info
    return result


def _on_ground(image: Image.Image) -> Image.Image:
    """Return a picture with opacity on white, or on black where what is opaque is bright."""
    opacity = image.getchannel("A")
    light = ImageChops.multiply(image.convert("L"), opacity)
    bright = ImageStat.Stat(light).sum[0] > ImageStat.Stat(opacity).sum[0] / 2
    ground = Image.new("RGBA", image.size, "black" if bright else "white")
    ground.alpha_composite(image)
    return ground


def _reason(content: bytes, otherwise: str) -> str:
    """Return why a file cannot be read: for what phones save, its kind."""
    brands = content[8:64] if content[4:8] == b"ftyp" else b""
    if b"avif" in brands and not AvifImagePlugin.SUPPORTED:
        return UNREADABLE.format(kind="AVIF")
    if b"avif" not in brands and any(brand in brands for brand in HEIC):
        return UNREADABLE.format(kind="HEIC")
    return otherwise


def main() -> None:
    """Decode standard input to standard output, or say why not."""
    limit()
    warnings.simplefilter("ignore")  # standard error is for the one sentence
    content = sys.stdin.buffer.read()
    try:
        raw = pixels(content, *map(int, sys.argv[1:]))
    except UnidentifiedImageError:
        sys.exit(_reason(content, UNKNOWN))
    except (Image.DecompressionBombError, MemoryError):
        sys.exit(TOO_LARGE)
    except Exception:  # Pillow has no common class for what is wrong with a file
        sys.exit(_reason(content, DAMAGED))
    sys.stdout.buffer.write(raw)


if __name__ == "__main__":
    main()
