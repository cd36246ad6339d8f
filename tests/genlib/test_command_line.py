import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from genlib.cli import FULL, main
from genlib.device import THREADS, kind
from genlib.jobs.attempt import Attempt
from genlib.models import FAMILIES
from genlib.runs.run import Run
from genlib.runs.spec import RunSpec
from genlib.runs.store import open_store
from genlib.settings import Settings
from genlib.studies.code_map import CodeMap
from genlib.studies.few_labels import FewLabels

ROOT = Path(__file__).parents[2]
LARGE = ["--epochs", "1", "--pictures", "4096", "--batch_size", "512"]  # threads share its sums
SHORT = ["--dataset", "digits", "--epochs", "1"]


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[dict]:
    assert main(list(arguments)) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_training_prints_json_lines_and_keeps_the_run(home, capsys):
    *messages, last = printed(capsys, "train", "stacked", *SHORT)
    assert {"step", "steps", "seconds_left", "rows"} <= messages[-1].keys()
    assert messages[-1]["step"] == messages[-1]["steps"] == 2
    assert last["seconds"] > 0
    assert 0 < last["metrics"]["test_mse"] < 1
    expected = RunSpec.of_preset("stacked", "fast", "digits").model_dump()
    expected["train"]["epochs"] = 1
    assert last["fingerprint"] == RunSpec.model_validate(expected).fingerprint
    run = Run.from_files(open_store(Settings()).read_run(last["fingerprint"]))
    assert run.provenance.metrics == last["metrics"]


def test_runs_lists_what_was_trained_the_newest_first(home, capsys):
    first = printed(capsys, "train", "stacked", *SHORT)[-1]
    second = printed(capsys, "train", "stacked", *SHORT, "--codings", "3")[-1]
    listed = printed(capsys, "runs")
    store = open_store(Settings())
    own = [line for line in listed if not store.is_shipped(line["fingerprint"])]
    assert {line["fingerprint"] for line in own} == {first["fingerprint"], second["fingerprint"]}
    for line in own:
        trained = first if line["fingerprint"] == first["fingerprint"] else second
        assert line["metrics"] == trained["metrics"]
        assert line["family"] == "stacked"


def test_a_study_in_the_store_is_no_run(home, capsys, monkeypatch):
    monkeypatch.setattr("genlib.studies.few_labels.LABELS", (10,))
    trained = printed(capsys, "train", "stacked", *SHORT)[-1]["fingerprint"]
    store = open_store(Settings())
    study = FewLabels(start=Run.from_files(store.read_run(trained)).spec, seeds=2, steps=50)
    assert all(Attempt(store, torch.device("cpu"), study).progress())
    assert study.fingerprint in store.fingerprints()
    listed = [line["fingerprint"] for line in printed(capsys, "runs")]
    assert trained in listed
    assert not {study.fingerprint, CodeMap(start=study.start).fingerprint} & set(listed)
    assert len(listed) == len(set(listed))


def test_a_family_is_trained_on_its_preset_s_data_where_none_is_said(home, capsys):
    last = printed(capsys, "train", "linear", "--epochs", "3")[-1]
    expected = RunSpec.of_preset("linear").model_dump()
    assert expected["dataset"] == "ellipse"
    expected["train"]["epochs"] = 3
    assert last["fingerprint"] == RunSpec.model_validate(expected).fingerprint
    assert {"test_mse", "pca_mse"} <= set(last["metrics"])
    assert last["metrics"]["test_mse"] >= last["metrics"]["pca_mse"]
    chosen = printed(capsys, "train", "linear", *SHORT)[-1]["fingerprint"]
    assert Run.from_files(open_store(Settings()).read_run(chosen)).spec.dataset == "digits"


def test_points_for_a_family_of_pictures_are_refused_in_one_line(home, capsys):
    assert main(["train", "stacked", "--dataset", "ellipse"]) == 2
    seen = capsys.readouterr()
    assert seen.err.count("\n") == 1
    assert "points" in seen.err


def test_what_is_finished_is_not_trained_again(home, capsys):
    first = printed(capsys, "train", "stacked", *SHORT)
    again = printed(capsys, "train", "stacked", *SHORT)
    (last,) = again
    assert "was made before" in last.pop("note")
    assert last == first[-1]


