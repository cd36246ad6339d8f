"""Results that version 1 wrote by position read as what they say now by name."""

from pathlib import Path

import pytest

from genlib.classifier import Quality
from genlib.runs.store import open_store
from genlib.settings import Settings
from genlib.studies import mixture_prior, sampler_bench
from genlib.studies.ablation import variants
from genlib.studies.beta_sweep import points
from genlib.studies.comparison import standings
from genlib.studies.few_labels import accuracies
from genlib.studies.health import report
from genlib.studies.recipe_grid import Recipe, grid
from genlib.studies.seed_sweep import sweep
from genlib.studies.style_layers import exchanged

FOLDER = Path(__file__).parents[2] / "support" / "version_1"
FILES = {
    "ablation": ("ablation.json", variants),
    "beta_sweep": ("points.json", points),
    "comparison": ("standings.json", standings),
    "few_labels": ("accuracies.jsonl", accuracies),
    "health": ("report.json", report),
    "judge": ("judge.json", lambda files: Quality.from_json(files["judge.json"])),
    "mixture_prior": ("figures.json", mixture_prior.quality),
    "sampler_bench": ("points.json", sampler_bench.quality),
    "seed_sweep": ("games.json", sweep),
    "style_layers": ("styles.json", exchanged),
}
SAMPLES = {"mixture_prior": 5000, "sampler_bench": 2048}  # which version 1 does not say


@pytest.mark.parametrize("path", sorted(FOLDER.iterdir()), ids=lambda path: path.name[:20])
def test_a_shipped_result_says_what_the_file_of_version_1_said(path: Path):
    study, fingerprint, _ = path.name.split(".")
    name, read = FILES[study]
    earlier = read({name: path.read_bytes()})
    if study in SAMPLES:
        assert earlier.pictures is None
        earlier = earlier.model_copy(update={"pictures": SAMPLES[study]})
    shipped = open_store(Settings()).read_run(fingerprint)
    assert shipped is not None
    assert read(shipped) == earlier


def test_a_file_of_every_kind_is_read():
    assert {path.name.split(".")[0] for path in FOLDER.iterdir()} == set(FILES)


def test_recipes_of_version_1_are_read():
    recipe = Recipe(loss="hinge", cure="R1", captured=[8, 7], high_quality=0.9)
    assert grid({"recipes.json": b'[["hinge", "R1", [8, 7], 0.9]]'}) == [recipe]
