"""Points where the student wants them: a drawing of 16 × 16 cells that is a data set."""

import re

import streamlit as st
import torch
from jaxtyping import UInt8
from torch import Tensor

from genlib.data import CELLS, DatasetName
from ui.controls import record_views, view_key
from ui.widgets.drawing_pad import drawing_pad

record_views("drawing")

HEART = (  # row by row from above, a bit for each cell
    *("0000", "0000", "1c38", "3e7c", "7ffe", "7ffe", "7ffe", "7ffe"),
    *("3ffc", "1ff8", "0ff0", "07e0", "03c0", "0180", "0000", "0000"),
)
EXAMPLE = "drawn-" + "".join(HEART)


def drawn(family: str) -> DatasetName:
    """Draw the pad, and return the data set that is on it; the address holds it too."""
    key = view_key(family, "drawing")
    asked = st.query_params.get(key, "")
    first = asked if re.fullmatch("[0-9a-f]{64}", asked) and int(asked, 16) else EXAMPLE[6:]
    drawing = drawing_pad((1, CELLS, CELLS), f"{family}-points", cells(first))
    if drawing is None or not (drawing > LIT).any():
        st.warning("The sheet is empty: paint where points should lie. Until then it is a heart.")
        return EXAMPLE
    text = written(drawing)
    if text != asked:
        st.query_params[key] = text
    return f"drawn-{text}"


LIT = 100  # the grey level from which a cell counts as painted


def cells(text: str) -> UInt8[Tensor, "1 16 16"]:
    """Return the drawing of 64 hexadecimal digits, white where it is painted."""
    bits = [255 * int(bit) for bit in f"{int(text, 16):0{CELLS * CELLS}b}"]
    return torch.tensor(bits, dtype=torch.uint8).view(1, CELLS, CELLS)


def written(drawing: UInt8[Tensor, "1 16 16"]) -> str:
    """Return a drawing's cells as 64 hexadecimal digits."""
    bits = "".join("1" if lit else "0" for lit in (drawing.flatten() > LIT).tolist())
    return f"{int(bits, 2):0{CELLS * CELLS // 4}x}"
