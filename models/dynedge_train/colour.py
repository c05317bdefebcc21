"""Colour operations on batches, float [B, 3, H, W] in 0..255."""

import math

import torch

LUMA = (0.299, 0.587, 0.114)  # ITU-R 601, as in Pillow
MAX_FACTOR = 0.9  # brightness, contrast, saturation, sharpness: 1 +- this, at strength 1
MAX_HUE = math.radians(60)
MAX_TINT = 0.3
MAX_BITS = 4  # that posterize takes away
LINEAR = 6  # brightness, contrast, saturation, hue, and two tints
CURVES = 5  # solarize, posterize, autocontrast, equalize, sharpness
UNIFORMS = 2 * (LINEAR + CURVES)


def signed(choice, value, probability: float, limit: float) -> torch.Tensor:
    """[B] uniform in -limit..limit, 0 where the operation is not chosen"""
    return torch.where(choice < probability, (2 * value - 1) * limit, 0.0)


def change(x: torch.Tensor, ops: float, strength: float, draw) -> torch.Tensor:
    """Each operation happens to each picture with probability `ops`; `strength` is 0..1.

    `draw()` gives uniform numbers [B]. -> x in 0..255
    """
    for curve in (solarize, posterize, autocontrast, equalize, sharpness):
        choice, value = draw(), draw()
        chosen = (choice < ops).nonzero()[:, 0]
        if len(chosen):
            amount = value[chosen].to(x.device).view(-1, 1, 1, 1)
            chosen = chosen.to(x.device)
            x.index_copy_(0, chosen, curve(x.index_select(0, chosen), amount, strength))
    limits = (MAX_FACTOR, MAX_FACTOR, MAX_FACTOR, MAX_HUE, MAX_TINT, MAX_TINT)
    amounts = torch.stack([signed(draw(), draw(), ops, limit * strength) for limit in limits])
    amounts = amounts.to(x.device)
    matrix, grey_share = linear(amounts)
    # Contrast moves every colour towards or away from the picture's mean grey.
    luma = torch.tensor(LUMA, device=x.device)
    grey = (x.mean((2, 3)) * luma).sum(1) * (1 + amounts[0])
    offset = (grey_share * grey)[:, None, None].expand(-1, 3, 1)
    changed = torch.baddbmm(offset, matrix, x.flatten(2))
    return changed.view(x.shape).clamp_(0, 255)


def linear(amounts: torch.Tensor):
    """amounts: [6, B] -> matrix [B, 3, 3], and the share [B] of mean grey to be added"""
    brightness, contrast, saturation, angle, red, blue = amounts[:, :, None, None]
    device = amounts.device
    identity = torch.eye(3, device=device)
    to_grey = torch.tensor(LUMA, device=device).expand(3, 3)
    matrix = (1 + brightness) * (1 + contrast) * identity
    matrix = (identity + saturation * (identity - to_grey)) @ matrix
    # Hue: rotation about the grey axis (Rodrigues).
    third = torch.full((3, 3), 1 / 3, device=device)
    cross = torch.tensor([[0, -1, 1], [1, 0, -1], [-1, 1, 0]], device=device) / math.sqrt(3)
    turn = third + angle.cos() * (identity - third) + angle.sin() * cross
    gains = torch.cat((1 + red, torch.ones_like(red), 1 + blue), 1)  # [B, 3, 1]
    return gains * (turn @ matrix), -amounts[1]


def solarize(x, amount, strength):
    """Inverts what is brighter than a threshold."""
    return torch.where(x > 255 * (1 - strength * amount), 255 - x, x)


def posterize(x, amount, strength):
    """Fewer grey levels: what Pillow does with whole bits, for any factor up to 16."""
    quantum = torch.exp2(MAX_BITS * strength * amount)
    return (x / quantum).floor_() * quantum


def autocontrast(x, amount, strength):
    """Blends with the picture whose channels are stretched to 0..255."""
    low, high = x.amin((2, 3), keepdim=True), x.amax((2, 3), keepdim=True)
    span = high - low
    stretched = torch.where(span < 1, x, (x - low) * (255 / span.clamp(min=1)))
    return torch.lerp(x, stretched, strength * amount)


def equalize(x, amount, strength):
    """Blends with the picture whose channels have flat histograms."""
    levels = x.round().long().flatten(2).flatten(0, 1).clamp_(0, 255)  # [3n, HW]
    counts = torch.zeros(len(levels), 256, device=x.device)
    counts.scatter_add_(1, levels, torch.ones((), device=x.device).expand(levels.shape))
    total = counts.cumsum(1)
    first = total.gather(1, levels.amin(1, keepdim=True))  # pixels of the darkest level
    span = levels.shape[1] - first
    same = torch.arange(256.0, device=x.device)
    table = torch.where(span < 1, same, (total - first) * 255 / span)
    return torch.lerp(x, table.gather(1, levels).view(x.shape), strength * amount)


def sharpness(x, amount, strength):
    """Away from the blurred picture, or towards it."""
    share = torch.full((len(x),), 0.25, device=x.device)
    blurred = blur(blur(x, share, 2), share, 3)
    return torch.lerp(x, blurred, MAX_FACTOR * strength * (1 - 2 * amount)).clamp_(0, 255)


def blur(x: torch.Tensor, share: torch.Tensor, dim: int, reach: int = 1) -> torch.Tensor:
    """Along `dim`: (1 - 2 share) x[i] + share (x[i - reach] + x[i + reach]), borders repeated.

    share: [B], 0..0.25; adds a variance of 2 share reach^2.
    """
    length = x.shape[dim]
    first, last = x.narrow(dim, 0, 1), x.narrow(dim, length - 1, 1)
    padded = torch.cat([first] * reach + [x] + [last] * reach, dim)
    neighbours = padded.narrow(dim, 0, length) + padded.narrow(dim, 2 * reach, length)
    return torch.lerp(x, neighbours.mul_(0.5), 2 * share.view(-1, 1, 1, 1))
