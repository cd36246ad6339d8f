"""A run or a study on a page: its knobs, its panel, its place in the queue."""
