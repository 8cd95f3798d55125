"""Names that have moved are found, with a warning."""

import pytest

import slth
from slth import networks, tickets


@pytest.mark.parametrize("name", tickets._MOVED)
def test_old_names_lead_to_the_new_ones(name: str) -> None:
    with pytest.warns(DeprecationWarning, match=f"slth.networks.{name}"):
        assert getattr(tickets, name) is getattr(networks, name)


def test_other_names_are_not_found() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        tickets.nothing  # noqa: B018
    assert slth.RandomNetwork is networks.RandomNetwork
