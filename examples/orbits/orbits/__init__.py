"""A few planets and how they move."""

from .bodies import load_planets as load_planets
from .kepler import eccentric_anomaly as eccentric_anomaly
from .kepler import period as period
from .simulation import Simulation as Simulation
