"""A pad to draw on with mouse, pen, finger or keyboard, at a picture's own resolution."""

import base64

import streamlit as st
import torch
from jaxtyping import UInt8
from torch import Tensor

HTML = """
<div class="pad">
  <div class="paper">
    <canvas tabindex="0" role="application"></canvas>
    <div class="cursor" hidden></div>
  </div>
  <div class="tools">
    <div class="brushes" role="group" aria-label="Brush">
      <button type="button" aria-label="Thin brush"><i style="--size: .3rem"></i></button>
      <button type="button" aria-label="Medium brush"><i style="--size: .55rem"></i></button>
      <button type="button" aria-label="Thick brush"><i style="--size: .95rem"></i></button>
    </div>
    <button type="button" class="undo">Undo</button>
    <button type="button" class="clear">Clear</button>
  </div>
</div>
"""

CSS = """
.pad { max-width: var(--side); color: var(--st-text-color); font-family: var(--st-font); }
.paper { position: relative; line-height: 0; }
canvas { width: 100%; box-sizing: border-box; border-radius: var(--st-base-radius);
         border: 1px solid var(--st-border-color); background: black; cursor: crosshair;
         image-rendering: pixelated; touch-action: none; user-select: none;
         -webkit-user-select: none; }
canvas:focus-visible, button:focus-visible {
  outline: 3px solid var(--st-primary-color); outline-offset: 2px; }
.cursor { position: absolute; box-sizing: border-box; pointer-events: none;
          border: 2px solid var(--st-primary-color); }
.tools { display: flex; flex-wrap: wrap; gap: .4rem; margin-top: .5rem; }
.brushes { display: flex; gap: .25rem; margin-right: auto; }
button { font: inherit; font-size: .875rem; min-height: 2.5rem; padding: 0 .7rem; color: inherit;
         border: 1px solid var(--st-border-color); border-radius: var(--st-button-radius);
         background: var(--st-background-color); cursor: pointer; }
button:hover, button[aria-pressed="true"] { border-color: var(--st-primary-color);
                                            color: var(--st-primary-color); }
button[aria-pressed="true"] { box-shadow: inset 0 0 0 1px var(--st-primary-color); }
.brushes button { width: 2.5rem; padding: 0; display: grid; place-items: center; }
.brushes i { width: var(--size); height: var(--size); border-radius: 50%;
             background: currentColor; }
"""

