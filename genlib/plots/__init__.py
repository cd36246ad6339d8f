"""Pictures and charts: arrays in; an image, an SVG or a chart out."""

from genlib.plots.architecture import architecture
from genlib.plots.charts import GENERATED, QUIET, REAL, coding_chart, loss_chart
from genlib.plots.drawn import named_rows, pointed_curve
from genlib.plots.fields import arrows, paths
from genlib.plots.figures import (
    CLASSES,
    Line,
    bars,
    class_areas,
    cloud_chart,
    dots,
    histograms,
    lines,
    paired_bars,
)
from genlib.plots.grid import animation, diverging, picture_grid, to_png
from genlib.plots.maps import picture_map
from genlib.plots.plane import plane, sheet
from genlib.plots.scatters import scatters
from genlib.plots.space import plane_animation
from genlib.plots.triangle import triangle

__all__ = [
    "CLASSES",
    "GENERATED",
    "QUIET",
    "REAL",
    "Line",
    "animation",
    "architecture",
    "arrows",
    "bars",
    "class_areas",
    "cloud_chart",
    "coding_chart",
    "diverging",
    "dots",
    "histograms",
    "lines",
    "loss_chart",
    "named_rows",
    "paired_bars",
    "paths",
    "picture_grid",
    "picture_map",
    "plane",
    "plane_animation",
    "pointed_curve",
    "scatters",
    "sheet",
    "to_png",
    "triangle",
]
