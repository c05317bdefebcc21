"""Planes against PyTorch's own operations in float64."""

import copy

import pytest
import torch
import torch.nn.functional as F

from dynedge_torch import NETWORKS, build, planes, seed_weights, set_form
from dynedge_torch.dynamic import DynamicConv2d
from dynedge_torch.planes.autograd import MaxPool, Norm
from dynedge_torch.planes.forward import convolve
from dynedge_torch.seeded import Gains

pytestmark = pytest.mark.skipif(not planes.available(), reason="needs a C++ compiler and ninja")
CALM = Gains(1, 0.6)


def to_planes(x):
    return x.detach().float().permute(1, 2, 3, 0).contiguous().requires_grad_()


def from_planes(x):
    return x.detach().permute(3, 0, 1, 2).double()


def close(actual, expected, tolerance=1e-5):
    scale = expected.abs().max().clamp(min=1e-3)
    return (actual.double() - expected).abs().max() <= tolerance * scale


# Pixels of one and of several blocks, fused kernels kept and not kept, odd numbers of channels.
POINTWISE = [(7, 13, 5, 7, 6), (36, 36, 40, 40, 6), (324, 330, 2, 2, 6), (44, 44, 3, 3, 4), (9, 17, 1, 1, 1)]


@pytest.mark.parametrize("cin, cout, height, width, g", POINTWISE)
@pytest.mark.parametrize("threads", [1, 2])
def test_dynamic_pointwise(cin, cout, height, width, g, threads):
    torch.manual_seed(0)
    torch.set_num_threads(threads)
    check_convolution(DynamicConv2d(cin, cout, 1, g=g), cin, cout, height, width, g)


@pytest.mark.parametrize("per_group, groups", [(1, 5), (2, 4), (6, 3)])
@pytest.mark.parametrize("height, width", [(1, 1), (2, 3), (5, 7), (12, 12)])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("g", [0, 2, 6])
def test_grouped_convolution(per_group, groups, height, width, stride, g):
    torch.manual_seed(0)
    channels = per_group * groups
    shape = dict(stride=stride, padding=1, groups=groups)
    conv = (
        DynamicConv2d(channels, channels, 3, g=g, **shape)
        if g
        else torch.nn.Conv2d(channels, channels, 3, bias=False, **shape)
    )
    check_convolution(conv, channels, channels, height, width, g)


def check_convolution(conv, cin, cout, height, width, g):
    """Output and every gradient of `conv` on planes against float64."""
    wide = copy.deepcopy(conv).double()
    if g:
        torch.nn.init.normal_(conv.bias)
        wide.load_state_dict(conv.state_dict())
    x = torch.randn(32, cin, height, width, dtype=torch.float64, requires_grad=True)
    eta = torch.rand(32, cout, g, dtype=torch.float64, requires_grad=True)
    expected = wide(x, eta) if g else wide(x)
    weight = torch.randn_like(expected)
    (expected * weight).sum().backward()

    mine = to_planes(x)
    mine_eta = eta.detach().float().permute(1, 2, 0).contiguous().requires_grad_() if g else None
    actual = convolve(conv, mine, mine_eta)
    (actual * to_planes(weight)).sum().backward()
    assert close(from_planes(actual), expected)
    assert close(from_planes(mine.grad), x.grad)
    for own, other in zip(conv.parameters(), wide.parameters(), strict=True):
        assert close(own.grad, other.grad)
    if g:
        assert close(mine_eta.grad.permute(2, 0, 1), eta.grad)


