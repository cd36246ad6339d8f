import os
import random
import struct
import subprocess
import sys
import threading
import time
import zlib
from contextlib import suppress
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from genlib.data import upload
from genlib.data.upload import MAX_BYTES, SCRIPT, UploadError, decoded

GREY, COLOUR = (1, 28, 28), (3, 32, 32)
FORMATS = ("PNG", "JPEG", "WEBP", "AVIF")
LIMITED = f"import runpy; runpy.run_path({str(SCRIPT)!r})['limit']()\n"


@pytest.fixture
def instead(tmp_path, monkeypatch):
    """Another script in the place of decode.py."""

    def put(source):
        monkeypatch.setattr(upload, "SCRIPT", tmp_path / "instead.py")
        upload.SCRIPT.write_text(source)

    return put


def file(image, form="PNG", **options):
    with BytesIO() as buffer:
        image.save(buffer, form, **options)
        return buffer.getvalue()


def halves(size=(90, 60), left="white", right="black", part=0.5):
    image = Image.new("RGB", size, right)
    image.paste(left, (0, 0, int(size[0] * part), size[1]))
    return image


def square(ground, ink, size=200):
    image = Image.new("L", (size, size), ground)
    image.paste(ink, (size // 4, size // 4, 3 * size // 4, 3 * size // 4))
    return image


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width, height, *more, rows=0):
    """A black PNG that says it has that size."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    data = zlib.compress(bytes((width + 1) * rows), 9)
    parts = [chunk(b"IHDR", header), *more, chunk(b"IDAT", data), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def refusal(content, shape=GREY):
    with pytest.raises(UploadError) as caught:
        decoded(content, shape)
    text = str(caught.value)
    assert text.endswith(".")
    assert text.isascii()
    assert "\n" not in text
    assert "upload" in text.lower() or "Choose" in text  # it says what to do
    return text


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("shape", [GREY, COLOUR, (1, 8, 8), (3, 20, 10)])
def test_a_drawing_comes_back_at_the_size_asked_for(form, shape):
    picture = decoded(file(halves(size=(60, 60), part=0.4), form), shape)
    channels, height, width = shape
    assert picture.shape == (channels, height, width)
    assert picture.dtype == torch.uint8
    assert picture[..., : width // 4].float().mean() > 250
    assert picture[..., width // 2 + 1 :].float().mean() < 5


@pytest.mark.parametrize("form", FORMATS)
def test_colours_stay_at_their_place(form):
    picture = decoded(file(halves(left="red", right="blue"), form), (3, 8, 8)).float()
    assert torch.allclose(picture[:, 4, 1], torch.tensor([255.0, 0, 0]), atol=4)
    assert torch.allclose(picture[:, 4, 6], torch.tensor([0.0, 0, 255]), atol=4)


def test_a_picture_of_that_size_already_is_returned_as_it_is():
    levels = torch.randint(256, (28, 28), generator=torch.Generator().manual_seed(0))
    levels[0] = levels[-1] = levels[:, 0] = levels[:, -1] = 0
    image = Image.fromarray(levels.to(torch.uint8).numpy())
    assert torch.equal(decoded(file(image), GREY)[0], levels.to(torch.uint8))


def test_the_middle_is_cut_out():
    image = Image.new("RGB", (300, 100), "red")
    image.paste("green", (100, 0, 200, 100))
    picture = decoded(file(image), (3, 10, 10))
    assert picture[0, :, 1:-1].max() <= 8
    assert picture[1, :, 1:-1].min() >= 120


@pytest.mark.parametrize(
    ("orientation", "turned"),
    [
        (3, lambda x: x.rot90(2, (1, 2))),
        (6, lambda x: x.rot90(-1, (1, 2))),
        (8, lambda x: x.rot90(1, (1, 2))),
        (2, lambda x: x.flip(2)),
    ],
)
@pytest.mark.parametrize("form", FORMATS)
def test_the_camera_may_have_been_held_otherwise(form, orientation, turned):
    image = halves(size=(64, 64), left="red", right="blue")
    exif = Image.Exif()
    exif[0x0112] = orientation
    straight = decoded(file(image, form), COLOUR).float()
    rotated = decoded(file(image, form, exif=exif), COLOUR).float()
    assert (rotated - turned(straight)).abs().mean() < 3


@pytest.mark.parametrize("ground", [0, 255])
def test_a_grey_picture_is_light_on_dark(ground):
    picture = decoded(file(square(ground, 255 - ground)), GREY)[0].float()
    assert picture[14, 14] == 255
    assert picture[0].max() == 0
    coloured = decoded(file(square(ground, 255 - ground)), COLOUR)
    assert (coloured[:, 0] == ground).all()


@pytest.mark.parametrize(("mode", "clear"), [("RGBA", (0, 0, 0, 0)), ("LA", (0, 0))])
@pytest.mark.parametrize("form", ["PNG", "WEBP"])
def test_what_is_transparent_is_white(form, mode, clear):
    picture = decoded(file(Image.new(mode, (40, 40), clear), form), COLOUR)
    assert picture.min() == 255


@pytest.mark.parametrize("form", ["PNG", "WEBP", "AVIF"])
@pytest.mark.parametrize("ink", [0, 255])
def test_a_drawing_on_transparent_ground_is_seen_whatever_its_ink(form, ink):
    image = Image.new("RGBA", (200, 200), (ink, ink, ink, 0))
    image.paste((ink, ink, ink, 255), (50, 50, 150, 150))
    grey = decoded(file(image, form), GREY)[0]
    assert grey[14, 14] >= 250
    assert grey[0].max() <= 5
    assert (decoded(file(image, form), COLOUR)[:, 0].int() - (255 - ink)).abs().max() <= 5


@pytest.mark.parametrize(
    ("image", "form"),
    [
        (Image.new("CMYK", (40, 40), (0, 0, 0, 255)), "JPEG"),
        (Image.new("1", (40, 40), 0), "PNG"),
        (Image.new("P", (40, 40), 0), "PNG"),
        (Image.new("I;16", (40, 40), 0), "PNG"),
    ],
    ids=lambda value: getattr(value, "mode", value),
)
def test_every_way_to_write_black_is_black(image, form):
    assert decoded(file(image, form), COLOUR).max() <= 1


def test_sixteen_bits_are_scaled_not_cut():
    image = Image.new("I;16", (40, 40), 100 * 256)
    assert (decoded(file(image), GREY) == 100).all()


def sixteen_bits(levels, kind):
    """A PNG of 16 bits: of grey (0), colors (2), grey and opacity (4), colors and opacity (6)."""
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in levels)
    header = struct.pack(">IIBBBBB", levels.shape[1], levels.shape[0], 16, kind, 0, 0, 0)
    parts = chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


@pytest.mark.parametrize("bits", [8, 12, 16])
@pytest.mark.parametrize("kind", [0, 2, 6])
def test_what_a_camera_wrote_into_sixteen_bits_is_not_black(bits, kind):
    levels = np.zeros((32, 32, {0: 1, 2: 3, 6: 4}[kind]), np.uint16)
    levels[8:24, 8:24] = 2**bits - 1
    levels[8:16, 8:16] = 2 ** (bits - 1)
    if kind == 6:
        levels[..., 3] = 2**16 - 1
    picture = decoded(sixteen_bits(levels, kind), COLOUR)
    assert picture[:, 20, 20].tolist() == [255] * 3
    assert picture[:, 12, 12].tolist() == [128] * 3
    assert picture[:, 0, 0].tolist() == [0] * 3


def test_grey_with_opacity_in_sixteen_bits_is_not_black():
    levels = np.full((32, 32, 2), 2**16 - 1, np.uint16)
    levels[..., 0] = 2**12 - 1
    assert decoded(sixteen_bits(levels, 4), COLOUR).min() >= 192


def test_sixteen_bits_may_lie_on_their_side():
    exif = Image.Exif()
    exif[0x0112] = 6
    levels = np.zeros((32, 32), np.uint16)
    levels[:, :8] = 4095
    content = file(Image.fromarray(levels), exif=exif)
    assert decoded(content, (1, 32, 32))[0].float().mean(1).tolist() == [255.0] * 8 + [0.0] * 24


@pytest.mark.parametrize("form", ["PNG", "WEBP", "AVIF"])
def test_of_an_animation_it_is_the_first_frame(form):
    frames = [Image.new("RGB", (40, 40), colour) for colour in ("red", "blue", "green")]
    moving = file(frames[0], form, save_all=True, append_images=frames[1:])
    red, green, blue = decoded(moving, COLOUR).float().mean((1, 2))
    assert red > 250
    assert green < 5
    assert blue < 5


def test_sixteen_megapixels_are_read_and_more_are_not():
    assert decoded(png(4000, 4000, rows=4000), GREY).max() == 0
    assert "16 megapixels" in refusal(png(5000, 5000, rows=5000))
    assert "16 megapixels" in refusal(png(2**31 - 1, 2**31 - 1))
    size = struct.pack("<I", 16_382)[:3]
    body = b"WEBPVP8X" + struct.pack("<I", 10) + bytes(4) + size + size + bytes(80)
    assert "16 megapixels" in refusal(b"RIFF" + struct.pack("<I", len(body)) + body)


@pytest.mark.parametrize(
    ("size", "options"), [((6000, 4000), {}), ((6048, 8064), {"progressive": True})]
)
def test_a_photograph_of_a_phone_is_read_at_a_reduced_size(size, options):
    image = Image.new("RGB", size, "blue")
    image.paste("red", (0, 0, size[0] // 2, size[1]))
    picture = decoded(file(image, "JPEG", **options), COLOUR).float()
    assert torch.allclose(picture[:, 16, 8], torch.tensor([255.0, 0, 0]), atol=4)
    assert torch.allclose(picture[:, 16, 24], torch.tensor([0.0, 0, 255]), atol=4)


def test_a_photograph_of_more_than_64_megapixels_is_refused():
    assert "64 as JPEG" in refusal(file(Image.new("L", (9000, 8000)), "JPEG"))


@pytest.mark.parametrize("size", [(1, 1), (1, 5000), (5000, 1)])
@pytest.mark.parametrize("form", FORMATS)
def test_a_picture_may_be_a_single_pixel_or_a_line(size, form):
    picture = decoded(file(Image.new("RGB", size, "red"), form), COLOUR).float()
    assert torch.allclose(picture.mean((1, 2)), torch.tensor([255.0, 0, 0]), atol=5)


def test_a_photograph_with_another_one_behind_it_is_read():
    red, blue = Image.new("RGB", (5000, 4000), "red"), Image.new("RGB", (40, 30), "blue")
    picture = decoded(file(red, "MPO", save_all=True, append_images=[blue]), COLOUR).float()
    assert torch.allclose(picture.mean((1, 2)), torch.tensor([255.0, 0, 0]), atol=4)


@pytest.mark.parametrize("mode", ["CMYK", "P", "RGBA", "L", "YCbCr"])
def test_colours_are_right_in_every_mode(mode):
    form = {"CMYK": "JPEG", "YCbCr": "JPEG"}.get(mode, "PNG")
    picture = decoded(file(Image.new("RGB", (40, 40), "red").convert(mode), form), COLOUR)
    want = [76.0] * 3 if mode == "L" else [255.0, 0, 0]
    assert torch.allclose(picture.float().mean((1, 2)), torch.tensor(want), atol=4)


@pytest.mark.parametrize(
    ("brands", "kind"),
    [(b"heic\0\0\0\0mif1heic", "HEIC"), (b"mif1\0\0\0\0mif1heic", "HEIC"),
     (b"heix\0\0\0\0mif1heix", "HEIC")],
)  # fmt: skip
def test_what_an_iphone_saves_is_named(brands, kind):
    content = struct.pack(">I", 8 + len(brands)) + b"ftyp" + brands + bytes(100)
    assert refusal(content).startswith(f"{kind} pictures cannot be read here.")


def test_avif_is_named_where_pillow_was_built_without_it(instead):
    instead(
        f"import runpy, sys\nfrom PIL import AvifImagePlugin\n"
        f"AvifImagePlugin.SUPPORTED = False\n"
        f"runpy.run_path({str(SCRIPT)!r}, run_name='__main__')"
    )
    assert refusal(file(halves(), "AVIF")).startswith("AVIF pictures cannot be read here.")


@pytest.mark.parametrize(
    "bomb",
    [
        png(20_000, 5_000, rows=5_000),
        png(64, 64, chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(10**8), 9)), rows=64),
        png(64, 64, chunk(b"iCCP", b"a\0\0" + zlib.compress(bytes(10**8), 9)), rows=64),
        png(64, 64, rows=1_000_000),
    ],
    ids=["pixels", "text", "profile", "too many rows"],
)
def test_a_decompression_bomb_does_not_unfold(bomb):
    assert len(bomb) < 300_000
    code = (
        "import resource, subprocess, sys\n"
        f"command = [sys.executable, '-I', {str(SCRIPT)!r}, '1', '28', '28']\n"
        "subprocess.run(command, stdin=sys.stdin, stdout=2)\n"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)\n"
    )
    command = [sys.executable, "-I", "-c", code]
    measured = subprocess.run(command, input=bomb, capture_output=True, check=True)
    assert int(measured.stdout) < 60_000  # KiB


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("part", [0.1, 0.5, 0.9])
def test_a_truncated_file_is_refused(form, part):
    noise = Image.effect_noise((200, 200), 80)
    content = file(noise, form)
    assert decoded(content, GREY).shape == GREY
    refusal(content[: int(part * len(content))])


@pytest.mark.parametrize(
    "content",
    [
        *(file(halves(), form) for form in ("GIF", "BMP", "TIFF", "ICO", "PPM", "PDF")),
        b"<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'><rect/></svg>",
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\nshowpage\n",
        b"dear sir or madam",
        b"",
    ],
    ids=["gif", "bmp", "tiff", "ico", "ppm", "pdf", "svg", "eps", "text", "empty"],
)
def test_what_is_of_no_such_kind_is_refused(content):
    assert "PNG, JPEG, WebP or AVIF" in refusal(content)


def test_too_many_megabytes_are_refused_without_a_process(monkeypatch):
    monkeypatch.setattr(subprocess, "run", None)
    assert "16 MB" in refusal(bytes(MAX_BYTES + 1))


@pytest.mark.parametrize("seed", range(12))
def test_broken_bytes_give_a_picture_or_a_sentence(seed):
    rng = random.Random(seed)
    content = bytearray(file(Image.effect_noise((40, 40), 80), FORMATS[seed % 4]))
    for _ in range(rng.choice([1, 5, 50])):
        content[rng.randrange(len(content))] = rng.randrange(256)
    for bad in (bytes(content), rng.randbytes(500), bytes(content[:12]) + rng.randbytes(500)):
        with suppress(UploadError):
            assert decoded(bad, GREY).shape == GREY


def test_a_child_that_hangs_is_ended(instead, tmp_path, monkeypatch):
    born = tmp_path / "pid"
    instead(f"import os, time\nopen({str(born)!r}, 'w').write(str(os.getpid()))\ntime.sleep(60)")
    monkeypatch.setattr(upload, "PATIENCE", 2.0)
    begin = time.monotonic()
    assert "too long" in refusal(b"")
    assert time.monotonic() - begin < 8
    with pytest.raises(ProcessLookupError):
        os.kill(int(born.read_text()), 0)


@pytest.mark.parametrize(
    "source",
    [
        "import sys; sys.stdout.buffer.write(bytes(783))",
        "import sys; sys.stdout.buffer.write(bytes(785))",
        "pass",
        "raise ValueError('secret')",
        "import sys; sys.exit('<b>not a sentence</b>')",
        "import os; os.abort()",
        "import os, signal; os.kill(os.getpid(), signal.SIGXCPU)",
    ],
)
def test_what_a_child_sends_is_not_believed(instead, source):
    instead(source)
    text = refusal(b"")
    assert "secret" not in text
    assert "<" not in text


def test_the_child_knows_nothing_of_this_process(instead, monkeypatch):
    monkeypatch.setenv("GENLIB_SECRET", "7")
    instead("import os, sys; sys.exit('upload ' + str('GENLIB_SECRET' in os.environ) + '.')")
    assert refusal(b"") == "upload False."


def test_only_two_are_decoded_at_once(instead, monkeypatch):
    instead("import time; time.sleep(0.5)")
    monkeypatch.setattr(upload, "PATIENCE", 10.0)
    threads = [threading.Thread(target=refusal, args=(b"",)) for _ in range(2)]
    for thread in threads:
        thread.start()
    time.sleep(0.2)
    monkeypatch.setattr(upload, "PATIENCE", 0.05)
    assert "Too many" in refusal(b"")
    for thread in threads:
        thread.join()


@pytest.mark.parametrize(
    ("attempt", "error"),
    [
        ("bytearray(2 * 2**30)", "MemoryError"),
        ("open('written', 'wb', 0).write(b'a')", "OSError"),
        ("[open('/dev/null') for _ in range(30)]", "OSError"),
    ],
)
def test_the_limits_hold(attempt, error, tmp_path):
    command = [sys.executable, "-I", "-c", LIMITED + attempt]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert ended.returncode == 1
    assert error in ended.stderr.splitlines()[-1]


def test_a_limit_is_never_raised():
    code = "import resource as r; r.setrlimit(r.RLIMIT_AS, (2**29, 2**29))\n"
    code += LIMITED + "print(r.getrlimit(r.RLIMIT_AS)[1])"
    command = [sys.executable, "-I", "-c", code]
    messages = subprocess.run(command, capture_output=True, text=True, check=True)
    assert int(messages.stdout) == 2**29


@pytest.mark.parametrize("system", ["macos", "windows"])
def test_other_systems_have_fewer_limits_and_read_pictures_too(instead, system):
    acts = Path(__file__).parents[2] / "support/systems/sitecustomize.py"
    instead(
        f"import os, runpy\nos.environ['PYTHON_ACTS_AS'] = {system!r}\n"
        f"runpy.run_path({str(acts)!r})\nrunpy.run_path({str(SCRIPT)!r}, run_name='__main__')"
    )
    picture = decoded(file(halves(size=(60, 60), part=0.4)), GREY)
    assert picture[..., :7].min() == 255
    assert picture[..., 15:].max() == 0
    assert "16 megapixels" in refusal(png(5000, 5000, rows=5000))


def test_the_limits_that_macos_has_hold_there(tmp_path):
    code = "import resource\ndef refuse(kind, most, real=resource.setrlimit):\n"
    code += " if kind == resource.RLIMIT_AS: raise ValueError\n real(kind, most)\n"
    code += "resource.setrlimit = refuse\n" + LIMITED + "open('written', 'wb', 0).write(b'a')"
    command = [sys.executable, "-I", "-c", code]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert "OSError" in ended.stderr.splitlines()[-1]


def test_a_photograph_is_read_fast():
    photograph = Image.effect_noise((4000, 3000), 40).convert("RGB")
    content = file(photograph, "JPEG")
    assert len(content) < MAX_BYTES
    times = []
    for _ in range(3):
        begin = time.perf_counter()
        decoded(content, COLOUR)
        times.append(time.perf_counter() - begin)
    assert min(times) < 1.0  # 0.1 s on a quiet machine
