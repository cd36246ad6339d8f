"""Pretrained models say what diffusers says, to the bit where nothing but the building differs."""

import json
import math
import subprocess
import sys

import pytest
import torch
from safetensors.torch import load, save
from torch import Tensor

from genlib.family import to_uint8
from genlib.hub import HubError, Pull, Reversal
from genlib.hub.pretrained import (
    noise,
    picture_shape,
    read_autoencoder,
    read_denoiser,
    read_run,
    scheduler,
    seconds_per_evaluation,
)
from genlib.hub.reversal import FRAMES, codings, decoded
from genlib.rng import generator
from tests.support.giants import GIANTS
from tests.support.hub_models import (
    autoencoder_files,
    changed,
    denoiser_files,
    denoiser_parts,
    film,
    fuzzed,
    outcome,
    parts_of,
    places,
    run_files,
    saved,
    small_run,
    stored,
    untrained_denoiser,
)
from tests.support.hub_pulls import assert_clear
from tests.support.services import ROOT
from tests.support.studied import CPU


def end_of(pictures: object) -> Tensor:
    """Return what a pipeline makes as grey levels, channels first."""
    return to_uint8(torch.from_numpy(pictures).permute(0, 3, 1, 2))


def furthest(ours: Tensor, theirs: Tensor) -> int:
    return int((ours.int() - theirs.int()).abs().max())


NOISES = {
    "squared cosine": {},
    "linear": {"beta_schedule": "linear"},
    "unclipped": {"clip_sample": False},
    "velocity": {"prediction_type": "v_prediction"},
    "clean": {"prediction_type": "sample"},
    "fixed large": {"variance_type": "fixed_large"},
    "few": {"num_train_timesteps": 20},
}


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("steps", [1, 7, 20])
@pytest.mark.parametrize("sampler", ["DDIM", "DDPM"])
def test_a_walk_ends_where_the_pipeline_of_diffusers_ends(tmp_path, sampler, steps, channels):
    from diffusers import DDIMPipeline, DDIMScheduler, DDPMPipeline, DDPMScheduler

    kinds = {"DDIM": (DDIMPipeline, DDIMScheduler), "DDPM": (DDPMPipeline, DDPMScheduler)}
    pipeline, noises = kinds[sampler]
    output = pipeline(
        untrained_denoiser(channels),
        noises(beta_schedule="squaredcos_cap_v2", timestep_spacing="trailing"),
    )
    output.set_progress_bar_config(disable=True)
    theirs = output(
        batch_size=4, generator=generator(3), num_inference_steps=steps, output_type="np"
    ).images
    workspace, pull = stored(tmp_path, "ddpm", denoiser_parts(channels))
    times, x, clean = film(workspace, pull, sampler=sampler, steps=steps, seed=3)
    assert furthest(x[-1], end_of(theirs)) <= 1
    assert torch.equal(x[-1], clean[-1])
    assert x.shape == clean.shape == (steps + 1, 4, channels, 8, 8)
    assert times[0] == 1000
    assert times == sorted(times, reverse=True)
    assert times[-1] == 0


@pytest.mark.parametrize("sampler", ["DDIM", "DDPM"])
@pytest.mark.parametrize("name", NOISES)
def test_each_step_is_the_step_of_diffusers(sampler, name):
    """By hand: the same network and noise, a scheduler made from the start."""
    from diffusers import DDIMScheduler, DDPMScheduler

    theirs = {"beta_schedule": "squaredcos_cap_v2"} | NOISES[name]
    if sampler == "DDIM":
        theirs.pop("variance_type", None)
    kind = {"DDIM": DDIMScheduler, "DDPM": DDPMScheduler}[sampler]
    noises = kind(**theirs, timestep_spacing="trailing")
    noises.set_timesteps(10)
    rng = generator(5)
    x = torch.randn(2, 1, 8, 8, generator=rng)
    network, settings = read_denoiser(denoiser_parts(1, **NOISES[name]))
    start = Pull(kind="ddpm", repo="ada/model", commit="main", files=())
    reversal = Reversal(start=start, sampler=sampler, steps=10, pictures=2, seed=5)
    trajectory = reversal._trajectory(network, settings)
    with torch.inference_mode():
        for t in noises.timesteps:
            time, ours, clean = next(trajectory)
            assert time == t + 1
            assert torch.equal(ours, x)
            done = noises.step(network(x, t).sample, t, x, generator=rng)
            assert torch.equal(clean, done.pred_original_sample)
            x = done.prev_sample
    time, ours, clean = next(trajectory)
    assert time == 0
    assert ours is clean
    assert torch.equal(ours, x)


