"""Networks by hand, as for the tests of tickets."""

from tests.tickets.conftest import module_fixture, single_thread

__all__ = ["module_fixture", "single_thread"]
