"""The Space: what is sent there runs by itself, by the Dockerfile that lies beside it."""

import asyncio
import io
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import nullcontext, redirect_stdout
from http.client import HTTPConnection
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from benchmarks.raw_client import Session
from genlib.cli import main
from genlib.hub.publish import DEPLOYED
from genlib.runs.spec import RunSpec
from tests.support.image import AS_USER, image
from tests.support.loopback_hub import TOKEN, Files, aim, loopback
from tests.support.services import ROOT, wait_for

pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")  # the client's
HOST = "student-genlib.hf.space"
DOCKERFILE = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")


def command(instruction: str) -> list[str]:
    """Return the command of an instruction of the Dockerfile."""
    return json.loads(re.findall(rf"^{instruction}.*?(\[.*\])$", DOCKERFILE, re.MULTILINE)[0])


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """What `genlib space` sends to a Space that had something else."""
    home = str(tmp_path_factory.mktemp("home"))
    with loopback() as hub, pytest.MonkeyPatch.context() as patch:
        aim(patch, hub, Path(home, "hf"))
        patch.setenv("GENLIB_HOME", home)
        patch.setenv("GENLIB_HUB_TOKEN", TOKEN)
        hub.add("spaces/ada/place", {"old.txt": b"", ".gitattributes": b""})
        with redirect_stdout(io.StringIO()) as printed:
            assert main(["space", "ada/place"]) == 0
        *not_pinned, where = map(json.loads, printed.getvalue().splitlines())
        assert {"not pinned": "butterflies", "so": "genlib hub pin butterflies"} in not_pinned
        space = hub.repos["spaces/ada/place"]
        assert where["commit"] == space.head
        return space.commits[space.head]


@pytest.fixture(scope="module")
def port(files: Files) -> Iterator[int]:
    """A server of these files and no others, which its user cannot change."""
    with socket.create_server(("", 0)) as free:
        port = free.getsockname()[1]
    with TemporaryDirectory(ignore_cleanup_errors=True) as root:
        app, data = image(files, Path(root))
        own = {"HOME": str(data), "TMPDIR": str(data), "GENLIB_RUNS": f"{data}/runs"}
        own |= {"PATH": os.environ["PATH"], "SPACE_HOST": HOST, "STREAMLIT_SERVER_PORT": str(port)}
        start = [*AS_USER, sys.executable, "-m", *command("CMD")]
        server = subprocess.Popen(start, cwd=app, env=own)
        health = command("HEALTHCHECK")[-1].replace(":8501/", f":{port}/")
        check = [sys.executable, "-c", health]
        try:
            wait_for(lambda: not subprocess.run(check, stderr=subprocess.DEVNULL).returncode)
            yield port
        finally:
            server.terminate()
            server.wait()
        assert not list(app.rglob("__pycache__")), "the app writes nothing into its source"


def test_the_space_has_the_app_and_nothing_else(files: Files) -> None:
    for name in ("app.py", "Dockerfile", "README.md", ".streamlit/config.toml"):
        assert files[name] == (ROOT / name).read_bytes()
    assert f"genlib/zoo/{RunSpec.of_preset('stacked').fingerprint}/model.safetensors" in files
    roots = {name.partition("/")[0] for name in files}
    assert roots == {pattern.partition("/")[0] for pattern in DEPLOYED} | {".gitattributes"}
    assert not [name for name in files if "__pycache__" in name or "secrets" in name]


def test_what_is_sent_serves_a_lesson_by_itself(port: int) -> None:
    async def visit() -> None:
        async with asyncio.timeout(120), Session(f"127.0.0.1:{port}", "stacked") as session:
            assert "stacked.codings" in session.sliders

    asyncio.run(visit())


ORIGINS = {  # and whether its pages may open a socket; others only embed ours
    f"https://{HOST}": True,
    "https://huggingface.co": False,
    f"https://{HOST}.evil.example": False,
}


@pytest.mark.parametrize("origin", ORIGINS)
def test_only_the_spaces_own_pages_open_sockets(port: int, origin: str) -> None:
    async def open_socket() -> None:
        address = f"ws://127.0.0.1:{port}/_stcore/stream"
        with nullcontext() if ORIGINS[origin] else pytest.raises(InvalidStatus, match="403"):
            async with connect(address, origin=origin, subprotocols=["streamlit"]):
                pass

    asyncio.run(open_socket())


def test_every_cookie_is_sent_from_within_another_site(port: int) -> None:
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", "/_stcore/health", headers={"Accept": "text/html"})
    cookies = connection.getresponse().headers.get_all("Set-Cookie")
    connection.close()
    assert {cookie.partition("=")[0] for cookie in cookies} == {
        "_streamlit_xsrf",
        "genlib_student",
    }
    assert all(cookie.endswith("; SameSite=None; Secure; Partitioned") for cookie in cookies)


def test_the_image_gets_what_is_sent_and_its_user_can_change_nothing() -> None:
    about = {"Dockerfile", ".dockerignore", "README.md", "LICENSE", "docs"}
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    let_through = {line[1:] for line in lines if line.startswith("!")}
    assert "*" in lines
    assert let_through == {pattern.removesuffix("/*") for pattern in DEPLOYED} - about
    assert all((ROOT / path).exists() for path in let_through | about)
    steps = re.findall(r"^(?:COPY|USER|CMD).*", DOCKERFILE, re.MULTILINE)
    assert steps[:3] == ["COPY requirements.txt .", "COPY . .", "USER 1000"]  # copied by root


def test_the_port_is_the_same_wherever_it_is_said() -> None:
    front = re.match(r"---\n(.*?)\n---\n", (ROOT / "README.md").read_text(), re.DOTALL)
    settings = dict(line.split(": ", 1) for line in front[1].splitlines())
    assert settings["sdk"] == "docker"
    assert {"title", "emoji", "colorFrom", "colorTo"} <= settings.keys()
    assert len(settings["short_description"]) <= 60, "Hugging Face's limit"
    config = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text())
    assert settings["app_port"] == str(config["server"]["port"])
    assert re.findall(r"^EXPOSE (.*)", DOCKERFILE, re.MULTILINE) == [settings["app_port"]]


def test_hadolint_has_nothing_to_say() -> None:
    places = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    hadolint = shutil.which("hadolint", path=places)
    ended = subprocess.run([hadolint, "Dockerfile"], cwd=ROOT, capture_output=True, text=True)
    assert (ended.returncode, ended.stdout) == (0, "")
