"""Augmentation: where pixels come from, what colours become, and that a seed decides it all."""

import math

import numpy as np
import pytest
import torch
from PIL import Image, ImageEnhance, ImageOps

from dynedge_train import colour
from dynedge_train.augment import Augment, AugmentSettings, plain, sample, sampling_matrix

MEAN, STD = (0.48, 0.45, 0.40), (0.27, 0.26, 0.28)
WHOLE = dict(crop_scale=(1.0, 1.0), crop_ratio=(1.0, 1.0), flip=False, ops=0.0)


def noise(count, side, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (count, side, side, 3), dtype=torch.uint8, generator=generator)


def photographs(count, side):
    """Noise with the spectrum of photographs: most of it coarse."""
    coarse = (np.asarray(image) for image in noise(count, 12, 3).numpy())
    images = [
        np.asarray(Image.fromarray(image).resize((side, side), Image.Resampling.BICUBIC))
        for image in coarse
    ]
    return (torch.from_numpy(np.stack(images)) * 0.8 + noise(count, side, 4) * 0.2).to(torch.uint8)


def planes(images):
    return images.permute(0, 3, 1, 2).float()


def augmented(images, size, seed=0, **settings):
    augment = Augment(AugmentSettings(**settings), MEAN, STD)
    return augment(images, size, torch.Generator().manual_seed(seed))


def bytes_of(x):
    """Undoes the normalisation."""
    return (x * torch.tensor(STD).view(3, 1, 1) + torch.tensor(MEAN).view(3, 1, 1)) * 255


# plain


@pytest.mark.parametrize("side, size", [(64, 48), (32, 64), (17, 5), (48, 48)])
def test_plain_gives_pillows_bytes_and_the_sdks_floats(side, size):
    images = noise(3, side)
    found = plain(images, size, MEAN, STD)
    assert found.shape == (3, 3, size, size) and found.is_contiguous()
    for image, planes_found in zip(images.numpy(), found.numpy()):
        resized = Image.fromarray(image).resize((size, size), Image.Resampling.BILINEAR)
        scaled = np.asarray(resized).astype(np.float32) / np.float32(255)
        expected = (scaled - np.float32(MEAN)) / np.float32(STD)
        assert (planes_found == expected.transpose(2, 0, 1)).all()


@pytest.mark.parametrize(
    "images", [torch.zeros(2, 8, 8, 3), torch.zeros(2, 8, 9, 3).byte(), torch.zeros(8, 8, 3).byte()]
)
def test_other_tensors_are_refused(images):
    with pytest.raises(ValueError, match=r"expected uint8 \(B, S, S, 3\)"):
        plain(images, 8, MEAN, STD)
    with pytest.raises(ValueError, match=r"expected uint8 \(B, S, S, 3\)"):
        augmented(images, 8)


# The generator decides


def test_the_generators_state_decides_everything():
    images, before = noise(16, 32), noise(16, 32)
    augment = Augment(AugmentSettings(ops=0.5, erase=0.5), MEAN, STD)
    generator = torch.Generator().manual_seed(7)
    augment(images, 24, generator)
    state = generator.get_state()
    second = augment(images, 24, generator)
    third = augment(images, 24, generator)
    assert not torch.equal(second, third)
    torch.manual_seed(99)  # the global generator has no say
    generator = torch.Generator()
    generator.set_state(state)
    assert torch.equal(augment(images, 24, generator), second)
    assert torch.equal(augment(images, 24, generator), third)
    assert torch.equal(images, before)


def test_output_is_finite_contiguous_and_within_the_range_of_bytes():
    x = augmented(noise(64, 40), 32, ops=1.0, geometry=1.0, colour=1.0, erase=0.5)
    assert x.shape == (64, 3, 32, 32) and x.dtype == torch.float32 and x.is_contiguous()
    values = bytes_of(x)
    assert values.min() >= -1e-3 and values.max() <= 255.001
    assert all(picture.std() > 0 for picture in x)


# Geometry


