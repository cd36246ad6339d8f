"""What a discriminator loses that only guesses, and which losses make its output a probability."""

import math

import pytest
import torch

from genlib.adversarial.objectives import OBJECTIVES, guess_level


@pytest.mark.parametrize("loss", ["non-saturating", "minimax"])
def test_guessing_costs_the_discriminator_2_ln_2_and_no_constant_answer_costs_less(loss):
    critic, zero = OBJECTIVES[loss].critic, torch.zeros(3)
    torch.testing.assert_close(critic(zero, zero, 0.0), torch.full((3,), 2 * math.log(2)))
    answers = torch.linspace(-5, 5, 101)
    assert critic(answers, answers, 0.0).min() >= 2 * math.log(2) - 1e-6


@pytest.mark.parametrize(
    ("loss", "smoothing", "level"),
    [
        ("non-saturating", 0.0, 2 * math.log(2)),
        ("minimax", 0.0, 2 * math.log(2)),
        ("least squares", 0.0, 0.25),
        ("hinge", 0.0, 2.0),
        ("wasserstein", 0.0, 0.0),
        ("relativistic", 0.0, math.log(2)),
        ("least squares", 0.2, 0.16),  # both are 0.4: ½ 0.4² + ½ 0.4²
        ("non-saturating", 0.2, -0.8 * math.log(0.4) - 1.2 * math.log(0.6)),
    ],
)
def test_who_only_guesses_loses_what_the_loss_itself_says(loss, smoothing, level):
    assert guess_level(loss, smoothing) == pytest.approx(level, abs=1e-6)


def test_a_score_is_a_probability_where_the_best_discriminator_says_the_share_of_real_ones():
    """A place with three real pictures for each generated one: p = ¾, logit ln 3."""
    logits = torch.linspace(-5, 5, 10_001, dtype=torch.float64)
    nowhere = torch.full_like(logits, -60.0)
    for loss, objective in OBJECTIVES.items():
        real = objective.critic(logits, nowhere, 0.0)
        fake = objective.critic(-nowhere, logits, 0.0)
        best = logits[(3 * real + fake).argmin()]
        learned = best.item() == pytest.approx(math.log(3), abs=2e-3)
        assert learned == objective.probability, loss
