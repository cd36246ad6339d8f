"""Makes a Python on Linux refuse what macOS or Windows refuse: PYTHON_ACTS_AS says which."""

import builtins
import io
import os
import sys
import types
from pathlib import Path


def act_as_macos():
    import resource

    real = resource.setrlimit

    def setrlimit(kind, limits):
        if kind == resource.RLIMIT_AS:
            raise ValueError("current limit exceeds maximum limit")
        real(kind, limits)

    resource.setrlimit = setrlimit


def act_as_windows():
    import fcntl
    import signal
    import subprocess  # noqa: F401 (it needs what is hidden below)

    def locking(handle, mode, count):
        assert (mode, count) == (LK_NBLCK, 1)
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)

    LK_NBLCK = 2  # noqa: N806 (its name)
    msvcrt = types.ModuleType("msvcrt")
    msvcrt.locking, msvcrt.LK_NBLCK = locking, LK_NBLCK
    sys.modules |= {"msvcrt": msvcrt, "fcntl": None, "resource": None}
    for name in ("nice", "fork", "killpg"):
        delattr(os, name)
    for name in ("SIGKILL", "SIGXCPU", "SIGHUP"):
        delattr(signal, name)
    real_open, real_file = os.open, io.open

    def open_handle(path, *arguments, **options):
        if Path(path).is_dir():
            raise PermissionError(13, "Permission denied", path)
        return real_open(path, *arguments, **options)

    def open_file(file, *arguments, **options):
        if isinstance(file, str | os.PathLike) and ":" in os.fspath(file):
            raise OSError(22, "Invalid argument", file)
        return real_file(file, *arguments, **options)

    os.open = open_handle
    builtins.open = io.open = open_file


{"macos": act_as_macos, "windows": act_as_windows}.get(
    os.environ.get("PYTHON_ACTS_AS", ""), lambda: None
)()
