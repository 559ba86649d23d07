"""Scenarios run on virtual time: every `async def` test here gets a fresh `VirtualTimeLoop`."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

import pytest

from tests.support.switch import SimulatedSwitch
from tests.support.virtual_time import VirtualTimeLoop, unhandled


def pytest_asyncio_loop_factories(config: Any, item: Any) -> Mapping[str, Callable[[], VirtualTimeLoop]]:
    return {"virtual": VirtualTimeLoop}


@pytest.fixture
async def loop() -> AsyncIterator[VirtualTimeLoop]:
    """The running virtual loop; an error that no task awaited fails the test."""
    running = asyncio.get_running_loop()
    assert isinstance(running, VirtualTimeLoop)
    yield running
    if running.unhandled:
        raise unhandled(running.unhandled[0])


@pytest.fixture
async def house(loop: VirtualTimeLoop) -> SimulatedSwitch:
    """A switch and its network, on the test's own loop."""
    return SimulatedSwitch(loop)
