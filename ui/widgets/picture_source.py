"""Which picture: one of the data set, one's own drawing, or an upload."""

from collections.abc import Callable

import streamlit as st
import torch

from genlib.data import DATASETS
from genlib.data.upload import UploadError, decoded
from genlib.family import Shape, to_float
from genlib.runs.spec import RunSpec
from ui import cache
from ui.controls import one_of, view_key
from ui.widgets.drawing_pad import drawing_pad

SHOWN = 6  # classes
KINDS = ["png", "jpg", "jpeg", "jfif", "webp", "avif"]  # not heic, or iPhones send no JPEG
SOURCES = ("Test pictures", "Draw", "Upload")


def chosen(spec: RunSpec, page: str, name: str, number: int | None = None) -> torch.Tensor:
    """Return pictures in [0, 1] that the student chooses; none while there is nothing yet.

    Args:
        spec: of the run whose pictures these are like.
        page: that the widgets are on.
        name: of the widgets in the link.
        number: the test picture to take; with None, one of each of the first classes.
    """

    def offered() -> torch.Tensor:
        data = cache.dataset(spec.dataset)
        if number is None:
            return to_float(data.test[data.showcase()[:SHOWN]])
        return to_float(data.test[number : number + 1])

    label = "Pictures" if number is None else "Picture"
    return picked(label, DATASETS[spec.dataset].shape, page, name, SOURCES, offered)


def picked(
    label: str,
    shape: Shape,
    page: str,
    name: str,
    sources: tuple[str, ...],
    offered: Callable[[], torch.Tensor],
) -> torch.Tensor:
    """Return pictures from a source that the student chooses; the first is the offered one."""
    none = torch.zeros(0, *shape)
    key = view_key(page, name)
    source = st.segmented_control(
        label, default=sources[0], required=True, **one_of(page, name, sources)
    )
    if source == "Draw":
        drawn = drawing_pad(shape, key=f"{key}-pad")
        return none if drawn is None else to_float(drawn).expand(1, *shape)
    if source == "Upload":
        file = st.file_uploader("A picture", type=KINDS, key=f"{key}-file")
        st.caption("PNG, JPEG, WebP or AVIF, at most 16 MB. It is not kept.")
        return none if file is None else _uploaded(file.getvalue(), shape)
    return offered()


def _uploaded(content: bytes, shape: tuple[int, int, int]) -> torch.Tensor:
    try:
        return to_float(decoded(content, shape))[None]
    except UploadError as error:
        st.error(str(error), icon=":material/error:")
        return torch.zeros(0, *shape)
