"""Augmentation of a whole batch at once, on whatever device holds it.

    augment = Augment(AugmentSettings(), mean, std)
    x = augment(images, 48, generator)              # training
    x = plain(images, 64, mean, std)                # evaluation

Every random number comes from the generator, so a run that restores its state goes on exactly.
Crop, flip, rotation, shear and translation are one affine sampling; brightness, contrast,
saturation, hue and tint are one matrix per picture, clamped once, at the end.
Defaults, 64 -> 48, batch of 64: 0.063 ms per picture on one thread of an AMD EPYC with AVX-512.
"""

import math
from dataclasses import dataclass, fields

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

from . import colour

MAX_ANGLE = math.radians(30)  # at geometry 1; RandAugment's ranges
MAX_SHEAR = 0.3
MAX_SHIFT = 0.3  # of the output's side
ERASE_AREA = (0.02, 0.25)  # of the output
ERASE_RATIO = (0.3, 3.3)  # width / height
MAX_TAP = 0.25  # [1 2 1] / 4 removes what the next pass, of twice the reach, would alias
NEGLIGIBLE = 1e-3  # variance, square pixels
UNIFORMS = 20 + colour.UNIFORMS  # random numbers per picture: crop 5, geometry 10, erasing 5


@dataclass(frozen=True)
class AugmentSettings:
    """What happens to training pictures. Throws ValueError for a value out of range."""

    crop_scale: tuple[float, float] = (0.35, 1.0)  # area of the crop, share of the picture
    crop_ratio: tuple[float, float] = (3 / 4, 4 / 3)  # its width / height
    flip: bool = True  # half of the pictures are mirrored
    ops: float = 0.15  # probability of each of the 16 operations below, picture by picture
    geometry: float = 0.5  # 0..1: strength of rotation, shears, translations
    colour: float = 0.5  # 0..1: strength of the eleven operations of colour.py
    erase: float = 0.0  # probability that a rectangle is blanked

    def __post_init__(self):
        for name, high in (("crop_scale", 1), ("crop_ratio", 10)):
            pair = getattr(self, name)
            ok = isinstance(pair, (tuple, list)) and len(pair) == 2 and all(map(is_number, pair))
            if not ok or not 0 < pair[0] <= pair[1] <= high:
                limits = f"0 < low <= high <= {high}"
                raise ValueError(f"{name} is {pair!r}, expected [low, high] with {limits}")
            object.__setattr__(self, name, tuple(map(float, pair)))
        if not isinstance(self.flip, bool):
            raise ValueError(f"flip is {self.flip!r}, expected true or false")
        for item in fields(self)[3:]:
            value = getattr(self, item.name)
            if not is_number(value) or not 0 <= value <= 1:
                raise ValueError(f"{item.name} is {value!r}, expected 0 to 1")


def is_number(value) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


class Augment:
    """Random crops, flips, geometry, colour and erasing, then (x / 255 - mean) / std."""

    def __init__(self, settings: AugmentSettings, mean, std):
        self.settings = settings
        self.mean, self.std = mean, std

    @torch.no_grad()
    def __call__(self, images: torch.Tensor, size: int, generator: torch.Generator):
        """images: uint8 [B, S, S, 3] -> float32 [B, 3, size, size] on the same device."""
        check_images(images)
        settings, device = self.settings, images.device
        draws = torch.rand(
            len(images), UNIFORMS, generator=generator, device=generator.device
        ).unbind(1)
        draw = iter(draws).__next__
        with torch.autocast(device.type, enabled=False):
            matrix = sampling_matrix(settings, draw)
            x = sample(images.permute(0, 3, 1, 2).float(), matrix, size)
            if settings.ops and settings.colour:
                x = colour.change(x, settings.ops, settings.colour, draw)
            x = normalise_(x, self.mean, self.std)
            if settings.erase:
                x *= ~boxes(*erased(settings.erase, draw), size, device)
        return x


def check_images(images: torch.Tensor) -> None:
    shape = tuple(images.shape)
    square = len(shape) == 4 and shape[1] == shape[2] and shape[3] == 3
    if images.dtype != torch.uint8 or not square:
        raise ValueError(f"images are {images.dtype} {shape}, expected uint8 (B, S, S, 3)")


def sampling_matrix(settings: AugmentSettings, draw) -> torch.Tensor:
    """-> [B, 2, 3]: where in the source a place of the output lies, both in -1..1, x first."""
    area, ratio, left, top, mirrored = (draw() for _ in range(5))
    low, high = settings.crop_scale
    area = low + (high - low) * area
    low, high = map(math.log, settings.crop_ratio)
    ratio = torch.exp(low + (high - low) * ratio)
    # A crop that sticks out of the picture is cut to fit, which changes its ratio.
    width, height = (area * ratio).sqrt().clamp(max=1), (area / ratio).sqrt().clamp(max=1)
    x, y = (1 - width) * (2 * left - 1), (1 - height) * (2 * top - 1)
    if settings.flip:
        width = torch.where(mirrored < 0.5, -width, width)
    turn = turned(settings, draw)  # output -> crop, both in -1..1
    rows = (width[:, None] * turn[:, 0], height[:, None] * turn[:, 1])
    matrix = torch.stack(rows, 1)
    matrix[:, 0, 2] += x
    matrix[:, 1, 2] += y
    return matrix


