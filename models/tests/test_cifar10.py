"""Preprocessing of the training images and the interval of the report."""

import numpy as np
import pytest

from cifar10 import MEAN, STD, augment, normalise, upsample
from evaluate import wilson
from train import learning_rate, read_plan


def noise(count):
    return np.random.default_rng(1).integers(0, 256, (count, 32, 32, 3), dtype=np.uint8)


def test_upsample_by_two_mixes_neighbours_three_to_one():
    images = noise(2)
    doubled = upsample(images, 64)
    rows = images.astype(float)
    # Away from the border, pixel 2i+1 is 3/4 of i and 1/4 of i+1 on each axis.
    columns = 0.75 * rows[:, :, :-1] + 0.25 * rows[:, :, 1:]
    expected = 0.75 * columns[:, :-1] + 0.25 * columns[:, 1:]
    assert np.abs(doubled[:, 1:-1:2, 1:-1:2] - expected).max() <= 1


def test_augment_moves_and_mirrors_whole_images():
    images = noise(64)
    moved = augment(images, np.random.default_rng(2))
    assert moved.shape == images.shape and moved.dtype == np.uint8
    again = augment(images, np.random.default_rng(2))
    assert (moved == again).all() and (moved != images).any()
    padded = np.pad(images[0], ((4, 4), (4, 4), (0, 0)), mode="reflect")
    crops = [padded[t : t + 32, l : l + 32] for t in range(9) for l in range(9)]
    assert any((moved[0] == c).all() or (moved[0] == c[:, ::-1]).all() for c in crops)


def test_normalise_is_channel_first():
    image = np.full((1, 2, 3, 3), (0, 128, 255), dtype=np.uint8)
    values = normalise(image)
    assert values.shape == (1, 3, 2, 3)
    expected = (np.array((0, 128, 255)) / 255 - MEAN) / STD
    np.testing.assert_allclose(values[0, :, 1, 2], expected, rtol=1e-5)


def test_learning_rate_ends_at_zero():
    assert learning_rate(0.0) == 0
    assert learning_rate(1.0) == pytest.approx(0, abs=1e-12)
    # A numpy float here would make the checkpoint unreadable for weights_only loading.
    assert type(learning_rate(0.5)) is float


def test_plan_file(tmp_path):
    (tmp_path / "plan").write_text("32x2 64x1\n")
    assert read_plan(tmp_path / "plan") == [32, 32, 64]


def test_wilson_interval():
    # 8 of 10, published worked value 0.490 .. 0.943.
    assert wilson(8, 10) == pytest.approx((0.490, 0.943), abs=1e-3)
