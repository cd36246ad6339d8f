"""What the operator does with the Hub, on the command line, against the hub of this machine."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from genlib.cli import main
from genlib.hub import Pretrained, Pull, curated
from genlib.hub.curated import write_curated
from genlib.runs.spec import RunSpec
from genlib.runs.store import open_store
from genlib.settings import Settings
from genlib.tasks.workspace import Workspace
from tests.support.hub_models import UNET, autoencoder_files, denoiser_files, run_files, small_run
from tests.support.loopback_hub import TOKEN, Hub, sha256
from tests.support.studied import CPU

ROOT = Path(__file__).parents[3]
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")  # the client's


def entry(name: str, kind: str) -> Pretrained:
    """Return one that nobody has pinned."""
    facts = {"title": name, "licence": "", "megabytes": 1, "shows": "Something."}
    return Pretrained(name=name, repo=f"ada/{name}", kind=kind, **facts)


@pytest.fixture
def listed(hub: Hub, home: Path, monkeypatch: pytest.MonkeyPatch) -> Hub:
    """A hub, and an operator's own list of two models on it and one that is not."""
    monkeypatch.setenv("GENLIB_HUB_LIST", str(home / "list.json"))
    hub.add("ada/small", denoiser_files(), license="apache-2.0")
    hub.add("ada/tiny", autoencoder_files())
    pickled = {"config.json": b"{}", "diffusion_pytorch_model.bin": b"\x80\x04."}
    hub.add("ada/pickled", pickled)
    kinds = {"small": "ddpm", "tiny": "autoencoder", "pickled": "ddpm"}
    write_curated(tuple(entry(name, kind) for name, kind in kinds.items()))
    return hub


def documents(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_pin_is_what_the_hub_had_that_day(listed, capsys, home):
    assert main(["hub", "pin", "small", "tiny"]) == 0
    assert [document["pinned"] for document in documents(capsys)] == ["small", "tiny"]
    small, tiny, pickled = curated()
    assert small.commit == listed.repos["ada/small"].head
    assert small.licence == "apache-2.0"
    weights = next(file for file in small.files if file.path == UNET)
    assert weights.sha256 == sha256(denoiser_files()[UNET])
    assert weights.size == len(denoiser_files()[UNET])
    assert not pickled.commit

    listed.repos["ada/small"].commit(denoiser_files(3))  # the repository goes on
    *_, last = Pull.of(small).perform(Workspace(open_store(Settings()), CPU), {})
    assert last.files["network.safetensors"] == denoiser_files()[UNET]
    assert main(["hub", "list"]) == 0
    assert [bool(document["commit"]) for document in documents(capsys)] == [True, True, False]
    assert tiny.files


def test_what_cannot_be_loaded_safely_is_not_pinned(listed, capsys):
    before = curated()
    assert main(["hub", "pin", "pickled"]) == 1
    sentence = capsys.readouterr().err
    assert "cannot be loaded safely" in sentence
    assert len(sentence.splitlines()) == 1
    assert curated() == before


def test_a_list_that_may_not_be_written_says_so(listed, capsys, monkeypatch):
    monkeypatch.setattr("genlib.cli.hub.write_curated", full)
    assert main(["hub", "pin", "tiny"]) == 1
    assert "disk is full" in capsys.readouterr().err


def full(*_: object) -> None:
    raise OSError(28, "No space left on device")


def test_a_run_is_published_and_pulled_by_its_name(hub, home, capsys, monkeypatch):
    run = small_run()
    open_store(Settings()).write_run(run.spec.fingerprint, run.to_files())
    assert main(["hub", "publish", run.spec.fingerprint]) == 1
    assert "no token" in capsys.readouterr().err
    monkeypatch.setenv("GENLIB_HUB_TOKEN", TOKEN)
    assert main(["hub", "publish", run.spec.fingerprint]) == 0
    (where,) = documents(capsys)
    assert where["repo"] == f"ada/genlib-stacked-{run.spec.fingerprint[:12]}"
    assert main(["hub", "pull", where["repo"]]) == 0
    (came,) = documents(capsys)
    files = open_store(Settings()).read_run(came["fingerprint"])
    assert files["run.safetensors"] == run_files()["model.safetensors"]
    assert came["fingerprint"] != run.spec.fingerprint  # it takes nobody's place


def test_a_process_of_its_own_publishes_as_a_page_lets_it(hub, home, monkeypatch):
    run = small_run()
    open_store(Settings()).write_run(run.spec.fingerprint, run.to_files())
    monkeypatch.setenv("GENLIB_HUB_TOKEN", TOKEN)
    command = [sys.executable, "-m", "genlib", "hub", "publish", run.spec.fingerprint]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, timeout=120)
    assert json.loads(ended.stdout.splitlines()[-1])["repo"] in hub.repos


def test_nobody_publishes_what_is_not_there(hub, home, capsys):
    spec = RunSpec.of_preset("stacked", dataset="mnist")
    assert main(["hub", "publish", spec.fingerprint]) == 1
    assert capsys.readouterr().err == "There is no such finished run here.\n"


def test_a_space_is_made_from_a_clone_alone(home, capsys, monkeypatch):
    monkeypatch.setattr("genlib.cli.space.HOUSE", home)  # as where pip has installed genlib
    assert main(["space", "ada/place"]) == 1
    assert capsys.readouterr().err.startswith("The app is not here")
