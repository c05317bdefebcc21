"""Readable labels for class folders."""

import json
import unicodedata
from collections import Counter
from pathlib import Path

from .dataset import DataError
from .decode import printable


def read_labels(root: Path, folders: list[str]) -> list[str]:
    """Label of each class folder, all different.

    The first of these files in `root` that exists decides; a folder it does not name keeps its
    own name:
    - labels.json: {"folder": "label", ...}
    - labels.txt: a folder, white space and its label per line (a tab when the folder has spaces)
    - words.txt, as in ImageNet: wnid, tab, names divided by commas, of which the first is taken
    """
    readers = {"labels.json": from_json, "labels.txt": from_lines, "words.txt": from_words}
    for name, reader in readers.items():
        if (root / name).is_file():
            try:
                table = reader((root / name).read_text("utf-8-sig"))
            except (OSError, ValueError) as error:
                raise DataError(f"{root / name}: {error}") from error
            return make_unique(folders, [table.get(folder, [folder]) for folder in folders])
    return make_unique(folders, [[folder] for folder in folders])


def from_json(text: str) -> dict[str, list[str]]:
    table = json.loads(text)
    if not isinstance(table, dict) or not all(
        isinstance(label, str) and label.strip() for label in table.values()
    ):
        raise ValueError('expected an object {"class folder": "label", ...}')
    return {normal(folder): [label.strip()] for folder, label in table.items()}


def from_lines(text: str) -> dict[str, list[str]]:
    table = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        parts = line.split("\t", 1) if "\t" in line else line.split(None, 1)
        if len(parts) != 2 or not parts[0].strip() or not parts[1].strip():
            raise ValueError(f"line {number} is {line!r}, expected a class folder and its label")
        table[normal(parts[0].strip())] = [parts[1].strip()]
    return table


def from_words(text: str) -> dict[str, list[str]]:
    table = {}
    for line in text.splitlines():
        wnid, _, names = line.partition("\t")
        names = [name.strip() for name in names.split(",") if name.strip()]
        if names:
            table[wnid.strip()] = names
    return table


def make_unique(folders: list[str], names: list[list[str]]) -> list[str]:
    """First name of each class; where classes share it, with the second one or the folder."""
    choices = [
        [own[0], *(f"{own[0]} ({other})" for other in own[1:2]), f"{own[0]} ({folder})"]
        for folder, own in zip(folders, names)
    ]
    counts = Counter(choice for options in choices for choice in options)
    labels = [next((c for c in options if counts[c] == 1), options[-1]) for options in choices]
    label, count = Counter(labels).most_common(1)[0]
    if count > 1:
        raise DataError(f"the label {label!r} belongs to {count} classes; name them differently")
    return labels


def normal(name: str) -> str:
    """One spelling of a name: file systems differ in how they compose accents."""
    return unicodedata.normalize("NFC", printable(name))
