"""Pictures and charts: arrays in; an image, an SVG or a chart out."""

from genlib.plots.architecture import architecture
from genlib.plots.charts import GENERATED, REAL, coding_chart, loss_chart
from genlib.plots.grid import animation, picture_grid, to_png

__all__ = [
    "GENERATED",
    "REAL",
    "animation",
    "architecture",
    "coding_chart",
    "loss_chart",
    "picture_grid",
    "to_png",
]
