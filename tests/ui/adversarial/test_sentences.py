"""What the pages of GANs say of their measurements follows from these."""

import pytest
import torch

from genlib.studies.health import Report
from genlib.studies.style_layers import DonorShares
from ui.adversarial import health, latent_arithmetic, style_study


@pytest.mark.parametrize(("share", "text"), [(0.3, "do not take over"), (0.8, "take over what")])
def test_what_is_drawn_is_handed_over_only_where_most_pictures_get_the_donors_class(share, text):
    donors = DonorShares(pictures=200, before=0.1, groups={"coarse": share, "fine": 0.12})
    sentence = style_study._donor_classes(donors)
    assert text in sentence
    assert f"{share:.0%} with coarse ones, 12% with fine ones" in sentence
    assert "10% had it by chance (200 pictures)" in sentence


def test_peaks_are_compared_with_those_of_the_same_network_before_training():
    untrained = {"AdaIN": [3.0, 5.0], "Modulation": [5.0, 5.0]}
    sentence = style_study._comparison({"AdaIN": [3.0, 5.5], "Modulation": [5.0, 5.0]}, untrained)
    assert "1.1 times those before training with AdaIN, and 1.0 times" in sentence
    assert "no droplet with AdaIN" in sentence
    sentence = style_study._comparison({"AdaIN": [9.0, 5.0], "Modulation": [5.5, 5.0]}, untrained)
    assert "3.0 times" in sentence
    assert "maps of AdaIN do stick out" in sentence


def test_the_rate_of_latent_arithmetic_stands_beside_that_of_chance():
    after, drawn = torch.tensor([3, 3, 1, 0]), torch.arange(10)
    sentence = latent_arithmetic.success(after, drawn, 3, "dress")
    assert "50% of 4 pictures below for dress" in sentence
    assert "drawn at random, 10%" in sentence


def report_of(twins: int) -> Report:
    support = 124_750 / twins if twins else float("inf")
    return Report(
        pictures=2000,
        findings=[],
        shares=[0.1] * 10,
        real_shares=[0.1] * 10,
        p_value=0.5,
        support=support,
        twins=twins,
        real_twins=1,
        to_training=3.78,
        real_to_training=3.48,
    )


def test_of_few_pairs_follows_only_how_many_pictures_there_are_at_least():
    assert "at least 14,000 different pictures." in health._memorization(report_of(3))
    assert "at least 34,000 different pictures." in health._memorization(report_of(0))
    assert "1,100 to 1,700 different pictures in all" in health._memorization(report_of(92))


def test_being_a_little_nearer_than_a_test_picture_is_not_called_copying():
    sentence = health._memorization(report_of(0))
    assert "3.78 from the nearest training picture, a test picture 3.48" in sentence
    assert "no sign of copying" in sentence