def test_the_shipped_run_is_said_to_be_shipped(home, capsys):
    (last,) = printed(capsys, "train", "stacked")
    assert last["fingerprint"] == RunSpec.of_preset("stacked").fingerprint
    assert "came with genlib" in last["note"]
    assert not (home / "runs").exists()


def test_what_is_finished_is_trained_again_when_asked_for_and_gives_the_same_bits(home, capsys):
    first = printed(capsys, "train", "stacked", *SHORT)[-1]["fingerprint"]
    (weights,) = home.glob("runs/*/model.safetensors")
    before = weights.stat().st_mtime_ns, weights.read_bytes()
    last = printed(capsys, "train", "stacked", *SHORT, "--again")[-1]
    assert "note" not in last
    assert last["fingerprint"] == first
    assert weights.stat().st_mtime_ns > before[0]
    assert weights.read_bytes() == before[1]


def test_another_number_of_threads_gives_the_same_bits(tmp_path: Path):
    digests = set()
    for threads in ("1", "2"):
        folder = tmp_path / threads
        subprocess.run(
            [sys.executable, "-m", "genlib", "train", "vae", *LARGE],
            env=os.environ | {"GENLIB_HOME": str(folder), "OMP_NUM_THREADS": threads},
            cwd=ROOT,
            check=True,
            capture_output=True,
        )
        (weights,) = folder.glob("runs/*/model.safetensors")
        digests.add(hashlib.sha256(weights.read_bytes()).hexdigest())
        provenance = json.loads((weights.parent / "config.json").read_text())["provenance"]
        assert provenance["threads"] == THREADS
        assert provenance["kind"] == kind(torch.device("cpu"))
    assert len(digests) == 1


def test_every_option_reaches_the_run(home, capsys):
    options = {"codings": "4", "loss": "bce", "optimizer": "adam", "seed": "7", "ema": "0.5"}
    flags = [part for name, value in options.items() for part in (f"--{name}", value)]
    last = printed(capsys, "train", "stacked", "--preset", "textbook", *SHORT, *flags)[-1]
    files = open_store(Settings()).read_run(last["fingerprint"])
    spec = Run.from_files(files).spec
    assert (spec.model.codings, spec.model.loss) == (4, "bce")
    assert (spec.train.optimizer, spec.train.seed, spec.train.ema) == ("adam", 7, 0.5)
    assert spec.train.batch_size == FAMILIES["stacked"].presets["textbook"].train.batch_size
    assert "test_bce_excess" in last["metrics"]


@pytest.mark.parametrize(
    ("flags", "named"),
    [
        (["--epochs", "0"], "epochs"),
        (["--learning_rate", "nan"], "learning_rate"),
        (["--codings", "1000000"], "codings"),
        (["--preset", "slow"], "slow"),
        (["--epochs", "many"], "epochs"),
        (["--dataset", "imagenet"], "imagenet"),
    ],
)
def test_a_wrong_value_is_one_line_and_exit_status_2(home, capsys, flags, named):
    assert main(["train", "stacked", *flags]) == 2
    seen = capsys.readouterr()
    assert seen.out == ""
    assert seen.err.count("\n") == 1
    assert named in seen.err
    assert not (home / "runs").exists()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "train, measure, runs"),
        (["xyz"], "there are train, measure"),
        (["trian"], "did you mean 'train'?"),
        (["train"], "linear, stacked"),
        (["train", "vaee"], "did you mean 'vae'?"),
        (["train", "stacked", "--colour", "red"], "--colour"),
        (["measure"], "STUDY"),
        (["measure", "comparisn"], "'comparison'"),
        (["measure", "comparison", "--seconds", "0"], "seconds is 0"),
        (["worker", "--device", "tpu"], "choose cpu"),
        (["worker", "--device", "cuda:99"], "cuda:99"),
        (["hub"], "list, pin"),
        (["hub", "pin", "nope"], "'nope'"),
        (["hub", "pin", "taesdd"], "'taesd'"),
    ],
)
def test_what_the_command_line_does_not_know_is_one_line_and_exit_status_2(
    home, capsys, arguments, sentence
):
    assert main(arguments) == 2
    seen = capsys.readouterr()
    assert seen.out == ""
    assert seen.err.count("\n") == 1
    assert sentence in seen.err


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["train"],
        ["train", "vae"],
        ["measure"],
        ["runs"],
        ["worker"],
        ["hub", "pin"],
        ["space"],
    ],
    ids=" ".join,
)
def test_help_needs_no_torch(arguments):
    line = [sys.executable, "-X", "importtime", "-m", "genlib", *arguments, "--help"]
    done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, check=True)
    assert "usage: genlib" in done.stdout
    imported = {part.rpartition("|")[2].strip() for part in done.stderr.splitlines()}
    assert "pydantic" in imported
    assert not {"torch", "numpy", "sklearn", "plotly"} & imported