JS = """
const BRUSHES = [0.02, 0.04, 0.1];  // radii, as parts of the width
const PAUSE = 250;                  // milliseconds of rest after which a drawing is sent
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

// What is drawn lives on the canvas alone: Streamlit calls this again on every rerun.
export default function ({ data, parentElement, setStateValue }) {
  const canvas = parentElement.querySelector("canvas");
  if (!canvas.pad || canvas.width !== data.width || canvas.height !== data.height) {
    canvas.pad = begin(parentElement, canvas, data);
  }
  canvas.pad.send = text => setStateValue("drawing", text);
  return () => clearTimeout(canvas.pad.timer);
}

function begin(root, canvas, { width, height, drawing }) {
  const pad = { timer: 0, send: null, sent: drawing };
  const cursor = root.querySelector(".cursor");
  const brushes = [...root.querySelectorAll(".brushes button")];
  let levels = Uint8ClampedArray.from(atob(drawing), c => c.charCodeAt(0));
  if (levels.length !== width * height) levels = new Uint8ClampedArray(width * height);
  let past = [], brush = 1, stroke = null, at = [width >> 1, height >> 1];

  canvas.width = width;
  canvas.height = height;
  const side = Math.max(1, Math.floor(280 / width)) * width;  // a whole factor: crisp
  root.querySelector(".pad").style.setProperty("--side", `${side + 2}px`);
  canvas.ariaLabel = `Drawing pad, ${width} by ${height} pixels. Arrow keys move, space paints, `
    + "shift with an arrow key draws a line.";
  const ink = canvas.getContext("2d");
  const image = ink.createImageData(width, height);

  function show() {
    levels.forEach((level, i) => image.data.set([level, level, level, 255], 4 * i));
    ink.putImageData(image, 0, 0);
  }
  function later() {
    clearTimeout(pad.timer);
    pad.timer = setTimeout(() => {
      const text = btoa(String.fromCharCode(...levels));
      if (text !== pad.sent) pad.send(pad.sent = text);
    }, PAUSE);
  }
  function remember() {
    clearTimeout(pad.timer);
    past = [...past.slice(-49), levels.slice()];
  }
  function line([x0, y0], [x1, y1]) {  // each pixel gets what the round brush covers of it
    const radius = BRUSHES[brush] * width + 0.3;
    const [dx, dy] = [x1 - x0, y1 - y0];
    const length = dx * dx + dy * dy || 1;
    for (let y = 0, i = 0; y < height; y++) {
      for (let x = 0; x < width; x++, i++) {
        const [px, py] = [x + 0.5 - x0, y + 0.5 - y0];
        const t = Math.min(1, Math.max(0, (px * dx + py * dy) / length));
        const far = Math.hypot(px - t * dx, py - t * dy);
        levels[i] = Math.max(levels[i], 255 * Math.min(1, radius + 0.5 - far));
      }
    }
    show();
  }
  function place(event) {
    const box = canvas.getBoundingClientRect();
    return [(event.clientX - box.left - 1) / (box.width - 2) * width,
            (event.clientY - box.top - 1) / (box.height - 2) * height];
  }
  function point() {
    const share = (part, whole) => `calc(1px + (100% - 2px) * ${part / whole})`;
    cursor.hidden = false;
    Object.assign(cursor.style, { left: share(at[0], width), top: share(at[1], height),
      width: share(1, width), height: share(1, height) });
  }
  function pick(chosen) {
    brush = chosen;
    brushes.forEach((button, i) => { button.ariaPressed = String(i === chosen); });
  }
  function undo() {
    if (past.length) levels = past.pop();
    show();
    later();
  }

  canvas.onpointerdown = event => {
    if (stroke || event.button) return;
    stroke = { id: event.pointerId, last: place(event) };
    canvas.setPointerCapture(event.pointerId);
    cursor.hidden = true;
    remember();
    line(stroke.last, stroke.last);
  };
  canvas.onpointermove = event => {
    if (event.pointerId !== stroke?.id) return;
    const seen = event.getCoalescedEvents?.() ?? [];
    for (const one of seen.length ? seen : [event]) {
      const here = place(one);
      line(stroke.last, here);
      stroke.last = here;
    }
  };
  canvas.onpointerup = canvas.onpointercancel = event => {
    if (event.pointerId !== stroke?.id) return;
    stroke = null;
    later();
  };
  canvas.oncontextmenu = event => event.preventDefault();
  canvas.onblur = () => { cursor.hidden = true; };
  canvas.onkeydown = event => {
    const move = ARROWS[event.key];
    const back = (event.ctrlKey || event.metaKey) && event.key === "z";
    if (!(move || event.key === " " || back) || stroke) return;
    event.preventDefault();
    if (back) return undo();
    const from = at;
    if (move) at = [Math.min(width - 1, Math.max(0, at[0] + move[0])),
                    Math.min(height - 1, Math.max(0, at[1] + move[1]))];
    point();
    if (move && !event.shiftKey) return;
    remember();
    line([from[0] + 0.5, from[1] + 0.5], [at[0] + 0.5, at[1] + 0.5]);
    later();
  };
  brushes.forEach((button, i) => { button.onclick = () => pick(i); });
  root.querySelector(".undo").onclick = undo;
  root.querySelector(".clear").onclick = () => {
    remember();
    levels = new Uint8ClampedArray(width * height);
    show();
    later();
  };
  pick(1);
  show();
  return pad;
}
"""

_pad = st.components.v2.component("genlib_drawing_pad", html=HTML, css=CSS, js=JS)


def drawing_pad(
    shape: tuple[int, int, int], key: str, first: UInt8[Tensor, "1 height width"] | None = None
) -> UInt8[Tensor, "1 height width"] | None:
    """Draw a pad of a picture's size, and return what is on it; None while that is nothing.

    `shape` is (channels, height, width); whatever the channels, a drawing is grey, from 0 (the
    black ground) to 255. The browser keeps the drawing and sends it when a stroke has ended, so
    a rerun disturbs nothing. What it sends is checked: anything but a drawing counts as none.
    `first` is what is on it at the beginning.
    """
    _, height, width = shape
    before = st.session_state.get(key, {}).get("drawing")
    drawing = before if _validated(before, height, width) is not None else ""
    if before is None and first is not None:
        drawing = base64.b64encode(bytes(first.flatten().tolist())).decode()
    data = {"width": width, "height": height, "drawing": drawing}  # for a pad that is drawn anew
    result = _pad(data=data, key=key, on_drawing_change=lambda: None)
    sent = result.get("drawing")
    return first if sent is None else _validated(sent, height, width)


def _validated(value: object, height: int, width: int) -> UInt8[Tensor, "1 height width"] | None:
    """Return the drawing that a client sent in base64, a byte a pixel; None if it is none."""
    length = 4 * -(-height * width // 3)  # of base64, which makes 4 characters of 3 bytes
    if not isinstance(value, str) or len(value) != length:
        return None
    try:
        raw = bytearray(base64.b64decode(value, validate=True))
    except ValueError:  # not base64's alphabet, or not even ASCII
        return None
    if len(raw) != height * width or not any(raw):
        return None
    return torch.frombuffer(raw, dtype=torch.uint8).view(1, height, width)
