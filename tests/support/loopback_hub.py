"""A Hugging Face Hub on this machine, for the real client: it serves, takes, and errs."""

import base64
import hashlib
import json
import socket
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

Files = dict[str, bytes]
Fault = Callable[["Answer"], None]
LARGE = (".safetensors", ".bin")  # kept apart, and known by their SHA-256
CHUNK = 2**16
USER, TOKEN = "ada", "hf_the-only-one"


@dataclass
class Asked:
    method: str
    path: str
    token: str
    range: str
    sent: int = 0  # bytes of the body that went back


@dataclass
class Repo:
    """The files at each commit, and what its card says."""

    card: dict[str, object] = field(default_factory=dict)
    commits: dict[str, Files] = field(default_factory=dict)

    @property
    def head(self) -> str:
        return next(reversed(self.commits))

    def commit(self, files: Files) -> str:
        sha = git_oid(repr((len(self.commits), sorted(files.items()))).encode())
        self.commits[sha] = files
        return sha


class Hub(ThreadingHTTPServer):
    """Repositories by name (spaces below "spaces/"), and what goes wrong where.

    `wrong` maps a part of "METHOD /path" to what answers such requests instead.
    """

    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.endpoint = f"http://127.0.0.1:{self.server_port}"
        self.repos: dict[str, Repo] = {}
        self.uploads: Files = {}
        self.wrong: dict[str, Fault] = {}
        self.asked: list[Asked] = []
        self.errors: list[BaseException | None] = []
        self.over = threading.Event()

    @property
    def sent(self) -> int:
        return sum(asked.sent for asked in self.asked)

    def add(self, name: str, files: Files, **card: object) -> str:
        self.repos[name] = Repo(card)
        return self.repos[name].commit(files)

    def get_request(self) -> tuple[socket.socket, object]:
        connection, address = super().get_request()
        # With the usual buffer, much would wait on the way and count as sent.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, CHUNK)
        return connection, address

    def handle_error(self, request: object, address: object) -> None:
        self.errors.append(sys.exc_info()[1])

    def end(self) -> None:
        self.over.set()
        self.shutdown()
        self.server_close()


