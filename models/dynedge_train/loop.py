"""The training loop. A run is a function of configuration, data and seed, however it is cut."""

import time
from pathlib import Path

import torch

from dynedge_torch import load_safetensors, zero_residuals
from dynedge_torch.forms import set_form

from .augment import Augment
from .checkpoint import (
    CheckpointError,
    check_same_run,
    export_weights,
    load_initial,
    read_checkpoint,
    save_checkpoint,
)
from .config import Config
from .data import DataError, Dataset
from .ema import Average
from .log import Progress, draw_curve, now, say, write_json, write_log
from .loss import distillation_loss, mixed_cross_entropy, mixed_hits
from .machine import Machine
from .mix import mix
from .optimise import limit_gradients, make_optimiser, set_rate
from .schedule import learning_rate, seed_of
from .score import evenly, logits_of, top
from .statistics import is_folded, measure_statistics

MAX_SKIPPED = 20  # in a row; float16's loss scale needs up to 16 halvings to settle
SHOW_EVERY = 20  # steps between looks at the loss, each of which waits for a GPU
STATISTICS_PICTURES = 256  # for batch norms of weights that a bundle was unpacked to
RESIDENT_SHARE = 0.25  # of a GPU's free memory that the pictures may take


class TrainingError(Exception):
    """A run that cannot go on; the message says why and what to do."""


