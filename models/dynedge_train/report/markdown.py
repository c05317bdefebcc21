"""Markdown pieces and number formats that cards and the claim's page share."""

from html import escape

from .counts import STANDARD_G

NAMES = {
    "dy-mobile": "Dy-mobile",
    "fix-mobile": "Fix-mobile",
    "mobilenetv2": "MobileNetV2",
    "dy-shuffle": "Dy-shuffle",
    "fix-shuffle": "Fix-shuffle",
    "shufflenetv2": "ShuffleNetV2",
}


def display(network: str, width: float = 1.0, g: int | None = None) -> str:
    """`Dy-mobile`, `Dy-shuffle (1.5)`, `Dy-mobile, g_t = 2`: width 1 and g_t 6 go unsaid."""
    text = NAMES.get(network, network)
    if width != 1.0:
        text += f" ({width:g})"
    if g is not None and g != STANDARD_G:
        text += f", g_t = {g}"
    return text


def cell(value) -> str:
    """Text that a table cell can hold: one line, no markup of its own."""
    return escape(" ".join(str(value).split()), quote=False).replace("|", "\\|")


def table(head, rows) -> str:
    """Markdown; columns whose cells all look like numbers are set to the right."""
    rows = [[cell(value) for value in row] for row in rows]
    numeric = [
        all(row[index][:1].isdigit() or row[index][:1] in "+-–" for row in rows)
        for index in range(len(head))
    ]
    lines = [head, ["--:" if right and rows else "---" for right in numeric], *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines) + "\n"


def percent(share: float, digits: int = 2) -> str:
    return f"{100 * share:.{digits}f} %"


def whole(value: int) -> str:
    return f"{value:,}"


def millions(value: int) -> str:
    return f"{value / 1e6:.2f}"


def signed(points: float) -> str:
    return f"{points:+.2f}"


def listed(names) -> str:
    """`a`, `a and b`, `a, b and c`."""
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last


def collapsed(title: str, body: str) -> str:
    """A block that a reader opens."""
    return f"<details><summary>{title}</summary>\n\n{body}\n</details>\n"


def flat(settings: dict, prefix: str = "") -> dict:
    """`{"a": {"b": 1}}` -> `{"a.b": 1}`, sorted by key."""
    found = {}
    for key, value in settings.items():
        if isinstance(value, dict):
            found |= flat(value, f"{prefix}{key}.")
        else:
            found[f"{prefix}{key}"] = value
    return dict(sorted(found.items()))