@pytest.mark.parametrize("clipped", [True, False])
@pytest.mark.parametrize("steps", [1, 4])
def test_what_it_sees_at_first_follows_from_the_noise_that_it_sees(tmp_path, steps, clipped):
    """By the formula of the page: (x_t − σ ε̂) / α, clipped as the scheduler clips."""
    parts = denoiser_parts(1, num_train_timesteps=20, beta_schedule="linear", clip_sample=clipped)
    workspace, pull = stored(tmp_path, "ddpm", parts)
    times, x, clean = film(workspace, pull, steps=steps, seed=9)
    noise = torch.randn(4, 1, 8, 8, generator=generator(9))
    betas = torch.linspace(1e-4, 0.02, 20, dtype=torch.float64)
    alpha_squared = (1 - betas).prod()  # at the last of 20 times, where a trailing walk begins
    alpha, sigma = alpha_squared.sqrt(), (1 - alpha_squared).sqrt()
    with torch.inference_mode():
        seen = (noise - sigma * untrained_denoiser(1)(noise, 19).sample) / alpha
    assert times[0] == 20
    assert furthest(x[0], to_uint8((noise + 1) / 2)) <= 1
    assert furthest(clean[0], to_uint8(((seen.clamp(-1, 1) if clipped else seen) + 1) / 2)) <= 1
    if steps == 1:  # then what it sees is what it makes
        assert furthest(x[-1], clean[0]) <= 1


@pytest.mark.parametrize("sampler", ["DDIM", "DDPM"])
def test_the_same_walk_gives_the_same_bytes_and_another_seed_others(tmp_path, sampler):
    workspace, pull = stored(tmp_path, "ddpm", denoiser_parts(3))

    def bytes_of(seed: int) -> bytes:
        *_, last = Reversal(start=pull, sampler=sampler, steps=5, seed=seed).perform(workspace, {})
        return last.files["film.safetensors"]

    assert bytes_of(1) == bytes_of(1)
    assert bytes_of(1) != bytes_of(2)


def test_a_long_walk_is_told_by_its_moments_from_noise_to_picture(tmp_path):
    workspace, pull = stored(tmp_path, "ddpm", denoiser_parts(1))
    shown, x, clean = film(workspace, pull, steps=250, pictures=1)
    times = [*scheduler(json.loads(denoiser_parts(1)["scheduler.json"]), "DDIM", 250).timesteps]
    assert len(shown) == len(x) == len(clean) == FRAMES
    assert shown[0] == 1000
    assert shown[-1] == 0
    assert set(shown[:-1]) <= {int(t) + 1 for t in times}
    assert shown == sorted(set(shown), reverse=True)
    assert torch.equal(x[-1], clean[-1])


def test_no_more_steps_are_taken_than_the_model_has_times(tmp_path):
    workspace, pull = stored(tmp_path, "ddpm", denoiser_parts(1, num_train_timesteps=20))
    times, _, _ = film(workspace, pull, steps=50)
    assert times == list(range(20, -1, -1))


def test_a_walk_of_a_model_that_is_gone_says_so(tmp_path):
    workspace, pull = stored(tmp_path, "autoencoder", parts_of("autoencoder", autoencoder_files()))
    for start in (pull, pull.model_copy(update={"repo": "ada/other", "kind": "ddpm"})):
        with pytest.raises(HubError, match=r"download it again\.$"):
            list(Reversal(start=start).perform(workspace, {}))