def test_without_any_change_it_is_plain():
    images = noise(8, 32)
    assert torch.allclose(augmented(images, 32, **WHOLE), plain(images, 32, MEAN, STD), atol=1e-4)


def test_flip_mirrors_about_half_of_the_pictures():
    images = noise(64, 16)
    expected = plain(images, 16, MEAN, STD)
    found = augmented(images, 16, **{**WHOLE, "flip": True})
    straight = ((found - expected).abs().amax((1, 2, 3)) < 1e-3).sum()
    mirrored = ((found - expected.flip(3)).abs().amax((1, 2, 3)) < 1e-3).sum()
    assert straight + mirrored == 64 and 16 < mirrored < 48


def ramp(count, side):
    """Red is the column, green the row."""
    columns = torch.arange(side, dtype=torch.uint8).expand(side, side)
    image = torch.stack((columns, columns.T, torch.zeros_like(columns)), 2)
    return image.expand(count, side, side, 3).contiguous()


def test_crops_are_windows_of_the_wanted_area_and_ratio():
    side, size = 128, 32
    settings = {**WHOLE, "crop_scale": (0.1, 0.3), "crop_ratio": (0.75, 4 / 3)}
    values = bytes_of(augmented(ramp(256, side), size, **settings))
    red, green = values[:, 0], values[:, 1]
    assert red.diff(dim=1).abs().max() < 1e-2 and green.diff(dim=2).abs().max() < 1e-2
    across, down = red[:, 0].diff(dim=1), green[:, :, 0].diff(dim=1)
    # Steps are even but where the border repeats, at the first and last half pixel.
    width, height = across.median(1).values * size, down.median(1).values * size
    assert (across[:, 1:-1] - across.median(1, keepdim=True).values).abs().max() < 0.5
    area, ratio = width * height / side**2, width / height
    assert area.min() > 0.099 and area.max() < 0.301 and area.max() - area.min() > 0.15
    assert ratio.min() > 0.749 and ratio.max() < 1.334 and ratio.max() - ratio.min() > 0.4
    left = red[:, 0, size // 2] - width / 2
    assert left.min() > -2 and (left + width).max() < side + 1
    assert left.min() < 8 and (left + width).max() > side - 8  # all the way to both borders


def test_matrix_of_a_crop():
    settings = AugmentSettings(crop_scale=(0.25, 0.25), crop_ratio=(1, 1), ops=0)
    # area, ratio, left, top, mirrored: the upper right quarter, mirrored
    values = [torch.tensor([v]) for v in (0.5, 0.5, 1.0, 0.0, 0.1)] + [torch.tensor([0.9])] * 10
    matrix = sampling_matrix(settings, iter(values).__next__)
    assert torch.allclose(matrix, torch.tensor([[[-0.5, 0, 0.5], [0, 0.5, -0.5]]]))


def matrix_of(rows, count):
    return torch.tensor([rows]).expand(count, 2, 3).contiguous()


def test_sampling_turns_and_moves():
    x = planes(noise(2, 16))
    quarter = sample(x, matrix_of([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0]], 2), 16)
    assert torch.allclose(quarter, torch.rot90(x, 1, (2, 3)), atol=0.05)
    moved = sample(x, matrix_of([[1.0, 0.0, 4 * 2 / 16], [0.0, 1.0, 0.0]], 2), 16)
    assert torch.allclose(moved[..., :12], x[..., 4:], atol=0.05)
    assert torch.allclose(moved[..., 12:], x[..., 12:].flip(3), atol=0.05)  # reflected


def test_geometry_keeps_within_its_limits():
    draws = torch.rand(15, 4000, generator=torch.Generator().manual_seed(1))
    draws[4] = 1  # no mirror
    settings = AugmentSettings(**{**WHOLE, "ops": 0.5, "geometry": 1.0})
    matrix = sampling_matrix(settings, iter(draws).__next__)
    corners = matrix[:, :, 2].abs()
    assert corners.max() <= 0.6 and corners.max() > 0.59
    unmoved = (corners == 0).float().mean(0)
    assert ((unmoved - 0.5).abs() < 0.05).all()
    untouched = (matrix == torch.eye(3)[:2]).all(2).all(1).float().mean()
    assert abs(untouched - 0.5**5) < 0.01
    turns = torch.atan2(matrix[:, 1, 0], matrix[:, 0, 0])  # of the horizontal, by angle and shear
    assert turns.abs().max() <= math.radians(30) + math.atan(0.3) + 1e-4
    assert turns.max() > 0.5 and turns.min() < -0.5


