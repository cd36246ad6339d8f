"""Pictures and charts: arrays in; an image, an SVG or a chart out."""

from genlib.plots.architecture import architecture
from genlib.plots.charts import GENERATED, REAL, coding_chart, loss_chart
from genlib.plots.figures import CLASSES, Line, bars, dots, histograms, lines
from genlib.plots.grid import animation, picture_grid, to_png
from genlib.plots.maps import picture_map
from genlib.plots.space import plane_animation

__all__ = [
    "CLASSES",
    "GENERATED",
    "REAL",
    "Line",
    "animation",
    "architecture",
    "bars",
    "coding_chart",
    "dots",
    "histograms",
    "lines",
    "loss_chart",
    "picture_grid",
    "picture_map",
    "plane_animation",
    "to_png",
]
