import math

import pytest
from orbits import eccentric_anomaly, load_planets, period


@pytest.mark.parametrize(("name", "years"), [("Earth", 1), ("Mars", 1.8808), ("Jupiter", 11.87)])
def test_period(name: str, years: float) -> None:
    assert period(load_planets()[name].axis) == pytest.approx(years, rel=1e-2)


@pytest.mark.parametrize("eccentricity", [0, 0.2, 0.9])
def test_keplers_equation(eccentricity: float) -> None:
    for mean in range(1, 4):
        anomaly = eccentric_anomaly(mean, eccentricity)
        assert anomaly - eccentricity * math.sin(anomaly) == pytest.approx(mean)
