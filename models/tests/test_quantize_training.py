"""Quantization-aware training: rounding, its gradients, ties, and what a run exports."""

import json
import subprocess
from pathlib import Path
from shutil import which

import numpy as np
import pytest
import torch
from safetensors import safe_open
from train_helpers import config_of, never, trainer_of

from dynedge_torch import build, export_safetensors, load_safetensors, planes, seed_weights
from dynedge_torch.graph import graph, nodes_of
from dynedge_torch.seeded import CALM
from dynedge_train.config import ConfigError
from dynedge_train.quantize import attach, exported
from dynedge_train.quantize.calibrate import fit
from dynedge_train.quantize.forward import Pass
from dynedge_train.quantize.plain import Plain, Requantize
from dynedge_train.quantize.planes import Planes
from dynedge_train.quantize.ranges import Grid, groups_of
from dynedge_train.quantize.weights import round_rows

ROOT = Path(__file__).resolve().parents[2]
FAMILIES = ["dy-mobile", "fix-mobile", "mobilenetv2", "dy-shuffle", "fix-shuffle", "shufflenetv2"]
needs_compiler = pytest.mark.skipif(not planes.available(), reason="needs a C++ compiler and ninja")


def seeded(name, width=0.25, classes=5, g=3):
    return seed_weights(build(name, width, classes, g), 7, CALM)


def pictures(count, side=32):
    return torch.randn(count, 3, side, side, generator=torch.Generator().manual_seed(3))


@pytest.mark.skipif(not which("node"), reason="needs node")
@pytest.mark.skipif(not (ROOT / "node_modules").is_dir(), reason="needs npm ci")
@pytest.mark.parametrize("name", FAMILIES)
def test_graph_equals_the_sdks(name):
    command = ["npx", "tsx", "models/network_graph.ts", name, "1.5", "10", "4"]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert graph(name, 1.5, 10, 4) == json.loads(found.stdout)


def test_ties():
    groups = groups_of(nodes_of(seeded("dy-shuffle")))
    together = next(group for group in groups if "s2.2" in group)
    # A unit of stride 1 passes channels on, so a whole stage shares one grid.
    parts = {"s2.0.L.pw", "s2.0.R.pw2", "s2.1.R.pw2", "s2.2.R.pw2", "s2.3.R.pw2"}
    assert set(together) == parts | {f"s2.{unit}" for unit in range(4)}
    assert ["stem", "maxpool"] in groups
    assert ["s2.1.R.dw"] in groups
    assert sum(map(len, groups)) == len({tensor for group in groups for tensor in group})


def test_activations_lie_on_the_engines_grid():
    scale, zero, top = torch.tensor(0.05), 40, 127
    v = torch.linspace(-5, 7, 5001)
    out = Requantize.apply(v, scale, zero, 0, top)
    stored = np.rint(v.numpy() / np.float32(0.05) + 40).clip(0, top)
    steps = out / scale + zero
    assert torch.equal(torch.round(steps), torch.from_numpy(stored))
    assert (steps - torch.round(steps)).abs().max() < 1e-4
    assert len(out.unique()) == top + 1


def test_weights_lie_on_the_engines_grid():
    w = torch.randn(6, 4, 3, 3)
    w[5] = 0
    out = round_rows(w)
    steps = w.flatten(1).abs().amax(1) / 127
    stored = (out.flatten(1)[:5] / steps[:5, None]).round()
    assert torch.allclose(stored * steps[:5, None], out.flatten(1)[:5], atol=1e-6)
    assert torch.equal(stored.abs().amax(1), torch.full((5,), 127.0))
    assert not out[5].any()
    flat = torch.ones(2, 1, 3, 3)  # 9 * 127 of one sign do not fit
    stored = round_rows(flat, depthwise=True) * 258 / 9
    assert torch.allclose(stored, stored.round(), atol=1e-3) and stored.max() <= 29


