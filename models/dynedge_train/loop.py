"""The training loop. A run is a function of configuration, data and seed, however it is cut."""

import time
from pathlib import Path

import torch

from dynedge_torch import set_form, zero_residuals

from .augment import Augment
from .checkpoint import CheckpointError, check_same_run, read_checkpoint, save_checkpoint
from .config import Config
from .data import Dataset
from .ema import Average
from .log import Progress, say
from .loss import distillation_loss, mixed_cross_entropy, mixed_hits
from .machine import Machine
from .mix import mix
from .optimise import limit_gradients, make_optimiser, set_rate
from .records import Records, close_epoch, fresh_state
from .schedule import learning_rate, seed_of
from .score import evenly, logits_of, top
from .start import check_data, load_teacher, quantize, resident, start_from

MAX_SKIPPED = 20  # in a row; float16's loss scale needs up to 16 halvings to settle
SHOW_EVERY = 20  # steps between looks at the sums, each of which waits for a GPU


class TrainingError(Exception):
    """A run that cannot go on; the message says why and what to do."""


class Trainer:
    """One run in folder `out`, resumed if a checkpoint lies there; see records.py for its files.

    `adopt`: resume although the configuration or the data have changed.
    """

    def __init__(
        self, config: Config, train: Dataset, val: Dataset, out, machine: Machine, adopt=False
    ):
        self.config, self.machine, self.out, self.val = config, machine, Path(out), val
        self.out.mkdir(parents=True, exist_ok=True)
        self.facts = check_data(config, train, val)
        self.checkpoint = self.out / "checkpoint.pt"
        saved = self.find_checkpoint(adopt)
        self.images, self.labels = resident(train.images, machine.device), train.labels
        self.phases = config.phases()
        self.steps_per_epoch = len(train) // config.train.batch
        self.augment = Augment(config.augment, config.data.mean, config.data.std)

        torch.manual_seed(config.train.seed)
        self.network = machine.build(config, len(train.classes))
        if config.init.zero_residual:
            zero_residuals(self.network)
        if config.init.weights and saved is None:
            start_from(self.network, config, train, machine)
        average = machine.build(config, len(train.classes))
        if config.quantize.bits:
            quantize(self.network, average, config, train, machine, saved is not None)
        self.average = Average(self.network, average, config.train.ema)
        self.parameters = list(self.network.parameters())
        self.optimiser = make_optimiser(self.network, config.train)
        self.scaler = machine.scaler()
        self.teacher = None
        if config.distil.teacher:
            self.teacher = load_teacher(config, train.classes, machine)
        self.state = fresh_state()
        if saved is not None:
            self.resume(saved)
        self.state["sittings"] += 1
        self.saved_at = time.monotonic()
        count = sum(parameter.numel() for parameter in self.parameters)
        self.records = Records(self.out, config, self.facts, machine, count)

    # Checkpoints

    def find_checkpoint(self, adopt: bool):
        if not self.checkpoint.exists():
            return None
        saved = read_checkpoint(self.checkpoint)
        if not adopt:
            check_same_run(self.checkpoint, saved, self.config, self.facts)
        return saved

    def resume(self, saved: dict) -> None:
        try:
            self.network.load_state_dict(saved["network"])
            self.average.average.load_state_dict(saved["average"])
            self.optimiser.load_state_dict(saved["optimiser"])
            self.scaler.load_state_dict(saved["scaler"])
        except (RuntimeError, ValueError, KeyError) as error:
            raise CheckpointError(
                f"{self.checkpoint}: of another network or optimiser: {error}; use another --out"
            ) from error
        self.state |= saved["state"]
        say(f"resumed at epoch {self.state['epoch'] + 1}, step {self.state['step']}")

    def save(self) -> None:
        save_checkpoint(
            self.checkpoint,
            dict(
                config=self.config.as_dict(),
                data=self.facts,
                network=self.network.state_dict(),
                average=self.average.average.state_dict(),
                optimiser=self.optimiser.state_dict(),
                scaler=self.scaler.state_dict(),
                state=self.state,
            ),
        )
        self.saved_at = time.monotonic()

    # Running

    def run(self, cut) -> bool:
        """`cut(steps)`: whether to stop now, after so many steps; -> whether all is done."""
        began_at = self.state["steps"]
        self.records.write(self.state, self.average.average)
        while self.state["epoch"] < len(self.phases):
            if not self.run_epoch(lambda: cut(self.state["steps"] - began_at)):
                self.save()
                return False
            self.finish_epoch()
        self.finish()
        return True

    def run_epoch(self, cut) -> bool:
        """From the state's step to the end of the epoch; False if cut before."""
        state, config = self.state, self.config.train
        epoch, size = state["epoch"], self.phases[state["epoch"]]
        shuffled = torch.Generator().manual_seed(seed_of(config.seed, epoch))
        order = torch.randperm(len(self.labels), generator=shuffled)
        self.network.train()
        self.start_clock()
        title = f"epoch {epoch + 1} of {len(self.phases)} at {size}"
        with Progress(title, self.steps_per_epoch, state["step"]) as progress:
            while state["step"] < self.steps_per_epoch:
                if cut():
                    self.settle()
                    return False
                first = state["step"] * config.batch
                self.step(order[first : first + config.batch], size)
                progress.step()
                if state["step"] % SHOW_EVERY == 0:
                    self.settle()
                    shown = max(state["counted"], 1)
                    progress.show(loss=state["loss"] / shown, accuracy=state["hits"] / shown)
                    if time.monotonic() - self.saved_at > 60 * config.checkpoint_minutes:
                        self.save()
        self.settle()
        return True

    def step(self, chosen: torch.Tensor, size: int) -> None:
        """One step on the pictures `chosen` (indices); random numbers come from its place alone."""
        state, config, device = self.state, self.config.train, self.machine.device
        seed = seed_of(config.seed, state["epoch"], state["step"])
        generator = torch.Generator().manual_seed(seed)
        torch.manual_seed(seed)  # dropout
        done = (state["epoch"] + state["step"] / self.steps_per_epoch) / len(self.phases)
        set_rate(self.optimiser, learning_rate(done, config.peak_lr, config.warm_up))

        images = self.images[chosen.to(self.images.device)].to(device)
        x = self.augment(images, size, generator)
        labels = self.labels[chosen].to(device)
        x, *targets = mix(x, labels, self.config.mix, generator)
        with self.machine.autocast():
            logits = self.network(x)
            loss = mixed_cross_entropy(logits, *targets, config.smoothing)
            if self.teacher is not None:
                loss = self.distilled(loss, logits, x)
        self.optimiser.zero_grad(set_to_none=True)
        self.scaler.scale(loss).backward()
        self.scaler.unscale_(self.optimiser)
        norm = limit_gradients(self.parameters, config.clip)
        # Waits for a GPU, once a step: a step that is not finite must not reach the average.
        if bool(torch.isfinite(loss.detach() + norm)):
            self.scaler.step(self.optimiser)
            self.average.update(state["steps"] - state["skipped"] + 1)
            hits = mixed_hits(logits, *targets)
            self.sums += torch.stack((loss.detach() * len(chosen), hits))
            state["counted"] += len(chosen)
            state["skipped_in_row"] = 0
        else:
            self.skip()
        self.scaler.update()
        state["step"] += 1
        state["steps"] += 1
        state["images"] += len(chosen)

    def distilled(self, loss, logits, x):
        settings = self.config.distil
        with torch.no_grad():
            wanted = self.teacher(x)
        other = distillation_loss(logits, wanted, settings.temperature)
        return (1 - settings.weight) * loss + settings.weight * other

    def skip(self) -> None:
        state = self.state
        state["skipped"] += 1
        state["skipped_in_row"] += 1
        self.average.restore_statistics()
        if state["skipped_in_row"] >= MAX_SKIPPED:
            raise TrainingError(
                f"the loss or its gradient was not finite {MAX_SKIPPED} times in a row, in epoch"
                f" {state['epoch'] + 1}, step {state['step'] + 1}; lower train.peak_lr, set"
                " train.clip to 1 or train.precision to float32, and start again in an empty --out"
            )

    def start_clock(self) -> None:
        self.sums = torch.zeros(2, device=self.machine.device)  # loss, hits since the last look
        self.clock = time.monotonic(), time.process_time()

    def settle(self) -> None:
        """Moves sums and clocks of the last steps into the state."""
        loss, hits = self.sums.tolist()
        self.sums.zero_()
        now = time.monotonic(), time.process_time()
        wall, cores = (after - before for after, before in zip(now, self.clock))
        self.clock = now
        spent = dict(epoch_seconds=wall, wall_seconds=wall, core_seconds=cores)
        for key, value in dict(loss=loss, hits=hits, **spent).items():
            self.state[key] += value

    # After an epoch, and at the end

    def finish_epoch(self) -> None:
        config = self.config.train
        chosen, size = evenly(len(self.val), config.monitor), self.phases[self.state["epoch"]]
        scores = tuple(hits / len(chosen) for hits in self.validate(chosen, size))
        pictures = self.steps_per_epoch * config.batch
        row = close_epoch(self.state, config, size, len(self.phases), scores, pictures)
        self.save()
        self.records.write(self.state, self.average.average)
        say(" ".join(f"{key} {value}" for key, value in row.items()))

    def validate(self, chosen: torch.Tensor, size: int) -> tuple[int, int]:
        """-> correct answers of the averaged network, top-1 and top-5"""
        with self.machine.autocast():
            return self.score(self.val.images[chosen], self.val.labels[chosen], size)

    def score(self, images, labels, size: int) -> tuple[int, int]:
        data, network = self.config.data, self.average.average
        side, device = self.config.train.shorter_side_at(size), self.machine.device
        logits = logits_of(network, images, size, data.mean, data.std, side, device)
        return top(logits, labels, 1), top(logits, labels, 5)

    def finish(self) -> None:
        """Scores the averaged network on all validation pictures, in float32."""
        if self.machine.form == "planes" and not self.config.quantize.bits:
            set_form(self.average.average, "planes", torch.float32)
        hits = self.score(self.val.images, self.val.labels, self.config.train.input_size)
        result = self.records.finish(self.state, self.average.average, *hits)
        say(f"top-1 {result['top1']:.2%}, top-5 {result['top5']:.2%} of {result['n']} pictures")
