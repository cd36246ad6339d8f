"""What a run's tables say is what the run says."""

import io

import numpy as np
import pandas as pd
import pytest
import torch

from genlib.data import DATASETS
from genlib.data.dataset import load
from genlib.export.tables import coding_table, curve_table, place_table
from genlib.family import to_float
from genlib.studies.code_map import codings_of
from tests.support.studied import trained


@pytest.fixture(scope="module")
def run():
    return trained("stacked", 2, codings=3)


def test_a_curve_comes_back_from_its_table(run):
    table = pd.read_csv(io.StringIO(curve_table(run))).set_index("step")
    for row in run.curve:
        assert table.loc[row.step, "training mse"] == row.losses["mse"]
    for snapshot in run.snapshots:
        assert table.loc[snapshot.step, "validation mse"] == snapshot.figures["mse"]
    assert table.index.is_monotonic_increasing


def test_codings_come_back_with_their_classes(run):
    data = load(run.spec.dataset)
    table = pd.read_csv(
        io.StringIO(coding_table(codings_of(run, len(data.test)).numpy(), data)),
        dtype={"class": str},
    )
    with torch.no_grad():
        expected = run.family.encode(to_float(data.test)).numpy()
    np.testing.assert_allclose(
        table[["z1", "z2", "z3"]].to_numpy(), expected, rtol=1e-4, atol=1e-5
    )
    names = [DATASETS[data.name].classes[label] for label in data.test_labels.tolist()]
    assert table["class"].tolist() == names


def test_a_map_has_a_row_for_each_of_its_pictures(run):
    places = np.random.default_rng(0).normal(size=(7, 2))
    table = pd.read_csv(io.StringIO(place_table(places, load(run.spec.dataset), ["x", "y"])))
    np.testing.assert_allclose(table[["x", "y"]].to_numpy(), places)
    assert table["picture"].tolist() == list(range(7))


def test_what_has_no_codings_has_no_table_of_them():
    ddpm = trained("ddpm", 1, timesteps=3, width=8, depth=1)
    with pytest.raises(TypeError, match="has no codings"):
        codings_of(ddpm, len(load(ddpm.spec.dataset).test))
