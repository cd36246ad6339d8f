"""What a plain script does with its model when it is run."""

import json
import sys
import zlib
from pathlib import Path

import torch
from jaxtyping import Float, UInt8
from safetensors.torch import load_file
from torch import Tensor
from torch.nn import functional as F

from genlib.family import Family, Pictures, Shape, to_uint8

GUTTER, FACTOR = 2, 3  # pixels between pictures, and by how much each pixel is enlarged


def loaded(model: Family, weights: Path | str) -> Family:
    """Return a model with the weights of a safetensors file, ready to be used.

    Raises:
        RuntimeError: a weight is missing, is one too many, or has another shape.
    """
    model.load_state_dict(load_file(weights))
    return model.eval().requires_grad_(requires_grad=False)


def examples(file: Path, shape: Shape) -> Pictures:
    """Return the examples in a safetensors file; random ones where there is no such file."""
    if file.exists():
        return load_file(file)["x"]
    print(f"There is no {file.name} here: random examples take its place.")  # noqa: T201
    return torch.rand(10, *shape, generator=torch.Generator().manual_seed(0))


def as_png(pictures: Pictures, columns: int) -> bytes:
    """Return rows of pictures as a PNG file of red, green and blue."""
    framed = F.pad(pictures, (0, GUTTER, 0, GUTTER), value=0.5).expand(-1, 3, -1, -1)
    rows = framed.unflatten(0, (-1, columns)).permute(0, 3, 1, 4, 2)
    sheet = to_uint8(rows.flatten(2, 3).flatten(0, 1))
    large = sheet.repeat_interleave(FACTOR, 0).repeat_interleave(FACTOR, 1)
    size = b"".join(side.to_bytes(4, "big") for side in (large.shape[1], large.shape[0]))
    lines = F.pad(large.flatten(1), (1, 0))  # each begins with its filter: 0 is none
    parts = {
        b"IHDR": size + bytes([8, 2, 0, 0, 0]),
        b"IDAT": zlib.compress(raw(lines)),
        b"IEND": b"",
    }
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(kind, data) for kind, data in parts.items())


def chunk(kind: bytes, data: bytes) -> bytes:
    """Return a part of a PNG file: its length, its kind, itself, and a checksum."""
    return b"".join(
        [len(data).to_bytes(4, "big"), kind, data, zlib.crc32(kind + data).to_bytes(4, "big")]
    )


def as_safetensors(name: str, values: Float[Tensor, "..."]) -> bytes:
    """Return a tensor as a safetensors file: the length of its header, the header, the numbers.

    The function that comes with safetensors needs NumPy.
    """
    data = raw(values.float())
    entry = {"dtype": "F32", "shape": list(values.shape), "data_offsets": [0, len(data)]}
    header = json.dumps({name: entry}).encode()
    return len(header).to_bytes(8, "little") + header + data


def raw(values: Float[Tensor, "..."] | UInt8[Tensor, "..."]) -> bytes:
    """Return the bytes of a tensor's numbers, in order."""
    return bytes(values.flatten().view(torch.uint8).tolist())


@torch.no_grad()
def main(model: Family, shows: list[str]) -> None:
    """Save what a model makes, with the weights beside this script or in the file named.

    Args:
        model: whose weights they are.
        shows: the kinds of pictures that its `preview` makes.
    """
    own = Path(__file__).with_suffix(".safetensors")
    beside = own if own.exists() else own.with_name("model.safetensors")
    weights = Path(sys.argv[1]) if len(sys.argv) > 1 else beside
    loaded(model, weights)
    x = examples(weights.with_name("pictures.safetensors"), model.shape)
    preview = model.preview(x, torch.Generator().manual_seed(0))
    weights.with_name("made.safetensors").write_bytes(as_safetensors("made", preview))
    print("Saved made.safetensors:", " × ".join(str(size) for size in preview.shape))  # noqa: T201
    if model.shape[1] == 1:
        print("The first points:", preview[:5].flatten(1).tolist())  # noqa: T201
        return
    weights.with_name("made.png").write_bytes(as_png(torch.cat([x, preview]), len(x)))
    rows = ", ".join(["example", *shows])
    print("Saved made.png, from above:", rows)  # noqa: T201