class Trainer:
    """One run in folder `out`, resumed if a checkpoint lies there.

    Files: checkpoint.pt, NAME.safetensors (averaged weights), log.csv, curve.png, run.json,
    and at the end result.json.
    """

    def __init__(self, config: Config, train: Dataset, val: Dataset, out, machine: Machine, adopt=False):
        self.config, self.machine, self.out = config, machine, Path(out)
        self.val, self.classes = val, train.classes
        self.facts = check_data(config, train, val)
        self.images, self.labels = resident(train.images, machine.device), train.labels
        self.phases = config.phases()
        self.steps_per_epoch = len(train) // config.train.batch
        self.augment = Augment(config.augment, config.data.mean, config.data.std)
        torch.manual_seed(config.train.seed)
        self.network = machine.build(config, len(train.classes))
        if config.init.zero_residual:
            zero_residuals(self.network)
        self.checkpoint = self.out / "checkpoint.pt"
        saved = self.find_checkpoint(adopt)
        if config.init.weights and saved is None:
            self.start_from(config.init.weights)
        average = machine.build(config, len(train.classes))
        self.average = Average(self.network, average, config.train.ema)
        self.parameters = list(self.network.parameters())
        self.optimiser = make_optimiser(self.network, config.train)
        self.scaler = machine.scaler()
        self.state = dict(
            epoch=0,
            step=0,  # of the epoch
            steps=0,
            skipped=0,
            skipped_in_row=0,
            images=0,
            loss=0.0,  # sums over the epoch so far
            hits=0.0,
            counted=0,
            epoch_seconds=0.0,
            core_seconds=0.0,
            wall_seconds=0.0,
            started=now(),
            sittings=0,
            history=[],
        )
        if saved is not None:
            self.resume(saved)
        self.teacher = self.load_teacher() if config.distil.teacher else None
        self.state["sittings"] += 1
        self.saved_at = time.monotonic()

    # Starting

    def find_checkpoint(self, adopt: bool):
        if not self.checkpoint.exists():
            return None
        saved = read_checkpoint(self.checkpoint)
        if not adopt:
            check_same_run(self.checkpoint, saved, self.config, self.facts)
        return saved

    def start_from(self, weights):
        left = load_initial(self.network, weights, len(self.classes))
        say(f"started from {weights}" + (f"; new: {', '.join(left)}" if left else ""))
        if is_folded(self.network):
            self.measure_statistics()

    def measure_statistics(self):
        """On augmented training pictures, which is what the batch norms will see."""
        config = self.config
        chosen = evenly(len(self.images), STATISTICS_PICTURES).to(self.images.device)
        generator = torch.Generator().manual_seed(config.train.seed)
        images = self.images[chosen].to(self.machine.device)
        x = self.augment(images, self.phases[0], generator)
        measure_statistics(set_form(self.network, "batched"), x)
        self.machine.place(self.network)
        say(f"batch norms were folded; statistics measured on {len(chosen)} pictures")

    def resume(self, saved: dict) -> None:
        try:
            self.network.load_state_dict(saved["network"])
            self.average.average.load_state_dict(saved["average"])
            self.optimiser.load_state_dict(saved["optimiser"])
            self.scaler.load_state_dict(saved["scaler"])
        except (RuntimeError, ValueError, KeyError) as error:
            raise CheckpointError(f"{self.checkpoint}: of another network: {error}") from error
        self.state = saved["state"]
        say(f"resumed at epoch {self.state['epoch'] + 1}, step {self.state['step']}")

    def load_teacher(self):
        path = Path(self.config.distil.teacher)
        if not path.is_file():
            raise CheckpointError(f"{path}: no such file, expected the weights of distil.teacher")
        teacher, facts = load_safetensors(path)
        import json

        if json.loads(facts.get("labels", "[]")) != self.classes:
            raise CheckpointError(f"{path}: the teacher's labels are not those of the data")
        for key in ("mean", "std"):
            if json.loads(facts[key]) != list(getattr(self.config.data, key)):
                raise CheckpointError(f"{path}: the teacher's {key} is {facts[key]}, not data.{key}")
        return self.machine.place(teacher).eval().requires_grad_(False)

    # Running

    def run(self, cut) -> bool:
        """`cut(steps)`: whether to stop now, after so many steps; -> whether the run is complete."""
        began_at = self.state["steps"]
        self.write_history()
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
        self.sums = torch.zeros(2, device=self.machine.device)
        self.clock = time.monotonic(), time.process_time()
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

    def step(self, chosen, size: int) -> None:
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
            self.sums += torch.stack((loss.detach() * len(chosen), mixed_hits(logits, *targets)))
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
        self.state["skipped"] += 1
        self.state["skipped_in_row"] += 1
        self.average.restore_statistics()
        if self.state["skipped_in_row"] >= MAX_SKIPPED:
            raise TrainingError(
                f"the loss or its gradient was not finite {MAX_SKIPPED} times in a row, in epoch"
                f" {self.state['epoch'] + 1}; lower train.peak_lr, set train.clip to 1, or use"
                " train.precision = 'float32', then start again in an empty --out"
            )

    def settle(self) -> None:
        """Moves sums and clocks of the last steps into the state."""
        loss, hits = self.sums.tolist()
        self.sums.zero_()
        wall, cores = time.monotonic(), time.process_time()
        spent = wall - self.clock[0], cores - self.clock[1]
        self.clock = wall, cores
        self.state["loss"] += loss
        self.state["hits"] += hits
        self.state["epoch_seconds"] += spent[0]
        self.state["wall_seconds"] += spent[0]
        self.state["core_seconds"] += spent[1]

    # Files

    def finish_epoch(self) -> None:
        state, config = self.state, self.config.train
        size, counted = self.phases[state["epoch"]], max(state["counted"], 1)
        chosen = evenly(len(self.val), config.monitor)
        hits = self.validate(chosen, size)
        done = (state["epoch"] + 1) / len(self.phases)
        row = dict(
            epoch=state["epoch"] + 1,
            size=size,
            lr=round(learning_rate(done, config.peak_lr, config.warm_up), 8),
            loss=round(state["loss"] / counted, 5),
            train_accuracy=round(state["hits"] / counted, 5),
            val_top1=round(hits[0] / len(chosen), 5),
            val_top5=round(hits[1] / len(chosen), 5),
            seconds=round(state["epoch_seconds"], 1),
            images_per_second=round(self.steps_per_epoch * config.batch / state["epoch_seconds"], 1),
        )
        state["history"].append(row)
        state |= dict(epoch=state["epoch"] + 1, step=0)
        state |= dict(loss=0.0, hits=0.0, counted=0, epoch_seconds=0.0)
        self.save()
        self.write_history()
        say(" ".join(f"{key} {value}" for key, value in row.items()))

    def validate(self, chosen, size: int) -> tuple[int, int]:
        """-> correct answers of the averaged network, top-1 and top-5"""
        data, labels = self.config.data, self.val.labels[chosen]
        with self.machine.autocast():
            logits = logits_of(
                self.average.average, self.val.images[chosen], size, data.mean, data.std, self.machine.device
            )
        return top(logits, labels, 1), top(logits, labels, 5)

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

    def write_history(self) -> None:
        """Log, curve, budget and weights, all from the state: a killed run may have lost them."""
        history = self.state["history"]
        write_json(self.out / "run.json", self.budget())
        if history:
            write_log(self.out / "log.csv", history)
            draw_curve(self.out / "curve.png", history, self.config.name)
            self.export()

    def export(self) -> Path:
        path = self.out / f"{self.config.name}.safetensors"
        export_weights(path, self.average.average.state_dict(), self.config, self.classes)
        return path

    def budget(self) -> dict:
        state, network = self.state, self.config.network
        return dict(
            name=self.config.name,
            network=network.name,
            width=network.width,
            g=network.g,
            classes=len(self.classes),
            parameters=sum(p.numel() for p in self.parameters),
            epochs=state["epoch"],
            planned_epochs=len(self.phases),
            steps=state["steps"],
            skipped_steps=state["skipped"],
            images_seen=state["images"],
            wall_seconds=round(state["wall_seconds"], 1),
            core_seconds=round(state["core_seconds"], 1),
            sittings=state["sittings"],
            started=state["started"],
            written=now(),
            data=self.facts,
            machine=self.machine.facts(),
            config=self.config.as_dict(),
        )

    def finish(self) -> None:
        """Scores the averaged network on all validation pictures, in float32."""
        size, data = self.config.train.input_size, self.config.data
        network = self.average.average
        if self.machine.form == "planes":
            set_form(network, "planes", torch.float32)
        logits = logits_of(network, self.val.images, size, data.mean, data.std, self.machine.device)
        correct, among = (top(logits, self.val.labels, k) for k in (1, 5))
        result = dict(
            name=self.config.name,
            weights=self.export().name,
            input_size=size,
            n=len(self.val),
            correct=correct,
            top1=correct / len(self.val),
            top5=among / len(self.val),
            seed=self.config.train.seed,
            images_seen=self.state["images"],
        )
        write_json(self.out / "result.json", result)
        write_json(self.out / "run.json", self.budget() | dict(ended=now()))
        say(f"top-1 {result['top1']:.2%}, top-5 {result['top5']:.2%} of {len(self.val)} pictures")


def check_data(config: Config, train: Dataset, val: Dataset) -> dict:
    """Facts that a checkpoint keeps to know its data again."""
    if train.classes != val.classes:
        raise DataError(f"train has {len(train.classes)} classes, val {len(val.classes)} others")
    if len(train) < config.train.batch:
        raise DataError(
            f"{len(train)} training pictures, fewer than train.batch = {config.train.batch};"
            f" say --set train.batch={max(2, len(train) // 2)} or bring more pictures"
        )
    return dict(
        train=len(train),
        val=len(val),
        side=train.images.shape[1],
        labels=list(train.classes),
        skipped=len(train.skipped) + len(val.skipped),
    )


def resident(images, device):
    """Pictures on the GPU, where they take little of its memory."""
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        if images.nbytes < RESIDENT_SHARE * free:
            return images.to(device)
    return images
