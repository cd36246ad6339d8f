"""Beside runs stands every setting in which they differ, and none in which they do not."""

import pytest

from genlib.models import FAMILIES
from genlib.runs.spec import RunSpec
from ui.runs.side_by_side import apart


@pytest.mark.parametrize("family", FAMILIES)
def test_all_settings_that_differ_are_named_with_their_values(family: str):
    specs = [RunSpec.of_preset(family, preset) for preset in FAMILIES[family].presets]
    sentence = apart(specs)
    for part in ("model", "train"):
        settings = [getattr(spec, part) for spec in specs]
        for name, field in type(settings[0]).model_fields.items():
            values = [getattr(each, name) for each in settings]
            row = f" {field.title} " in sentence.replace(":", ": ").replace(";", "; ")
            if len({str(value) for value in values}) > 1:
                assert row, name
    assert sentence.count(" | ") % (len(specs) - 1) == 0


def test_one_change_is_one_setting_and_no_change_is_none():
    spec = RunSpec.of_preset("vae")
    other = spec.model_copy(update={"model": spec.model.model_copy(update={"beta": 4.0})})
    assert apart([spec, other, spec]).endswith("right: β 1 | 4 | 1.")
    assert apart([spec, spec]) == "No setting differs."
