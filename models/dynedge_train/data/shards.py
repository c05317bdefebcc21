"""A dataset decoded once, in files of at most 60 MB.

    python -m dynedge_train.data.shards DATA OUT --side 64

OUT gets index.json (version, side, classes, and per split the names, skipped files and shards
with SHA-256) and <split>-<number>.safetensors: `images` uint8 [n, side, side, 3], `labels`
int64 [n]. `open_dataset(OUT, "train", 64)` reads them.
"""

import argparse
import hashlib
import json
import os
import sys
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from tqdm import tqdm

from dynedge_train.data.dataset import DataError, Dataset, check_side

FORMAT, VERSION, INDEX = "dynedge-shards", 1, "index.json"
MAX_BYTES = 60_000_000
HEADER_BYTES = 1024  # more than safetensors needs to describe two tensors


def is_shards(path: Path) -> bool:
    return (Path(path) / INDEX).is_file()


def write(splits: dict[str, Dataset], out: Path, max_bytes: int = MAX_BYTES) -> Path:
    """Packs e.g. {"train": ..., "val": ...} into folder `out`; -> the index, written last.

    Throws DataError if `out` holds shards already.
    """
    out = Path(out)
    if is_shards(out):
        raise DataError(f"{out} holds shards already; remove it or choose another folder")
    out.mkdir(parents=True, exist_ok=True)
    first = next(iter(splits.values()))
    side = first.images.shape[1]
    per_shard = (max_bytes - HEADER_BYTES) // (side * side * 3 + 8)
    if per_shard < 1:
        raise DataError(f"a picture of {side}x{side} does not fit into {max_bytes} bytes")
    index = dict(format=FORMAT, version=VERSION, side=side, classes=first.classes, splits={})
    for split, data in splits.items():
        starts = range(0, len(data), per_shard)
        bar = tqdm(starts, desc=f"{split} shards", disable=None)
        shards = [
            write_shard(out, f"{split}-{i:03}.safetensors", data, slice(start, start + per_shard))
            for i, start in enumerate(bar)
        ]
        index["splits"][split] = dict(names=data.names, skipped=data.skipped, shards=shards)
    partial = out / f"{INDEX}.partial"
    partial.write_text(json.dumps(index, ensure_ascii=False), "utf-8")
    os.replace(partial, out / INDEX)
    return out / INDEX


def write_shard(out: Path, file: str, data: Dataset, part: slice) -> dict:
    images, labels = data.images[part].contiguous(), data.labels[part].contiguous()
    content = save({"images": images, "labels": labels})
    (out / file).write_bytes(content)
    return dict(file=file, count=len(labels), sha256=hashlib.sha256(content).hexdigest())


def read(path: Path, split: str, side: int) -> Dataset:
    """Reads and checks one split. Throws DataError naming the file that is missing or damaged."""
    check_side(side)
    path = Path(path)
    index = read_index(path)
    if index["side"] != side:
        raise DataError(
            f"{path}: pictures of {index['side']}x{index['side']}, expected {side}x{side};"
            f" pack the data again with --side {side}"
        )
    if split not in index["splits"]:
        raise DataError(f"{path}: no split {split}, only {', '.join(index['splits'])}")
    entry = index["splits"][split]
    count = sum(shard["count"] for shard in entry["shards"])
    if count != len(entry["names"]) or count == 0:
        raise DataError(
            f"{path / INDEX}: {count} images and {len(entry['names'])} names in {split},"
            " expected as many of both; pack the data again"
        )
    images = torch.empty((count, side, side, 3), dtype=torch.uint8)
    labels = torch.empty(count, dtype=torch.int64)
    start = 0
    for shard in tqdm(entry["shards"], desc=f"{path.name}/{split}", unit=" shards", disable=None):
        end = start + shard["count"]
        read_shard(path, shard, images[start:end], labels[start:end], len(index["classes"]))
        start = end
    skipped = [tuple(item) for item in entry["skipped"]]
    return Dataset(images, labels, index["classes"], entry["names"], skipped)


def read_index(path: Path) -> dict:
    file = path / INDEX
    try:
        index = json.loads(file.read_text("utf-8"))
        kind, version = index["format"], index["version"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{file}: not an index of shards: {error!r}") from error
    if kind != FORMAT:
        raise DataError(f"{file}: format {kind!r}, expected {FORMAT!r}")
    if version != VERSION:
        raise DataError(
            f"{file}: version {version}, this program reads {VERSION}; pack the data again"
        )
    try:
        whole = is_whole(index)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise DataError(f"{file}: damaged: {error!r}; pack the data again") from error
    if not whole:
        raise DataError(f"{file}: damaged: values of the wrong kind; pack the data again")
    return index


def is_whole(index: dict) -> bool:
    """Whether all that `read` needs is there; a shard must lie beside its index."""
    texts = list(index["classes"])
    counts = [index["side"]]
    for entry in index["splits"].values():
        texts += entry["names"] + [text for pair in entry["skipped"] for text in pair]
        for shard in entry["shards"]:
            texts += [shard["file"], shard["sha256"]]
            counts.append(shard["count"])
            if Path(shard["file"]).name != shard["file"]:
                return False
    numbers = all(type(count) is int and count > 0 for count in counts)
    return numbers and all(isinstance(text, str) for text in texts)


def read_shard(path: Path, shard: dict, images, labels, classes: int) -> None:
    """Copies one shard into its part of the dataset."""
    file = path / shard["file"]
    try:
        content = file.read_bytes()
    except OSError as error:
        raise DataError(f"shard {file}: {error.strerror}; copy or pack the data again") from error
    if hashlib.sha256(content).hexdigest() != shard["sha256"]:
        raise DataError(f"shard {file}: wrong checksum; copy or pack the data again")
    try:
        tensors = load(content)
        fits = tensors["images"].shape == images.shape and tensors["labels"].shape == labels.shape
    except (SafetensorError, KeyError) as error:
        raise DataError(f"shard {file}: {error!r}") from error
    if not fits or tensors["images"].dtype != torch.uint8:
        raise DataError(f"shard {file}: tensors differ from the index; pack the data again")
    if not 0 <= tensors["labels"].min() <= tensors["labels"].max() < classes:
        raise DataError(f"shard {file}: labels outside 0..{classes - 1}; pack the data again")
    images.copy_(tensors["images"])
    labels.copy_(tensors["labels"])


def main() -> None:
    from dynedge_train.data import SPLITS, open_dataset

    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data", type=Path, help="folder of images by class, or unpacked CIFAR-10")
    parser.add_argument("out", type=Path, help="new folder for the shards")
    parser.add_argument("--side", type=int, required=True, help="pixels, e.g. 64")
    options = parser.parse_args()
    try:
        if is_shards(options.out):
            raise DataError(f"{options.out} holds shards already; choose another folder")
        splits = {split: open_dataset(options.data, split, options.side) for split in SPLITS}
        index = write(splits, options.out)
    except (DataError, OSError) as error:
        sys.exit(f"error: {error}")
    for split, data in splits.items():
        print(f"{split}: {len(data)} images, {len(data.skipped)} skipped")
    print(f"{index}: {len(splits['train'].classes)} classes")


if __name__ == "__main__":
    main()
