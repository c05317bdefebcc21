"""A run's configuration and budget in words."""

from itertools import groupby

from .markdown import whole
from .rundir import Run


def plural(count: int, word: str) -> str:
    return f"{whole(count)} {word}{'' if count == 1 else 's'}"


def phases(log) -> str:
    """`4 epochs at 32x32, then 6 at 48x48`, from the log's rows."""
    sizes = [(size, len(list(rows))) for size, rows in groupby(log, lambda row: row["size"])]
    first, *others = sizes
    text = f"{plural(first[1], 'epoch')} at {first[0]}x{first[0]}"
    return text + "".join(f", then {count} at {size}x{size}" for size, count in others)


def settings(table: dict) -> str:
    """`crop_scale 0.35 to 1.0, flip yes`; what is 0 or off goes unsaid."""
    words = []
    for key, value in table.items():
        if value is True:
            words.append(f"{key} yes")
        elif isinstance(value, list):
            words.append(f"{key} {' to '.join(f'{item:g}' for item in value)}")
        elif value:
            words.append(
                f"{key} {value:g}" if isinstance(value, (int, float)) else f"{key} {value}"
            )
    return ", ".join(words)


def optimiser(train: dict) -> str:
    name = dict(sgd="SGD", adamw="AdamW", muon="Muon").get(train["optimiser"], train["optimiser"])
    if train["optimiser"] == "sgd":
        name += f" with Nesterov momentum {train['momentum']:g}"
    if train["optimiser"] == "muon":
        name += (
            " for the convolutions that mix channels, AdamW for all else (peak learning rate "
            f"{train['plain_lr']:g}, weight decay {train['plain_decay']:g})"
        )
    text = f"{name}, batches of {train['batch']}, peak learning rate {train['peak_lr']:g}"
    if train["coefficient_lr"] != 1:
        text += f" (coefficient modules: {train['coefficient_lr']:g} times that)"
    text += f", linear warm-up over {100 * train['warm_up']:g} % of the run, then cosine to zero"
    return (
        f"{text}; weight decay {train['weight_decay']:g} on weights, not on biases and batch norm"
    )


def recipe(run: Run) -> list:
    """Sentences without bullet points."""
    config = run.config
    train = config["train"]
    lines = [phases(run.log), optimiser(train)]
    extras = []
    if train["smoothing"]:
        extras.append(f"label smoothing {train['smoothing']:g}")
    if train["clip"]:
        extras.append(f"gradients limited to a norm of {train['clip']:g}")
    if train["ema"]:
        extras.append(
            f"the exported weights are the moving average (decay {train['ema']:g} per step)"
        )
    if extras:
        lines.append("; ".join(extras))
    lines.append(f"augmentation: {settings(config['augment'])}")
    if config["mix"]["mixup"] or config["mix"]["cutmix"]:
        lines.append(f"pictures mixed in pairs: {settings(config['mix'])}")
    if config["distil"]["teacher"]:
        distil = config["distil"]
        lines.append(
            f"distilled from {distil['teacher']}: weight {distil['weight']:g}, "
            f"temperature {distil['temperature']:g}"
        )
    if config["init"]["weights"]:
        lines.append(f"started from the weights of {config['init']['weights']}")
    if config["init"]["zero_residual"]:
        lines.append("blocks with a shortcut start as the identity")
    return lines


def hours(seconds: float) -> str:
    return f"{seconds / 3600:.2f}"


def rounds(run: Run, earlier) -> list[str]:
    """What came before a run that started from weights, and what all of it took together."""
    if not earlier:
        return []
    lines = [
        f"before this run: {one.facts['name']} on {one.source.title}, {effort([one])}, which came to "
        f"{100 * one.result['top1']:.2f} % top-1 there"
        for one in earlier
    ]
    return [*lines, f"all together: {effort([*earlier, run])}"]


def int8_lines(trained: Run | None) -> list[str]:
    """How the int8 bundle came about: from a run that trained on with its rounding, or calibrated."""
    if trained is None:
        return ["int8: these weights, ranges calibrated on training pictures (docs/calibrate.md)"]
    return [
        f"int8: trained on from these weights with its rounding, {effort([trained])} "
        "(docs/quantization-aware-training.md)"
    ]


def effort(runs) -> str:
    images = sum(run.facts["images_seen"] for run in runs)
    seconds = sum(run.facts["core_seconds"] for run in runs)
    return f"{whole(images)} images, {hours(seconds)} core-hours"


def budget(run: Run) -> list:
    """[(what, value)] of the training budget."""
    facts, machine = run.facts, run.facts["machine"]
    rows = [
        ("images seen", f"{whole(facts['images_seen'])} ({plural(facts['epochs'], 'epoch')})"),
        ("steps", whole(facts["steps"])),
    ]
    if machine["device"] == "cpu":
        rows.append(("core-hours", hours(facts["core_seconds"])))
        rows.append(("machine", f"{machine['cpu']}, {plural(machine['threads'], 'thread')}"))
    else:
        rows.append(("machine", f"{machine['gpu']}; {machine['cpu']}"))
    rows.append(("hours of training", f"{hours(facts['wall_seconds'])}, scoring not counted"))
    computed = (
        f"PyTorch {machine['torch']}, {machine['form']} form, precision {machine['precision']}"
    )
    rows.append(("computed with", computed))
    rows.append(("seed", str(run.result["seed"])))
    start, end = facts["started"][:10], facts["ended"][:10]
    dates = start if start == end else f"{start} to {end}"
    sittings = facts["sittings"]
    rows.append(("date", dates + (f", in {sittings} sittings" if sittings > 1 else "")))
    if facts.get("skipped_steps"):
        rows.append(("steps skipped, not finite", whole(facts["skipped_steps"])))
    if facts["data"]["skipped"]:
        rows.append(("unreadable pictures left out", whole(facts["data"]["skipped"])))
    return rows
