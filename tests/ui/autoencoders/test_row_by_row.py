"""What the recurrent lesson measures of rows that were not read yet, and of rows read long ago."""

import numpy as np
import pytest
import torch

from genlib.data.dataset import load
from genlib.family import to_float
from tests.support.studied import trained
from ui.autoencoders import row_by_row


def test_the_error_of_unread_rows_is_that_of_what_is_written_from_the_first_rows_alone():
    run = trained("recurrent", epochs=2, codings=6)
    data = load("digits")
    x, mean = to_float(data.test[:50]), to_float(data.train).mean(0)
    errors = row_by_row.unread_errors(run.family, x, mean)
    assert len(errors.model) == len(errors.mean_picture) == 7
    for rows in (1, 4, 7):
        written = run.family.decode(run.family.encode(x[:, :, :rows]))
        expected = float((written[:, :, rows:] - x[:, :, rows:]).square().mean())
        assert errors.model[rows - 1] == pytest.approx(expected, rel=1e-4)
    other = ((mean - x)[:, :, 4:] ** 2).numpy().mean()
    assert errors.mean_picture[3] == pytest.approx(other, rel=1e-4)
    assert np.isfinite(errors.model).all()


def test_a_copy_of_the_lower_half_alone_errs_in_the_upper_half_like_the_mean_picture():
    x = torch.rand(20, 1, 9, 4)
    mean = x.mean(0)
    x_hat = x.clone()
    x_hat[:, :, :4] = mean[:, :4]
    upper, lower = row_by_row.error_by_half(x_hat, x, mean)
    assert upper == pytest.approx(1)
    assert lower == 0
