"""One contract for all families: a new one is tested by being in FAMILIES."""

import json
import math

import pytest
import torch

from genlib.adversarial.growing import GrowingGAN
from genlib.config import Config, TrainConfig
from genlib.data import DATASETS
from genlib.data.dataset import Dataset, load
from genlib.diffusion.diffusion import Diffusion
from genlib.entry import Preset
from genlib.family import (
    Batch,
    Denoises,
    Discriminates,
    Encodes,
    Family,
    Generates,
    to_float,
)
from genlib.headlines import psnr
from genlib.models import FAMILIES
from genlib.rng import build, generator
from genlib.runs.spec import RunSpec
from genlib.runs.store import open_store
from genlib.settings import Settings
from genlib.training.events import Finished, Snapshot
from genlib.training.loop import train

PRESETS = [(name, preset) for name in FAMILIES for preset in FAMILIES[name].presets]
SHAPES = {  # of the data that each family learns
    name: sorted({data.shape for data in DATASETS.values() if data.kind in FAMILIES[name].learns})
    for name in FAMILIES
}
every_family = pytest.mark.parametrize("name", FAMILIES)
every_preset = pytest.mark.parametrize(("name", "preset"), PRESETS)
every_preset_and_shape = pytest.mark.parametrize(  # every preset in a shape, the first in all
    ("name", "preset", "shape"),
    [
        (name, preset, shape)
        for name, preset in PRESETS
        for number, shape in enumerate(SHAPES[name])
        if number == 0 or preset == next(iter(FAMILIES[name].presets))
    ],
)
COUNT = 6  # pictures at a time
ABILITIES = {
    "encodes": Encodes,
    "generates": Generates,
    "denoises": Denoises,
    "discriminates": Discriminates,
    "diffuses": Diffusion,
    "grows": GrowingGAN,
}


@every_family
def test_three_to_five_knobs_matter_most_and_are_settings_of_the_model_or_its_training(name):
    entry = FAMILIES[name]
    fields = {*entry.config_type.model_fields, *TrainConfig.model_fields}
    assert 3 <= len(entry.knobs) <= 5
    assert len(set(entry.knobs)) == len(entry.knobs)
    assert set(entry.knobs) <= fields


def untrained(name: str, config: Config, shape: tuple[int, int, int] = (1, 8, 8)) -> Family:
    return build(lambda: FAMILIES[name].load()(config, shape), 0)


def encodes(name: str) -> bool:
    return "encodes" in FAMILIES[name].abilities


def pictures(shape: tuple[int, int, int]) -> torch.Tensor:
    return torch.rand(COUNT, *shape, generator=generator(1))


def models(name: str) -> list[Config]:
    """Return the family's default, and with it each knob at either end or at each choice."""
    default = next(iter(FAMILIES[name].presets.values())).model
    changes = [{}]
    for knob, schema in default.model_json_schema()["properties"].items():
        ends = [schema[end] for end in ("minimum", "maximum") if end in schema]
        changes += [{knob: value} for value in schema.get("enum", ends)]
    return [type(default).model_validate(default.model_dump() | change) for change in changes]


@every_preset_and_shape
def test_it_offers_what_a_family_offers(name, preset, shape):
    family = untrained(name, FAMILIES[name].presets[preset].model, shape)
    x = pictures(shape)
    with torch.no_grad():
        shown = family.eval().preview(x, generator(0))
        figures = family.evaluate(x)
    assert shown.shape[1:] == shape
    assert shown.isfinite().all()
    assert figures
    assert all(value.ndim == 0 and value.isfinite() for value in figures.values())
    sizes, pixels = family.sizes(), math.prod(shape)
    assert pixels in [values for _, values in sizes]
    assert all(label and values > 0 for label, values in sizes)
    if isinstance(family, Encodes):
        assert sizes[0][1] == sizes[-1][1] == pixels


