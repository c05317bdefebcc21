import numpy as np
import pytest
import torch
from PIL import Image

from dynedge_torch import build, export_safetensors
from dynedge_torch.layers import Coefficients
from dynedge_train.report import coefficients

FACTS = dict(classes="2", g="2", input_size="32", mean=[0.5] * 3, std=[0.5] * 3, labels=["a", "b"])


@pytest.fixture
def data(tmp_path):
    random = np.random.default_rng(0)
    for split in ("train", "val"):
        for label in ("a", "b"):
            folder = tmp_path / "data" / split / label
            folder.mkdir(parents=True)
            for index in range(3):
                pixels = random.integers(0, 256, (32, 32, 3), np.uint8)
                Image.fromarray(pixels).save(folder / f"{index}.png")
    return tmp_path / "data"


def weights(tmp_path, network, name):
    path = tmp_path / "weights.safetensors"
    export_safetensors(path, network.state_dict(), network=name, width="0.25", **FACTS)
    return path


def test_constant_coefficients_lose_nothing_when_frozen(tmp_path, data):
    torch.manual_seed(0)
    network = build("dy-mobile", 0.25, 2, 2)
    blocks = [module for module in network.modules() if isinstance(module, Coefficients)]
    for block in blocks:
        torch.nn.init.zeros_(block.fc.weight)
        torch.nn.init.constant_(block.fc.bias, 1.0)
    found = coefficients.study(weights(tmp_path, network, "dy-mobile"), data, 6)
    assert len(found["blocks"]) == len(blocks)
    for row in found["blocks"]:
        assert row["mean"] == pytest.approx(1 / (1 + np.exp(-1)), abs=1e-4)
        assert row["over_pictures"] == row["over_kernels"] == 0
    assert found["top1_frozen"] == found["top1"]


def test_varying_coefficients_are_measured(tmp_path, data):
    torch.manual_seed(0)
    network = build("dy-mobile", 0.25, 2, 2).eval()
    for module in network.modules():
        if isinstance(module, Coefficients):
            torch.nn.init.normal_(module.fc.weight, std=3.0)
    found = coefficients.study(weights(tmp_path, network, "dy-mobile"), data, 6)
    assert max(row["over_pictures"] for row in found["blocks"]) > 0.01
    assert max(row["over_kernels"] for row in found["blocks"]) > 0.05


def test_a_network_without_coefficients_is_refused(tmp_path, data):
    path = weights(tmp_path, build("fix-mobile", 0.25, 2), "fix-mobile")
    with pytest.raises(coefficients.CheckpointError, match="no dynamic convolutions"):
        coefficients.study(path, data, 6)
