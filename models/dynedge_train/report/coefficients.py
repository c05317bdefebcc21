"""How much a trained dynamic network uses its coefficients.

    python -m dynedge_train.report.coefficients WEIGHTS.safetensors --data DIR [--images N]

For every block: the mean coefficient, and how far it varies from picture to picture (standard
deviation over pictures, mean over channels and kernels). Then the accuracy with every coefficient
frozen at its mean over training pictures: a network whose kernels no longer depend on the picture.
"""

import argparse
import sys
from pathlib import Path

import torch

from dynedge_torch import set_form
from dynedge_torch.layers import Coefficients

from ..checkpoint import CheckpointError
from ..data import DataError, open_dataset
from ..evaluate import load_weights
from ..log import write_json
from ..score import evenly, logits_of, top


class Recorder:
    """Sums of the coefficients of every block, over the pictures that pass."""

    def __init__(self, network):
        self.blocks = {
            name: module for name, module in network.named_modules() if isinstance(module, Coefficients)
        }
        self.sums = {}

    def listen(self):
        return [
            module.register_forward_hook(lambda _, __, eta, name=name: self.add(name, eta))
            for name, module in self.blocks.items()
        ]

    def add(self, name: str, etas) -> None:
        values = torch.stack(tuple(etas), 1).double()  # [B, convolutions, C, g]
        count, total, squares = self.sums.get(name, (0, 0.0, 0.0))
        self.sums[name] = (count + len(values), total + values.sum(0), squares + (values**2).sum(0))

    def mean(self, name: str) -> torch.Tensor:
        count, total, _ = self.sums[name]
        return total / count

    def rows(self) -> list[dict]:
        rows = []
        for name, (count, _, squares) in self.sums.items():
            mean = self.mean(name)
            deviation = (squares / count - mean**2).clamp(min=0).sqrt()
            spread = mean.std(-1, correction=0)  # among the g kernels of a channel
            block = name.removesuffix(".coef")
            values = dict(mean=mean, over_pictures=deviation, over_kernels=spread)
            rows.append(dict(block=block) | {key: round(v.mean().item(), 4) for key, v in values.items()})
        return rows

    def freeze(self):
        """Every block answers with its mean, whatever the picture."""

        def answer(name):
            means = self.mean(name).float().unbind(0)
            return lambda _, __, etas: tuple(
                mean.expand_as(eta) for mean, eta in zip(means, etas, strict=True)
            )

        return [m.register_forward_hook(answer(name)) for name, m in self.blocks.items()]


def study(weights, data, images: int, stored: int | None = None) -> dict:
    """-> {"blocks": rows, "top1": share, "top1_frozen": share, "n": pictures}"""
    network, facts = load_weights(weights)
    recorder = Recorder(set_form(network.eval(), "batched"))
    if not recorder.blocks:
        raise CheckpointError(f"{weights}: {facts['network']} has no dynamic convolutions")
    size, side = facts["input_size"], facts["shorter_side"]
    train, val = (open_dataset(data, split, stored or side) for split in ("train", "val"))

    def logits(pictures):
        return logits_of(network, pictures, size, facts["mean"], facts["std"], side)

    handles = recorder.listen()
    logits(train.images[evenly(len(train), images)])
    for handle in handles:
        handle.remove()
    free = top(logits(val.images), val.labels, 1)
    recorder.freeze()
    frozen = top(logits(val.images), val.labels, 1)
    n = len(val)
    return dict(blocks=recorder.rows(), top1=free / n, top1_frozen=frozen / n, n=n)


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("weights", type=Path)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--images", type=int, default=2000, help="training pictures for the means")
    parser.add_argument("--side", type=int, help="decode to this side first, as in training")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, help="JSON")
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    try:
        result = study(options.weights, options.data, options.images, options.side)
    except (CheckpointError, DataError) as error:
        sys.exit(f"coefficients: {error}")
    print(f"{'block':12} {'mean':>7} {'over pictures':>14} {'over kernels':>13}")
    for row in result["blocks"]:
        print(f"{row['block']:12} {row['mean']:7.3f} {row['over_pictures']:14.4f} {row['over_kernels']:13.4f}")
    print(f"top-1 {result['top1']:.2%}, with frozen coefficients {result['top1_frozen']:.2%} of {result['n']}")
    if options.out:
        write_json(options.out, result)


if __name__ == "__main__":
    main()
