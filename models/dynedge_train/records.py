"""The files of a run beside its checkpoint, all derived from its state."""

from pathlib import Path

from .checkpoint import export_weights
from .log import draw_curve, now, write_json, write_log
from .quantize import exported
from .schedule import learning_rate


def fresh_state() -> dict:
    """What a checkpoint says about progress; sums are over the epoch so far."""
    return dict(
        epoch=0,
        step=0,  # of the epoch
        steps=0,
        skipped=0,
        skipped_in_row=0,
        images=0,
        loss=0.0,
        hits=0.0,
        counted=0,
        epoch_seconds=0.0,
        core_seconds=0.0,
        wall_seconds=0.0,
        started=now(),
        sittings=0,
        history=[],
    )


def close_epoch(state: dict, train, size: int, epochs: int, scores: tuple, pictures: int) -> dict:
    """Moves the sums of the epoch that ended into a row of the history; -> the row.

    `train`: config.Train; `scores`: top-1 and top-5 shares; `pictures` seen in the epoch.
    """
    counted = max(state["counted"], 1)
    rate = learning_rate((state["epoch"] + 1) / epochs, train.peak_lr, train.warm_up)
    row = dict(
        epoch=state["epoch"] + 1,
        size=size,
        lr=round(rate, 8),
        loss=round(state["loss"] / counted, 5),
        train_accuracy=round(state["hits"] / counted, 5),
        val_top1=round(scores[0], 5),
        val_top5=round(scores[1], 5),
        seconds=round(state["epoch_seconds"], 1),
        images_per_second=round(pictures / max(state["epoch_seconds"], 1e-9), 1),
    )
    state["history"].append(row)
    state |= dict(epoch=state["epoch"] + 1, step=0)
    state |= dict(loss=0.0, hits=0.0, counted=0, epoch_seconds=0.0)
    return row


class Records:
    """Writes log.csv, curve.png, run.json, result.json and NAME.safetensors into `out`."""

    def __init__(self, out: Path, config, data: dict, machine, parameters: int):
        self.out, self.config, self.data = out, config, data
        self.machine, self.parameters = machine, parameters

    def write(self, state: dict, average) -> None:
        """After every epoch, and when a run resumes: a killed one may have lost them."""
        write_json(self.out / "run.json", self.budget(state))
        if state["history"]:
            write_log(self.out / "log.csv", state["history"])
            draw_curve(self.out / "curve.png", state["history"], self.config.name)
            self.export(average)

    def export(self, average) -> Path:
        path = self.out / f"{self.config.name}.safetensors"
        state, facts = exported(average)
        export_weights(path, state, self.config, self.data["labels"], **facts)
        return path

    def budget(self, state: dict) -> dict:
        network = self.config.network
        return dict(
            name=self.config.name,
            network=network.name,
            width=network.width,
            g=network.g,
            classes=len(self.data["labels"]),
            parameters=self.parameters,
            epochs=state["epoch"],
            planned_epochs=len(self.config.phases()),
            steps=state["steps"],
            skipped_steps=state["skipped"],
            images_seen=state["images"],
            wall_seconds=round(state["wall_seconds"], 1),
            core_seconds=round(state["core_seconds"], 1),
            sittings=state["sittings"],
            started=state["started"],
            written=now(),
            data=self.data,
            machine=self.machine.facts(),
            config=self.config.as_dict(),
        )

    def finish(self, state: dict, average, correct: int, among: int) -> dict:
        """`correct`, `among`: top-1 and top-5 of all validation pictures; -> the result."""
        result = dict(
            name=self.config.name,
            weights=self.export(average).name,
            input_size=self.config.train.input_size,
            n=self.data["val"],
            correct=correct,
            top1=correct / self.data["val"],
            top5=among / self.data["val"],
            seed=self.config.train.seed,
            images_seen=state["images"],
        )
        write_json(self.out / "result.json", result)
        write_json(self.out / "run.json", self.budget(state) | dict(ended=now()))
        return result