def test_gradients_go_straight_through_inside_the_bounds():
    scale = torch.tensor(0.1, requires_grad=True)
    v = torch.tensor([-2.0, -0.5, 0.33, 0.58, 9.0], requires_grad=True)
    out = Requantize.apply(v, scale, 10, 0, 20)  # -1 .. 1
    out.backward(torch.ones(5))
    assert v.grad.tolist() == [0, 1, 1, 1, 0]
    # Ends move with the scale: -10 and 10 steps; inside it is what rounding adds.
    rounding = (-5 + 5) + (3 - 3.3) + (6 - 5.8)
    assert scale.grad.item() == pytest.approx(-10 + 10 + rounding, abs=1e-5)
    w = torch.randn(3, 8, requires_grad=True)
    weight = torch.randn(3, 8)
    (round_rows(w) * weight).sum().backward()
    assert torch.equal(w.grad, weight)


def test_fit_finds_range_and_zero():
    values = torch.cat((torch.rand(10_000) * 4 - 1, torch.tensor([-1.0, 3.0])))
    scale, zero = fit(values, 127, False)
    assert scale == pytest.approx(4 / 127, rel=0.1) and zero in (31, 32)
    outlier = torch.cat((torch.randn(100_000).abs(), torch.tensor([20.0])))
    scale, zero = fit(outlier, 127, True)
    assert 3 / 127 < scale < 15 / 127 and zero == 0
    assert fit(torch.zeros(10), 127, True) == (1 / 127, 0)


@pytest.mark.parametrize("name", FAMILIES)
def test_without_rounding_it_is_the_network(name):
    network, x = seeded(name).eval(), pictures(2)
    with torch.no_grad():
        expected = network(x)
        found = Pass(network, nodes_of(network), Plain(), None)(x)
    assert torch.allclose(found, expected, atol=1e-4 * expected.abs().max())


def gradients(name, form, x):
    # Fine activations: with 7 bits a value on the edge of two steps falls to one side or the
    # other, and the difference grows from layer to layer.
    network = seeded(name).train()
    attach(network, 16, form, x)
    logits = network(x)
    generator = torch.Generator().manual_seed(1)
    (logits * torch.randn(logits.shape, generator=generator)).sum().backward()
    return logits.detach(), {n: p.grad for n, p in network.named_parameters()}


@needs_compiler
@pytest.mark.parametrize("name", FAMILIES)
def test_planes_equal_plain_pytorch(name):
    x = pictures(16)
    logits, expected = gradients(name, "batched", x)
    found_logits, found = gradients(name, "planes", x)
    assert cosine(found_logits, logits) > 0.999
    assert expected.keys() == found.keys()
    for key, gradient in expected.items():
        assert cosine(found[key], gradient) > 0.97, key


def test_shared_grids_and_bounds():
    network = seeded("dy-shuffle")
    attach(network, 7, "batched", pictures(2))
    grids = network.ranges.grids()
    stage = [grids[name] for name in ("s3.0", "s3.1", "s3.1.R.pw2", "s3.0.L.pw")]
    assert len({grid.scale.item() for grid in stage}) == 1
    assert {grid.zero for grid in stage} == {0}  # relu makes all of them
    assert grids["s3.1.R.dw"].low == 0 and grids["s3.1.R.dw"].zero > 0
    six = seeded("dy-mobile")
    attach(six, 7, "batched", pictures(2))
    with torch.no_grad():
        six.ranges.log_scale.fill_(np.log(0.1))
    assert six.ranges.grids()["stem"].high == 60
    assert six.ranges.grids()["s2.1.pw2"].high == 127


