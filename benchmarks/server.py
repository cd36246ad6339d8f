"""The app under test: started as an operator starts it, on a fresh home folder."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from genlib.settings import Settings

ROOT = Path(__file__).resolve().parent.parent
TICK = os.sysconf("SC_CLK_TCK")


class Server:
    """The app on a fresh home folder; as `with`, it has just answered its health check."""

    def __init__(self) -> None:
        self.folder = tempfile.TemporaryDirectory(prefix="genlib-interface-")
        self.settings = Settings(home=Path(self.folder.name), database_url="")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.address = f"127.0.0.1:{free.getsockname()[1]}"

    def __enter__(self) -> Self:
        """Start the server and wait for its health check."""
        home = {"GENLIB_HOME": self.folder.name, "GENLIB_DATABASE_URL": ""}
        port = self.address.rpartition(":")[2]
        self.log = (self.settings.home / "server.log").open("wb")
        self.began = time.perf_counter()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", port],
            cwd=ROOT,
            env=os.environ | home,
            stdout=self.log,
            stderr=self.log,
        )
        while not self._healthy():
            if self.process.poll() is not None or self.age() > 60:
                raise RuntimeError(Path(self.log.name).read_text())
            time.sleep(0.01)
        self.healthy = self.age()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop the server as Ctrl-C does; its worker ends with it."""
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
        self.log.close()
        self.folder.cleanup()

    def age(self) -> float:
        """Return the seconds since the process was started."""
        return time.perf_counter() - self.began

    def cpu(self) -> float:
        """Return the milliseconds of CPU of the web process so far, without its children's."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return 1000 * (int(fields[11]) + int(fields[12])) / TICK

    def _healthy(self) -> bool:
        try:
            connection = http.client.HTTPConnection(self.address, timeout=1)
            connection.request("GET", "/_stcore/health")
            return connection.getresponse().read() == b"ok"
        except OSError:
            return False
