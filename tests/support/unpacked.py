"""What the browser reads of a message: the layout of ui.widgets.message, read in Python."""

import json
from typing import Any


def unpacked(content: bytes) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Return the header and the arrays by their names."""
    start = 4 + int.from_bytes(content[:4], "big")
    header = json.loads(content[4:start])
    arrays = {}
    for name, size in header.pop("arrays"):
        arrays[name] = content[start : start + size]
        assert len(arrays[name]) == size
        start += size
    assert start == len(content), "nothing is left"
    return header, arrays
