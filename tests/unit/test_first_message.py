import asyncio

from softswitch.platform.first_message import FirstMessages


class Client:
    """A WebSocket whose client says nothing."""

    def __init__(self) -> None:
        self.accepted = asyncio.Event()

    async def accept(self) -> None:
        self.accepted.set()

    async def receive_text(self) -> str:
        await asyncio.get_running_loop().create_future()
        return ""


async def test_a_client_that_says_nothing_is_not_awaited_for_long() -> None:
    assert await FirstMessages(seconds=0.01).token(Client()) is None  # type: ignore[arg-type]


async def test_no_more_than_so_many_are_awaited_at_once() -> None:
    door, first, second = FirstMessages(most=1), Client(), Client()
    waiting = asyncio.create_task(door.token(first))  # type: ignore[arg-type]
    await first.accepted.wait()
    assert await door.token(second) is None  # type: ignore[arg-type]
    assert not second.accepted.is_set()
    waiting.cancel()
    await asyncio.wait([waiting])
    again = Client()
    task = asyncio.create_task(door.token(again))  # type: ignore[arg-type]
    await again.accepted.wait()
    task.cancel()
