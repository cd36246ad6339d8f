"""A captured step is a whole step: to the last bit, for every family and every knob.

The device is `fakegpu`: CUDA's rules without CUDA. There a captured step that reads the device,
draws from an unknown generator or bakes in what the host knows fails, or gives other bits.
"""

import pytest
import torch

from genlib.models import FAMILIES
from genlib.runs.spec import RunSpec
from tests.support.second_device import (
    EAGER,
    WARM_UP,
    each_knob_once,
    knobs,
    recipe_knobs,
    small,
    trained,
)

PRECISIONS = ("float32", "bfloat16")
PRESETS = [(name, preset) for name, entry in FAMILIES.items() for preset in entry.presets]
EVERY_KNOB = [(name, *knob) for name in FAMILIES for knob in knobs(FAMILIES[name].config_type)]
both_precisions = pytest.mark.parametrize("precision", PRECISIONS)


def check(spec: RunSpec, *, last: bool = False) -> None:
    eager, captured = (trained(spec, warm_up, last=last) for warm_up in (EAGER, WARM_UP))
    assert eager.keys() == captured.keys()
    different = [key for key, value in eager.items() if not torch.equal(value, captured[key])]
    assert different == []


@pytest.mark.parametrize("name", FAMILIES)
def test_every_family_steps_captured_as_it_does_eagerly(name):
    check(small(name))


@pytest.mark.gpu
@pytest.mark.slow
@both_precisions
@pytest.mark.parametrize(("name", "preset"), PRESETS)
def test_on_a_card_the_captured_step_has_the_losses_of_the_eager_one(name, preset, precision):
    """There sums round as they come, so the bits may differ."""
    spec, card = small(name, preset, train={"precision": precision}), torch.device("cuda", 0)
    eager, captured = (trained(spec, warm_up, card) for warm_up in (EAGER, WARM_UP))
    for key in eager:
        if key.startswith("curve.") and ".loss." in key:
            torch.testing.assert_close(captured[key], eager[key], rtol=0.02, atol=0.01)


@pytest.mark.slow
@both_precisions
@pytest.mark.parametrize(("name", "preset"), PRESETS)
def test_every_preset_steps_captured_as_it_does_eagerly(name, preset, precision):
    check(small(name, preset, train={"precision": precision}))


@pytest.mark.parametrize(("name", "field", "value"), each_knob_once())
def test_every_knob_is_in_the_captured_step(name, field, value):
    recipe = {"precision": "bfloat16", "optimizer": "adam"}
    check(small(name, model={field: value}, train=recipe), last=True)


@pytest.mark.slow
@both_precisions
@pytest.mark.parametrize(("name", "field", "value"), EVERY_KNOB)
def test_every_knob_of_every_family_is_in_the_captured_step(name, field, value, precision):
    recipe = {"precision": precision, "optimizer": "adam"}
    check(small(name, model={field: value}, train=recipe))


@pytest.mark.parametrize(("field", "value"), recipe_knobs())
def test_every_knob_of_the_recipe_is_in_the_captured_step(field, value):
    check(small("linear", train={field: value}))
