"""A player in the browser: frames are sent once, then played and scrubbed without the server."""

from ui.widgets import message

BAR = """
<div class="moments">
  <button type="button" class="play" aria-label="Play"></button>
  <input type="range" min="0" step="1" aria-label="Moment">
</div>
"""

CSS = """
.told { margin: .5rem 0; min-height: var(--lines); line-height: 1.4;
        font-variant-numeric: tabular-nums; }
.moments { display: flex; gap: .75rem; align-items: center; }
.moments[hidden] { visibility: hidden; }  /* its place stays */
.moments input { flex: 1; accent-color: var(--st-primary-color); min-width: 4rem; }
button { font: inherit; min-width: 5.2rem; min-height: 2.4rem; color: inherit; cursor: pointer;
         border: 1px solid var(--st-border-color); border-radius: var(--st-button-radius);
         background: var(--st-background-color); }
button:hover { border-color: var(--st-primary-color); color: var(--st-primary-color); }
canvas:focus-visible, button:focus-visible, input:focus-visible {
  outline: 3px solid var(--st-primary-color); outline-offset: 2px; }
"""

JS = (
    message.READER
    + """
export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".player");
  const message = unpacked(root, data);
  if (!message) return;
  begin(root, message.header, message.arrays);
  return () => cancelAnimationFrame(root.clock);
}

// Let the bar, and the arrow keys within what is looked at, choose the moment that is drawn.
// While it plays, what is drawn lies between two moments, as many times a second as there are.
function barred(root, looked, captions, pace, start, draw) {
  const slider = root.querySelector(".moments input"), last = captions.length - 1;
  const [play, words] = [root.querySelector(".play"), root.querySelector(".told")];
  const untouched = root.moment === undefined || root.moment === root.rest;
  root.rest = start;
  let playing = false;
  root.querySelector(".moments").hidden = last === 0;
  slider.max = last;

  function show(moment) {
    root.moment = moment;
    slider.value = moment;
    words.textContent = captions[moment];
    draw(moment);
  }
  function pause() {
    playing = false;
    play.textContent = "Play";
    cancelAnimationFrame(root.clock);
  }
  play.onclick = () => {
    if (playing) return pause();
    playing = true;
    play.textContent = "Pause";
    const first = root.moment === last ? 0 : root.moment;
    let began;
    const tick = time => {
      began ??= time;
      const place = Math.min(last, first + (time - began) / pace), moment = Math.floor(place);
      if (moment !== root.moment) show(moment);
      if (place > moment) draw(place);
      if (moment === last) return pause();
      root.clock = requestAnimationFrame(tick);
    };
    show(first);
    root.clock = requestAnimationFrame(tick);
  };
  slider.oninput = () => { pause(); show(Number(slider.value)); };
  looked.onkeydown = event => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step) return;
    event.preventDefault();
    pause();
    show(Math.min(last, Math.max(0, root.moment + step)));
  };
  pause();
  show(Math.min(last, untouched ? start : root.moment));
}
"""
)
