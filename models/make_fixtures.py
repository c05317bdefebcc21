"""Writes the golden fixtures: logits of every network with seeded weights and inputs.

Weights and inputs are float32 (dynedge_torch/seeded.py), arithmetic is float64 in
the inference form (equation 1). One thread and nine digits keep the files the same
byte for byte. `gains` are the factors of seeded.py: CALM for the Dy- networks, which
are chaotic with the default (no float32 run could be compared), default elsewhere.
"""

import argparse
import json
from pathlib import Path

import torch

from dynedge_torch import build, seed_weights, seeded_input
from dynedge_torch.build import split_name
from dynedge_torch.forms import set_form
from dynedge_torch.layers import Coefficients
from dynedge_torch.seeded import CALM, DEFAULT

DEFAULT_OUT = Path(__file__).resolve().parent.parent / "test" / "fixtures" / "golden"
SEED = 20200
SIZES = ((64, 64), (96, 72))  # height, width
DIGITS = 9
SHOWN_COEFFICIENTS = 64

# File name -> arguments of build().
FIXTURES = {
    "dy-mobile": dict(name="dy-mobile", classes=10),
    "fix-mobile": dict(name="fix-mobile", classes=10),
    "mobilenetv2": dict(name="mobilenetv2", classes=10),
    "dy-shuffle": dict(name="dy-shuffle", classes=10),
    "fix-shuffle": dict(name="fix-shuffle", classes=10),
    "shufflenetv2": dict(name="shufflenetv2", classes=10),
    "dy-shuffle-1.5": dict(name="dy-shuffle-1.5", classes=10),
    "fix-shuffle-1.5": dict(name="fix-shuffle-1.5", classes=10),
    "dy-mobile-0.5-g4": dict(name="dy-mobile", width=0.5, classes=10, g=4),
    "dy-mobile-1000-classes": dict(name="dy-mobile", classes=1000),
}


def rounded(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")


def first_coefficients(network):
    """The first coefficient module and its block's name, or None."""
    for name, module in network.named_modules():
        if isinstance(module, Coefficients):
            return name.removesuffix(".coef"), module
    return None


@torch.no_grad()
def case(network, height, width):
    found = first_coefficients(network)
    record = dict(height=height, width=width)
    seen = []
    if found:
        # unbind(1) splits [1, convs, C, g]: stacking the parts restores the vector's order.
        hook = found[1].register_forward_hook(
            lambda module, inputs, eta: seen.append(torch.stack(eta, 1).flatten())
        )
    logits = network(seeded_input(height, width, SEED).double())
    if found:
        hook.remove()
        record["coefficients"] = dict(
            block=found[0],
            count=seen[0].numel(),
            sum=rounded(seen[0].sum().item()),
            values=[rounded(v) for v in seen[0][:SHOWN_COEFFICIENTS].tolist()],
        )
    record["logits"] = [rounded(v) for v in logits[0].tolist()]
    return record


def fixture(name, width=1.0, classes=1000, g=6):
    gains = CALM if name.startswith("dy-") else DEFAULT
    network = seed_weights(build(name, width, classes, g), SEED, gains)
    network = set_form(network.eval().double(), "kernels")
    base, width = split_name(name, width)
    facts = dict(network=base, width=width, classes=classes, g=g, seed=SEED)
    facts["gains"] = gains._asdict()
    return dict(**facts, cases=[case(network, *size) for size in SIZES])


def fixture_text(key: str) -> str:
    return json.dumps(fixture(**FIXTURES[key]), indent=1) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=DEFAULT_OUT)
    out = parser.parse_args().out
    torch.set_num_threads(1)
    out.mkdir(parents=True, exist_ok=True)
    for key in FIXTURES:
        (out / f"{key}.json").write_text(fixture_text(key))


if __name__ == "__main__":
    main()