class StopAt:
    """A reporter that takes no further message than that of a step, as Ctrl-C would have it."""

    def __init__(self, step: int) -> None:
        self.step, self.seen = step, list[int]()

    def __call__(self, steps):
        for progress in steps:
            self.seen.append(progress.step)
            if progress.step >= self.step and progress.resumable:
                raise KeyboardInterrupt
            yield progress


def test_what_ctrl_c_stopped_goes_on_where_it_was(home, capsys, monkeypatch):
    command = ["train", "vae", "--dataset", "digits", "--epochs", "150"]
    stopping, going_on = StopAt(20), StopAt(10**9)
    for watched, status in ((stopping, 130), (going_on, 0)):
        performed = Attempt.progress
        with monkeypatch.context() as patch:
            patch.setattr(Attempt, "progress", lambda self, w=watched, p=performed: w(p(self)))
            assert main(command) == status
    assert capsys.readouterr().err == (
        "Stopped. Where a result was begun, the same command goes on with it.\n"
    )
    assert min(going_on.seen) >= max(stopping.seen) > 0


def test_a_full_disk_is_one_line_and_what_to_do(home, capsys, monkeypatch):
    usage = type(shutil.disk_usage("/"))
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**9, 10**9 - 10, 10))
    assert main(["train", "linear", "--epochs", "3"]) == 1
    assert capsys.readouterr().err == f"{FULL}\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no full device")
def test_what_cannot_be_printed_is_one_line_and_a_closed_pipe_none(home):
    with Path("/dev/full").open("w") as full:
        line = [sys.executable, "-m", "genlib", "runs"]
        done = subprocess.run(line, cwd=ROOT, stdout=full, stderr=subprocess.PIPE, text=True)
    assert (done.returncode, done.stderr) == (1, f"{FULL}\n")
    command = f"{sys.executable} -m genlib runs | head -1"
    done = subprocess.run(command, shell=True, cwd=ROOT, capture_output=True, text=True)  # noqa: S602
    assert json.loads(done.stdout)["fingerprint"]
    assert done.stderr == ""


def test_divergence_is_one_line_and_exit_status_1(home, capsys):
    flags = ["--optimizer", "adam", "--learning_rate", "10", "--activation", "selu"]
    assert main(["train", "stacked", "--dataset", "digits", *flags]) == 1
    seen = capsys.readouterr()
    assert seen.err.count("\n") == 1
    assert "diverged" in seen.err
    assert not (home / "runs").exists()


def test_measuring_makes_the_study_of_a_finished_run_that_a_page_would_ask_for(home, capsys):
    start = RunSpec.of_preset("linear", "ellipse")
    printed(capsys, "train", "linear")
    study = CodeMap(start=start)
    *_, last = printed(capsys, "measure", "code_map", "--family", "linear")
    assert last == {"fingerprint": study.fingerprint}
    assert "map.safetensors" in open_store(Settings()).read_run(study.fingerprint)


def test_measuring_what_is_not_trained_or_not_there_is_one_line(home, capsys):
    asked = [
        ("stacked", "textbook", 1),
        ("nonsense", "", 2),
        ("denoising", "", 2),
        ("linear", "", 2),
    ]
    for family, preset, status in asked:
        command = ["measure", "few_labels", "--family", family, "--preset", preset]
        assert main(command) == status
        assert len(capsys.readouterr().err.splitlines()) == 1
