"""Parameters and multiply-adds of networks, as the SDK counts them (`dynedge networks --json`).

`counts.json` beside this file holds the SDK's answers for the networks that are trained here,
so that a report needs no built SDK; a network that it lacks is asked of `dist/cli.js`.

    python -m dynedge_train.report.counts      # asks for all of them again, rewrites counts.json
"""

import argparse
import json
import subprocess
from functools import cache
from itertools import product
from pathlib import Path

from . import ReportError

FILE = Path(__file__).with_name("counts.json")
CLI = Path(__file__).resolve().parents[3] / "dist" / "cli.js"
NETWORKS = (
    ("dy-mobile", (0.5, 1.0), (1, 2, 4, 6)),
    ("fix-mobile", (0.5, 1.0), (None,)),
    ("mobilenetv2", (1.0,), (None,)),
    ("dy-shuffle", (1.0, 1.5), (6,)),
    ("fix-shuffle", (1.0, 1.5), (None,)),
    ("shufflenetv2", (1.0, 1.5), (None,)),
)
STANDARD_G = 6
CLASSES = (10, 200, 1000)
SIZES = (32, 48, 64, 224)
NAMES = tuple(name for name, _, _ in NETWORKS)


def kernels_of(network: str, g: int | None) -> int | None:
    """`g` of a network with dynamic convolutions, None for one without, whatever `g` says."""
    return int(g) if network.startswith("dy-") and g is not None else None


def ask_sdk(network: str, width: float, g: int | None, classes: int, size: int, cli=CLI) -> dict:
    """-> {"params", "madds"} of one image at `size` x `size`; `g` None: fixed kernels."""
    command = ["node", str(cli), "networks", network, "--width", f"{width:g}"]
    command += ["--classes", str(classes), "--size", str(size), "--json"]
    if g is not None:
        command += ["--kernels", str(g)]
    if not Path(cli).exists():
        raise ReportError(f"{cli} is missing: run `npm ci` and `npm run build` in the repository")
    try:
        answer = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    except FileNotFoundError:
        raise ReportError("node is not installed: the SDK counts the networks") from None
    except subprocess.CalledProcessError as error:
        said = (error.stderr or error.stdout).strip()
        raise ReportError(f"the SDK refused to count {network}: {said}") from None
    network_counts = json.loads(answer.stdout)["networks"][0]
    return dict(params=network_counts["parameters"], madds=network_counts["multiply_adds"])


@cache
def stored(path=FILE) -> dict:
    """-> {(network, width, g, classes, size): {"params", "madds"}}"""
    rows = json.loads(Path(path).read_text())
    return {
        (row["network"], row["width"], row["g"], row["classes"], row["size"]): dict(
            params=row["params"], madds=row["madds"]
        )
        for row in rows
    }


def count(network: str, width: float, g: int | None, classes: int, size: int) -> dict:
    """-> {"params", "madds"}: the stored answer of the SDK, or a fresh one."""
    key = (network, float(width), kernels_of(network, g), int(classes), int(size))
    return stored().get(key) or ask_sdk(*key)


def all_rows(ask=ask_sdk) -> list:
    """One dictionary per network, width, g, number of classes and input size."""
    rows = []
    for name, widths, kernels in NETWORKS:
        for width, g, classes, size in product(widths, kernels, CLASSES, SIZES):
            key = dict(network=name, width=width, g=g, classes=classes, size=size)
            rows.append(key | ask(*key.values()))
    return rows


def main():
    argparse.ArgumentParser(description=__doc__).parse_args()
    lines = ",\n".join(json.dumps(row) for row in all_rows())
    FILE.write_text(f"[\n{lines}\n]\n")
    print(f"{FILE}: {len(stored())} rows")


if __name__ == "__main__":
    main()
