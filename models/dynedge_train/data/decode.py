"""One picture file -> uint8 [side, side, 3], or the reason why not; many of them on all cores."""

import os
import stat
import warnings
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial

import numpy as np
from PIL import Image, ImageOps
from tqdm import tqdm

from .dataset import DataError

# Formats that Pillow decodes by itself; EPS, for one, would start Ghostscript.
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "JPEG2000", "PPM")
MAX_PIXELS = 178_956_970  # Pillow's own limit for what it takes to be a decompression bomb
IN_PROCESS = 256  # up to so many pictures, starting processes costs more than it saves
CHUNK = 64  # pictures per message between processes


class Unreadable(Exception):
    """Why a file gives no picture."""


def decode(path, side: int) -> np.ndarray:
    """Shorter side resized to `side` by Pillow's bilinear filter, centre square cut out.

    -> uint8 [side, side, 3]. Upright by EXIF; the first frame of an animation; alpha is dropped
    and colour profiles are ignored, as the SDK does with raw pixels; 16-bit grey keeps its upper
    eight bits. JPEGs of more than twice the wanted size are decoded at a half, a quarter or an
    eighth. Throws Unreadable.
    """
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise Unreadable("not a regular file")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # odd metadata is no reason to refuse
            with Image.open(path, formats=FORMATS) as image:
                return square(to_rgb(image, side), side)
    except Unreadable:
        raise
    except Image.UnidentifiedImageError as error:
        raise Unreadable(f"not a picture of a known format ({', '.join(FORMATS)})") from error
    except Exception as error:  # decoders throw whatever a corrupt file leads them to
        raise Unreadable(f"{type(error).__name__}: {printable(error)}") from error


def to_rgb(image: Image.Image, side: int) -> Image.Image:
    image.draft(None, (2 * side, 2 * side))  # None keeps the colours; only JPEG heeds it
    if image.width * image.height > MAX_PIXELS:
        raise Unreadable(f"{image.width}x{image.height} pixels, more than {MAX_PIXELS} in all")
    image.load()
    try:
        image = ImageOps.exif_transpose(image)
    except Exception:  # broken metadata; the pixels have been read
        pass
    if image.mode == "F":
        raise Unreadable("floating-point pixels, whose range is unknown")
    if image.mode.startswith("I"):
        levels = np.asarray(image).astype(np.int64)
        if levels.min() < 0 or levels.max() > 65535:
            raise Unreadable(f"grey levels {levels.min()}..{levels.max()}, expected 16 bits")
        image = Image.fromarray((levels >> 8).astype(np.uint8))
    return image.convert("RGB")


def square(image: Image.Image, side: int) -> np.ndarray:
    """The cover rule of src/image/geometry.ts, so that both see the same numbers."""
    width, height = image.size
    if width <= height:
        resized = (side, int(side * height / width))
    else:
        resized = (int(side * width / height), side)
    if resized[0] * resized[1] > MAX_PIXELS:
        raise Unreadable(f"{width}x{height} pixels, too long and thin")
    if resized != image.size:
        image = image.resize(resized, Image.Resampling.BILINEAR)
    left, top = (int(round((length - side) / 2.0)) for length in resized)
    return np.asarray(image.crop((left, top, left + side, top + side)))


def decode_or_reason(side: int, path):
    try:
        return decode(path, side)
    except Unreadable as error:
        return str(error)


def decode_all(paths: list, side: int, title: str, workers: int | None = None):
    """Yields, in order, the array of each picture or the reason (str) why there is none.

    `workers`: processes; by default one per usable core, none for a few pictures.
    """
    if workers is None:
        workers = usable_cores() if len(paths) > IN_PROCESS else 1
    work = partial(decode_or_reason, side)
    # Without a terminal no bar: logs would fill with its copies.
    bar = partial(tqdm, total=len(paths), desc=title, unit=" images", disable=None)
    if workers < 2:
        yield from bar(map(work, paths))
        return
    with ProcessPoolExecutor(workers) as pool:
        try:
            yield from bar(pool.map(work, paths, chunksize=CHUNK))
        except BrokenProcessPool as error:
            raise DataError(
                f"{title}: a decoding process was killed (out of memory, or a picture that"
                " crashes its decoder); free memory or remove the largest pictures"
            ) from error
        finally:
            pool.shutdown(cancel_futures=True)


def usable_cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def printable(value) -> str:
    """Text that any file can hold: undecodable bytes of file names become U+FFFD."""
    return str(value).encode("utf-8", "surrogateescape").decode("utf-8", "replace")