@every_family
def test_its_entry_says_what_its_class_is(name):
    entry, shape = FAMILIES[name], SHAPES[name][0]
    family = untrained(name, next(iter(entry.presets.values())).model, shape).eval()
    abilities = {word for word, ability in ABILITIES.items() if isinstance(family, ability)}
    assert abilities == entry.abilities
    x = torch.rand(9, *shape, generator=generator(1))  # a square grid, where the plane is shown
    with torch.no_grad():
        assert len(family.preview(x, generator(0))) == len(x) * len(entry.shows)
        assert entry.primary_metric in family.evaluate(x)


@every_preset_and_shape
def test_what_encodes_also_decodes(name, preset, shape):
    family = untrained(name, FAMILIES[name].presets[preset].model, shape).eval()
    if not isinstance(family, Encodes):
        pytest.skip("does not encode")
    x = pictures(shape)
    with torch.no_grad():
        z, again = family.encode(x), family.reconstruct(x)
        one = family.encode(x[:1])
        figures = family.evaluate(x)
    assert z.shape[0] == COUNT
    assert z.ndim == 2
    assert family.decode(z).shape == x.shape
    torch.testing.assert_close(again, family.decode(z))
    torch.testing.assert_close(one, z[:1], rtol=1e-4, atol=1e-5)
    assert float(figures["mse"]) == pytest.approx(float((x - again).square().mean()), rel=1e-5)


@every_family
def test_every_knob_can_go_to_its_ends(name):
    x = pictures((1, 8, 8))
    for config in models(name):
        family = untrained(name, config)
        for _, losses in family.updates(Batch(x), generator(0)):
            assert all(loss.isfinite() for loss in losses.values()), config
        if isinstance(family, Encodes):
            with torch.no_grad():
                mse = (x - family.eval().reconstruct(x)).square().mean()
                assert float(family.evaluate(x)["mse"]) == pytest.approx(float(mse), rel=1e-5)


@every_preset
def test_each_update_reaches_all_weights_of_its_player(name, preset):
    family, x = untrained(name, FAMILIES[name].presets[preset].model), pictures((1, 8, 8))
    trained: set[int] = set()
    for stage in family.stages():
        batch, parts = Batch(x, stage=stage.name), family.players(stage.name).items()
        players = {key: list(player.parameters()) for key, player in parts}
        everyone = [id(weight) for weights in players.values() for weight in weights]
        assert len(everyone) == len(set(everyone)), "two players share a weight"
        moved = set()
        for player, losses in family.updates(batch, generator(0)):
            loss = torch.stack(list(losses.values())).sum()
            assert loss.isfinite()
            for slope in torch.autograd.grad(loss, players[player], retain_graph=True):
                assert slope.isfinite().all()
            moved.add(player)
        assert moved == set(players)
        trained |= set(everyone)
    assert trained == {id(weight) for weight in family.parameters() if weight.requires_grad}


@every_family
def test_stages_share_out_all_steps(name):
    stages = untrained(name, next(iter(FAMILIES[name].presets.values())).model).stages()
    assert sum(stage.share for stage in stages) == pytest.approx(1)
    assert len({stage.name for stage in stages}) == len(stages)


@every_preset
def test_the_same_generator_gives_the_same_losses_and_the_global_one_is_not_used(name, preset):
    x, runs = pictures((1, 8, 8)), []
    for rng in (generator(3), generator(3)):
        family = untrained(name, FAMILIES[name].presets[preset].model)
        before = torch.get_rng_state()
        losses = [loss for _, actual in family.updates(Batch(x), rng) for loss in actual.values()]
        runs.append([float(loss.detach()) for loss in losses])
    assert runs[0] == runs[1]
    assert torch.equal(torch.get_rng_state(), before)


def trained_presets(*, encoding: bool) -> list:
    """Return the presets to train; a family's first is trained by every gate."""
    return [
        pytest.param(
            name,
            preset,
            marks=() if preset == next(iter(FAMILIES[name].presets)) else pytest.mark.slow,
        )
        for name, preset in PRESETS
        if encodes(name) == encoding
    ]


