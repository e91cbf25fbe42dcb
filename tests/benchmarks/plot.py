"""Draws how figures grow, both axes logarithmic, as SVG."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

Points = Sequence[tuple[float, float]]
_WIDTH, _HEIGHT, _EDGE, _FOOT = 300, 230, 52, 40
_INK, _FAINT, _LINES = "#57606a", "#d0d7de", ("#0969da", "#cf222e", "#1a7f37")


def slope(points: Points) -> float:
    """The exponent with which y grows with x: 1 is in proportion, 0 is not at all.

    Of the straight line, in logarithms, that is nearest to the points.

    >>> slope([(1, 3), (10, 30), (100, 300)])
    1.0
    """
    xs, ys = ([math.log(point[axis]) for point in points] for axis in (0, 1))
    x, y = sum(xs) / len(xs), sum(ys) / len(ys)
    above = sum((a - x) * (b - y) for a, b in zip(xs, ys, strict=True))
    return round(above / sum((a - x) ** 2 for a in xs), 2)


def draw(path: Path, panels: Mapping[str, Mapping[str, Points]]) -> None:
    """Draws panels side by side.

    Args:
        path: the file.
        panels: by its title with the unit, the lines of each by their names; every line as its
            points, all above 0.
    """
    width = _WIDTH * len(panels)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {_HEIGHT + _FOOT}" '
        f'font-family="sans-serif" font-size="11" fill="{_INK}">',
        f'<rect width="{width}" height="{_HEIGHT + _FOOT}" fill="white"/>',
    ]
    for number, (title, lines) in enumerate(panels.items()):
        parts += _panel(number * _WIDTH, title, lines)
    path.write_text("\n".join([*parts, "</svg>"]) + "\n", encoding="utf-8")


def _panel(left: float, title: str, lines: Mapping[str, Points]) -> list[str]:
    every = [point for points in lines.values() for point in points]
    (x0, x1), (y0, y1) = (_decades([point[axis] for point in every]) for axis in (0, 1))
    across, down = _WIDTH - _EDGE - 18, _HEIGHT - 64

    def place(x: float, y: float) -> tuple[float, float]:
        right = (math.log10(x) - x0) / (x1 - x0) * across
        up = (math.log10(y) - y0) / (y1 - y0) * down
        return round(left + _EDGE + right, 1), round(30 + down - up, 1)

    parts = [f'<text x="{left + _EDGE}" y="18" font-weight="bold">{title}</text>']
    for power in range(y0, y1 + 1):
        x, y = place(10**x0, 10**power)
        parts.append(f'<path d="M{x} {y}h{across}" stroke="{_FAINT}"/>')
        parts.append(f'<text x="{x - 6}" y="{y + 4}" text-anchor="end">{_named(power)}</text>')
    for power in range(x0, x1 + 1):
        x, y = place(10**power, 10**y0)
        parts.append(f'<path d="M{x} {y}v{-down}" stroke="{_FAINT}"/>')
        parts.append(f'<text x="{x}" y="{y + 16}" text-anchor="middle">{_named(power)}</text>')
    for number, (name, points) in enumerate(lines.items()):
        colour = _LINES[number % len(_LINES)]
        places = [place(x, y) for x, y in points]
        drawn = " ".join(f"{x},{y}" for x, y in places)
        parts.append(f'<polyline points="{drawn}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{x}" cy="{y}" r="3" fill="{colour}"/>' for x, y in places]
        below = 30 + down + 34 + 14 * number
        parts.append(
            f'<text x="{left + _EDGE}" y="{below}" fill="{colour}">{name}: '
            f"slope {slope(points):.2f}</text>"
        )
    return parts


def _decades(values: Sequence[float]) -> tuple[int, int]:
    """The powers of ten around values, two at least."""
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    return low, max(high, low + 1)


def _named(power: int) -> str:
    """`10k` for 4."""
    for least, letter in ((9, "G"), (6, "M"), (3, "k")):
        if power >= least:
            return f"{10 ** (power - least)}{letter}"
    return f"{10**power:g}"
