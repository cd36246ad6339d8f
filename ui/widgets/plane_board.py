"""A board of points in the plane: real, generated, D's field and G's grid, at each snapshot.

All snapshots are sent once, as numbers, and the browser draws them: playing, scrubbing, pointing
and hiding a layer ask the server for nothing.
"""

from typing import NamedTuple

import numpy as np
import streamlit as st
from jaxtyping import Float
from numpy import ndarray

from genlib.plots import GENERATED, REAL
from ui.widgets import message, player

HTML = f"""
<div class="player">
  <canvas role="img" tabindex="0"></canvas>
  <div class="told" aria-live="off"></div>
  {player.BAR}
  <div class="layers"></div>
</div>
"""

CSS = """
.player { max-width: var(--side); color: var(--st-text-color); font-family: var(--st-font);
          font-size: .875rem; }
canvas { width: 100%; aspect-ratio: 1; display: block; box-sizing: border-box; cursor: crosshair;
         border: 1px solid var(--st-border-color); border-radius: var(--st-base-radius); }
.layers { display: flex; flex-wrap: wrap; gap: .2rem 1.1rem; margin-top: .4rem; }
.layers label { display: flex; align-items: center; gap: .4rem; min-height: 1.9rem;
                cursor: pointer; }
.layers input { accent-color: var(--st-primary-color); width: 1rem; height: 1rem; }
.layers i { width: .65rem; height: .65rem; border-radius: 50%; }
"""

JS = """
const PACE = 220;  // milliseconds of a moment
const shades = hex => [1, 3, 5].map(at => parseInt(hex.slice(at, at + 2), 16));

function begin(root, header, arrays) {
  const places = bytes => new Uint16Array(bytes.buffer);
  const [real, generated, grid] = ["real", "generated", "grid"].map(key => places(arrays[key]));
  const { side, samples, captions, colors, size } = header;
  const [canvas, words] = [root.querySelector("canvas"), root.querySelector(".told")];
  const ink = canvas.getContext("2d"), sharp = Math.min(3, window.devicePixelRatio || 1);
  const full = size * sharp;
  let now = 0;
  const fields = side ? captions.map((_, i) => painted(arrays.field, i, side, colors)) : [];
  const shown = root.shown ??=
    { field: true, real: true, generated: true, grid: false, arrows: false };
  root.style.setProperty("--side", `${size}px`);
  root.style.setProperty("--lines", `${1.4 * header.lines}em`);
  canvas.width = canvas.height = full;
  canvas.ariaLabel = header.label;

  const spot = (array, i) => [array[2 * i] / 65535 * full, (1 - array[2 * i + 1] / 65535) * full];
  function odds(x, y) {
    const clip = value => Math.min(side - 1, Math.max(0, value));
    const at = (row, column) => arrays.field[now * side * side + clip(row) * side + clip(column)];
    const [u, v] = [x * (side - 1), y * (side - 1)], [i, j] = [Math.floor(v), Math.floor(u)];
    const [p, q] = [v - i, u - j];
    return ((1 - p) * ((1 - q) * at(i, j) + q * at(i, j + 1))
            + p * ((1 - q) * at(i + 1, j) + q * at(i + 1, j + 1))) / 255;
  }
  function sentence(value) {
    if (header.probability) return `Here D says: ${Math.round(100 * value)} % real.`;
    const score = Math.log(value / (1 - value)), size = Math.min(5, Math.abs(score)).toFixed(1);
    const side = score > 0 ? "above" : "below", more = Math.abs(score) > 5 ? "more than " : "";
    return `Here D's score is ${more}${size} ${side} the middle; above is real.`;
  }
  function dots(array, first, count, color) {
    ink.fillStyle = color;
    const wide = 3.2 * sharp;
    for (let i = first; i < first + count; i++) {
      const [x, y] = spot(array, i);
      ink.beginPath();
      ink.arc(x, y, wide / 2, 0, 7);
      ink.fill();
    }
  }
  function net() {
    ink.strokeStyle = colors.ink;
    ink.lineWidth = 0.7 * sharp;
    ink.globalAlpha = 0.55;
    const first = now * side * side;
    for (let i = 0; i < side; i++) for (const [step, start] of [[1, i * side], [side, i]]) {
      ink.beginPath();
      for (let j = 0; j < side; j++) ink.lineTo(...spot(grid, first + start + j * step));
      ink.stroke();
    }
    ink.globalAlpha = 1;
  }
  function arrows() {
    ink.strokeStyle = colors.ink;
    ink.lineWidth = 1.4 * sharp;
    const small = 1 / side, long = 0.06;
    for (let i = 0; i < Math.min(90, samples); i++) {
      const at = now * samples + i;
      const [x, y] = [generated[2 * at] / 65535, generated[2 * at + 1] / 65535];
      const dx = odds(x + small, y) - odds(x - small, y);
      const dy = odds(x, y + small) - odds(x, y - small);
      const length = Math.hypot(dx, dy);
      if (length < 0.004) continue;
      const reach = long * Math.min(1, 4 * length) / length;
      const [a, b] = [[x, y], [x + reach * dx, y + reach * dy]].map(
        ([u, v]) => [u * full, (1 - v) * full]);
      const turn = Math.atan2(b[1] - a[1], b[0] - a[0]);
      ink.beginPath();
      ink.moveTo(...a);
      ink.lineTo(...b);
      for (const bend of [2.6, -2.6]) {
        ink.moveTo(...b);
        ink.lineTo(b[0] + 5 * sharp * Math.cos(turn + bend),
                   b[1] + 5 * sharp * Math.sin(turn + bend));
      }
      ink.stroke();
    }
  }
  function draw() {
    ink.fillStyle = colors.ground;
    ink.fillRect(0, 0, full, full);
    ink.imageSmoothingEnabled = true;
    if (shown.field && side)
      ink.drawImage(fields[now], 0.5, 0.5, side - 1, side - 1, 0, 0, full, full);
    if (shown.grid && side) net();
    if (shown.real) dots(real, 0, real.length / 2, colors.real);
    if (shown.generated) dots(generated, now * samples, samples, colors.generated);
    if (shown.arrows && side) arrows();
  }
  canvas.onpointermove = event => {
    if (!side) return;
    const box = canvas.getBoundingClientRect();
    const x = (event.clientX - box.left) / box.width;
    const y = 1 - (event.clientY - box.top) / box.height;
    words.textContent = sentence(odds(x, y));
  };
  canvas.onpointerleave = () => { words.textContent = captions[now]; };
  root.querySelector(".layers").replaceChildren(...Object.entries(header.layers).map(
    ([key, name]) => {
      const [label, box] = [document.createElement("label"), document.createElement("input")];
      Object.assign(box, { type: "checkbox", checked: shown[key] });
      box.onchange = () => { shown[key] = box.checked; draw(); };
      label.append(box);
      if (colors[key]) {
        const dot = document.createElement("i");
        dot.style.background = colors[key];
        label.append(dot);
      }
      label.append(name);
      return label;
    }));
  barred(root, canvas, captions, PACE, captions.length - 1,
         place => { now = Math.floor(place); draw(); });
}

function painted(field, moment, side, colors) {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = side;
  const ink = canvas.getContext("2d"), image = ink.createImageData(side, side);
  const [real, generated] = [shades(colors.real), shades(colors.generated)];
  for (let row = 0; row < side; row++) for (let column = 0; column < side; column++) {
    const value = field[moment * side * side + row * side + column] / 255;
    const at = 4 * ((side - 1 - row) * side + column), hue = value > 0.5 ? real : generated;
    for (let i = 0; i < 3; i++) image.data[at + i] = hue[i];
    image.data[at + 3] = 150 * Math.abs(2 * value - 1);
  }
  ink.putImageData(image, 0, 0);
  return canvas;
}
"""

