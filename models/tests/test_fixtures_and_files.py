"""Seeded values, golden fixtures, and weights through a file and through folding."""

import numpy as np
import pytest
import torch

from dynedge_torch import build, export_safetensors, load_safetensors, seed_weights, seeded_input
from dynedge_torch.forms import set_form
from dynedge_torch.folding import fold
from dynedge_torch.seeded import CALM, fnv1a32, uniform
from make_fixtures import DEFAULT_OUT, FIXTURES, fixture_text


def test_fnv1a_reference_values():
    # Published test vectors of FNV-1a, 32 bits.
    assert fnv1a32("") == 0x811C9DC5
    assert fnv1a32("a") == 0xE40C292C
    assert fnv1a32("foobar") == 0xBF9CF968


def test_uniform_equals_plain_integers():
    def plain(name, j, seed):
        x = ((fnv1a32(name) ^ seed) + j * 0x9E3779B9) % 2**32
        x ^= x >> 16
        x = x * 0x21F0AAAD % 2**32
        x ^= x >> 15
        x = x * 0x735A2D97 % 2**32
        x ^= x >> 15
        return (x >> 8) / 2**24

    values = uniform("s1.0.pw1.conv.weight", 1000, 0xDEADBEEF)
    assert values.tolist() == [plain("s1.0.pw1.conv.weight", j, 0xDEADBEEF) for j in range(1000)]
    assert 0 <= values.min() and values.max() < 1


@pytest.mark.parametrize("key", FIXTURES)
def test_fixture_regenerates(key):
    assert (DEFAULT_OUT / f"{key}.json").read_text() == fixture_text(key)


def facts(network):
    return dict(network=network, width="1.0", classes="10", g="6", labels=["a", "b"])


@pytest.mark.parametrize("name", ["dy-mobile", "fix-mobile", "dy-shuffle", "fix-shuffle"])
def test_raw_and_folded_files(name, tmp_path):
    network = set_form(seed_weights(build(name, classes=10), 3, CALM).eval(), "kernels")
    x = seeded_input(64, 64, 5)
    export_safetensors(tmp_path / "raw", network.state_dict(), **facts(name))
    export_safetensors(tmp_path / "folded", fold(network.state_dict()), **facts(name))
    with torch.no_grad():
        expected = network(x)
        raw, read = load_safetensors(tmp_path / "raw")
        folded, _ = load_safetensors(tmp_path / "folded")
        assert torch.equal(set_form(raw, "kernels")(x), expected)
        close = set_form(folded, "kernels")(x)
    assert read["labels"] == '["a", "b"]'
    np.testing.assert_allclose(close, expected, atol=1e-4 * expected.abs().max())
