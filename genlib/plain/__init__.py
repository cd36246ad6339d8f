"""A run as one plain script: genlib's own source, cut down to what it takes to use the model."""

from genlib.plain.script import plain_script

__all__ = ["plain_script"]
