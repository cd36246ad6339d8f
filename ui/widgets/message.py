"""What is sent to the browser: a JSON header and named arrays, as one string of bytes.

Layout: the length of the header (four bytes, big-endian), the header, then the arrays, whose
names and lengths the header holds. Streamlit writes bytes once, and hashes them fast.
"""

import json
from collections.abc import Mapping
from typing import Any

READER = """
// Return the header and the arrays of a message; null where the element has read it already,
// as Streamlit sends it again on every rerun.
function unpacked(root, data) {
  const name = fingerprint(data);
  if (root.name === name) return null;
  root.name = name;
  const length = new DataView(data.buffer, data.byteOffset).getUint32(0);
  const header = JSON.parse(new TextDecoder().decode(data.subarray(4, 4 + length)));
  let at = 4 + length;
  const part = size => data.slice(at, at += size);
  const arrays = Object.fromEntries(header.arrays.map(([key, size]) => [key, part(size)]));
  return { header, arrays };
}

function fingerprint(data) {
  let hash = data.length;
  for (let i = 0; i < data.length; i += 3) hash = (31 * hash + data[i]) | 0;
  return hash;
}
"""


def packed(header: Mapping[str, Any], arrays: Mapping[str, bytes]) -> bytes:
    """Return a header and its arrays as the bytes that are sent."""
    sizes = [(name, len(array)) for name, array in arrays.items()]
    content = json.dumps({**header, "arrays": sizes}).encode()
    return b"".join([len(content).to_bytes(4, "big"), content, *arrays.values()])
