"""The PyTorch twin of dynedge's networks: training, export and golden values."""

from .build import NETWORKS, build, zero_residuals
from .export import export_safetensors, load_safetensors
from .forms import FORMS, fastest_form, set_form
from .seeded import seeded_input, seed_weights

__all__ = [
    "FORMS",
    "NETWORKS",
    "build",
    "export_safetensors",
    "fastest_form",
    "load_safetensors",
    "seed_weights",
    "seeded_input",
    "set_form",
    "zero_residuals",
]
