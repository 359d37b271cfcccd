"""Planets, as read from a data file."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Planet:
    name: str
    axis: float
    """Semi-major axis, in astronomical units."""
    eccentricity: float


PLANETS = Path(__file__).with_name("planets.json")


def load_planets(path: Path = PLANETS) -> dict[str, Planet]:
    table = json.loads(path.read_text(encoding="utf-8"))
    return {name: Planet(name, **row) for name, row in table.items()}
