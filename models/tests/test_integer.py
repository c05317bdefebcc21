"""The int8 oracle: against exact formulas, and to the bit against the engine."""

import hashlib
import json
import subprocess
from pathlib import Path
from shutil import which

import numpy as np
import pytest
import torch

from dynedge_torch import build, export_safetensors, seed_weights
from dynedge_torch.integer import IntegerNetwork, extra_bits, fuse, sigmoid
from dynedge_torch.integer_weights import Dynamic, in_blocks, lanes_of, taps_of
from dynedge_torch.seeded import CALM, DEFAULT, Gains, uniform
from dynedge_train.augment import normalise_
from dynedge_train.quantize import attach, exported

ROOT = Path(__file__).resolve().parents[2]
SIDE, SEED, MEAN, STD = 64, 20200, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
NETWORKS = [("dy-mobile", 0.5), ("dy-shuffle", 1.0), ("mobilenetv2", 0.5), ("shufflenetv2", 0.5)]
GOLDEN = ("dy-mobile", "dy-shuffle", "dy-shuffle-8-bits", "mobilenetv2", "shufflenetv2")


def test_sigmoid_is_the_sigmoid():
    y = np.linspace(-90, 90, 100_001).astype(np.float32)
    expected = 1 / (1 + np.exp(-y.astype(float)))
    found = sigmoid(y)
    assert found.dtype == np.float32
    assert np.abs(found / expected - 1)[np.abs(y) < 80].max() < 5e-7
    assert found.min() >= 0 and found.max() == 1


@pytest.mark.parametrize("g, depthwise", [(1, False), (3, False), (6, False), (2, True)])
def test_fused_kernels_are_near_the_sum(g, depthwise):
    random = np.random.default_rng(3)
    channels, depth = 8, 9 if depthwise else 40
    weight = random.integers(-127, 128, (channels, g, depth))
    scale = random.uniform(0.001, 0.1, (channels, g)).astype(np.float32)
    bias = random.normal(size=(channels, g + 1)).astype(np.float32)
    eta = random.uniform(size=(channels, g)).astype(np.float32)
    here, there = dict(scale=0.05, zero=7), dict(scale=0.1, zero=3)
    fused = fuse(Dynamic(weight, scale, bias), eta, here, there, depthwise)
    exact = np.einsum("tg,tgk->tk", eta * scale.astype(float), weight)
    step = fused.factor[:, None].astype(float) * there["scale"] / here["scale"]
    assert np.abs(fused.weight * step - exact).max() < 0.51 * step.max()
    assert np.abs(fused.weight).max() <= 127
    if depthwise:
        assert np.maximum(fused.weight, 0).sum(1).max() <= 258
    else:
        assert (np.abs(fused.weight).max(1) >= 126).all()
    start = fused.bias + here["zero"] * fused.weight.sum(1)
    expected = bias[:, 0] + (eta * bias[:, 1:]).sum(1)
    assert np.allclose(start * fused.factor * there["scale"], expected, atol=step.max() * 0.05)


def test_extra_bits():
    assert extra_bits(1280, 127) == 5
    assert extra_bits(32, 127) == 8
    assert extra_bits(32, 255) == 7  # int16
    assert extra_bits(66_576, 127) == 0


def test_lane_orders():
    assert in_blocks(18, (0, 6, 1, 7, 2, 8, 3, 9, 4, 10, 5, 11))[12:] == [
        12, -1, 13, -1, 14, -1, 15, -1, 16, -1, 17, -1
    ]  # fmt: skip
    conv = dict(op="conv", groups=3, channels=18, kernel=3, padding=1)
    six = taps_of(conv, [])
    assert len(six) == 56 and sorted(six[six >= 0]) == list(range(54))
    assert six[:4].tolist() == [0, 9, 18, 27] and six[36:40].tolist() == [36, 45, 37, 46]
    two = taps_of(conv | dict(groups=9), [])
    assert len(two) == 20 and two[:4].tolist() == [0, 9, 1, 10]
    graph = dict(input="image", nodes=[])
    assert lanes_of(graph) == dict(image=[0, 1, 2, -1])