@pytest.mark.parametrize("size, limit", [(48, 0.7), (40, 0.5), (32, 0.25), (24, 0.25), (12, 0.25)])
def test_shrinking_is_as_smooth_as_pillows(size, limit):
    images = photographs(16, 64)
    x = planes(images)
    matrix = matrix_of([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]], 16)
    wanted = bytes_of(plain(images, size, MEAN, STD))
    places = torch.nn.functional.affine_grid(matrix, (16, 3, size, size), align_corners=False)
    pointwise = torch.nn.functional.grid_sample(x, places, align_corners=False)
    distances = [(y - wanted).square().mean().sqrt() for y in (sample(x, matrix, size), pointwise)]
    assert distances[0] < limit * distances[1]


def test_blur_keeps_the_mean_and_adds_the_stated_variance():
    x = torch.zeros(2, 3, 33, 33)
    x[:, :, 16, 16] = 1
    blurred = colour.blur(x, torch.tensor([0.2, 0.0]), 3, 4)
    row = blurred[0, 0, 16]
    places = torch.arange(33.0) - 16
    assert row.sum() == pytest.approx(1) and (row * places).sum() == pytest.approx(0)
    assert (row * places**2).sum() == pytest.approx(2 * 0.2 * 4**2)
    assert torch.equal(blurred[1], x[1])
    flat = torch.full((1, 3, 9, 9), 7.0)
    assert torch.allclose(colour.blur(flat, torch.tensor([0.25]), 2, 3), flat)


# Colour, against Pillow


def pillow(images, change):
    changed = [np.asarray(change(Image.fromarray(image))) for image in images.numpy()]
    return planes(torch.from_numpy(np.stack(changed)))


def amount(value):
    return torch.full((4, 1, 1, 1), value)


@pytest.mark.parametrize(
    "curve, value, change, tolerance",
    [
        (colour.solarize, 0.5, lambda image: ImageOps.solarize(image, 128), 0),
        (colour.posterize, 0.5, lambda image: ImageOps.posterize(image, 6), 0),
        (colour.posterize, 1.0, lambda image: ImageOps.posterize(image, 4), 0),
        (colour.autocontrast, 1.0, ImageOps.autocontrast, 1.01),  # Pillow rounds down
        (colour.equalize, 1.0, ImageOps.equalize, 6),  # Pillow divides whole numbers
        (colour.equalize, 0.0, lambda image: image, 0),
    ],
)
def test_curves(curve, value, change, tolerance):
    images = photographs(4, 96) // 2 + 40
    found = curve(planes(images), amount(value), 1.0)
    assert (found - pillow(images, change)).abs().max() <= tolerance


@pytest.mark.parametrize("curve", [colour.autocontrast, colour.equalize])
def test_a_picture_of_one_colour_stays_as_it_is(curve):
    x = torch.full((4, 3, 8, 8), 77.0)
    assert torch.equal(curve(x, amount(1.0), 1.0), x)


def test_sharpness_goes_both_ways():
    x = planes(photographs(4, 24))
    blurred, sharper = (colour.sharpness(x, amount(v), 1.0) for v in (0.0, 1.0))
    assert blurred.diff(dim=3).std() < 0.8 * x.diff(dim=3).std() < 0.8 * sharper.diff(dim=3).std()
    assert torch.equal(colour.sharpness(x, amount(0.5), 1.0), x)


