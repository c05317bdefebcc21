"""First ranges: those of the smallest mean square error on the values that float32 computes."""

import torch

VALUES = 1 << 14  # of a tensor that are looked at
SHARES = torch.linspace(1, 0.25, 61)  # of the range from smallest to largest value


def sample(x: torch.Tensor) -> torch.Tensor:
    """VALUES values of x, evenly spread, and its smallest and largest."""
    flat = x.detach().flatten()
    chosen = torch.linspace(0, len(flat) - 1, min(VALUES, len(flat))).long()
    return torch.cat((flat[chosen], torch.stack((flat.min(), flat.max()))))


def fit(values: torch.Tensor, top: int, starts_at_zero: bool) -> tuple[float, int]:
    """-> scale, zero point"""
    low = 0.0 if starts_at_zero else min(float(values.min()), 0.0)
    width = max(float(values.max()), 0.0) - low
    if width <= 0:
        return 1 / top, 0  # a dead tensor
    zero = round(-low / width * top)
    scales = (width / top * SHARES)[:, None]
    stored = torch.clamp(torch.round(values / scales) + zero, 0, top)
    errors = ((stored - zero) * scales - values).square().mean(1)
    return float(scales[errors.argmin(), 0]), zero


@torch.no_grad()
def calibrate(ranges, samples: dict[str, torch.Tensor]) -> None:
    """Sets `ranges` (ranges.Ranges) by samples of every tensor."""
    for index, group in enumerate(ranges.groups):
        values = torch.cat([samples[tensor] for tensor in group])
        if ranges.starts_at_zero(group):
            values = values.clamp(min=0)
        scale, zero = fit(values, ranges.top, ranges.starts_at_zero(group))
        ranges.log_scale[index] = torch.tensor(scale).log()
        ranges.zero[index] = zero