def pack(folder, state, facts, *options) -> Path:
    """The bundle that the SDK makes of a state dict."""
    if not which("node"):
        pytest.skip("needs node")
    weights, bundle = folder / "weights.safetensors", folder / "bundle.safetensors"
    export_safetensors(weights, state, **facts)
    run("src/cli/main.ts", "pack", weights, "--precision", "int8", "-o", bundle, *options)
    return bundle


def golden_picture(golden: dict, seed: int) -> np.ndarray:
    """As goldenPicture of test/golden/int8.ts, float32 [3, H, W]"""
    height, width = golden["height"], golden["width"]
    blocks = (4 * uniform("blocks", 48, seed) - 2).astype(np.float32).reshape(4, 4, 3)
    noise = (uniform("noise", height * width * 3, seed) - 0.5).astype(np.float32)
    rows, columns = 4 * np.arange(height) // height, 4 * np.arange(width) // width
    return (noise.reshape(height, width, 3) + blocks[rows][:, columns]).transpose(2, 0, 1)


@pytest.mark.parametrize("name", GOLDEN)
def test_golden_digests(name, tmp_path):
    golden = json.loads((ROOT / "test" / "fixtures" / "int8" / f"{name}.json").read_text())
    network = seed_weights(build(golden["network"]), golden["seed"], Gains(**golden["gains"]))
    grids = golden["quantization"].items()
    ranges = {tensor: dict(scale=scale, zero=zero) for tensor, (scale, zero) in grids}
    facts = dict(network=golden["network"], width="1.0", quantization_ranges=ranges)
    bits = str(golden["bits"])
    bundle = pack(tmp_path, network.state_dict(), facts, "--activation-bits", bits)
    oracle = IntegerNetwork(bundle)
    for picture in golden["pictures"]:
        logits = oracle.logits(golden_picture(golden, picture["seed"]))
        assert logits[:4].tolist() == picture["logits"]
        assert hashlib.sha256(logits.tobytes()).hexdigest() == picture["digest"]


@pytest.fixture(scope="module", params=NETWORKS, ids=lambda pair: pair[0])
def packed(request, tmp_path_factory):
    """-> bundle that the SDK packed, state dict's metadata, pictures uint8 [2, SIDE, SIDE, 3]"""
    (name, width), folder = request.param, tmp_path_factory.mktemp("int8")
    gains = CALM if name.startswith("dy-") else DEFAULT
    network = seed_weights(build(name, width, 10, 6), SEED, gains).eval()
    pictures = (uniform("picture", 2 * SIDE * SIDE * 3, SEED) * 256).astype(np.uint8)
    pictures = pictures.reshape(2, SIDE, SIDE, 3)
    x = torch.from_numpy(pictures).permute(0, 3, 1, 2).float()
    attach(network, 7, "batched", normalise_(x, MEAN, STD))
    state, facts = exported(network)
    facts |= dict(network=name, width=str(width), classes="10", g="6", input_size=str(SIDE))
    bundle = pack(folder, state, facts | dict(mean=MEAN, std=STD))
    pictures.tofile(folder / "pictures.u8")
    return bundle, facts["quantization_ranges"], pictures


def run(script, *arguments):
    command = ["npx", "tsx", script, *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_bundle_has_the_trained_grids(packed):
    bundle, ranges, _ = packed
    stored = IntegerNetwork(bundle).stored
    assert stored.keys() == ranges.keys()
    for tensor, found in stored.items():
        wanted = dict(scale=ranges[tensor]["scale"], zero=ranges[tensor]["zero"], bits=7)
        assert found == wanted, tensor


def test_equals_the_engine_to_the_bit(packed):
    bundle, _, pictures = packed
    output = bundle.with_name("logits.f32")
    run("models/sdk_logits.ts", bundle, bundle.with_name("pictures.u8"), output)
    theirs = np.fromfile(output, np.float32).reshape(2, -1)
    mine = np.stack([IntegerNetwork(bundle).logits(picture) for picture in pictures])
    assert mine.tobytes() == theirs.tobytes()
    assert len(np.unique(mine)) > 10


def test_other_bundles_are_refused(packed, tmp_path):
    bundle = tmp_path / "w8.safetensors"
    weights = packed[0].with_name("weights.safetensors")
    run("src/cli/main.ts", "pack", weights, "-p", "w8", "-o", bundle)
    with pytest.raises(ValueError, match="precision w8.*expected an int8 bundle"):
        IntegerNetwork(bundle)