def data_for(preset: Preset) -> Dataset:
    """Return the data of a preset, with digits for any pictures."""
    pictures = DATASETS[preset.dataset].kind == "pictures"
    return load("digits" if pictures else preset.dataset)


@pytest.mark.parametrize(("name", "preset"), trained_presets(encoding=True))
def test_a_few_steps_on_digits_make_it_better(name, preset):
    chosen = FAMILIES[name].presets[preset]
    data = data_for(chosen)
    count = chosen.train.pictures or len(data.train)
    steps = 80 if chosen.train.optimizer == "muon" else 160  # others go slower
    epochs = math.ceil(steps / (count // min(chosen.train.batch_size, count)))
    config = chosen.train.model_copy(update={"epochs": epochs})
    family, shown = untrained(name, chosen.model, data.shape), data.test[data.showcase()]
    pictures = data.train[: min(count, 300)]  # with few it need not get better at others
    *events, last = train(family, data.train, pictures, shown, config)
    assert isinstance(last, Finished)
    errors = [event.figures["mse"] for event in events if isinstance(event, Snapshot)]
    assert errors[-1] < 0.8 * errors[0]
    x = to_float(pictures)
    mean = float((x - x.mean(0)).square().mean())
    assert errors[-1] < 1.1 * mean, "no better than the mean picture"


@pytest.mark.parametrize(("name", "preset"), trained_presets(encoding=False))
def test_a_few_steps_keep_every_figure_finite(name, preset):
    chosen = FAMILIES[name].presets[preset]
    data, size = data_for(chosen), 6
    recipe = {"epochs": 1, "batch_size": size, "pictures": 0}
    config = chosen.train.model_copy(update=recipe)
    family, shown = untrained(name, chosen.model, data.shape), data.test[data.showcase()]
    *events, last = train(family, data.train[: 8 * size], data.test[:24], shown, config)
    assert isinstance(last, Finished)
    figures = [event.figures for event in events if isinstance(event, Snapshot)]
    assert figures
    assert all(math.isfinite(value) for snapshot in figures for value in snapshot.values())


@every_family
def test_every_knob_has_a_title_a_sentence_and_a_range(name):
    for config in (FAMILIES[name].config_type, TrainConfig):
        for knob, field in config.model_fields.items():
            assert field.title, knob
            assert field.description, knob
            assert field.description.endswith("."), knob
        for knob, schema in config.model_json_schema()["properties"].items():
            if schema["type"] in ("integer", "number"):
                assert schema["minimum"] < schema["maximum"], knob
                assert all(
                    schema["minimum"] <= option <= schema["maximum"]
                    for option in schema.get("options", [])
                ), knob


@every_family
def test_no_knob_of_a_model_is_called_like_one_of_training_or_of_a_run(name):
    taken = {*TrainConfig.model_fields, *RunSpec.model_fields, "preset"}
    assert not taken & set(FAMILIES[name].config_type.model_fields)


@every_family
def test_its_docstring_is_the_theory_and_its_presets_say_what_they_show(name):
    theory = FAMILIES[name].theory
    assert "$$" in theory
    assert "**References.**" in theory
    for preset in FAMILIES[name].presets.values():
        assert isinstance(preset.model, FAMILIES[name].config_type)
        assert preset.note.endswith(".")


@every_family
def test_the_default_is_shipped_and_whole(name, home):
    preset = next(iter(FAMILIES[name].presets))
    spec = RunSpec.of_preset(name, preset)
    store = open_store(Settings())
    assert store.is_shipped(spec.fingerprint)
    metrics = json.loads(store.read_run(spec.fingerprint)["config.json"])["provenance"]["metrics"]
    best = metrics[f"test_{FAMILIES[name].primary_metric}"]
    headline = FAMILIES[name].headline(metrics)
    assert f"{best:.4f}" in headline or f"{psnr(best):.1f} dB" in headline
