"""Augmented pictures: moved, mirrored, blurred, noisy and mixed, as much as said and no more."""

import pytest
import torch
from scipy.ndimage import gaussian_filter
from torch.nn import functional as F

from genlib.augmentation import BLUR, MIXED, NOISE, SHIFT, blurred, corrupted, moved
from genlib.family import to_float
from genlib.rng import generator

COUNT = 2000
SIDES = 6, 7
PLACES = (2 * SHIFT + 1) ** 2


def shifts(image: torch.Tensor) -> list[torch.Tensor]:
    """Return a picture at each place that it may be moved to, black where it comes from."""
    height, width = SIDES
    padded = F.pad(image, [SHIFT] * 4)
    return [
        padded[:, top : top + height, left : left + width]
        for top in range(2 * SHIFT + 1)
        for left in range(2 * SHIFT + 1)
    ]


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("mirror", [False, True])
def test_a_moved_picture_is_moved_by_two_pixels_at_most_and_mirrored_only_if_asked(
    channels, mirror
):
    rng = generator(1)
    image = torch.randint(1, 256, (channels, *SIDES), dtype=torch.uint8, generator=rng)
    output = moved(image.expand(COUNT, -1, -1, -1), rng, mirror=mirror)
    assert output.shape == (COUNT, channels, *SIDES)
    allowed = shifts(image) + (shifts(image.flip(2)) if mirror else [])
    expected = {
        to_float(each.contiguous()).numpy().tobytes(): at for at, each in enumerate(allowed)
    }
    assert len(expected) == PLACES * (2 if mirror else 1), "no two are alike"
    seen = torch.tensor([expected[each.numpy().tobytes()] for each in output.contiguous()])
    counts = seen.bincount(minlength=len(expected))
    share = COUNT / len(expected)
    assert ((counts - share).abs() < 5 * share**0.5).all(), "each as often as any other"


def test_pictures_of_a_batch_are_moved_one_by_one():
    images = torch.randint(1, 256, (50, 1, *SIDES), dtype=torch.uint8, generator=generator(2))
    output = moved(images, generator(3), mirror=False)
    places = []
    for image, each in zip(images, output, strict=True):
        places.append([torch.equal(to_float(at), each) for at in shifts(image)].index(True))
    assert len(set(places)) > PLACES // 2
    again = moved(images, generator(3), mirror=False)
    assert torch.equal(output, again)


@pytest.mark.parametrize("deviation", [0.4, 1.0])
def test_a_blur_is_that_of_scipy_away_from_the_border(deviation):
    x = torch.rand(2, 1, 28, 28, generator=generator(4))
    output = blurred(x, torch.tensor([deviation, 0.0]))
    expected = gaussian_filter(x[0, 0].numpy(), deviation, truncate=12)
    torch.testing.assert_close(
        output[0, 0, 12:16, 12:16], torch.from_numpy(expected)[12:16, 12:16], rtol=0, atol=1e-3
    )
    torch.testing.assert_close(output[1], x[1], rtol=0, atol=1e-6)


def test_a_blurred_even_picture_stays_even_up_to_the_border():
    x = torch.full((3, 1, 9, 7), 0.6)
    torch.testing.assert_close(blurred(x, torch.tensor([0.1, 0.7, 3.0])), x)


def test_half_of_the_pictures_are_mixed_and_their_classes_by_the_same_share():
    classes = torch.eye(COUNT)
    x = torch.zeros(COUNT, 1, *SIDES)
    _, targets = corrupted(x, classes, generator(5))
    torch.testing.assert_close(targets.sum(1), torch.ones(COUNT))
    shares = 1 - targets.diagonal()
    torch.testing.assert_close(targets[range(1, COUNT), range(COUNT - 1)], shares[1:])
    assert float(shares.max()) <= MIXED
    assert float((shares > 0).float().mean()) == pytest.approx(0.5, abs=0.05)


def test_corrupted_pictures_stay_pictures_and_come_again_from_the_same_generator():
    x = torch.rand(500, 1, 28, 28, generator=generator(6))
    output, _ = corrupted(x, torch.eye(500), generator(7))
    again, _ = corrupted(x, torch.eye(500), generator(7))
    assert torch.equal(output, again)
    assert float(output.min()) >= 0
    assert float(output.max()) <= 1


def test_noise_and_blur_have_their_largest_strengths():
    """Of an even grey only noise is seen, of a single point only the blur's loss of its height."""
    grey = torch.full((2000, 1, 8, 8), 0.5)
    output, _ = corrupted(grey, torch.eye(2000), generator(8))
    deviations = output.flatten(1).std(1)
    assert float(deviations.max()) < 1.6 * NOISE
    assert float(deviations.max()) > 0.8 * NOISE
    sharpest = blurred(
        grey.new_zeros(1, 1, 28, 28).index_fill(2, torch.tensor(14), 1.0),
        torch.tensor([BLUR * 28]),
    )
    expected = torch.softmax(-torch.arange(-14.0, 14).square() / (2 * (BLUR * 28) ** 2), 0).max()
    assert float(sharpest[0, 0, 14, 14]) == pytest.approx(float(expected), rel=1e-4)
