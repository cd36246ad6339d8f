"""The Space: its Dockerfile, replayed step by step in a clean folder by a user without rights.

What a container has and this replay has not: root's steps are looked up rather than taken (the
packages of apt, the user), the requirements are those of the environment that runs the tests
(pip itself says that they are met), and the port is a free one.
"""

import asyncio
import fnmatch
import json
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from benchmarks.raw_client import Session
from tests.support.services import small_run, wait_for

HOUSE = Path(__file__).parents[3]
HOST = "student-genlib.hf.space"
PATIENCE = 120.0  # seconds
UID = 1000
NOWHERE = Path("/proc/nowhere")  # nobody can make it
# The interpreter of the tests may lie in root's home: so the user may read all, but write
# nothing that is not theirs. Whoever is not root has no rights to give up.
RIGHTS = ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]
AS_USER = ["setpriv", f"--reuid={UID}", f"--regid={UID}", "--clear-groups", *RIGHTS]
PREFIX = AS_USER if os.getuid() == 0 else []


def instructions() -> list[tuple[str, str]]:
    """Return the Dockerfile's (name, argument), without comments and continued lines."""
    lines = (HOUSE / "Dockerfile").read_text().splitlines()
    text = "\n".join(line for line in lines if line and not line.startswith("#"))
    found = [line.split(None, 1) for line in text.replace("\\\n", " ").splitlines()]
    return [(name, " ".join(argument.split())) for name, argument in found]


def copied(path: str) -> bool:
    """Return whether .dockerignore lets a file into the image: the last pattern decides."""
    kept = True
    parts = path.split("/")
    above = ["/".join(parts[: end + 1]) for end in range(len(parts))]  # a folder's holds inside
    for pattern in (HOUSE / ".dockerignore").read_text().splitlines():
        if not pattern or pattern.startswith("#"):
            continue
        bare = pattern.removeprefix("!")
        if bare.startswith("**/"):
            matched = any(fnmatch.fnmatch(part, bare[3:]) for part in parts)
        else:
            matched = any(
                name.count("/") == bare.count("/") and fnmatch.fnmatch(name, bare)
                for name in above
            )
        if matched:
            kept = pattern.startswith("!")
    return kept


def source() -> list[str]:
    """Return the files that are copied, as paths inside the house."""
    files: list[str] = []
    for folder, below, names in os.walk(HOUSE):
        below[:] = [name for name in below if name not in (".git", "__pycache__", ".venv")]
        here = Path(folder).relative_to(HOUSE)
        files += [path for name in names if copied(path := (here / name).as_posix())]
    return sorted(files)


