"""Plots, as SVG in the page; numbers and labels are text of the page itself.

Bars are drawn in a box of 100 by 100 that is stretched to whatever room there is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

_LEAST_SLOTS = 10
_GAP = 0.25


@dataclass(frozen=True)
class Bar:
    """One bar: what it says, and the parts that it consists of, the lowest first."""

    label: str
    parts: tuple[tuple[str, float], ...]
    """Class for the colour, and size."""

    @property
    def height(self) -> float:
        """Of all parts."""
        return sum(size for _, size in self.parts)


def bars(columns: Sequence[Bar], top: float, description: str) -> str:
    """Return bars side by side, up to the value `top`.

    Args:
        columns: from left to right.
        top: what stands at the upper edge; not 0.
        description: what a screen reader says of it.
    """
    slot = 100 / max(len(columns), _LEAST_SLOTS)
    drawn = [
        f'<line class="grid" x1="0" x2="100" y1="{y}" y2="{y}" vector-effect="non-scaling-stroke"/>'
        for y in (0, 50, 100)
    ]
    for number, column in enumerate(columns):
        left, bottom = (number + _GAP / 2) * slot, 100.0
        rectangles = ""
        for name, size in column.parts:
            height = 100 * size / top
            bottom -= height
            if height > 0:
                rectangles += (
                    f'<rect class="{name}" x="{left:.2f}" y="{bottom:.2f}" '
                    f'width="{slot * (1 - _GAP):.2f}" height="{height:.2f}"/>'
                )
        drawn.append(f"<g><title>{escape(column.label)}</title>{rectangles}</g>")
    return _picture("bars", drawn, description)


def strip(parts: Sequence[tuple[str, float]], description: str, kind: str = "strip") -> str:
    """Return one bar that lies, of the parts of a whole.

    Args:
        parts: class for the colour, and size; from left to right.
        description: what a screen reader says of it; nothing where it is empty.
        kind: the picture's own class.
    """
    whole = sum(size for _, size in parts) or 1
    drawn: list[str] = []
    left = 0.0
    for name, size in parts:
        width = 100 * size / whole
        if width > 0:
            drawn.append(
                f'<rect class="{name}" x="{left:.3f}" y="0" width="{width:.3f}" height="100"/>'
            )
        left += width
    return _picture(kind, drawn, description)


def nice_top(value: float) -> float:
    """Return a round number that is not smaller than `value`, and greater than 0."""
    if value <= 0:
        return 1.0
    size = 1.0
    while size < value:
        size *= 10
    while size / 10 >= value:
        size /= 10
    return next(size * share for share in (0.2, 0.4, 0.5, 0.6, 0.8, 1.0) if size * share >= value)


def _picture(kind: str, drawn: Sequence[str], description: str) -> str:
    told = f'role="img" aria-label="{escape(description)}"' if description else 'aria-hidden="true"'
    return (
        f'<svg class="{kind}" {told} viewBox="0 0 100 100" preserveAspectRatio="none" '
        f'focusable="false">{"".join(drawn)}</svg>'
    )