def assert_same_network(ours: torch.nn.Module, theirs: torch.nn.Module) -> None:
    """To the bit, and without anything left of the building."""
    a, b = ours.state_dict(), theirs.state_dict()
    assert a.keys() == b.keys()
    for name, value in a.items():
        assert torch.equal(value, b[name]), name
        assert value.dtype == b[name].dtype
    configs = [{k: v for k, v in it.config.items() if k[0] != "_"} for it in (ours, theirs)]
    assert configs[0] == configs[1]
    assert not ours.training
    assert not any(weight.requires_grad or weight.is_meta for weight in ours.parameters())
    assert not any(value.is_meta for value in ours.buffers())


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("layout", ["unet", "root"])
def test_a_denoiser_is_that_of_diffusers_to_the_bit(tmp_path, layout, channels):
    from diffusers import UNet2DModel

    files = denoiser_files(channels, layout)
    for path, content in files.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_bytes(content)
    folder = tmp_path / "unet" if layout == "unet" else tmp_path
    theirs = UNet2DModel.from_pretrained(folder, use_safetensors=True)
    ours, _ = read_denoiser(parts_of("ddpm", files))
    assert_same_network(ours, theirs)
    x = torch.randn(2, channels, 8, 8, generator=generator(1))
    with torch.inference_mode():
        for t in (0, 500, 999):
            # Where weights begin in memory decides how they are summed, hence the last bits.
            torch.testing.assert_close(ours(x, t).sample, theirs(x, t).sample, atol=1e-5, rtol=0)
    assert picture_shape(ours) == (channels, 8, 8)


NEW_NAMES = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}


def as_of_2022(content):
    """Return weights under the names that attention had then."""
    weights = load(content)
    for new, old in NEW_NAMES.items():
        weights = {name.replace(f".{new}.", f".{old}."): value for name, value in weights.items()}
    return save(weights)


def test_a_checkpoint_of_2022_opens_as_diffusers_opens_it(tmp_path):
    from diffusers import UNet2DModel

    parts = denoiser_parts(3)
    config = json.loads(parts["network.json"])
    config |= {"attention_head_dim": None, "downsample_padding": 0, "freq_shift": 1}
    config |= {"flip_sin_to_cos": False}
    (tmp_path / "config.json").write_text(json.dumps(config))
    old = as_of_2022(parts["network.safetensors"])
    assert old != parts["network.safetensors"]
    (tmp_path / "diffusion_pytorch_model.safetensors").write_bytes(old)
    theirs = UNet2DModel.from_pretrained(tmp_path, use_safetensors=True)
    files = {"network.json": json.dumps(config).encode(), "network.safetensors": old}
    ours, _ = read_denoiser(parts | files)
    assert_same_network(ours, theirs)
    x = torch.randn(2, 3, 8, 8, generator=generator(1))
    with torch.inference_mode():
        torch.testing.assert_close(ours(x, 500).sample, theirs(x, 500).sample, atol=1e-5, rtol=0)


def test_one_weight_under_two_names_is_refused():
    parts = denoiser_parts(1)
    weights = load(parts["network.safetensors"])
    both = weights | load(as_of_2022(parts["network.safetensors"]))
    assert len(both) > len(weights)
    with pytest.raises(HubError, match="do not fit"):
        read_denoiser(parts | {"network.safetensors": save(both)})


def test_a_model_of_classes_makes_the_nth_picture_of_class_n(tmp_path):
    network = untrained_denoiser(1, num_class_embeds=3)
    network_parts = parts_of("autoencoder", saved((network, ".")))
    parts = denoiser_parts(1) | network_parts
    ours, _ = read_denoiser(parts)
    x = torch.randn(4, 1, 8, 8, generator=generator(1))
    with torch.inference_mode():
        theirs = network(x, 9, class_labels=torch.tensor([0, 1, 2, 0])).sample
        torch.testing.assert_close(noise(ours, x, 9), theirs, atol=1e-5, rtol=0)
    workspace, pull = stored(tmp_path, "ddpm", parts)
    assert film(workspace, pull, steps=2)[1].shape == (3, 4, 1, 8, 8)


