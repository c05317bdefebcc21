"""Any folder of images by class.

    DATA/train/CLASS/*.jpg   DATA/val/CLASS/*.jpg
    DATA/train/CLASS/*.jpg   or   DATA/CLASS/*.jpg     a tenth of each class is held out as val

Pictures may lie deeper inside a class. Names that begin with a dot are passed over; every other
file of a class that gives no picture is listed in Dataset.skipped, and so is a picture outside
the classes. See decode.py for what becomes of a picture, labels.py for the names of classes.
"""

import os
import zlib
from pathlib import Path

import numpy as np
import torch

from .dataset import DataError, Dataset, check_side, say
from .decode import decode_all, printable
from .labels import normal, read_labels

HELD_OUT = 0.1  # share of each class, where there is no val folder
SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif", ".heic")


def read(path: Path, split: str, side: int, workers: int | None = None) -> Dataset:
    """Split "train" or "val" of folder `path`; see open_dataset."""
    check_side(side)
    path = Path(path)
    train, val = splits(path)
    known = class_folders(train or val)
    if len(known) < 2:
        found = f"only one class ({next(iter(known))})" if known else "no class folders"
        raise DataError(
            f"{train or val}: {found}, expected two or more folders of images, one per class"
        )
    folders = list(known)
    classes = read_labels(path, folders)
    if train and val and split == "val":
        files, skipped = list_files(class_folders(val), folders, val)
    elif val and not train and split == "train":
        raise DataError(f"{path} has val, but no train folder; training needs one")
    else:
        files, skipped = list_files(known, folders, train or val)
        if not val:
            files = hold_out(files, split)
            say(f"{path}: no val folder, so {HELD_OUT:.0%} of each class is held out as val")
    require_pictures(path, split, folders, files, skipped)
    data = decode_into(files, side, classes, skipped, f"{path.name or path}/{split}", workers)
    require_classes(path, split, folders, data)
    if data.skipped:
        name, reason = data.skipped[0]
        say(f"{path}: {len(data.skipped)} files of {split} skipped, the first {name}: {reason}")
    return data


def splits(path: Path) -> tuple[Path | None, Path | None]:
    """Folders of the train and val pictures; a class may be called "train", so look inside."""
    train, val = path / "train", path / "val"
    has_train, has_val = bool(subfolders(train)), bool(subfolders(val))
    if not has_train and not has_val:
        return path, None
    return train if has_train else None, val if has_val else None


def subfolders(path: Path) -> list[Path]:
    if not path.is_dir():
        return []
    try:
        return [p for p in path.iterdir() if p.is_dir() and not p.name.startswith(".")]
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}; make it readable") from error


def class_folders(path: Path) -> dict[str, Path]:
    """-> {class: folder}, sorted by class"""
    found = {}
    for folder in subfolders(path):
        name = normal(folder.name)
        if name in found:
            raise DataError(f"{path}: two folders are called {name}; rename one")
        found[name] = folder
    return dict(sorted(found.items()))


def list_files(found: dict[str, Path], folders: list[str], root: Path):
    """-> [(path, name, class index)] sorted by name, and what was not a file: [(name, reason)]"""
    extra = sorted(set(found) - set(folders))
    if extra:
        raise DataError(f"{root}: class {extra[0]} is not among the {len(folders)} of train")
    files = []
    skipped = [
        (printable(path.name), "a picture outside the class folders")
        for path in sorted(root.iterdir())
        if path.suffix.lower() in SUFFIXES and path.is_file() and not path.name.startswith(".")
    ]
    for index, folder in enumerate(folders):
        if folder not in found:
            continue
        start = found[folder]
        failed = []
        for where, inner, names in os.walk(start, onerror=failed.append):
            inner[:] = sorted(name for name in inner if not name.startswith("."))
            for name in sorted(names):
                if not name.startswith("."):
                    path = os.path.join(where, name)
                    shown = f"{folder}/{printable(os.path.relpath(path, start))}"
                    files.append((path, shown, index))
        skipped += [(f"{folder}/", error.strerror) for error in failed]
    return files, skipped


def hold_out(files: list, split: str) -> list:
    """The part of `files` for `split`: by class, the same on every machine and in every run."""
    by_class = {}
    for file in files:
        by_class.setdefault(file[2], []).append(file)
    kept = []
    for members in by_class.values():
        folder = members[0][1].split("/", 1)[0]
        # Seeded by the class: adding another one does not move this one's pictures.
        rng = np.random.default_rng(zlib.crc32(folder.encode()))
        order = rng.permutation(len(members))
        count = max(1, round(HELD_OUT * len(members))) if len(members) > 1 else 0
        chosen = order[:count] if split == "val" else order[count:]
        kept += [members[i] for i in sorted(chosen)]
    return kept


def decode_into(files, side, classes, skipped, title, workers) -> Dataset:
    need = len(files) * side * side * 3
    have = physical_memory()
    if need > have:
        raise DataError(
            f"{len(files)} pictures of {side}x{side} take {need / 1e9:.1f} GB, this machine has"
            f" {have / 1e9:.1f}; use fewer pictures or a smaller side"
        )
    images = torch.empty((len(files), side, side, 3), dtype=torch.uint8)
    array, labels, names, skipped = images.numpy(), [], [], list(skipped)
    results = decode_all([path for path, _, _ in files], side, title, workers)
    for (_, name, label), result in zip(files, results):
        if isinstance(result, str):
            skipped.append((name, result))
            continue
        array[len(names)] = result
        names.append(name)
        labels.append(label)
    labels = torch.tensor(labels, dtype=torch.int64)
    return Dataset(images[: len(names)], labels, classes, names, skipped)


def physical_memory() -> float:
    """Bytes; infinite where the system does not say."""
    if not hasattr(os, "sysconf"):
        return float("inf")
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def require_pictures(path, split, folders, files, skipped):
    if not files:
        first = f" ({skipped[0][0]}: {skipped[0][1]})" if skipped else ""
        raise DataError(f"{path}: no files of {split} in {len(folders)} class folders{first}")


def require_classes(path, split, folders, data):
    """Every class has pictures to train on; a class without any in val is only mentioned."""
    counts = torch.bincount(data.labels, minlength=len(folders)).tolist()
    empty = [folder for folder, count in zip(folders, counts) if count == 0]
    if not empty:
        return
    reasons = [f"{name}: {why}" for name, why in data.skipped if name.startswith(f"{empty[0]}/")]
    cause = f"; first of {len(reasons)} skipped files {reasons[0]}" if reasons else ""
    what = f"{path}: {len(empty)} of {len(folders)} classes without a readable picture in {split}"
    if split == "train" or len(empty) == len(folders):
        raise DataError(f"{what}, the first {empty[0]}{cause}; add pictures or remove the folder")
    say(f"{what}, the first {empty[0]}{cause}")