def test_export_has_the_builders_names_and_every_range():
    network = seeded("dy-mobile")
    plain_names = set(network.state_dict())
    attach(network, 7, "batched", pictures(2))
    state, facts = exported(network)
    assert set(state) == plain_names
    ranges = facts["quantization_ranges"]
    made = {n["output"] for n in nodes_of(network) if n["op"] in ("conv", "shuffle", "maxpool")}
    assert set(ranges) == made | {"image"}
    for name, grid in network.ranges.grids().items():
        found, scale = ranges[name], np.float32(grid.scale.item())
        assert np.float32((found["high"] - found["low"]) / 127) == scale == found["scale"]
        assert round(-found["low"] / float(scale)) == grid.zero == found["zero"]


def quantized(tmp_path, **sections):
    """Configuration sections of a run that goes on from seeded weights."""
    weights = tmp_path / "start.safetensors"
    network = seed_weights(build("fix-shuffle", 0.25, 3, 2), 7, CALM)
    facts = dict(network="fix-shuffle", width="0.25", classes="3", g="2")
    export_safetensors(weights, network.state_dict(), **facts)
    sections = dict(quantize=dict(bits=7, pictures=8), init=dict(weights=str(weights))) | sections
    return config_of("fix-shuffle", **sections)


def test_a_run_exports_ranges_and_loads_again(tmp_path):
    trainer = trainer_of(tmp_path / "run", quantized(tmp_path))
    before = trainer.network.ranges.log_scale.detach().clone()
    assert trainer.run(never)
    assert not torch.equal(trainer.network.ranges.log_scale, before)
    path = tmp_path / "run" / "tiny.safetensors"
    with safe_open(path, "pt") as file:
        ranges = json.loads(file.metadata()["quantization_ranges"])
    average = trainer.average.average
    assert ranges == average.ranges.as_facts()
    network, _ = load_safetensors(path)
    for name, value in network.state_dict().items():
        assert torch.equal(value, average.state_dict()[name])


def test_a_cut_run_ends_as_a_whole_one(tmp_path):
    config = quantized(tmp_path)
    whole = trainer_of(tmp_path / "whole", config)
    assert whole.run(never)
    assert not trainer_of(tmp_path / "cut", config).run(lambda steps: steps >= 3)
    cut = trainer_of(tmp_path / "cut", config)
    assert cut.run(never)
    for name, value in whole.network.state_dict().items():
        assert torch.equal(value, cut.network.state_dict()[name]), name


def test_refused_configurations(tmp_path):
    with pytest.raises(ConfigError, match="init.weights"):
        quantized(tmp_path, init=dict(weights=""))
    with pytest.raises(ConfigError, match="train.precision"):
        quantized(tmp_path, train=dict(precision="bfloat16"))
    with pytest.raises(ConfigError, match="expected 7, 8"):
        quantized(tmp_path, quantize=dict(bits=6))


def cosine(a, b):
    return torch.nn.functional.cosine_similarity(a.flatten(), b.flatten(), 0)


@needs_compiler
@pytest.mark.parametrize("residual", [False, True])
def test_requantize_on_planes(residual):
    torch.manual_seed(2)
    values = [torch.randn(16, 3, 2, 5), torch.randn(16, 3, 2, 5)]
    shift, weight = torch.randn(3), torch.randn(16, 3, 2, 5)

    def run(place, arrange, back):
        y, other = (arrange(v).requires_grad_() for v in values)
        own = shift.clone().requires_grad_()
        scale = torch.tensor(0.03125, requires_grad=True)
        grid = Grid(scale, 40, 0, 100)
        out = place.requantize(y, own, other if residual else None, grid)
        (out * arrange(weight)).sum().backward()
        found = [back(out.detach()), back(y.grad), own.grad, scale.grad]
        return found + ([back(other.grad)] if residual else [])

    expected = run(Plain(), lambda v: v.clone(), lambda v: v)
    to_planes = lambda v: v.permute(1, 2, 3, 0).contiguous()  # noqa: E731
    found = run(Planes(), to_planes, lambda v: v.permute(3, 0, 1, 2))
    for mine, theirs in zip(found, expected, strict=True):
        assert torch.allclose(mine, theirs, atol=1e-3, rtol=1e-4)
