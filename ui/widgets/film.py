"""Pictures that change, in one or more panels side by side, played and scrubbed in the browser."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import streamlit as st
import torch
from jaxtyping import UInt8
from numpy import ndarray

from ui.widgets import message, player
from ui.widgets.pictures import COLUMNS, grid

HTML = f"""
<div class="player">
  <div class="panels"></div>
  <div class="told" aria-live="off"></div>
  {player.BAR}
</div>
"""

CSS = """
.player { color: var(--st-text-color); font-family: var(--st-font); font-size: .875rem;
          max-width: var(--room); }
.panels { display: flex; flex-wrap: wrap; gap: .75rem 1.5rem; align-items: end; }
.panels figure { margin: 0; }
.panels figcaption { margin-bottom: .3rem; }
canvas { display: block; image-rendering: pixelated; border-radius: 2px; }
"""

JS = """
const LASTS = 4500;  // milliseconds, from the first frame to the last
const GAP = 24;   // pixels between panels

function begin(root, header, arrays) {
  const { panels, width, height, channels, captions, label, factor } = header;
  const holder = root.querySelector(".panels");
  const canvases = panels.map(title => {
    const [figure, canvas] = [document.createElement("figure"), document.createElement("canvas")];
    const words = document.createElement("figcaption");
    words.textContent = title;
    Object.assign(canvas, { width, height, tabIndex: 0, ariaLabel: `${title}: ${label}` });
    canvas.setAttribute("role", "img");
    figure.append(words, canvas);
    return canvas;
  });
  holder.replaceChildren(...canvases.map(canvas => canvas.parentElement));
  root.style.setProperty("--lines", "1.4em");
  function fit() {  // a whole factor, so that each pixel stays a square
    const room = root.parentElement.clientWidth, many = panels.length;
    if (!room) return;
    const beside = Math.floor((room - GAP * (many - 1)) / (many * width));
    const times = Math.max(1, Math.min(factor, beside >= 2 ? beside : Math.floor(room / width)));
    for (const canvas of canvases) {
      canvas.style.width = `${times * width}px`;
      canvas.style.height = `${times * height}px`;
      canvas.parentElement.style.width = canvas.style.width;
    }
    const all = beside >= 2 ? many * times * width + GAP * (many - 1) : times * width;
    root.style.setProperty("--room", `${all}px`);
  }
  root.watcher?.disconnect();
  root.watcher = new ResizeObserver(fit);
  root.watcher.observe(root.parentElement);
  fit();
  const inks = canvases.map(canvas => canvas.getContext("2d"));
  const image = inks[0].createImageData(width, height), size = width * height * channels;
  function draw(moment) {
    if (!Number.isInteger(moment)) return;  // between two frames that were kept
    inks.forEach((ink, panel) => {
      const bytes = arrays[panel];
      for (let pixel = 0, from = moment * size; pixel < width * height; pixel++) {
        for (let i = 0; i < 3; i++) image.data[4 * pixel + i] = bytes[from + i % channels];
        image.data[4 * pixel + 3] = 255;
        from += channels;
      }
      ink.putImageData(image, 0, 0);
    });
  }
  barred(root, holder, captions, LASTS / Math.max(1, captions.length - 1), header.start, draw);
}
"""

_film = st.components.v2.component(
    "genlib_film", html=HTML, css=player.CSS + CSS, js=player.JS + JS
)


class Film(NamedTuple):
    """Panels by their title, all of one size and length, and what is said of each frame."""

    panels: dict[str, UInt8[ndarray, "frames height width channels"]]
    captions: list[str]


def film(shown: Film, key: str, label: str, factor: int = 3, start: int = -1) -> None:
    """Draw a film, each pixel enlarged by a whole factor, at most the one given.

    It rests at frame `start` until somebody moves it; counted from the end where negative.
    """
    _film(data=packed(shown, label, factor, start), key=key)


def packed(shown: Film, label: str, factor: int, start: int = -1) -> bytes:
    """Return a film as the bytes that are sent; grey pictures as one byte a pixel."""
    first = next(iter(shown.panels.values()))
    _, height, width, channels = first.shape
    header = {
        "panels": list(shown.panels),
        "captions": shown.captions,
        "width": width,
        "height": height,
        "channels": channels,
        "label": label,
        "factor": factor,
        "start": range(len(shown.captions))[start],
    }
    frames = enumerate(shown.panels.values())
    return message.packed(header, {str(index): panel.tobytes() for index, panel in frames})


GAP = 8  # pixels between panels, before enlarging


def beside(panels: Iterable[np.ndarray], factor: int) -> np.ndarray:
    """Return the frames of panels side by side in colour, enlarged."""
    parts = [np.broadcast_to(panel, (*panel.shape[:3], 3)) for panel in panels]
    gap = np.full((*parts[0].shape[:2], GAP, 3), 128, np.uint8)
    between = [part for panel in parts for part in (gap, panel)][1:]
    return np.concatenate(between, 2).repeat(factor, 1).repeat(factor, 2)


def trajectory_film(
    x_t: Iterable[torch.Tensor],
    x0_hat: Iterable[torch.Tensor],
    captions: list[str],
    columns: int = COLUMNS,
) -> Film:
    """Return the film of a trajectory in [0, 1]: x_t beside the model's x0_hat."""
    panels = {"Noisy picture x_t": x_t, "Predicted clean picture": x0_hat}
    return Film(
        {
            title: np.stack([grid(pictures, columns) for pictures in frames])
            for title, frames in panels.items()
        },
        captions,
    )
