"""Exponential moving average of weights and batch-norm statistics."""

import torch


class Average:
    """Keeps `average`, a network like `network`, at its moving average.

    The memory is short in the first steps: decay = min(decay, (1 + n) / (10 + n)).
    """

    def __init__(self, network, average, decay: float):
        self.decay = decay
        average.load_state_dict(network.state_dict())
        self.average = average.eval().requires_grad_(False)
        pairs = list(zip(average.state_dict().values(), network.state_dict().values()))
        self.mine, self.theirs = zip(*[(a, b) for a, b in pairs if a.is_floating_point()])
        self.counters = [(a, b) for a, b in pairs if not a.is_floating_point()]
        self.buffers = list(zip(network.buffers(), average.buffers()))

    @torch.no_grad()
    def update(self, step: int) -> None:
        """After optimiser step `step`, from 1."""
        decay = min(self.decay, (1 + step) / (10 + step))
        torch._foreach_lerp_(list(self.mine), list(self.theirs), 1 - decay)
        for mine, theirs in self.counters:
            mine.copy_(theirs)

    @torch.no_grad()
    def restore_statistics(self) -> None:
        """Gives the network the averaged batch-norm statistics, after a batch spoilt its own."""
        for theirs, mine in self.buffers:
            theirs.copy_(mine)
