"""A summary is the end of its run, without the weights."""

import torch

from genlib.studies.summary import RunSummary, Summary
from tests.support.studied import trained, workspace_of


def test_a_summary_is_the_end_of_its_run(tmp_path):
    run = trained()
    study = Summary(start=run.spec)
    *_, progress = study.perform(workspace_of(tmp_path, run), {})
    summary = study.read(progress.files)
    assert summary.spec == run.spec
    assert summary.curve == run.curve
    assert summary.provenance == run.provenance
    assert summary.snapshot.step == run.snapshots[-1].step
    assert summary.snapshot.figures == run.snapshots[-1].figures
    assert torch.equal(summary.snapshot.images, run.snapshots[-1].images)
    assert set(progress.files) == {"provenance.json", "history.jsonl", "snapshots.safetensors"}


def test_the_summary_of_a_finished_run_needs_no_study():
    run = trained()
    summary = RunSummary.of_run(run)
    assert summary.snapshot is run.snapshots[-1]
