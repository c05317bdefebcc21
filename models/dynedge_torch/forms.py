"""Chooses how a network computes its dynamic convolutions; weights and results are the same."""

import torch

from . import planes
from .dynamic import DynamicConv2d

FORMS = ("maps", "kernels", "batched", "planes")


def set_form(network, form, dtype=None):
    """`form`: one of FORMS; dynamic.py says what they are. -> network

    "planes" (CPU, needs a C++ compiler) computes the whole network, fixed layers
    included, and stores activations in `dtype` (planes/forward.py: use_planes).
    """
    if form not in FORMS:
        raise ValueError(f"form {form!r}, expected one of {FORMS}")
    if form == "planes":
        return planes.use_planes(network, dtype)
    planes.leave_planes(network)
    for module in network.modules():
        if isinstance(module, DynamicConv2d):
            module.form = form
    return network


def fastest_form(device) -> str:
    """The form to train with on a torch device."""
    on_cpu = torch.device(device).type == "cpu"
    return "planes" if on_cpu and planes.available() else "batched"
