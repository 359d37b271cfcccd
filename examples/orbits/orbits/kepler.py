"""Kepler's laws, in astronomical units, years and solar masses."""

from __future__ import annotations

import math

SUN = 4 * math.pi**2
"""The Sun's gravitational parameter in these units."""


def period(axis: float, parameter: float = SUN) -> float:
    """Return the time of a revolution, by Kepler's third law."""
    return 2 * math.pi * math.sqrt(axis**3 / parameter)


def eccentric_anomaly(mean: float, eccentricity: float) -> float:
    """Solve Kepler's equation by Newton's method."""
    anomaly = mean
    for _ in range(50):
        step = (anomaly - eccentricity * math.sin(anomaly) - mean) / (
            1 - eccentricity * math.cos(anomaly)
        )
        anomaly -= step
        if abs(step) < 1e-12:
            break
    return anomaly
