"""The compiled training kernel against PyTorch's grouped convolution (built on first use)."""

import shutil

import pytest
import torch
import torch.nn.functional as F

from dynedge_torch.grouped3x3 import Grouped3x3

pytestmark = pytest.mark.skipif(not shutil.which("g++"), reason="needs a C++ compiler")


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("height, width", [(1, 1), (2, 2), (3, 5), (7, 16), (18, 17)])
def test_value_and_gradients(stride, height, width):
    generator = torch.Generator().manual_seed(height * width)
    x = torch.randn(5, 6, height, width, generator=generator, requires_grad=True)
    w = torch.randn(5, 6, 6, 3, 3, generator=generator, requires_grad=True)
    ours = Grouped3x3.apply(x, w, stride)
    plain = F.conv2d(x.view(1, 30, height, width), w.flatten(0, 1), None, stride, 1, 1, 5)
    plain = plain.view_as(ours)
    ramp = torch.linspace(-1, 1, ours.numel()).view_as(ours)
    torch.testing.assert_close(ours, plain, atol=1e-4, rtol=1e-4)
    for mine, expected in zip(
        torch.autograd.grad(ours, (x, w), ramp), torch.autograd.grad(plain, (x, w), ramp)
    ):
        torch.testing.assert_close(mine, expected, atol=1e-3, rtol=1e-4)
