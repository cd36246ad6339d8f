"""What several processes do to one store at once; a child process imports it from here."""

from pathlib import Path

from genlib.runs.store import Store

BUNDLE = {"config.json": b'{"seed": 1}', "model.safetensors": bytes(300), "more": b"new"}
RUNS = 40


def write_and_read(home: str) -> int:
    """Return how many of forty runs were read as written, while others write the same."""
    store, whole = Store(Path(home)), 0
    for number in range(RUNS):
        store.write_run(f"{number:02d}", BUNDLE)
        whole += store.read_run(f"{number:02d}") == BUNDLE
        store.fingerprints()
    return whole