_board = st.components.v2.component(
    "genlib_game_board", html=HTML, css=player.CSS + CSS, js=player.JS + JS
)
LAYERS = {
    "real": "real",
    "generated": "generated",
    "field": "what D says",
    "grid": "G's grid",
    "arrows": "where D pulls",
}


class Board(NamedTuple):
    """Snapshots of a game. Places are in units of the board's sides, (0, 0) the lower left.

    Attributes:
        real: points of the data.
        generated: generated points at each snapshot.
        grid: where a square grid of codings lands, row by row; without places where there is none.
        field: the sigmoid of D's score, less its decision threshold, on a square grid over the
            board, row by row from below; without places where there is no discriminator.
        captions: of each snapshot.
        probability: whether the field is D's probability that a point is real; with many losses
            D's output is a score instead.
    """

    real: Float[ndarray, "points 2"]
    generated: Float[ndarray, "snapshots samples 2"]
    grid: Float[ndarray, "snapshots places 2"]
    field: Float[ndarray, "snapshots places"]
    captions: list[str]
    probability: bool = False


def game_board(board: Board, key: str, *, size: int, label: str, dark: bool) -> None:
    """Draw a board, at most `size` CSS pixels wide."""
    _board(data=packed(board, size, label, dark=dark), key=key)


def packed(board: Board, size: int, label: str, *, dark: bool) -> bytes:
    """Return a board as the bytes that are sent: places of 16 bits, the field of 8."""
    arrays = {
        name: (values.clip(0, 1) * 65535).round().astype("<u2").tobytes()
        for name, values in board._asdict().items()
        if name in ("real", "generated", "grid")
    }
    arrays["field"] = (board.field.clip(0, 1) * 255).round().astype(np.uint8).tobytes()
    side = round(board.field.shape[1] ** 0.5)
    header = {
        "side": side,
        "samples": board.generated.shape[1],
        "captions": board.captions,
        "probability": board.probability,
        "lines": 1 + max(map(len, board.captions)) // (size // 7),
        "colors": {
            "real": REAL,
            "generated": GENERATED,
            "ground": "#0e1117" if dark else "#ffffff",
            "ink": "#ffffff" if dark else "#222222",
        },
        "layers": LAYERS if side else {name: LAYERS[name] for name in ("real", "generated")},
        "size": size,
        "label": label,
    }
    return message.packed(header, arrays)
