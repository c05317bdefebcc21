"""Reading and writing the files of a report; what is wrong with one is said with its path."""

import csv
import json
import os
import tomllib
from pathlib import Path
from string import Template

from . import ReportError

TEMPLATES = Path(__file__).with_name("templates")


def existing(path, what: str, remedy: str) -> Path:
    """The path of a file that must be there."""
    path = Path(path)
    if not path.is_file():
        raise ReportError(f"{path}: {what} is missing; {remedy}")
    return path


def read_json(path, what: str, remedy: str) -> dict:
    """A JSON object."""
    try:
        content = json.loads(existing(path, what, remedy).read_text())
    except ValueError as error:
        raise ReportError(f"{path}: not JSON ({error}); {remedy}") from None
    if not isinstance(content, dict):
        raise ReportError(f"{path}: got {type(content).__name__}, expected a JSON object; {remedy}")
    return content


def read_toml(path, what: str, remedy: str) -> dict:
    try:
        return tomllib.loads(existing(path, what, remedy).read_text())
    except tomllib.TOMLDecodeError as error:
        raise ReportError(f"{path}: not TOML ({error}); {remedy}") from None


def read_csv(path, what: str, remedy: str) -> list:
    """Rows as dictionaries, at least one."""
    with open(existing(path, what, remedy), newline="") as file:
        rows = list(csv.DictReader(file))
    if not rows:
        raise ReportError(f"{path}: no rows; {remedy}")
    return rows


def field(content: dict, key: str, path, kind=None):
    """`content[key]` with dots for nesting; `kind` is the type or types that it must have."""
    value = content
    for part in key.split("."):
        if not isinstance(value, dict) or part not in value:
            raise ReportError(f"{path}: has no {key!r}")
        value = value[part]
    wrong = kind is not None and (not isinstance(value, kind) or isinstance(value, bool))
    if wrong:
        raise ReportError(f"{path}: {key} is {value!r}, expected {kind}")
    return value


def write_text(path, text: str):
    """Replaces the file as a whole; makes its folder."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    partial.write_text(text)
    os.replace(partial, path)


def fill(template: str, **values) -> str:
    """The template with every `$key` replaced; a key without a value is a KeyError."""
    return Template((TEMPLATES / template).read_text()).substitute(values)


def copy(source, target):
    """Replaces `target` by a copy of `source`, which may be the same file."""
    source, target = Path(source), Path(target)
    content = source.read_bytes()
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(target.name + ".partial")
    partial.write_bytes(content)
    os.replace(partial, target)