def turned(settings: AugmentSettings, draw) -> torch.Tensor:
    """-> [B, 2, 3]: rotation x shears x translation, each there with probability `ops`"""
    limits = (MAX_ANGLE, MAX_SHEAR, MAX_SHEAR, 2 * MAX_SHIFT, 2 * MAX_SHIFT)
    angle, shear_x, shear_y, shift_x, shift_y = (
        colour.signed(draw(), draw(), settings.ops, settings.geometry * limit)
        for limit in limits
    )
    cos, sin = angle.cos(), angle.sin()
    return torch.stack(
        (
            torch.stack((cos - sin * shear_y, cos * shear_x - sin, shift_x), 1),
            torch.stack((sin + cos * shear_y, sin * shear_x + cos, shift_y), 1),
        ),
        1,
    )


def sample(x: torch.Tensor, matrix: torch.Tensor, size: int) -> torch.Tensor:
    """Affine bilinear sampling with reflected borders; float [B, 3, S, S] -> [B, 3, size, size].

    Where a picture shrinks by a factor s, a triangle filter of half-width s is wanted, as
    Pillow's. Sampling gives half-width 1; a blur before it adds the missing variance,
    (s^2 - 1) / 6, along each axis of the source. Root mean square distance to Pillow's resize,
    64 -> 48 and 64 -> 32, on 100 Tiny-ImageNet pictures: 3.1 and 0.9 of 255; without: 5.7, 7.7.
    """
    step = matrix[:, :, :2].norm(dim=2) * (x.shape[-1] / size)  # [B, 2] source pixels, x and y
    variance = (step.square() - 1).clamp(min=0) / 6
    for axis, dim in ((0, 3), (1, 2)):
        missing, reach = variance[:, axis], 1
        while float(missing.max()) > NEGLIGIBLE and 2 * reach < x.shape[-1]:
            share = (missing / (2 * reach**2)).clamp(max=MAX_TAP)
            x = colour.blur(x, share.to(x.device), dim, reach)
            missing = missing - 2 * reach**2 * share
            reach *= 2
    grid = sampling_grid(matrix.to(x.device), size)
    return F.grid_sample(x, grid, "bilinear", "reflection", align_corners=False)


def sampling_grid(matrix: torch.Tensor, size: int) -> torch.Tensor:
    """F.affine_grid, without its matrix product: planes of x and y, seen as [B, size, size, 2]."""
    places = (torch.arange(size, device=matrix.device) * 2 + 1) / size - 1
    x_part = matrix[:, :, 0, None, None] * places
    y_part = (matrix[:, :, 1, None] * places + matrix[:, :, 2, None])[..., None]
    return (x_part + y_part).permute(0, 2, 3, 1)


def erased(probability: float, draw) -> tuple:
    """-> left, top, right, bottom [B] in 0..1; empty where nothing is to be erased"""
    chosen, area, ratio, x, y = (draw() for _ in range(5))
    area = ERASE_AREA[0] + (ERASE_AREA[1] - ERASE_AREA[0]) * area
    low, high = map(math.log, ERASE_RATIO)
    ratio = torch.exp(low + (high - low) * ratio)
    width, height = (area * ratio).sqrt().clamp(max=1), (area / ratio).sqrt().clamp(max=1)
    width = torch.where(chosen < probability, width, 0.0)
    left, top = (1 - width) * x, (1 - height) * y
    return left, top, left + width, top + height


def boxes(left, top, right, bottom, size: int, device) -> torch.Tensor:
    """Pixels whose centres lie in the boxes; -> bool [B, 1, size, size]"""
    left, top, right, bottom = torch.stack((left, top, right, bottom))[..., None].to(device)
    centres = (torch.arange(size, device=device) + 0.5) / size
    columns = (centres >= left) & (centres < right)
    rows = (centres >= top) & (centres < bottom)
    return (rows[:, :, None] & columns[:, None, :])[:, None]


def normalise_(x: torch.Tensor, mean, std) -> torch.Tensor:
    """(x / 255 - mean) / std in place, each step in float32; x: [B, 3, H, W]"""
    mean, std = (torch.tensor(v, dtype=torch.float32, device=x.device) for v in (mean, std))
    return x.div_(255).sub_(mean[:, None, None]).div_(std[:, None, None])


def plain(images: torch.Tensor, size: int, mean, std, shorter_side: int = 0) -> torch.Tensor:
    """uint8 [B, S, S, 3] -> float32 [B, 3, size, size]: framed, then (x / 255 - mean) / std."""
    images = framed(images, size, shorter_side)
    return normalise_(images.permute(0, 3, 1, 2).float().contiguous(), mean, std)


def framed(images: torch.Tensor, size: int, shorter_side: int = 0) -> torch.Tensor:
    """uint8 [B, S, S, 3] -> uint8 [B, size, size, 3]: resized to `shorter_side` (0: `size`) by
    Pillow's bilinear filter, as in the SDK, and cropped in the middle."""
    check_images(images)
    side = shorter_side or size
    if images.shape[1] != side:
        resized = (
            np.asarray(Image.fromarray(image).resize((side, side), Image.Resampling.BILINEAR))
            for image in images.cpu().numpy()
        )
        images = torch.from_numpy(np.stack(list(resized))).to(images.device)
    first = round((side - size) / 2)  # half to even, as torchvision's CenterCrop
    return images[:, first : first + size, first : first + size]
