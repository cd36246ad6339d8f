"""The architecture of a network, drawn from its layers' sizes."""

from itertools import pairwise
from math import log2

WIDTH, HEIGHT = 560, 190
BAR = 26  # a layer's width
INK = {False: "#4A5563", True: "#B7C0CC"}
FILL = {"codings": "#E69F00", "first": "#0072B2", "last": "#D55E00"}
HIDDEN = "#8A96A3"
LETTERS = 15, 13, 11, 9  # pixels, the largest first
WIDE = 0.6  # of their height, as wide as a letter is on average


def architecture(sizes: list[tuple[str, int]], *, dark: bool) -> str:
    """Return an SVG of the layers from left to right, their heights by the logarithm of size.

    Args:
        sizes: (name, units) of each layer from input to output.
        dark: whether the page behind is dark.
    """
    tallest = max(log2(units + 1) for _, units in sizes)
    gap = (WIDTH - 2 * BAR) / max(len(sizes) - 1, 1)
    middle = HEIGHT / 2
    size = next((each for each in LETTERS if _fits(sizes, gap, each)), LETTERS[-1])
    shapes, texts, before = [], [], (0.0, 0.0)
    for index, (name, units) in enumerate(sizes):
        x = index * gap + BAR / 2
        end = {0: "first", len(sizes) - 1: "last"}.get(index, "")
        half = max(5.0, 62 * log2(units + 1) / tallest)
        if index:
            x0, half0 = before
            points = (
                f"{x0 + BAR:.1f},{middle - half0:.1f} {x:.1f},{middle - half:.1f} "
                f"{x:.1f},{middle + half:.1f} {x0 + BAR:.1f},{middle + half0:.1f}"
            )
            shapes.append(f'<polygon points="{points}" fill="{HIDDEN}" opacity="0.16"/>')
        shapes.append(
            f'<rect x="{x:.1f}" y="{middle - half:.1f}" width="{BAR}" height="{2 * half:.1f}" '
            f'rx="4" fill="{FILL.get(end or name, HIDDEN)}"/>'
        )
        anchor = {"first": "start", "last": "end"}.get(end, "middle")
        at = {"start": x, "end": x + BAR, "middle": x + BAR / 2}[anchor]
        for y, text, weight in ((16, f"{units:,}", 600), (HEIGHT - 6, name, 400)):
            texts.append(
                f'<text x="{at:.1f}" y="{y}" text-anchor="{anchor}" font-weight="{weight}" '
                f'font-size="{size}" font-family="sans-serif" fill="{INK[dark]}">{text}</text>'
            )
        before = x, half
    body = "".join(shapes + texts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" '
        f'viewBox="0 0 {WIDTH} {HEIGHT}">{body}</svg>'
    )


def _fits(sizes: list[tuple[str, int]], gap: float, letters: int) -> bool:
    """Return whether no two names run into each other; those at both ends are flush with them."""
    spans = []
    for index, (name, _) in enumerate(sizes):
        x, wide = index * gap + BAR / 2, WIDE * letters * len(name)
        share = {0: 0.0, len(sizes) - 1: 1.0}.get(index, 0.5)
        left = x + share * (BAR - wide)
        spans.append((left, left + wide))
    return all(end < begin for (_, end), (begin, _) in pairwise(spans))
