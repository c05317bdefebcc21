"""Invented run folders, in the shape that dynedge_train writes."""

import json

from dynedge_train.config import parse
from dynedge_train.report import counts

LABELS = ["black bear", "cat | tabby", "<b>dog</b>"]
COLUMNS = "epoch,size,lr,loss,train_accuracy,val_top1,val_top5,seconds,images_per_second"


def config_table(network="dy-mobile", width=1.0, g=6, seed=1, **sections):
    """A configuration as a nested table, which dynedge_train.config reads."""
    table = dict(
        name="toy",
        network=dict(name=network, width=width, g=g),
        train=dict(sizes=[[32, 2], [48, 1]], input_size=64, seed=seed, clip=2.0),
    )
    for section, values in sections.items():
        table[section] = table.get(section, {}) | values
    return table


def write_run(folder, table=None, labels=LABELS, correct=60, n=90, machine=(), **facts):
    """Writes run.json, result.json, log.csv and curve.png; -> folder"""
    config = parse(table or config_table())
    folder.mkdir(parents=True, exist_ok=True)
    network, epochs = config.network, len(config.phases())
    g = counts.kernels_of(network.name, network.g)
    size = config.train.input_size
    run = dict(
        name=config.name,
        network=network.name,
        width=network.width,
        g=network.g,
        classes=len(labels),
        parameters=counts.count(network.name, network.width, g, len(labels), size)["params"],
        epochs=epochs,
        planned_epochs=epochs,
        steps=30,
        skipped_steps=0,
        images_seen=3840,
        wall_seconds=5400.0,
        core_seconds=9000.0,
        sittings=2,
        started="2026-03-01T22:00:00+00:00",
        written="2026-03-02T01:00:00+00:00",
        ended="2026-03-02T01:00:00+00:00",
        data=dict(train=1300, val=n, side=64, labels=labels, skipped=0),
        machine=dict(
            device="cpu",
            gpu=None,
            cpu="Invented CPU",
            form="planes",
            precision="float32",
            threads=2,
            torch="2.13.0",
            python="3.11",
        )
        | dict(machine),
        config=config.as_dict(),
    )
    result = dict(
        name=config.name,
        weights=f"{config.name}.safetensors",
        input_size=size,
        n=n,
        correct=correct,
        top1=correct / n,
        top5=1.0,
        seed=config.train.seed,
        images_seen=3840,
    )
    (folder / "run.json").write_text(json.dumps(run | facts))
    (folder / "result.json").write_text(json.dumps(result))
    rows = [f"{i},{s},0.1,1.2,0.5,0.6,1.0,9.0,100.0" for i, s in enumerate(config.phases(), 1)]
    (folder / "log.csv").write_text("\n".join([COLUMNS, *rows]) + "\n")
    (folder / "curve.png").write_bytes(b"\x89PNG invented")
    return folder
