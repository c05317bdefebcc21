"""The PyTorch twin of dynedge's networks: training, export and golden values."""

from .build import NETWORKS, build
from .export import export_safetensors, load_safetensors
from .seeded import seeded_input, seed_weights

__all__ = [
    "NETWORKS",
    "build",
    "export_safetensors",
    "load_safetensors",
    "seed_weights",
    "seeded_input",
]