@pytest.mark.parametrize("activation, act", [(0, lambda x: x), (1, F.relu), (2, F.relu6)])
@pytest.mark.parametrize("with_residual", [False, True])
def test_norm(activation, act, with_residual):
    torch.manual_seed(0)
    y = (3 * torch.randn(16, 5, 4, 3, dtype=torch.float64) + 1).requires_grad_()
    gamma, beta = (torch.randn(5, dtype=torch.float64).mul(4).requires_grad_() for _ in range(2))
    residual = torch.randn_like(y, requires_grad=True)
    expected = act(F.batch_norm(y, None, None, gamma, beta, training=True))
    expected = expected + residual if with_residual else expected
    weight = torch.randn_like(expected)
    (expected * weight).sum().backward()

    mine, other = to_planes(y), to_planes(residual)
    own_gamma, own_beta = (v.detach().float().requires_grad_() for v in (gamma, beta))
    out, mean, variance = Norm.apply(
        mine, other if with_residual else torch.empty(0), own_gamma, own_beta, 1e-5, activation
    )
    (out * to_planes(weight)).sum().backward()
    assert close(from_planes(out), expected)
    assert close(mean, y.mean((0, 2, 3))) and close(variance, y.var((0, 2, 3), correction=0))
    assert close(from_planes(mine.grad), y.grad, 1e-4)
    assert close(own_gamma.grad, gamma.grad) and close(own_beta.grad, beta.grad)
    if with_residual:
        assert close(from_planes(other.grad), residual.grad)


@pytest.mark.parametrize("height, width", [(1, 1), (4, 5), (7, 8)])
def test_max_pool(height, width):
    torch.manual_seed(0)
    # Few values: equal ones in a window, where the gradient must go to one place only.
    x = torch.randint(0, 4, (16, 3, height, width)).double().requires_grad_()
    expected = F.max_pool2d(x, 3, 2, 1)
    weight = torch.randn_like(expected)
    (expected * weight).sum().backward()
    mine = to_planes(x)
    out = MaxPool.apply(mine)
    (out * to_planes(weight)).sum().backward()
    assert torch.equal(from_planes(out), expected.detach())
    assert close(from_planes(mine.grad), x.grad)


def train_once(network, x, labels):
    logits = network(x)
    F.cross_entropy(logits, labels).backward()
    return logits


def gradient(network):
    return torch.cat([p.grad.flatten().double() for p in network.parameters()])


@pytest.mark.parametrize("name", NETWORKS)
def test_networks_equal_their_plain_form(name):
    """As near to float64 as PyTorch's own float32: values next to a kink of ReLU fall either way."""
    torch.manual_seed(0)
    wide = seed_weights(build(name, classes=10), 3, CALM).double()
    if name == "mobilenetv2":
        wide.classifier[0].p = 0.0
    plain = set_form(copy.deepcopy(wide).float(), "batched")
    network = set_form(copy.deepcopy(wide).float(), "planes", torch.float32)
    x, labels = torch.randn(32, 3, 72, 72), torch.arange(32) % 10
    expected = train_once(wide, x.double(), labels)
    train_once(plain, x, labels)
    assert close(train_once(network, x, labels), expected, 1e-4)
    error, usual = ((gradient(n) - gradient(wide)).norm() for n in (network, plain))
    assert error < 3 * usual + 1e-5 * gradient(wide).norm()
    for (key, own), other in zip(network.named_buffers(), wide.buffers(), strict=True):
        assert close(own, other, 1e-4), key

    # In evaluation any number of pictures is taken; both use the statistics just updated.
    wide.eval(), network.eval()
    with torch.no_grad():
        assert close(network(x[:5]), wide(x[:5].double()), 1e-3)


def test_bfloat16_learns_what_float32_learns():
    losses = []
    for dtype in (torch.float32, torch.bfloat16):
        torch.manual_seed(0)
        network = set_form(build("dy-mobile", classes=4), "planes", dtype)
        optimiser = torch.optim.AdamW(network.parameters(), 2e-3)
        x, labels = torch.randn(32, 3, 40, 40), torch.arange(32) % 4
        for _ in range(12):
            optimiser.zero_grad()
            train_once(network, x, labels)
            optimiser.step()
        losses.append(F.cross_entropy(network(x), labels).item())
    assert max(losses) < 0.7, "ln 4 = 1.39 is chance"


def test_a_training_batch_must_fill_the_lanes():
    network = set_form(build("fix-mobile", classes=4), "planes")
    with pytest.raises(ValueError, match="multiple of 16"):
        network(torch.zeros(20, 3, 40, 40))


def test_leaving_planes_restores_the_plain_forward():
    network = set_form(build("fix-mobile", classes=4), "planes")
    with torch.no_grad():
        assert set_form(network, "batched")(torch.zeros(3, 3, 40, 40)).shape == (3, 4)
