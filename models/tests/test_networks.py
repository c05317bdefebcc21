"""Shapes, keys and counts of the networks, and the three forms of a dynamic one."""

from math import prod

import pytest
import torch
from torch import nn

from dynedge_torch import NETWORKS, build, seed_weights, seeded_input
from dynedge_torch.forms import set_form
from dynedge_torch.seeded import CALM

M = 2**20

# networks/NETWORKS.md: parameters in units of 2^20, g_t = 6 and 1000 classes.
PARAMETERS = {
    "dy-mobile": 7.367,
    "fix-mobile": 2.170,
    "dy-shuffle-1.5": 10.995,
    "fix-shuffle-1.5": 2.470,
}
# torchvision's documented counts.
PUBLIC_PARAMETERS = {"mobilenetv2": 3_504_872, "shufflenetv2": 2_278_604}


def count(network):
    return sum(prod(p.shape) for p in network.parameters())


def left_out_biases(network):
    """The counts give every kernel of a block a bias; the Fix- networks, before BN, keep none."""
    convolutions = (
        module
        for name, module in network.named_modules()
        if name.endswith((".pw1.conv", ".dw.conv", ".pw2.conv")) and ".L." not in name
    )
    return sum(c.out_channels for c in convolutions if isinstance(c, nn.Conv2d))


@pytest.mark.parametrize("name", PARAMETERS)
def test_parameters_match_the_paper(name):
    network = build(name)
    counted = count(network) + left_out_biases(network)
    assert counted / M == pytest.approx(PARAMETERS[name], abs=1e-3)


@pytest.mark.parametrize("name", PUBLIC_PARAMETERS)
def test_parameters_match_torchvision(name):
    assert count(build(name)) == PUBLIC_PARAMETERS[name]


@pytest.mark.parametrize("g", [1, 2, 4])
def test_parameters_by_group_size(g):
    published = {1: 2.649, 2: 3.592, 4: 5.479}
    assert count(build("dy-mobile", g=g)) / M == pytest.approx(published[g], abs=1e-3)


def test_key_names_and_shapes():
    shapes = {k: tuple(v.shape) for k, v in build("dy-mobile", classes=10).state_dict().items()}
    assert shapes["stem.conv.weight"] == (32, 3, 3, 3)
    assert shapes["s1.0.coef.fc.weight"] == (324, 32)
    assert shapes["s1.0.pw1.conv.weight"] == (108, 32, 1, 1)
    assert shapes["s1.0.dw.conv.bias"] == (108,)
    assert shapes["s2.0.proj.conv.weight"] == (24, 18, 1, 1)
    assert "s1.0.proj.conv.weight" not in shapes and "stem.conv.bias" not in shapes
    shapes = {k: tuple(v.shape) for k, v in build("dy-shuffle").state_dict().items()}
    assert shapes["s2.0.L.pw.conv.weight"] == (56, 24, 1, 1)
    assert shapes["s4.1.R.dw.conv.weight"] == (696, 2, 3, 3)
    assert "features.1.conv.0.0.weight" in build("mobilenetv2").state_dict()
    assert "stage2.0.branch1.0.weight" in build("shufflenetv2").state_dict()


@pytest.mark.parametrize("name", ["dy-mobile", "dy-mobile-0.5", "dy-shuffle", "dy-shuffle-1.5"])
def test_three_forms_agree(name):
    network = seed_weights(build(name, classes=10, g=4), 7, CALM).eval().double()
    x = torch.cat([seeded_input(64, 96, seed) for seed in (1, 2, 3)]).double()
    with torch.no_grad():
        kernels, maps, batched = (
            set_form(network, form)(x) for form in ("kernels", "maps", "batched")
        )
    scale = kernels.abs().max()
    assert (maps - kernels).abs().max() < 1e-9 * scale
    assert (batched - kernels).abs().max() < 1e-9 * scale


@pytest.mark.parametrize("name", ["dy-mobile", "dy-shuffle"])
@pytest.mark.parametrize("form", ["kernels", "batched"])
def test_equations_1_and_2_have_equal_gradients(name, form):
    network = seed_weights(build(name, classes=10), 7, CALM).double()
    x = torch.cat([seeded_input(64, 64, seed) for seed in (1, 2)]).double()
    gradients = []
    for used in ("maps", form):
        network.zero_grad()
        set_form(network, used)(x).square().sum().backward()
        gradients.append({name: p.grad.clone() for name, p in network.named_parameters()})
    largest = max(gradient.abs().max() for gradient in gradients[0].values())
    for name, expected in gradients[0].items():
        assert (gradients[1][name] - expected).abs().max() < 1e-9 * largest, name


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("width", [0.35, 0.75, 2.0])
def test_other_widths_run(name, width):
    network = build(name, width, classes=7).eval()
    with torch.no_grad():
        assert network(torch.zeros(1, 3, 40, 56)).shape == (1, 7)


def test_contradicting_width_is_refused():
    with pytest.raises(ValueError, match="contradicts"):
        build("dy-shuffle-1.5", width=0.5)
