"""Pictures and charts: arrays in; an image, an SVG or a chart out."""
