"""State dict <-> safetensors, float32, with the facts a bundle needs as metadata strings."""

import json

from safetensors import safe_open
from safetensors.torch import save_file

from .build import build


def export_safetensors(path, state_dict, **facts):
    """Facts that are not strings are stored as JSON (network, width, classes, g, labels ...)."""
    tensors = {
        key: tensor.detach().float().contiguous()
        for key, tensor in state_dict.items()
        if not key.endswith("num_batches_tracked")
    }
    metadata = {k: v if isinstance(v, str) else json.dumps(v) for k, v in facts.items()}
    save_file(tensors, path, metadata)


def read_safetensors(path):
    """-> (tensors, metadata)"""
    with safe_open(path, "pt") as file:
        return {key: file.get_tensor(key) for key in file.keys()}, file.metadata()


def is_folded(tensors) -> bool:
    return not any("running_mean" in key for key in tensors)


def load_safetensors(path):
    """-> (network in eval mode, metadata); the file may be raw or folded."""
    tensors, facts = read_safetensors(path)
    network = build(
        facts["network"],
        float(facts["width"]),
        int(facts["classes"]),
        int(facts["g"]),
        folded=is_folded(tensors),
    )
    own = network.state_dict()
    counters = {k: v for k, v in own.items() if k.endswith("num_batches_tracked")}
    network.load_state_dict({**counters, **tensors})
    return network.eval(), facts
