"""Mixup and cutmix: pictures of a batch, mixed in pairs."""

from dataclasses import dataclass

import numpy as np
import torch


@dataclass(frozen=True)
class MixSettings:
    """Throws ValueError for a value out of range."""

    mixup: float = 0.0  # probability per batch
    cutmix: float = 0.0  # probability per batch
    mixup_alpha: float = 0.2  # of the beta distribution that the shares are drawn from
    cutmix_alpha: float = 1.0

    def __post_init__(self):
        for name in ("mixup", "cutmix"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} is {getattr(self, name)!r}, expected 0 to 1")
            alpha = f"{name}_alpha"
            if not 0 < getattr(self, alpha) <= 100:
                raise ValueError(f"{alpha} is {getattr(self, alpha)!r}, expected above 0, to 100")
        if self.mixup + self.cutmix > 1:
            total = f"{self.mixup} + {self.cutmix}"
            raise ValueError(f"mixup + cutmix is {total}, expected 1 at most")


@torch.no_grad()
def mix(x: torch.Tensor, labels: torch.Tensor, settings: MixSettings, generator):
    """Mixup, cutmix or neither, for the whole batch: picture i with picture B - 1 - i.

    x: float [B, 3, H, W], labels: int64 [B], in random order; `generator` on the CPU.
    -> x, first, second int64 [B], share float [B] of `first` in each picture's target;
    the loss is the mean of share * loss(first) + (1 - share) * loss(second).
    """
    batch, device = len(x), x.device
    choice = float(torch.rand((), generator=generator))
    if choice >= settings.mixup + settings.cutmix:
        return x, labels, labels, torch.ones(batch, device=device)
    cut = choice >= settings.mixup
    # torch draws from no beta distribution with a generator.
    rng = np.random.default_rng(int(torch.randint(2**62, (), generator=generator)))
    alpha = settings.cutmix_alpha if cut else settings.mixup_alpha
    share = torch.from_numpy(rng.beta(alpha, alpha, batch).astype(np.float32))
    other = x.flip(0)
    if cut:
        side = (1 - share).sqrt()
        left, top = (1 - side) * torch.from_numpy(rng.random((2, batch), dtype=np.float32))
        columns = inside(left, left + side, x.shape[3])
        rows = inside(top, top + side, x.shape[2])
        box = (rows[:, :, None] & columns[:, None, :])[:, None]
        share = 1 - box.float().mean((1, 2, 3))  # whole pixels
        x = torch.where(box.to(device), other, x)
    else:
        x = torch.lerp(other, x, share.view(-1, 1, 1, 1).to(device))
    return x, labels, labels.flip(0), share.to(device)


def inside(low: torch.Tensor, high: torch.Tensor, count: int) -> torch.Tensor:
    """low, high [B] in 0..1 -> bool [B, count]: pixel centres between them"""
    centres = (torch.arange(count) + 0.5) / count
    return (centres >= low[:, None]) & (centres < high[:, None])
