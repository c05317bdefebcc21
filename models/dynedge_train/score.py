"""Logits of a network for a data set, and the shares they give."""

import torch

from .augment import plain
from .log import Progress

BATCH = 128


@torch.no_grad()
def logits_of(
    network, images, size: int, mean, std, shorter_side=0, device="cpu", title="validation"
):
    """images uint8 [N, S, S, 3] -> float32 [N, classes], on the CPU; the network in eval mode."""
    network.eval()
    parts = []
    with Progress(title, -(-len(images) // BATCH), unit="batch") as progress:
        for chunk in images.split(BATCH):
            x = plain(chunk, size, mean, std, shorter_side).to(device)
            parts.append(network(x).float().cpu())
            progress.step()
    return torch.cat(parts)


def top(logits, labels, k: int) -> int:
    """How many labels are among the k largest logits; of equal ones the lower class is first."""
    k = min(k, logits.shape[1])
    own = logits.gather(1, labels[:, None])
    before = torch.arange(logits.shape[1]) < labels[:, None]
    ahead = (logits > own) | ((logits == own) & before)
    # A logit that is not a number is never the answer.
    return int(((ahead.sum(1) < k) & own[:, 0].isfinite()).sum())


def evenly(count: int, wanted: int) -> torch.Tensor:
    """Indices of `wanted` of `count` pictures, evenly spread: sorted classes stay balanced."""
    if not 0 < wanted < count:
        return torch.arange(count)
    return torch.arange(wanted) * count // wanted
