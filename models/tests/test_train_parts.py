"""Schedule, parameter groups, losses, mixing, averages: against plain arithmetic."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from dynedge_torch import NETWORKS, build
from dynedge_train.ema import Average
from dynedge_train.loss import distillation_loss, mixed_cross_entropy, mixed_hits
from dynedge_train.mix import MixSettings, mix
from dynedge_train.optimise import limit_gradients, make_optimiser, parameter_groups, set_rate
from dynedge_train.schedule import learning_rate, seed_of
from dynedge_train.score import evenly, top
from train_helpers import config_of


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def test_learning_rate():
    assert learning_rate(0.0, 2.0, 0.1) == 0
    assert learning_rate(0.05, 2.0, 0.1) == pytest.approx(1.0)
    assert learning_rate(0.1, 2.0, 0.1) == pytest.approx(2.0)
    assert learning_rate(0.55, 2.0, 0.1) == pytest.approx(1.0)
    assert learning_rate(1.0, 2.0, 0.1) == pytest.approx(0, abs=1e-12)
    assert learning_rate(0.0, 2.0, 0.0) == 2.0
    # A numpy float here would make the checkpoint unreadable for weights_only loading.
    assert type(learning_rate(0.5, 2.0, 0.1)) is float


def test_seeds_differ_by_every_part_of_the_place():
    places = [(s, e, t) for s in range(3) for e in range(20) for t in range(50)]
    seeds = {seed_of(*place) for place in places}
    assert len(seeds) == len(places)
    assert all(0 <= seed < 2**63 for seed in seeds)
    assert seed_of(1, 2, 3) == seed_of(1, 2, 3)


@pytest.mark.parametrize("name", NETWORKS)
def test_groups_hold_every_parameter_once(name):
    network = build(name, 0.25, 3, 2)
    groups = parameter_groups(network, 0.01, 0.3)
    found = [p for group in groups for p in group["params"]]
    assert {id(p) for p in found} == {id(p) for p in network.parameters()}
    assert len(found) == len(list(network.parameters()))
    by_id = {id(p): group for group in groups for p in group["params"]}
    for module_name, module in network.named_modules():
        for key, parameter in module.named_parameters(recurse=False):
            group = by_id[id(parameter)]
            plain = isinstance(module, nn.BatchNorm2d) or key == "bias"
            assert group["weight_decay"] == (0.0 if plain else 0.01), (module_name, key)
            assert group["scale"] == (0.3 if ".coef." in module_name else 1.0), (module_name, key)
    assert any(group["scale"] == 0.3 for group in groups) == name.startswith("dy-")


@pytest.mark.parametrize("optimiser", ["sgd", "adamw", "muon"])
def test_optimisers_move_every_parameter_at_its_rate(optimiser):
    network = build("dy-mobile", 0.25, 3, 2)
    train = dict(optimiser=optimiser, coefficient_lr=0.0, weight_decay=0.0, plain_decay=0.0)
    chosen = make_optimiser(network, config_of(train=train).train)
    set_rate(chosen, 0.1)
    before = {name: p.detach().clone() for name, p in network.named_parameters()}
    for index, parameter in enumerate(network.parameters()):
        parameter.grad = torch.randn(parameter.shape, generator=generator(index))
    chosen.step()
    for name, parameter in network.named_parameters():
        assert torch.equal(parameter, before[name]) == (".coef." in name), name


def test_gradient_limit():
    parameters = [nn.Parameter(torch.zeros(count)) for count in (3, 1, 2)]
    parameters[0].grad, parameters[1].grad = torch.tensor([0.0, 0.0, 3.0]), torch.tensor([4.0])
    assert limit_gradients(parameters, 0.0) == pytest.approx(5)
    assert parameters[1].grad.item() == 4
    assert limit_gradients(parameters, 1.0) == pytest.approx(5)
    assert parameters[1].grad.item() == pytest.approx(0.8, rel=1e-5)
    parameters[0].grad[0] = math.nan
    assert not torch.isfinite(limit_gradients(parameters, 1.0))


def test_mixed_cross_entropy_is_that_of_soft_targets():
    logits = torch.randn(6, 5, generator=generator())
    first, second = torch.tensor([0, 1, 2, 3, 4, 0]), torch.tensor([1, 1, 0, 4, 2, 3])
    share = torch.tensor([1.0, 0.5, 0.25, 0.9, 0.0, 0.6])
    soft = share[:, None] * F.one_hot(first, 5) + (1 - share)[:, None] * F.one_hot(second, 5)
    expected = F.cross_entropy(logits, soft, label_smoothing=0.1)
    torch.testing.assert_close(mixed_cross_entropy(logits, first, second, share, 0.1), expected)
    assert mixed_cross_entropy(logits.bfloat16(), first, second, share, 0.1).dtype == torch.float32


def test_mixed_hits_counts_by_share():
    logits = torch.eye(3)
    first, second = torch.tensor([0, 0, 2]), torch.tensor([1, 1, 2])
    hits = mixed_hits(logits, first, second, torch.full((3,), 0.75))
    assert hits.item() == pytest.approx(0.75 + 0.25 + 1)


def test_distillation():
    student, teacher = torch.randn(2, 4, 7, generator=generator())
    p, q = (torch.softmax(z.double() / 3, 1) for z in (teacher, student))
    expected = 9 * (p * (p / q).log()).sum(1).mean()
    found = distillation_loss(student, teacher, 3.0).item()
    assert found == pytest.approx(expected.item(), rel=1e-5)
    assert distillation_loss(student, student, 3.0).item() == pytest.approx(0, abs=1e-6)
    # At a high temperature the gradient is that of half the squared difference of centred logits,
    # over the number of classes: it does not fade with T.
    student.requires_grad_()
    distillation_loss(student, teacher, 100.0).backward()
    gap = (student - student.mean(1, keepdim=True)) - (teacher - teacher.mean(1, keepdim=True))
    torch.testing.assert_close(student.grad, gap.detach() / 7 / 4, rtol=0.05, atol=1e-3)


def flat(batch=8, size=8):
    """Every picture of one value, so that a mixed pixel says of what it is made."""
    return torch.arange(batch).float().view(-1, 1, 1, 1).expand(-1, 3, size, size).contiguous()


def test_mixup_is_linear_and_targets_follow():
    x, labels = flat(), torch.arange(8)
    settings = MixSettings(mixup=1.0, mixup_alpha=1.0)
    mixed, first, second, share = mix(x, labels, settings, generator(3))
    assert torch.equal(first, labels) and torch.equal(second, labels.flip(0))
    expected = share * first + (1 - share) * second
    torch.testing.assert_close(mixed, expected.view(-1, 1, 1, 1).expand_as(mixed))
    assert share.min() >= 0 and share.max() <= 1 and share.std() > 0.05


def test_cutmix_pastes_a_box_of_the_share_it_says():
    x, labels = flat(64, 16), torch.arange(64)
    mixed, first, second, share = mix(x, labels, MixSettings(cutmix=1.0), generator(5))
    own = mixed == first.view(-1, 1, 1, 1)
    other = mixed == second.view(-1, 1, 1, 1)
    assert (own ^ other).all()
    torch.testing.assert_close(own.float().mean((1, 2, 3)), share)
    for mask in other[:, 0]:
        rows, columns = mask.any(1), mask.any(0)
        assert mask.sum() == rows.sum() * columns.sum()  # one rectangle


def test_mixing_happens_as_often_as_asked():
    settings, kinds = MixSettings(mixup=0.3, cutmix=0.5), []
    for seed in range(400):
        mixed, _, _, share = mix(flat(4, 4), torch.arange(4), settings, generator(seed))
        whole = torch.equal(mixed, mixed.round())
        kinds.append("none" if (share == 1).all() else "cutmix" if whole else "mixup")
    assert kinds.count("mixup") / 400 == pytest.approx(0.3, abs=0.08)
    assert kinds.count("none") / 400 == pytest.approx(0.2, abs=0.12)  # and boxes of no pixel
    x = flat()
    assert mix(x, torch.arange(8), MixSettings(), generator())[0] is x


def test_average_of_weights_and_statistics():
    network, other = (nn.Sequential(nn.Linear(1, 1), nn.BatchNorm1d(1)) for _ in range(2))
    average = Average(network, other, 0.9)
    expected = {k: v.clone() for k, v in network.state_dict().items()}
    for step in range(1, 40):
        with torch.no_grad():
            for tensor in network.state_dict().values():
                tensor.add_(step % 3)
        average.update(step)
        decay = min(0.9, (1 + step) / (10 + step))
        for key, value in network.state_dict().items():
            if value.is_floating_point():
                expected[key] = decay * expected[key] + (1 - decay) * value
            else:
                expected[key] = value.clone()
    for key, value in average.average.state_dict().items():
        torch.testing.assert_close(value, expected[key])
    network[1].running_var.fill_(math.nan)
    average.restore_statistics()
    assert torch.equal(network[1].running_var, average.average[1].running_var)


def test_top_counts():
    logits = torch.tensor([[3.0, 2, 1, 0], [0, 1, 2, 3], [1, 1, 1, 1], [0, math.nan, 0, 0]])
    labels = torch.tensor([0, 1, 1, 1])
    assert [top(logits, labels, k) for k in (1, 2, 3, 9)] == [1, 2, 3, 3]


def test_even_choice():
    assert evenly(10, 0).tolist() == list(range(10)) == evenly(10, 12).tolist()
    assert evenly(10, 4).tolist() == [0, 2, 5, 7]
    classes = np.repeat(np.arange(200), 50)
    assert (np.bincount(classes[evenly(10_000, 2000).numpy()]) == 10).all()