def recoloured(images, **amounts):
    names = ("brightness", "contrast", "saturation", "hue", "red", "blue")
    values = iter([amounts.get(name, 0.0) for name in names])
    limits = (*[colour.MAX_FACTOR] * 3, colour.MAX_HUE, *[colour.MAX_TINT] * 2)
    pairs = [(0.0, (next(values) / limit + 1) / 2) for limit in limits]
    chosen = iter([1.0] * 10 + [number for pair in pairs for number in pair])
    return colour.change(
        planes(images), 0.5, 1.0, lambda: torch.full((len(images),), next(chosen))
    )


@pytest.mark.parametrize(
    "name, enhance",
    [
        ("brightness", ImageEnhance.Brightness),
        ("contrast", ImageEnhance.Contrast),
        ("saturation", ImageEnhance.Color),
    ],
)
@pytest.mark.parametrize("factor", [0.3, 1.0, 1.7])
def test_linear_changes(name, enhance, factor):
    images = photographs(4, 24)
    found = recoloured(images, **{name: factor - 1})
    assert (found - pillow(images, lambda image: enhance(image).enhance(factor))).abs().max() < 2


def test_hue_turns_the_colours_and_keeps_their_sum():
    images = photographs(4, 24) // 2 + 60
    found = recoloured(images, hue=math.radians(40))
    assert torch.allclose(found.sum(1), planes(images).sum(1), atol=0.01)
    identity = torch.zeros(6, 1)
    identity[3] = math.radians(120)
    matrix, _ = colour.linear(identity)
    assert torch.allclose(matrix[0] @ torch.tensor([1.0, 2.0, 3.0]), torch.tensor([3.0, 1.0, 2.0]))


def test_tint_scales_red_and_blue():
    images = photographs(4, 24) // 2
    found = recoloured(images, red=0.2, blue=-0.1)
    gains = torch.tensor([1.2, 1.0, 0.9]).view(3, 1, 1)
    assert torch.allclose(found, planes(images) * gains, atol=0.01)


def test_ops_is_the_share_of_pictures_that_an_operation_changes():
    images = (photographs(1, 16) // 2 + 60).expand(2000, -1, -1, -1)
    x = augmented(images, 16, **{**WHOLE, "ops": 0.1, "geometry": 0.0, "colour": 1.0})
    changed = (x - plain(images[:1], 16, MEAN, STD)).abs().amax((1, 2, 3)) > 1e-3
    assert abs(changed.float().mean() - (1 - 0.9**11)) < 0.04


# Erasing


def test_erased_rectangles_have_the_mean_colour():
    images = noise(300, 32)
    x = augmented(images, 32, **{**WHOLE, "erase": 0.5})
    kept = x == plain(images, 32, MEAN, STD)
    near = (x - plain(images, 32, MEAN, STD)).abs() < 1e-4
    gone = (x == 0).all(1)
    assert (near.all(1) | gone).all() and kept.any()
    shares = gone.float().mean((1, 2))
    assert abs((shares > 0).float().mean() - 0.5) < 0.1
    assert shares.max() <= 0.27 and shares.max() > 0.2
    for mask in gone[shares > 0]:
        rows, columns = mask.any(1).sum(), mask.any(0).sum()
        assert mask.sum() == rows * columns  # one rectangle


# Settings


@pytest.mark.parametrize(
    "name, value",
    [
        ("crop_scale", (0.0, 1.0)),
        ("crop_scale", (0.5, 1.1)),
        ("crop_scale", (0.9, 0.5)),
        ("crop_scale", 0.5),
        ("crop_ratio", (1.0,)),
        ("crop_ratio", ("a", 1.0)),
        ("crop_ratio", (1.0, math.inf)),
        ("flip", 1),
        ("ops", -0.1),
        ("ops", math.nan),
        ("geometry", 1.5),
        ("colour", True),
        ("erase", "0.5"),
    ],
)
def test_settings_out_of_range(name, value):
    with pytest.raises(ValueError, match=f"{name} is .*expected"):
        AugmentSettings(**{name: value})


def test_settings_take_lists_and_stay_equal():
    assert AugmentSettings(crop_scale=[0.35, 1]) == AugmentSettings()
