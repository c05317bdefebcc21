"""Weights of a bundle, trained on: the same function, with statistics."""

import pytest
import torch

from dynedge_torch import build, seed_weights, seeded_input
from dynedge_torch.forms import set_form
from dynedge_torch.seeded import CALM
from dynedge_train.statistics import batch_norms, is_folded, measure_statistics


def unpacked(name: str):
    """A network with batch norms as `dynedge unpack` writes them."""
    network = seed_weights(build(name, 0.25, 5, 3), 7, CALM).eval()
    for norm in batch_norms(network):
        norm.running_mean.zero_()
        norm.running_var.fill_(1 - norm.eps)
        torch.nn.init.ones_(norm.weight)
    return set_form(network, "batched")


@pytest.mark.parametrize("name", ["dy-mobile", "dy-shuffle", "mobilenetv2"])
def test_the_function_stays_and_training_mode_agrees(name):
    network = unpacked(name)
    x = torch.cat([seeded_input(32, 32, seed) for seed in range(8)])
    assert is_folded(network)
    with torch.no_grad():
        before = network(x)
        measure_statistics(network, x)
        after = network(x)
        for module in network.modules():  # dropout stays out of the comparison
            module.train(isinstance(module, torch.nn.BatchNorm2d))
        trained = network(x)
    assert not is_folded(network)
    scale = before.abs().max()
    assert (after - before).abs().max() < 1e-4 * scale
    assert (trained - before).abs().max() < 1e-3 * scale


def test_without_statistics_training_mode_computes_something_else():
    network = unpacked("dy-mobile")
    x = torch.cat([seeded_input(32, 32, seed) for seed in range(8)])
    with torch.no_grad():
        before, trained = network(x), network.train()(x)
    assert (trained - before).abs().max() > 0.1 * before.abs().max()


def test_a_fresh_or_trained_network_is_not_taken_for_a_folded_one():
    assert not is_folded(build("dy-mobile", 0.25, 5, 3))
    assert not is_folded(seed_weights(build("fix-mobile", 0.25, 5, 3), 7, CALM))