def test_pictures_of_256_pixels_are_opened_and_their_time_is_told():
    network = untrained_denoiser(1, sample_size=256)
    parts = denoiser_parts(1) | parts_of("autoencoder", saved((network, ".")))
    ours, _ = read_denoiser(parts)
    assert picture_shape(ours) == (1, 256, 256)
    assert seconds_per_evaluation("ddpm", parts, CPU) > 0


@pytest.mark.parametrize(
    ("setting", "value", "reason"),
    [
        ("sample_size", 512, "sample_size has to be less than or equal to 256"),
        ("in_channels", 4, "in_channels has to be 1 or 3"),
        ("_class_name", "UNet2DConditionModel", "class_name has to be 'UNet2DModel'"),
        ("class_embed_type", "timestep", "class_embed_type has to be null"),
        ("layers_per_block", 3, "do not fit"),
    ],
)
def test_what_is_refused_is_refused_by_its_reason(setting, value, reason):
    parts = denoiser_parts(1)
    content = json.dumps(json.loads(parts["network.json"]) | {setting: value}).encode()
    with pytest.raises(HubError) as caught:
        read_denoiser(parts | {"network.json": content})
    assert reason in str(caught.value)
    assert_clear(str(caught.value))


@pytest.mark.parametrize(
    ("part", "content", "reason"),
    [
        ("network.json", b"{", "configuration is damaged"),
        ("network.json", b'{"_class_name": "UNet2DModel"}', "lacks its sample_size"),
        ("network.safetensors", b"\x80\x04.", "no safetensors"),
    ],
)
def test_what_is_damaged_is_said_to_be(part, content, reason):
    with pytest.raises(HubError) as caught:
        read_denoiser(denoiser_parts(1) | {part: content})
    assert reason in str(caught.value)
    assert_clear(str(caught.value))


def test_half_precision_is_read_as_the_numbers_that_it_holds():
    parts = denoiser_parts(1)
    weights = load(parts["network.safetensors"])
    for kind in (torch.float16, torch.bfloat16, torch.float64):
        rounded = {name: value.to(kind) for name, value in weights.items()}
        network, _ = read_denoiser(parts | {"network.safetensors": save(rounded)})
        for name, value in network.state_dict().items():
            assert value.dtype == torch.float32
            assert torch.equal(value, rounded[name].float())


def test_an_autoencoder_codes_and_decodes_as_diffusers_does(tmp_path):
    from diffusers import AutoencoderTiny

    for path, content in autoencoder_files().items():
        (tmp_path / path).write_bytes(content)
    theirs = AutoencoderTiny.from_pretrained(tmp_path, use_safetensors=True)
    ours = read_autoencoder(parts_of("autoencoder", autoencoder_files()))
    assert_same_network(ours, theirs)
    x = torch.rand(2, 3, 32, 24, generator=generator(2))
    with torch.inference_mode():
        z = codings(ours, x)
        assert z.shape == (2, 4, 8, 6)
        torch.testing.assert_close(z, theirs.encode(2 * x - 1).latents, atol=1e-5, rtol=0)
        again = decoded(ours, z)
        assert again.shape == x.shape
        output = (theirs.decode(z).sample / 2 + 0.5).clamp(0, 1)
        torch.testing.assert_close(again, output, atol=1e-5, rtol=0)
        assert 0 <= decoded(ours, 100 * z).min() <= decoded(ours, 100 * z).max() <= 1


def test_a_look_takes_time_for_a_denoiser_alone():
    assert 0 < seconds_per_evaluation("ddpm", denoiser_parts(1), CPU) < 5
    assert seconds_per_evaluation("run", run_files(), CPU) == 0


def test_a_published_run_read_back_makes_what_the_run_makes():
    run = small_run()
    back = read_run(parts_of("run", run_files()))
    assert back.spec == run.spec
    assert back.curve == run.curve
    assert back.provenance == run.provenance
    x = torch.rand(5, 1, *run.family.shape[1:], generator=generator(4))
    with torch.inference_mode():
        assert torch.equal(back.family.encode(x), run.family.encode(x))
        ours, theirs = back.family.preview(x, generator(1)), run.family.preview(x, generator(1))
        assert torch.equal(ours, theirs)
    assert [snapshot.figures for snapshot in back.snapshots] == [m.figures for m in run.snapshots]


