import pytest
from orbits import Simulation, load_planets


@pytest.fixture(params=sorted(load_planets()))
def simulation(request: pytest.FixtureRequest) -> Simulation:
    return Simulation(load_planets()[request.param], steps=400_000)


def test_returns_where_it_was(simulation: Simulation) -> None:
    begin = simulation.x, simulation.y
    simulation.revolve()
    assert (simulation.x, simulation.y) == pytest.approx(begin, rel=1e-3, abs=1e-2)


def test_keeps_its_energy(simulation: Simulation) -> None:
    before = simulation.energy()
    simulation.revolve()
    assert simulation.energy() == pytest.approx(before, rel=1e-6)
