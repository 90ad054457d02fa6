"""Servers that are stopped at the end, and publications to serve."""

from __future__ import annotations

import pytest

from tests.support.served import Served, publish


@pytest.fixture
def serving():
    """Start servers; each must end when asked to."""
    started = []

    def start(publication=None, **limits):
        started.append(Served(publication, **limits))
        return started[-1]

    yield start
    ended = [served.end() for served in started]
    assert all(ended)


@pytest.fixture(scope="session")
def small():
    """A publication of one series."""
    return publish()


@pytest.fixture(scope="module")
def served(small):
    """A server with a publication of one series, for requests that leave it as it is."""
    served = Served(small)
    yield served
    assert served.end()


@pytest.fixture(scope="session")
def large():
    """A publication of 100,000 series: about 17 MB of text."""
    return publish(100_000)