# A stranger's files: small odd values here, giant ones below.
ODD = [None, -1, 0, 2.5, math.nan, "8", []]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["network", "scheduler", "autoencoder", "run"])
def test_no_odd_setting_does_worse_than_to_be_refused(name):
    """Whatever is read can also be used: else a student is shown a model that cannot be used."""
    kind, part, parts = fuzzed()[name]
    assert outcome(kind, parts) == "used"
    bad = {}
    for place in places(json.loads(parts[part])):
        for value in ODD:
            came = outcome(kind, parts | {part: changed(parts[part], place, value)})
            if came not in ("refused", "used"):
                bad.setdefault((".".join(place), came), []).append(value)
    assert bad == {}


NESTED = b"[" * 100_000
DOCUMENTS = [b"", b"{}", b"[]", b"1", b"null", b'"x"', b"\xff", NESTED, b"1" * 5000, b'{"a":NaN}']
FOREIGN_CLASSES = ["StableDiffusionPipeline", "UNet2DConditionModel", "AutoencoderKL", "os.system"]


@pytest.mark.parametrize("name", ["network", "scheduler", "autoencoder", "run"])
def test_no_odd_document_is_opened(name):
    kind, part, parts = fuzzed()[name]
    came = {content[:9]: outcome(kind, parts | {part: content}) for content in DOCUMENTS}
    for gone in parts:
        came[gone] = outcome(kind, {key: parts[key] for key in parts if key != gone})
    allowed = ("refused", "used") if name == "scheduler" else ("refused",)  # it has defaults
    assert {key: value for key, value in came.items() if value not in allowed} == {}
    if name in ("network", "autoencoder"):
        for foreign in FOREIGN_CLASSES:
            content = changed(parts[part], ("_class_name",), foreign)
            assert outcome(kind, parts | {part: content}) == "refused"


def headed(header: object, size: int = 0) -> bytes:
    """Return a safetensors file of that header and so many bytes of numbers."""
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + bytes(size)


def damages(content: bytes) -> dict[str, bytes]:
    """Return what may be wrong with a file of weights."""
    whole = load(content)
    first, *others = whole
    vast = {"dtype": "F32", "shape": [10**9, 10**9], "data_offsets": [0, 0]}
    overlapping = {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}
    return {
        "empty": b"",
        "a pickle": b"\x80\x04cos\nsystem\n(S'true'\ntR.",
        "cut": content[:-1],
        "longer": content + b"0",
        "half a header": content[:100],
        "a header without end": (10**12).to_bytes(8, "little") + content[8:],
        "no JSON": (8).to_bytes(8, "little") + b"\xff" * 8,
        "vast": headed({first: vast}),
        "overlapping": headed({"a": overlapping, "b": overlapping}, 4),
        "one is missing": save({name: whole[name] for name in others}),
        "one too many": save(whole | {"../../climbed": torch.zeros(1)}),
        "another shape": save(whole | {first: torch.zeros(3, 5)}),
        "flat": save({name: value.flatten() for name, value in whole.items()}),
    }


@pytest.mark.parametrize("kind", ["ddpm", "autoencoder", "run"])
def test_no_damaged_weights_are_opened(kind):
    name, part = ("run", "run.safetensors") if kind == "run" else (kind, "network.safetensors")
    _, _, parts = fuzzed()[{"ddpm": "network"}.get(name, name)]
    came = {
        damage: outcome(kind, parts | {part: content})
        for damage, content in damages(parts[part]).items()
    }
    assert {damage: it for damage, it in came.items() if it != "refused"} == {}


@pytest.mark.slow
def test_what_is_giant_costs_neither_time_nor_memory():
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.giants"],
        cwd=ROOT,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    outcomes = {name: rest for name, *rest in map(json.loads, done.stdout.splitlines())}
    assert len(outcomes) == sum(map(len, GIANTS.values())) + 1
    assert {name: it for name, it in outcomes.items() if it[0] not in ("refused", "used")} == {}
    assert {name: it for name, it in outcomes.items() if it[1] > 10 or it[2] > 500} == {}
