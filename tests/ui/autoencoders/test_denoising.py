"""What the denoising lesson says of quality holds with noise, and without."""

import numpy as np
import pytest
import streamlit as st
import torch

from genlib.data.dataset import load
from genlib.family import to_float, to_uint8
from genlib.headlines import decibels, psnr
from genlib.models import FAMILIES
from genlib.plots import picture_grid
from genlib.rng import generator
from tests.support.studied import trained
from ui.autoencoders import denoising
from ui.runs import preview
from ui.widgets.film import Film


def test_no_quality_is_said_of_a_denoiser_that_was_given_clean_pictures():
    headline = FAMILIES["denoising"].headline
    clean = headline(trained("denoising", epochs=1, level=0.0).provenance.metrics)
    assert "dB" not in clean
    noisy = headline(trained("denoising", epochs=1).provenance.metrics)
    assert noisy.count("dB") == 2


def test_pictures_that_are_rounded_to_grey_levels_are_the_same_and_others_are_not():
    x = torch.rand(40, 1, 28, 28, generator=generator(0), dtype=torch.float64)
    rounding = float((to_float(to_uint8(x)).double() - x).square().mean())
    assert decibels(0.99 * rounding) == "the same picture"
    assert decibels(1.1 * rounding) == f"{psnr(1.1 * rounding):.1f} dB"


def test_the_levels_of_the_lead_are_those_at_which_the_model_errs_less():
    levels = np.array(denoising.LEVELS)
    own = np.linspace(20, 10, len(levels))
    linear = np.full(len(levels), 15.0)
    better = levels[own > linear]
    assert 0 < len(better) < len(levels)
    sentence = denoising._lead(levels, own, linear)
    assert sentence.endswith(", ".join(f"{level:g}" for level in better) + ".")
    assert "none" in denoising._lead(levels, own, own), "a tie is no lead"


def test_clean_test_pictures_stand_above_the_corrupted_and_the_restored_ones(
    monkeypatch: pytest.MonkeyPatch,
):
    st.cache_data.clear()
    films = list[Film]()
    monkeypatch.setattr(preview, "film", lambda shown, *_: films.append(shown))
    run, data = trained("denoising", epochs=1), load("digits")
    last = run.snapshots[-1]
    preview.draw(run.spec, data, [last])
    parts = data.test[data.showcase()], *last.images.split(10)
    rows = [part[start : start + 5].numpy() for start in (0, 5) for part in parts]
    assert len(rows) == 6
    (panel,) = films[0].panels.values()
    assert np.array_equal(panel[0], picture_grid(np.stack(rows), 1)[..., :1])
