"""One consortium for all tests of a worker that leave it as they found it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.processes.consortium import Consortium, codes


@pytest.fixture(scope="session")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Consortium]:
    """A running consortium with one item defined."""
    with Consortium(tmp_path_factory.mktemp("consortium")) as consortium:
        consortium.start()
        consortium.ready()
        assert codes(consortium.submit("m1", consortium.define())) == ["accepted"]
        yield consortium


@pytest.fixture
def consortium(founded: Consortium) -> Consortium:
    """The shared consortium with all four members up and at one height."""
    founded.whole()
    return founded
