"""A folder as the Dockerfile's image has it: the source is root's, and the app another user."""

import os
from pathlib import Path

from tests.support.loopback_hub import Files

# The interpreter of the tests may lie in root's home: the user may read all, but write nothing.
RIGHTS = ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]
USER = ["setpriv", "--reuid=1000", "--regid=1000", "--clear-groups", *RIGHTS]
AS_USER = USER if os.getuid() == 0 else []  # who is not root has no rights to give up


def image(files: Files, root: Path) -> tuple[Path, Path]:
    """Return a folder with the files, which nobody may write, and one that everybody may."""
    app, data = root / "app", root / "data"
    for path, content in files.items():
        (app / path).parent.mkdir(parents=True, exist_ok=True)
        (app / path).write_bytes(content)
    for path in [app, *app.rglob("*")]:
        path.chmod(path.stat().st_mode & ~0o222)
    data.mkdir()
    data.chmod(0o777)
    root.chmod(0o755)
    return app, data