@contextmanager
def loopback() -> Iterator[Hub]:
    """Run a hub; an error in it fails the test."""
    hub = Hub()
    thread = threading.Thread(target=hub.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield hub
    finally:
        hub.end()
        thread.join()
    assert hub.errors == []


def aim(monkeypatch: pytest.MonkeyPatch, hub: Hub, home: Path) -> None:
    """Point the client at a hub: the one here, and those of processes that start from now on."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)  # which this hub does not speak
    monkeypatch.setenv("HF_ENDPOINT", hub.endpoint)
    monkeypatch.setenv("HF_HOME", str(home))
    for name in ("HF_TOKEN", "HF_HUB_OFFLINE", "http_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def git_oid(content: bytes) -> str:
    blob = b"blob %d\0" % len(content) + content
    return hashlib.sha1(blob, usedforsecurity=False).hexdigest()


def whole(body: bytes) -> Iterator[bytes]:
    yield from (body[start : start + CHUNK] for start in range(0, len(body), CHUNK))


class Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Hub
    pieces = staticmethod(whole)

    def log_message(self, *_: object) -> None: ...

    def handle(self) -> None:
        with suppress(ConnectionError):  # the client may hang up
            super().handle()

    def answer(self) -> None:
        hub, self.path = self.server, unquote(urlsplit(self.path).path)
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        self.body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.asked = Asked(self.command, self.path, token, self.headers.get("Range", ""))
        hub.asked.append(self.asked)
        asked = f"{self.command} {self.path}"
        fault = next((fault for part, fault in hub.wrong.items() if part in asked), None)
        if fault is not None:
            fault(self)
        elif token != TOKEN and (token or self.command == "POST"):
            self.reply(b"", 401, {"X-Error-Message": "Invalid credentials"})
        else:
            self.route()

    do_GET = do_HEAD = do_POST = do_PUT = answer  # noqa: N815

    def route(self) -> None:
        path = self.path.strip("/")
        if path == "api/whoami-v2":
            self.say({"type": "user", "name": USER}, 200 if self.asked.token else 401)
        elif path == "api/validate-yaml":
            self.say({"errors": [], "warnings": []})
        elif path == "api/repos/create":
            self.create(json.loads(self.body))
        elif path.startswith("lfs/"):
            self.keep(path.removeprefix("lfs/"))
        elif path.endswith(".git/info/lfs/objects/batch"):
            self.say({"objects": [self.upload(it) for it in json.loads(self.body)["objects"]]})
        elif "/resolve/" in path:
            name, _, rest = path.partition("/resolve/")
            revision, _, file = rest.partition("/")
            self.act(name, revision, lambda sha, files: self.file(sha, files, file))
        else:
            _, kind, owner, repo, verb, revision, *_ = [*path.split("/"), *[""] * 5]
            name = f"{owner}/{repo}" if kind == "models" else f"{kind}/{owner}/{repo}"
            verbs = {"preupload": self.preupload, "commit": self.commit, "tree": self.tree}
            self.act(name, revision, verbs.get(verb, self.info))

    def act(self, name: str, revision: str, verb: Callable[[str, Files], None]) -> None:
        if name not in self.server.repos:
            return self.absent("RepoNotFound")
        self.name, self.repo = name, self.server.repos[name]
        sha = self.repo.head if revision in ("", "main") else revision
        if sha not in self.repo.commits:
            return self.absent("RevisionNotFound")
        return verb(sha, self.repo.commits[sha])

    def info(self, sha: str, files: Files) -> None:
        siblings = []
        for path, content in files.items():
            lfs = {"sha256": sha256(content), "size": len(content), "pointerSize": 130}
            item = {"rfilename": path, "size": len(content), "blobId": git_oid(content)}
            large = {"lfs": lfs} if path.endswith(LARGE) else {}
            siblings.append(item | large)
        document = {"id": self.name, "sha": sha, "siblings": siblings}
        self.say(document | {"cardData": self.repo.card})

    def tree(self, sha: str, files: Files) -> None:
        items = [("file", path, len(files[path]), git_oid(files[path])) for path in files]
        names = ("type", "path", "size", "oid")
        self.say([dict(zip(names, item, strict=True)) for item in items])

    def file(self, sha: str, files: Files, path: str) -> None:
        if path not in files:
            return self.absent("EntryNotFound", {"X-Repo-Commit": sha})
        digest = sha256 if path.endswith(LARGE) else git_oid
        headers = {"X-Repo-Commit": sha, "ETag": f'"{digest(files[path])}"'}
        if not self.asked.range:
            return self.reply(files[path], 200, headers)
        begin, size = int(self.asked.range[6:].partition("-")[0]), len(files[path])
        if begin >= size:
            return self.reply(b"", 416, {"Content-Range": f"bytes */{size}"})
        headers["Content-Range"] = f"bytes {begin}-{size - 1}/{size}"
        return self.reply(files[path][begin:], 206, headers)

    def create(self, wanted: dict[str, str]) -> None:
        kind = "spaces/" if wanted.get("type") == "space" else ""
        name = f"{kind}{wanted['organization'] or USER}/{wanted['name']}"
        if not (there := name in self.server.repos):
            self.server.add(name, {".gitattributes": b"*.safetensors filter=lfs\n"})
        self.say({"url": f"{self.server.endpoint}/{name}"}, 409 if there else 200)

    def preupload(self, sha: str, files: Files) -> None:
        wanted = json.loads(self.body)["files"]
        for file in wanted:
            mode = "lfs" if file["path"].endswith(LARGE) else "regular"
            file |= {"uploadMode": mode, "shouldIgnore": False}
        self.say({"files": wanted})

    def upload(self, wanted: dict[str, object]) -> dict[str, object]:
        href = f"{self.server.endpoint}/lfs/{wanted['oid']}"
        return wanted | {"actions": {"upload": {"href": href}, "verify": {"href": href}}}

    def keep(self, oid: str) -> None:
        if self.command == "PUT":
            self.server.uploads[sha256(self.body)] = self.body
        self.reply(b"", 200 if oid in self.server.uploads else 422)

    def commit(self, sha: str, files: Files) -> None:
        new = dict(files)
        for line in self.body.splitlines():
            key, value = json.loads(line).values()
            if key == "file":
                new[value["path"]] = base64.b64decode(value["content"])
            elif key == "lfsFile":
                new[value["path"]] = self.server.uploads[value["oid"]]
            elif key == "deletedFile":
                del new[value["path"]]
        oid = self.repo.commit(new)
        url = f"{self.server.endpoint}/{self.name}/commit/{oid}"
        self.say({"commitOid": oid, "commitUrl": url})

    def absent(self, code: str, headers: dict[str, str] | None = None) -> None:
        number = 403 if code == "GatedRepo" else 404
        self.reply(b"", number, {"X-Error-Code": code, **(headers or {})})

    def say(self, document: object, status: int = 200) -> None:
        self.reply(json.dumps(document).encode(), status, {"Content-Type": "application/json"})

    def reply(self, body: bytes, status: int, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(body))} | (headers or {})).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            for piece in self.pieces(body):
                self.wfile.write(piece)
                self.asked.sent += len(piece)


def refused(code: str) -> Fault:
    return lambda answer: answer.absent(code)


def status(number: int) -> Fault:
    return lambda answer: answer.reply(b"no", number, {"Retry-After": "3600"})


def spoilt(pieces: Callable[[bytes], Iterable[bytes]]) -> Fault:
    """Answer as ever, but for what comes of the body; then hang up."""

    def fault(answer: Answer) -> None:
        answer.pieces, answer.close_connection = pieces, True
        answer.route()

    return fault


truncated = spoilt(lambda body: [body[: len(body) // 2]])
