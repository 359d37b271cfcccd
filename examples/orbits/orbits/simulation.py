"""A planet around the Sun, step by step, by the leapfrog method."""

from __future__ import annotations

import math

from .bodies import Planet
from .kepler import SUN, period


class Simulation:
    def __init__(self, planet: Planet, steps: int = 40_000) -> None:
        self.x = planet.axis * (1 - planet.eccentricity)
        self.y = 0.0
        self.vx = 0.0
        self.vy = math.sqrt(SUN * (2 / self.x - 1 / planet.axis))
        self.steps = steps
        self.step = period(planet.axis) / steps

    def energy(self) -> float:
        return (self.vx**2 + self.vy**2) / 2 - SUN / math.hypot(self.x, self.y)

    def revolve(self) -> None:
        step = self.step
        for _ in range(self.steps):
            pull = -SUN / math.hypot(self.x, self.y) ** 3
            self.vx += pull * self.x * step / 2
            self.vy += pull * self.y * step / 2
            self.x += self.vx * step
            self.y += self.vy * step
            pull = -SUN / math.hypot(self.x, self.y) ** 3
            self.vx += pull * self.x * step / 2
            self.vy += pull * self.y * step / 2