class Container:
    """What the Dockerfile makes, below a folder that stands for /."""

    def __init__(self, root: Path) -> None:
        self.root, self.work, self.port = root, root, _free_port()
        programs = f"{Path(sys.executable).parent}:/usr/bin:/bin"
        self.environment = {"PATH": programs, "LANG": "C.UTF-8", "TMPDIR": str(root / "tmp")}
        self.uid, self.exposed = "", ""
        self.command: list[str] = []
        self.health: list[str] = []
        (root / "tmp").mkdir()
        self.give_away(root / "tmp")
        for name, argument in instructions():
            getattr(self, f"_{name.lower()}")(argument)
        for path in [self.work, *self.work.rglob("*")]:  # it is root's in the image
            path.chmod(path.stat().st_mode & ~0o222)

    def run(self, command: list[str], **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end as the image's user."""
        environment = self.environment | variables
        return subprocess.run(
            [*PREFIX, *command],
            cwd=self.work,
            env=environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )

    def start(self, log: Path, **variables: str) -> subprocess.Popen[bytes]:
        """Start the image's command, as a group of processes."""
        with log.open("wb") as file:
            return subprocess.Popen(
                [*PREFIX, *self.command],
                cwd=self.work,
                env=self.environment | {"STREAMLIT_SERVER_PORT": str(self.port)} | variables,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def below(self, path: str) -> Path:
        """Return where an absolute path of the image lies here."""
        return self.root / path.lstrip("/")

    def give_away(self, *paths: Path) -> None:
        """Make paths the image's user's."""
        if PREFIX:
            for path in paths:
                os.chown(path, UID, UID)

    def _from(self, argument: str) -> None:
        assert re.fullmatch(r"python:3\.\d+-slim-\w+", argument), "small, and of a known version"

    def _arg(self, argument: str) -> None:
        name, _, default = argument.partition("=")
        self.environment[name] = default

    def _workdir(self, argument: str) -> None:
        self.work = self.below(argument)
        self.work.mkdir(parents=True)
        self.give_away(self.work)

    def _env(self, argument: str) -> None:
        for name, value in re.findall(r"(\w+)=(\S+)", argument):
            here = str(self.below(value)) if value.startswith("/") else value
            self.environment[name] = here

    def _copy(self, argument: str) -> None:
        wanted, target = argument.split()
        assert target == "."
        for path in source():
            if wanted in (".", path):
                there = self.work / path
                there.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(HOUSE / path, there)
        self.give_away(*self.work.rglob("*"))

    def _run(self, argument: str) -> None:
        if packages := re.search(
            r"apt-get install -y --no-install-recommends ([\w -]+)", argument
        ):
            for package in packages[1].split():
                subprocess.run(["dpkg", "-s", package], check=True, capture_output=True)
        elif argument.startswith("useradd"):
            assert argument == f"useradd --create-home --uid {UID} student"
            home = self.below("/home/student")
            home.mkdir(parents=True, mode=0o755)
            self.give_away(home)
        else:
            pip = " --dry-run --no-index" if argument.startswith("pip install") else ""
            ended = self.run(["sh", "-c", argument + pip])
            assert ended.returncode == 0, ended.stderr

    def _user(self, argument: str) -> None:
        self.uid = argument

    def _expose(self, argument: str) -> None:
        self.exposed = argument

    def _healthcheck(self, argument: str) -> None:
        command = argument[argument.index("CMD ") + 4 :]
        self.health = json.loads(command.replace(f":{self.exposed}/", f":{self.port}/"))

    def _cmd(self, argument: str) -> None:
        self.command = json.loads(argument)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@pytest.fixture(scope="module")
def root() -> Iterator[Path]:
    """A clean folder that every user may enter."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture(scope="module")
def image(root: Path) -> Container:
    """The Dockerfile, replayed up to its command."""
    return Container(root)


@pytest.fixture
def bucket(image: Container) -> Iterator[Path]:
    """An empty bucket of the user's own."""
    path = image.below("/bucket")
    path.mkdir()
    image.give_away(path)
    yield path
    shutil.rmtree(path)


def files_of(folder: Path) -> dict[str, tuple[int, int]]:
    """Return all that lies in a folder, with its size and when it was changed."""
    found = {path: path.stat() for path in folder.rglob("*")}
    return {str(path): (about.st_size, about.st_mtime_ns) for path, about in found.items()}


@pytest.fixture(scope="module")
def space(image: Container, root: Path) -> Iterator[tuple[Container, Path]]:
    """The image's command running as on a Space, with a bucket; and its log."""
    log = root / "server.log"
    before, data = files_of(image.work), image.below("/data")
    data.mkdir()
    image.give_away(data)
    server = image.start(log, SPACE_HOST=HOST)
    try:
        wait_for(lambda: answers(image.port), PATIENCE, log.read_text)
        yield image, log
        assert files_of(image.work) == before, "the app writes nothing into its source"
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(server.pid, signal.SIGKILL)


def answers(port: int) -> bool:
    """Return whether a server answers there."""
    try:
        return bool(urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=5).status == 200)
    except (URLError, OSError):
        return False


def test_the_first_visitor_of_an_embedded_link_waits_for_torch_and_gets_the_lesson(space):
    """First in this file: the server has only just begun to listen."""
    image, _ = space
    query = "vae.beta=4&__theme=light"
    with urlopen(f"http://127.0.0.1:{image.port}/?page=vae&{query}", timeout=30) as answer:
        assert answer.url == f"http://127.0.0.1:{image.port}/vae?{query}"

    async def visit() -> dict[str, tuple[str, str]]:
        async with Session(f"127.0.0.1:{image.port}", "vae", query) as session:
            return session.sliders

    assert "vae.beta" in asyncio.run(asyncio.wait_for(visit(), PATIENCE))


@pytest.mark.parametrize(
    ("address", "target"),
    [
        ("/?page=gan&gan.seed=7", "/gan?gan.seed=7"),
        ("/?a=%20%0D%0A&page=vae&a=2&b=", "/vae?a=+%0D%0A&a=2&b="),
        ("/?page=vae", "/vae?"),
        ("/", None),
        ("/?page=", None),
        ("/?page=home", None),
        ("/?page=nothing", None),
        ("/?page=//evil.example", None),
        ("/?page=vae%0D%0ASet-Cookie:%20x", None),
        ("/?%ff=%fe&page=%ff", None),
        ("/gan?page=vae", None),
    ],
)
def test_a_link_to_home_that_names_a_lesson_leads_there(space, address: str, target: str | None):
    image, _ = space
    connection = HTTPConnection("127.0.0.1", image.port, timeout=30)
    connection.request("GET", address)
    answer = connection.getresponse()
    assert (answer.status, answer.headers["Location"]) == (307 if target else 200, target)
    assert "frame-ancestors" in answer.headers["Content-Security-Policy"]
    connection.close()


def test_the_health_check_is_content_with_the_server_and_with_nothing_else(space):
    image, _ = space
    assert image.run(image.health).returncode == 0
    wrong = [part.replace(f":{image.port}/", f":{_free_port()}/") for part in image.health]
    assert image.run(wrong).returncode == 1


def test_the_server_is_an_unprivileged_user(space):
    image, _ = space
    assert image.uid == str(UID), "a number, which any host can tell from root's"
    identity = image.run(["id", "-u"]).stdout.strip()
    assert identity == (image.uid if PREFIX else str(os.getuid()))
    assert not (image.work.stat().st_mode | (image.work / "app.py").stat().st_mode) & stat.S_IWOTH
    assert image.run(["touch", "written"]).returncode != 0 or not PREFIX


def test_home_and_a_lesson_are_served(space):
    image, log = space

    async def visit(page: str) -> Session:
        async with Session(f"127.0.0.1:{image.port}", page) as session:
            return session

    assert any("generative model" in text for text in asyncio.run(visit("")).texts)
    assert "stacked.codings" in asyncio.run(visit("stacked")).sliders
    assert "Traceback" not in log.read_text()


def test_a_run_is_kept_on_the_bucket_and_all_else_on_the_disk(space):
    image, log = space
    wait_for(lambda: "worker ready" in log.read_text(), PATIENCE, log.read_text)
    data, home = image.below("/data"), image.below("/home/student/.cache/genlib")
    spec = small_run(0, epochs=1)
    ask = f"""
from genlib.config import Settings; from genlib.jobs import Jobs; from genlib.runs import RunSpec
Jobs(Settings()).submit(RunSpec.model_validate_json({spec.model_dump_json()!r}))"""
    asked = image.run(["python", "-c", ask])
    assert asked.returncode == 0, asked.stderr
    wait_for((data / "runs" / spec.fingerprint / "manifest.json").exists, PATIENCE, log.read_text)
    assert list(data.iterdir()) == [data / "runs"]
    assert (home / "queue.sqlite").exists()
    assert not (home / "runs").exists()
    assert f"runs are kept in {data}/runs" in log.read_text()


@pytest.mark.parametrize(
    ("origin", "accepted"),
    [
        (f"https://{HOST}", True),
        (None, True),  # a program, not a browser
        ("https://evil.example", False),
        ("https://evil-genlib.hf.space", False),
        ("https://huggingface.co", False),  # it embeds our pages; the socket is theirs
        (f"https://{HOST}.evil.example", False),
    ],
)
def test_only_the_spaces_own_pages_open_sockets(space, origin: str | None, *, accepted: bool):
    image, _ = space

    async def opens() -> bool:
        address = f"ws://127.0.0.1:{image.port}/_stcore/stream"
        try:
            async with connect(address, origin=origin, subprotocols=["streamlit"]):
                return True
        except InvalidStatus as error:
            return error.response.status_code != 403

    assert asyncio.run(opens()) == accepted


def test_the_cookie_that_guards_uploads_is_sent_from_within_another_site(space):
    image, _ = space
    with urlopen(f"http://127.0.0.1:{image.port}/_stcore/health", timeout=30) as answer:
        cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("_streamlit_xsrf=")
    assert cookie.endswith("; SameSite=None; Secure; Partitioned")


ASK = """
import os
from streamlit import config
from ui.server import settle
settle()
for name in ("GENLIB_RUNS", "GENLIB_HOME"):
    print(os.environ.get(name, ""))
names = ("corsAllowedOrigins", "xsrfCookieSameSite")
print(*(config.get_option(f"server.{name}") for name in names))
"""


def settled(image: Container, bucket: Path, **variables: str) -> list[str]:
    """Return the folder of runs, the home, and Streamlit's settings, as found in a container."""
    ended = image.run(["python", "-c", ASK], **({"GENLIB_RUNS": f"{bucket}/runs"} | variables))
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.splitlines()


def test_without_a_bucket_or_a_host_everything_is_in_the_users_home(image: Container):
    assert settled(image, NOWHERE) == ["", "", "[] lax"]


@pytest.mark.parametrize("mode", [0o555, 0o000], ids=["read-only", "closed"])
def test_a_bucket_that_keeps_nothing_is_left_alone(image: Container, bucket: Path, mode: int):
    bucket.chmod(mode)
    assert settled(image, bucket)[:2] == ["", ""]
    assert list(bucket.iterdir()) == []


def test_a_bucket_that_holds_is_used_and_the_trial_removed(image: Container, bucket: Path):
    assert settled(image, bucket)[:2] == [f"{bucket}/runs", ""]
    assert list(bucket.rglob("*")) == [bucket / "runs"]


def test_a_user_without_a_home_keeps_runs_in_the_temporary_folder(image: Container):
    user = image.run(["id", "-u"]).stdout.strip()
    home = str(image.root / "tmp" / f"genlib-{user}")
    assert settled(image, NOWHERE, HOME=str(NOWHERE))[:2] == ["", home]


def test_what_the_operator_sets_stays(image: Container, bucket: Path):
    own = str(NOWHERE / "their own")
    assert settled(image, bucket, GENLIB_HOME=own)[:2] == [f"{bucket}/runs", own]


def test_a_space_may_have_a_domain_of_its_own(image: Container):
    origins = settled(image, NOWHERE, SPACE_HOST=f"{HOST},genlib.example")[2]
    assert origins == f"['https://{HOST}', 'https://genlib.example'] none"


def test_all_that_runs_is_copied_and_nothing_else():
    tracked = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=HOUSE,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    rooms = ("genlib/", "pages/", "ui/")
    single = {"app.py", "requirements.txt", ".streamlit/config.toml"}
    there = {path for path in tracked if (HOUSE / path).exists()}
    assert set(source()) == {path for path in there if path.startswith(rooms) or path in single}
    secrets = [".env", ".streamlit/secrets.toml", ".git/config", "data/x", "tests/test_space.py"]
    assert not any(map(copied, [*secrets, "genlib/__pycache__/x.pyc", "benchmarks/x.py"]))


def test_the_bytecode_is_in_the_image_and_valid(image: Container):
    check = """
import importlib.util, pathlib, struct
for path in pathlib.Path().rglob("*.py"):
    head = pathlib.Path(importlib.util.cache_from_source(path)).read_bytes()[:16]
    about = path.stat()
    assert head[:4] == importlib.util.MAGIC_NUMBER, path
    assert struct.unpack("<III", head[4:]) == (0, int(about.st_mtime), about.st_size), path
"""
    ended = image.run(["python", "-c", check])
    assert ended.returncode == 0, ended.stderr


def test_slow_layers_come_first():
    steps = [f"{name} {argument}" for name, argument in instructions()]
    order = ["apt-get", "COPY requirements.txt", "RUN pip", "COPY . .", "USER", "CMD"]
    places = [next(n for n, step in enumerate(steps) if text in step) for text in order]
    assert places == sorted(places)


def test_the_port_is_the_same_wherever_it_is_said(image: Container):
    front = re.match(r"---\n(.*?)\n---\n", (HOUSE / "README.md").read_text(), re.DOTALL)
    assert front
    settings = dict(line.split(": ", 1) for line in front[1].splitlines())
    assert settings["sdk"] == "docker"
    assert {"title", "emoji", "colorFrom", "colorTo", "short_description"} <= settings.keys()
    assert len(settings["short_description"]) <= 60, "Hugging Face's limit"
    config = tomllib.loads((HOUSE / ".streamlit" / "config.toml").read_text())
    assert settings["app_port"] == image.exposed == str(config["server"]["port"])
    assert f":{image.port}/_stcore/health'" in image.health[-1]


def test_hadolint_has_nothing_to_say():
    hadolint = shutil.which("hadolint") or str(Path(sys.executable).with_name("hadolint"))
    if not Path(hadolint).exists():
        pytest.skip("hadolint is not installed")
    ended = subprocess.run([hadolint, "Dockerfile"], cwd=HOUSE, capture_output=True, text=True)
    assert (ended.returncode, ended.stdout) == (0, "")
