import re
import socket
from math import cos, pi, sin
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.integrate import quad
from scipy.spatial.transform import Rotation
from sklearn.datasets import load_digits

from genlib.data import DATASETS, DatasetUnavailableError, default_dataset, download_fraction
from genlib.data.catalogue import DEBIAN
from genlib.data.dataset import load, resized
from genlib.data.photographs import photographs
from genlib.data.points import ellipse
from genlib.family import to_float, to_uint8

here = pytest.mark.skipif(
    not DEBIAN.is_dir(), reason="needs Debian's package dataset-fashion-mnist"
)


@pytest.fixture
def no_network(monkeypatch):
    def refuse(*_):
        raise OSError("no network in this test")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@here
def test_fashion_mnist_is_split_as_the_book_splits_it():
    data = load("fashion_mnist")
    parts = {"train": 55_000, "validation": 5_000, "test": 10_000}
    for part, count in parts.items():
        images, labels = getattr(data, part), getattr(data, f"{part}_labels")
        assert images.shape == (count, 1, 28, 28)
        assert images.dtype == torch.uint8
        assert labels.shape == (count,)
        assert set(labels.tolist()) == set(range(10))
    every = torch.cat([data.train_labels, data.validation_labels])
    assert torch.equal(every.bincount(), torch.full((10,), 6_000))
    assert torch.equal(data.test_labels.bincount(), torch.full((10,), 1_000))


@here
def test_training_and_validation_are_the_file_in_order_so_no_picture_is_in_both():
    import gzip

    raw = gzip.decompress((DEBIAN / "train-images-idx3-ubyte.gz").read_bytes())
    file = np.frombuffer(raw, np.uint8, offset=16).reshape(60_000, 1, 28, 28)
    data = load("fashion_mnist")
    assert np.array_equal(torch.cat([data.train, data.validation]).numpy(), file)


def test_digits_are_scikit_learns():
    data, bunch = load("digits"), load_digits()
    images = torch.cat([data.train, data.validation, data.test])
    labels = torch.cat([data.train_labels, data.validation_labels, data.test_labels])
    assert np.allclose(to_float(images[:, 0]).numpy() * 16, bunch.images, atol=16 / 255 / 2)
    assert np.array_equal(labels.numpy(), bunch.target)
    assert images.min() == 0
    assert images.max() == 255
    assert len(data.test) == 300
    assert len(data.validation) == (len(images) - 300) // 12


@pytest.mark.parametrize("name", ["ellipse", "digits", pytest.param("fashion_mnist", marks=here)])
def test_what_is_said_of_a_data_set_is_so(name):
    data, source = load(name), DATASETS[name]
    assert data.shape == source.shape
    assert len(data.train) == source.pictures
    assert int(data.train_labels.max()) + 1 == len(source.classes)
    assert len(set(source.classes)) == len(source.classes)


@pytest.mark.parametrize("seed", [0, 1, 12_345])
def test_showcase_has_one_test_picture_of_each_class(seed):
    data = load("digits")
    assert data.test_labels[data.showcase(seed)].tolist() == list(range(10))


def test_showcase_changes_with_the_seed_and_repeats():
    data = load("digits")
    assert not torch.equal(data.showcase(0), data.showcase(1))
    assert torch.equal(data.showcase(1), data.showcase(1))


def test_moving_keeps_all():
    data = load("digits")
    moved = data.to(torch.device("cpu"))
    assert moved.name == data.name
    assert torch.equal(moved.train, data.train)
    assert moved.to(torch.device("meta")).test_labels.device.type == "meta"


def test_grey_levels_survive_the_round_trip():
    levels = torch.arange(256, dtype=torch.uint8)
    assert torch.equal(to_uint8(to_float(levels)), levels)
    assert to_uint8(torch.tensor([-1.0, 0.0, 0.5, 1.0, 7.0])).tolist() == [0, 0, 128, 255, 255]


def test_the_ellipse_is_sixty_points_in_space_and_the_same_each_time():
    data, before = load("ellipse"), torch.get_rng_state()
    assert data.train.shape == (60, 3, 1, 1)
    assert data.train.dtype == torch.float32
    assert torch.equal(data.train, ellipse(60, 0))
    assert torch.equal(data.validation, data.train)
    assert torch.equal(data.test, data.train)
    assert torch.equal(torch.get_rng_state(), before)
    assert not torch.equal(ellipse(60, 1), data.train)
    assert torch.equal(to_float(data.train), data.train)


def test_the_mean_and_covariance_of_the_ellipse_are_the_analytic_ones():
    """The angle is 2π(u³ + ½) with u uniform; then the turn, the shift and the noise."""

    def mean_of(value) -> float:
        return quad(lambda u: value(2 * pi * (u**3 + 0.5)), 0, 1)[0]

    across, along = mean_of(cos), mean_of(lambda a: sin(a) / 2)
    flat = np.diag([mean_of(lambda a: cos(a) ** 2) - across**2, 0, 0])
    flat[1, 1] = mean_of(lambda a: sin(a) ** 2 / 4) - along**2
    flat[0, 1] = flat[1, 0] = mean_of(lambda a: cos(a) * sin(a) / 2) - across * along
    turn = Rotation.from_rotvec([pi / 29, -pi / 20, pi / 4]).as_matrix()
    points = ellipse(200_000, 3)[:, :, 0, 0].double().numpy()
    mean = turn @ [across, along, 0] + [0.2, 0, 0.2]
    np.testing.assert_allclose(points.mean(0), mean, atol=0.01)
    covariance = turn @ flat @ turn.T + 0.28**2 * np.eye(3)
    np.testing.assert_allclose(np.cov(points.T), covariance, atol=0.01)


