"""Makes test/fixtures/image/pillow.json: what Pillow, torchvision's rules and float32 make of seeded pictures.

Run with Pillow >= 13 (which decides the order of the passes by size) and numpy:

    python models/make_image_fixtures.py

A case holds sizes, a digest of the cropped RGB bytes and one of the normalised float32 values
(little-endian, height x width x 3), and the bytes themselves where they are few. Sources come from
a formula (`source_bytes`), repeated in test/image/source.ts. photos.json beside it is the same of the
photographs in samples/, as Pillow decodes them.
"""

import base64
import hashlib
import json
import sys
from pathlib import Path

import numpy as np
import PIL
from PIL import Image, ImageOps

IMAGENET = {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}
HALVES = {"mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5]}
MODES = {1: "L", 3: "RGB", 4: "RGBA"}
ROOT = Path(__file__).parent.parent
TARGET = ROOT / "test" / "fixtures" / "image" / "pillow.json"
PHOTOS = ROOT / "test" / "fixtures" / "image" / "photos.json"


def hash32(index: np.ndarray, seed: int) -> np.ndarray:
    """Seeded 32-bit mix of uint32 indices, uint32."""
    mixed = (index.astype(np.uint32) + np.uint32(seed * 0x9E3779B1 & 0xFFFFFFFF)) * np.uint32(0x85EBCA6B)
    mixed ^= mixed >> np.uint32(15)
    mixed *= np.uint32(0xC2B2AE35)
    return mixed ^ (mixed >> np.uint32(13))


def source_bytes(kind: str, seed: int, height: int, width: int, channels: int) -> np.ndarray:
    """Picture [height, width, channels] uint8: "noise", or "blocks" of 8 x 8 with hard edges to 0 and 255."""
    y, x, c = np.ogrid[:height, :width, :channels]
    noise = hash32((y * width + x) * channels + c, seed) & np.uint32(255)
    if kind == "noise":
        return noise.astype(np.uint8)
    block = hash32(((y >> 3) * 4096 + (x >> 3)) * 4 + c, seed + 1)
    soft = ((block & np.uint32(255)) + (noise & np.uint32(15))) & np.uint32(255)
    hard = np.where(block & np.uint32(512), 255, 0)
    return np.where(block & np.uint32(256), hard, soft).astype(np.uint8)


def resize_and_crop(image: Image.Image, spec: dict, height: int, width: int) -> np.ndarray:
    """torchvision's Resize(shorterSide) and CenterCrop; for other sizes the cover rule of src/image/geometry.ts."""
    least = min(spec["size"])
    box_height = int(height * spec["shorterSide"] / least)
    box_width = int(width * spec["shorterSide"] / least)
    if image.width * box_height <= image.height * box_width:
        resized = (box_width, int(box_width * image.height / image.width))
    else:
        resized = (int(box_height * image.width / image.height), box_height)
    image = image.resize(resized, Image.Resampling.BILINEAR)
    top = int(round((image.height - height) / 2.0))
    left = int(round((image.width - width) / 2.0))
    return np.asarray(image.crop((left, top, left + width, top + height)))


def normalise(rgb: np.ndarray, spec: dict) -> np.ndarray:
    """((byte / 255) - mean) / std, each step in float32."""
    mean, std = np.float32(spec["mean"]), np.float32(spec["std"])
    return (rgb.astype(np.float32) / np.float32(255) - mean) / std


def digest(array: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()[:16]


def make_case(kind, seed, width, height, channels, net, trained, shorter, norm) -> dict:
    spec = {"channels": 3, **norm, "size": trained, "shorterSide": shorter, "resampling": "bilinear"}
    pixels = source_bytes(kind, seed, height, width, channels)
    image = Image.fromarray(pixels[..., 0] if channels == 1 else pixels)
    assert image.mode == MODES[channels], image.mode
    rgb = resize_and_crop(image.convert("RGB"), spec, *net)
    case = {
        "source": {"kind": kind, "seed": seed, "width": width, "height": height, "channels": channels},
        "spec": spec,
        "height": net[0],
        "width": net[1],
        "bytesSha256": digest(rgb),
        "valuesSha256": digest(normalise(rgb, spec)),
    }
    if rgb.size <= 200:
        case["bytes"] = base64.b64encode(rgb.tobytes()).decode()
    return case


def cases() -> list[dict]:
    out = []

    def add(width, height, channels, net, trained, shorter, norm=IMAGENET, kind="blocks"):
        out.append(make_case(kind, len(out) + 1, width, height, channels, net, trained, shorter, norm))

    small = ([8, 8], [8, 8], 10)
    sizes = [(1, 1), (1, 40), (40, 1), (1000, 1), (1, 1000), (5, 3), (7, 9), (10, 10), (10, 25), (25, 10), (9, 11)]
    sizes += [(64, 48), (48, 64), (97, 61), (16, 16), (37, 101), (20, 39), (20, 40), (20, 41), (20, 45), (31, 64)]
    for index, (width, height) in enumerate(sizes):  # sides around 1, the box, and Pillow's change of order
        add(width, height, (1, 3, 4)[index % 3], *small, kind=("blocks", "noise")[index % 2])
    for channels in (1, 3, 4):
        add(1, 1, channels, *small)
        add(61, 47, channels, *small, norm=HALVES, kind="noise")
        add(23, 71, channels, *small, kind="noise")
        add(50, 40, channels, [6, 10], [8, 8], 8)  # the box is the crop
        add(30, 90, channels, [13, 5], [8, 10], 9, kind="noise")
        add(90, 30, channels, [5, 13], [8, 10], 9, kind="noise")
    imagenet = ([224, 224], [224, 224], 256)
    add(640, 480, 4, *imagenet)
    add(480, 640, 3, *imagenet)
    add(500, 333, 3, *imagenet, kind="noise")
    add(200, 150, 4, *imagenet)
    add(256, 400, 3, *imagenet)
    add(1920, 1080, 4, *imagenet)
    add(1080, 2400, 4, *imagenet)
    add(400, 6000, 3, *imagenet, kind="noise")
    add(8000, 6000, 1, *imagenet)
    add(640, 480, 4, [96, 96], [224, 224], 256, norm=HALVES)
    add(640, 480, 3, [192, 320], [224, 224], 256)
    add(480, 640, 3, [448, 448], [224, 224], 256, kind="noise")
    add(333, 500, 1, [257, 129], [256, 192], 192)
    return out


def photo_cases() -> list[dict]:
    """Whole way from a JPEG file to the network's input: smaller, larger, square, long, odd sizes."""
    out = []
    nets = [
        ([64, 64], [64, 64], 72),  # networks of 200 classes
        ([32, 32], [32, 32], 32),  # CIFAR-10
        ([224, 224], [224, 224], 256),
        ([97, 161], [224, 224], 256),
        ([301, 203], [224, 224], 256),
        ([640, 448], [224, 224], 256),  # larger than most of them
    ]
    for path in sorted((ROOT / "samples").glob("*.jpg")):
        with Image.open(path) as opened:
            image = ImageOps.exif_transpose(opened).convert("RGB")
        for net, trained, shorter in nets:
            spec = {"channels": 3, **IMAGENET, "size": trained, "shorterSide": shorter, "resampling": "bilinear"}
            rgb = resize_and_crop(image, spec, *net)
            out.append(
                {
                    "photo": path.name,
                    "spec": spec,
                    "height": net[0],
                    "width": net[1],
                    "bytesSha256": digest(rgb),
                    "valuesSha256": digest(normalise(rgb, spec)),
                }
            )
    return out


def write(target: Path, made: list[dict]) -> None:
    lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in made)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(f'{{"pillow":"{PIL.__version__}","cases":[\n{lines}\n]}}\n')
    print(f"{target}: {target.stat().st_size} bytes")


if __name__ == "__main__":
    if int(PIL.__version__.split(".")[0]) < 13:
        sys.exit(f"Pillow is {PIL.__version__}, expected 13 or later: earlier ones order the passes otherwise.")
    write(TARGET, cases())
    write(PHOTOS, photo_cases())
