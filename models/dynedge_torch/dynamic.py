"""The dynamic convolution (DyNet, section 3.2) in three equal forms.

Fixed kernels w [Cout*g, Cin/groups, k, k] and biases b [Cout*g], row t*g+i;
coefficients eta [B, Cout, g].

    maps     equation 2: O_t = sum_i eta_t^i (w_t^i * x + b_t^i)       training
    kernels  equation 1: O_t = (sum_i eta_t^i w_t^i) * x + sum_i eta_t^i b_t^i
             one sample at a time, what the SDK computes               inference
    batched  equation 1 for a whole batch: batched GEMM, or one convolution
             whose groups are samples x groups; on few pixels equation 2 as
             one GEMM, which then moves less memory           training on a GPU

forms.py chooses; planes/ holds a fourth form, for training on a CPU.
"""

import torch
import torch.nn.functional as F
from torch import nn

# Forward + backward at 162 -> 162, batch 128, two Zen 4 cores: 4 pixels 3.5 ms
# as maps, 7.9 ms as kernels; 96 -> 96, 16 pixels: 5.3 and 2.3 ms.
MAPS_PIXELS = 4


class DynamicConv2d(nn.Module):
    def __init__(self, cin, cout, kernel, stride=1, padding=0, groups=1, g=6):
        super().__init__()
        self.cin, self.cout, self.kernel, self.g = cin, cout, kernel, g
        self.stride, self.padding, self.groups = stride, padding, groups
        self.weight = nn.Parameter(torch.empty(cout * g, cin // groups, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(cout * g))
        nn.init.kaiming_normal_(self.weight, mode="fan_in", nonlinearity="relu")
        self.form = "maps"

    def forward(self, x, eta):
        return getattr(self, self.form)(x, eta)

    def geometry(self):
        return dict(stride=self.stride, padding=self.padding)

    def maps(self, x, eta):
        maps = F.conv2d(x, self.weight, self.bias, groups=self.groups, **self.geometry())
        maps = maps.view(x.shape[0], self.cout, self.g, *maps.shape[2:])
        return (maps * eta[..., None, None]).sum(2)

    def kernels(self, x, eta):
        weight = self.weight.view(self.cout, self.g, *self.weight.shape[1:])
        bias = self.bias.view(self.cout, self.g)
        outputs = []
        for sample, e in zip(x.split(1), eta):
            fused = (e[:, :, None, None, None] * weight).sum(1)
            outputs.append(
                F.conv2d(sample, fused, (e * bias).sum(1), groups=self.groups, **self.geometry())
            )
        return torch.cat(outputs)

    def batched(self, x, eta):
        if self.kernel == 1 and x.shape[2] * x.shape[3] <= MAPS_PIXELS:
            return self.pointwise_maps(x, eta)
        b, _, h, w = x.shape
        fixed = self.weight.view(self.cout, self.g, -1)
        kernels = torch.bmm(eta.transpose(0, 1), fixed).transpose(0, 1)
        biases = (eta * self.bias.view(self.cout, self.g)).sum(2)
        if self.kernel == 1:
            return torch.bmm(kernels, x.flatten(2)).view(b, -1, h, w) + biases[..., None, None]
        out = self.grouped(x, kernels)
        return out.view(b, self.cout, *out.shape[2:]) + biases[..., None, None]

    def grouped(self, x, kernels):
        """Every sample has its kernels [B, C, K]: a convolution with B * groups groups."""
        b, _, h, w = x.shape
        n, per_group = b * self.groups, self.cin // self.groups
        kernels = kernels.reshape(-1, per_group, self.kernel, self.kernel)
        out = F.conv2d(x.reshape(1, -1, h, w), kernels, groups=n, **self.geometry())
        return out.view(b, self.cout, *out.shape[-2:])

    def pointwise_maps(self, x, eta):
        """Equation 2 for a 1x1 convolution as one GEMM over all pixels of the batch."""
        b, cin, h, w = x.shape
        fixed = self.weight.view(self.cout, self.g, cin).transpose(0, 1).reshape(-1, cin)
        maps = x.flatten(2).transpose(1, 2).reshape(-1, cin) @ fixed.t()
        bias = self.bias.view(self.cout, self.g).t()
        maps = maps.view(b, h * w, self.g, self.cout) + bias
        out = (maps * eta.transpose(1, 2)[:, None]).sum(2)
        return out.transpose(1, 2).reshape(b, self.cout, h, w)