def test_all_points_of_the_ellipse_are_shown():
    data = load("ellipse")
    assert torch.equal(data.test[data.showcase()], data.test)
    assert torch.equal(data.showcase(7), data.showcase())


@pytest.mark.parametrize("name", ["mnist", "kmnist", "cifar10"])
def test_without_a_network_one_plain_sentence_says_what_to_do(home, no_network, name):
    with pytest.raises(DatasetUnavailableError) as caught:
        load(name)
    sentence = str(caught.value)
    assert sentence.startswith(DATASETS[name].title)
    assert "digits" in sentence
    assert "\n" not in sentence
    assert sentence.endswith(".")
    assert not re.search(r"Error|Traceback|http|/", sentence)


def test_a_download_that_failed_is_tried_again_and_is_not_called_complete(home, no_network):
    for _ in range(2):
        with pytest.raises(DatasetUnavailableError):
            load("kmnist")
    assert not list(home.rglob("complete"))
    assert download_fraction("kmnist") == 0


def test_download_fraction_is_the_share_of_bytes_on_the_disk(home: Path):
    folder = home / "data" / "KMNIST" / "raw"
    folder.mkdir(parents=True)
    with (folder / "part.gz").open("wb") as file:
        file.truncate(DATASETS["kmnist"].download_bytes // 4)
    assert download_fraction("kmnist") == 0.25
    with (folder / "more.gz").open("wb") as file:
        file.truncate(DATASETS["kmnist"].download_bytes)
    assert download_fraction("kmnist") == 1.0
    assert download_fraction("digits") is None


def test_the_default_needs_no_download(home):
    assert download_fraction(default_dataset()) is None


SHAPES = [(1, 8, 8), (1, 28, 28), (3, 32, 32), (3, 28, 28), (1, 5, 7)]


def noise(shape: tuple[int, int, int], count: int = 4) -> torch.Tensor:
    rng = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (count, *shape), generator=rng, dtype=torch.uint8)


@pytest.mark.parametrize("there", SHAPES)
@pytest.mark.parametrize("here", SHAPES)
def test_pictures_take_any_size_and_one_colour_stays_that_colour(here, there):
    images = noise(here)
    before = images.clone()
    assert resized(images, there).shape == (4, *there)
    assert resized(images, there).dtype == torch.uint8
    assert torch.equal(images, before)
    for level in (0, 77, 255):
        flat = torch.full((2, *here), level, dtype=torch.uint8)
        assert torch.equal(resized(flat, there), torch.full((2, *there), level).byte())


@pytest.mark.parametrize("shape", SHAPES)
def test_pictures_of_that_size_stay_as_they_are(shape):
    images = noise(shape)
    assert torch.equal(resized(images, shape), images)


def test_grey_becomes_the_same_level_of_every_colour_and_back():
    grey = noise((1, 9, 6))
    colour = resized(grey, (3, 9, 6))
    assert torch.equal(colour, grey.expand(-1, 3, -1, -1))
    assert torch.equal(resized(colour, (1, 9, 6)), grey)


def test_colours_are_averaged():
    colour = torch.tensor([30, 60, 240], dtype=torch.uint8).view(1, 3, 1, 1)
    assert resized(colour, (1, 1, 1)).item() == 110


@pytest.mark.parametrize("size", [4, 16, 28, 32])
def test_larger_and_smaller_pictures_are_as_bright_on_average(size):
    images = load("digits").test
    again = resized(images, (1, size, size)).float()
    assert again.mean() == pytest.approx(float(images.float().mean()), rel=0.03)


@pytest.mark.parametrize("size", [8, 28, 32])
def test_resizing_is_pillows_bilinear(size):
    images = noise((1, 16, 16))
    again = resized(images, (1, size, size))
    for ours, original in zip(again, images, strict=True):
        theirs = Image.fromarray(original[0].numpy()).resize((size, size), Image.BILINEAR)
        assert np.abs(np.asarray(theirs).astype(int) - ours[0].numpy()).max() <= 1


def test_photographs_keep_their_mean_colour():
    from sklearn.datasets import load_sample_images

    small = photographs(64)
    assert small.shape == (2, 3, 64, 64)
    assert 0 <= small.min() < small.max() <= 1
    for image, picture in zip(load_sample_images().images, small, strict=True):
        height, width, _ = image.shape
        left = (width - height) // 2
        mean = image[:, left : left + height].mean((0, 1)) / 255
        assert np.abs(mean - picture.mean((1, 2)).numpy()).max() < 0.01
