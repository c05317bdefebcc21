"""Parameter groups and the optimiser; one step with a guarded gradient."""

import torch

from .muon import Muon, Together, matrix_weights

COEFFICIENTS = ".coef."
MUON_MOMENTUM = 0.95


def parameter_groups(network, weight_decay: float, coefficient_lr: float, but=()) -> list[dict]:
    """All parameters except those in `but`, in up to four groups.

    With and without decay, coefficient modules and all others.
    Batch norm and biases (all parameters of one dimension) never decay. `scale` is the factor
    on the learning rate.
    """
    groups = {}
    for name, parameter in network.named_parameters():
        if parameter in but:
            continue
        decays, coefficient = parameter.ndim > 1, COEFFICIENTS in f".{name}"
        groups.setdefault((coefficient, decays), []).append(parameter)
    return [
        dict(
            params=parameters,
            weight_decay=weight_decay if decays else 0.0,
            scale=coefficient_lr if coefficient else 1.0,
        )
        for (coefficient, decays), parameters in sorted(groups.items(), key=lambda item: item[0])
    ]


def make_optimiser(network, train):
    """`train`: config.Train."""
    if train.optimiser == "muon":
        return make_muon(network, train)
    groups = parameter_groups(network, train.weight_decay, train.coefficient_lr)
    if train.optimiser == "adamw":
        return make_adamw(groups)
    return torch.optim.SGD(
        groups, lr=0.0, momentum=train.momentum, nesterov=train.momentum > 0, fused=True
    )


def make_adamw(groups):
    return torch.optim.AdamW(groups, lr=0.0, betas=(0.9, 0.98), fused=True)


def make_muon(network, train):
    """Muon for the convolutions that mix channels, AdamW at `plain_lr` for all else."""
    weights = matrix_weights(network)
    muon = Muon(weights, 0.0, MUON_MOMENTUM, train.weight_decay)
    muon.param_groups[0]["scale"] = 1.0
    others = parameter_groups(network, train.plain_decay, train.coefficient_lr, but=set(weights))
    for group in others:
        group["scale"] *= train.plain_lr / train.peak_lr
    return Together(muon, make_adamw(others))


def set_rate(optimiser, rate: float) -> None:
    for group in optimiser.param_groups:
        group["lr"] = rate * group["scale"]


def limit_gradients(parameters, limit: float) -> torch.Tensor:
    """Scales gradients to a norm of at most `limit` (0: any); -> their norm before, 0-d."""
    gradients = [p.grad for p in parameters if p.grad is not None]
    norm = torch.nn.utils.get_total_norm(gradients)
    if limit:
        torch.nn.utils.clip_grads_with_norm_(parameters, limit, norm)
    return norm
