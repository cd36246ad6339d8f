"""A plane on which every place has a picture: pointing at it shows the nearest one at once.

All pictures are sent once, as one sheet, and the browser cuts out what the pointer is nearest to,
without asking the server. A click, or Enter, tells the server the exact place.
"""

import math
from typing import NamedTuple

import streamlit as st

from ui.widgets import message

HTML = """
<div class="field">
  <div class="plane">
    <img class="ground" role="application" tabindex="0" draggable="false">
    <div class="ring" hidden></div>
    <div class="pin" hidden></div>
  </div>
  <div class="side">
    <canvas class="near"></canvas>
    <div class="caption" aria-live="polite"></div>
    <div class="legend"></div>
  </div>
</div>
"""

CSS = """
.field { display: flex; flex-wrap: wrap; align-items: flex-start; gap: 1rem 1.5rem;
         color: var(--st-text-color); font-family: var(--st-font); font-size: .875rem; }
.plane { position: relative; flex: 0 1 var(--wide); line-height: 0; }
.ground { width: 100%; border-radius: var(--st-base-radius); cursor: crosshair;
          touch-action: pan-y; user-select: none; -webkit-user-select: none; }
.ground:focus-visible { outline: 3px solid var(--st-primary-color); outline-offset: 2px; }
.ring, .pin { position: absolute; width: 18px; height: 18px; margin: -9px 0 0 -9px;
              border-radius: 50%; box-sizing: border-box; pointer-events: none;
              border: 3px solid var(--st-background-color);
              outline: 2px solid var(--st-text-color); }
.pin { border-color: var(--st-primary-color); background: var(--st-primary-color); }
.side { flex: 1 0 var(--narrow); }
.near { width: var(--narrow); image-rendering: pixelated; border-radius: 2px; display: block; }
.caption { margin: .5rem 0; min-height: 2.8em; white-space: pre-line;
           font-variant-numeric: tabular-nums; }
.legend { display: grid; grid-template-columns: repeat(auto-fill, minmax(7rem, 1fr));
          gap: .1rem .6rem; }
.legend span { display: flex; align-items: center; gap: .4rem; }
.legend i { width: .65rem; height: .65rem; border-radius: 50%; flex: none; }
"""

JS = """
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
const clip = value => Math.min(1, Math.max(0, value));

export default function ({ data, parentElement, setStateValue }) {
  const root = parentElement.querySelector(".field");
  root.send = at => setStateValue("at", at);
  const message = unpacked(root, data);
  if (!message) return;
  const { header, arrays } = message;
  const address = (key, type) => URL.createObjectURL(new Blob([arrays[key]], { type }));
  root.querySelector(".ground").src = address("ground", header.ground_type);
  const image = new Image(), name = root.name;
  image.onload = () => { if (root.name === name) begin(root, image, header); };
  image.src = address("sheet", "image/png");
}

function begin(root, sheet, { places, captions, tile: [tall, wide], width, factor, ...data }) {
  const [ground, near] = [root.querySelector(".ground"), root.querySelector(".near")];
  const [ring, pin] = [root.querySelector(".ring"), root.querySelector(".pin")];
  const [columns, ink] = [sheet.width / wide, near.getContext("2d")];
  root.style.setProperty("--wide", `${width}px`);
  root.style.setProperty("--narrow", `${factor * wide}px`);
  [near.width, near.height] = [wide, tall];
  ground.ariaLabel = data.label + " Arrow keys move over it, Enter takes a place.";
  let at, shown = -1;

  function nearest([x, y]) {
    let best = 0, least = Infinity;
    for (let i = 0; i < places.length; i++) {
      const far = (places[i][0] - x) ** 2 + (places[i][1] - y) ** 2;
      if (far < least) [best, least] = [i, far];
    }
    return best;
  }
  function put(mark, [x, y]) {
    mark.hidden = false;
    mark.style.left = `${100 * x}%`;
    mark.style.top = `${100 * (1 - y)}%`;
  }
  function show(here) {
    at = here;
    const index = nearest(at);
    if (index === shown) return;
    shown = index;
    put(ring, places[index]);
    const [x, y] = [index % columns * wide, Math.floor(index / columns) * tall];
    ink.drawImage(sheet, x, y, wide, tall, 0, 0, wide, tall);
    root.querySelector(".caption").textContent = captions[index];
  }
  function pointed(event) {
    const box = ground.getBoundingClientRect();
    return [clip((event.clientX - box.left) / box.width),
            clip(1 - (event.clientY - box.top) / box.height)];
  }
  function take() {
    put(pin, at);
    root.send(at);
  }
  ground.onpointermove = ground.onpointerdown = event => show(pointed(event));
  ground.onclick = event => { show(pointed(event)); take(); };
  ground.onkeydown = event => {
    const move = ARROWS[event.key];
    if (event.key === "Enter") return take();
    if (!move) return;
    event.preventDefault();
    const before = shown;
    let here = places[shown];
    for (let i = 0; i < 100 && nearest(here) === before; i++) {
      here = [clip(here[0] + move[0] / 100), clip(here[1] + move[1] / 100)];
    }
    show(places[nearest(here)]);
  };
  root.querySelector(".legend").replaceChildren(...Object.entries(data.legend).map(
    ([name, colour]) => {
      const [row, dot] = [document.createElement("span"), document.createElement("i")];
      dot.style.background = colour;
      row.append(dot, name);
      return row;
    }));
  pin.hidden = true;
  show(data.start);
}
"""

_field = st.components.v2.component(
    "genlib_picture_field", html=HTML, css=CSS, js=message.READER + JS
)

Place = tuple[float, float]


class Field(NamedTuple):
    """A plane and its pictures. Places are in units of its sides, (0, 0) the lower left.

    Attributes:
        ground: what rests on it: a picture, and its media type.
        sheet: all its pictures side by side as one PNG.
        tile: height and width of each, in pixels.
        places: where each lies.
        captions: what is said of each.
        width: of the plane, in CSS pixels.
        label: what it is, for those who do not see it.
        legend: names and their colours.
    """

    ground: tuple[bytes, str]
    sheet: bytes
    tile: tuple[int, int]
    places: list[Place]
    captions: list[str]
    width: int
    label: str
    legend: dict[str, str]


def picture_field(field: Field, key: str, start: Place, enlarged: int = 224) -> Place | None:
    """Draw a field; return the place that was clicked last, or None before the first click.

    Args:
        field: what to draw.
        key: of the widget.
        start: the place that is shown first.
        enlarged: width of the picture pointed at, in CSS pixels, down to a whole factor.
    """
    factor = max(1, enlarged // field.tile[1])
    result = _field(data=packed(field, factor, start), key=key, on_at_change=lambda: None)
    return validated(result.get("at"))


def packed(field: Field, factor: int, start: Place) -> bytes:
    """Return a field as the bytes that are sent."""
    header = field._asdict() | {"factor": factor, "start": start}
    ground, header["ground_type"] = header.pop("ground")
    return message.packed(header, {"ground": ground, "sheet": header.pop("sheet")})


def validated(value: object) -> Place | None:
    """Return the place that a client sent; None where it is none."""
    if not isinstance(value, list | tuple) or len(value) != 2:
        return None
    if not all(isinstance(part, int | float) and abs(part) < math.inf for part in value):
        return None
    x, y = (float(min(1, max(0, part))) for part in value)
    return x, y
