"""Another system is asked which agent should take a caller: the strategy `webhook`."""

import asyncio
from collections.abc import Callable

import msgspec
import structlog

from softswitch.engine.caller import Caller
from softswitch.features.acd.model.effects import AskWebhook
from softswitch.features.acd.model.inputs import Input, WebhookAnswered, WebhookFailed
from softswitch.features.acd.needs import Web
from softswitch.kernel.errors import SwitchError

log = structlog.get_logger(__name__)


class _Said(msgspec.Struct):
    """What it answers: the best first, none for nobody yet."""

    agents: tuple[str, ...]


class Webhooks:
    """`POST` of the caller and of the agents who could; `{"agents": ["alice"]}` comes back."""

    def __init__(self, happened: Callable[[Input], None], web: Web) -> None:
        self._happened = happened
        self._web = web
        self._asking: set[asyncio.Task[None]] = set()

    def ask(self, url: str, seconds: float, asked: AskWebhook, caller: Caller) -> None:
        """Ask, for as long as the engine waits for it."""
        body = msgspec.json.encode(
            {
                "queue": asked.queue,
                "call": asked.call,
                "number": caller.from_.number,
                "waited_ms": asked.waited_ms,
                "agents": asked.agents,
                "data": dict(caller.data),
            }
        )
        task = asyncio.get_running_loop().create_task(self._ask(url, seconds, asked.question, body))
        self._asking.add(task)
        task.add_done_callback(self._asking.discard)

    def stop(self) -> None:
        """Nobody is asked any more."""
        for task in self._asking:
            task.cancel()

    async def _ask(self, url: str, seconds: float, question: int, body: bytes) -> None:
        try:
            answer = await self._web.ask("POST", url, {}, body, seconds)
            if answer.status != 200:
                raise ConnectionError(f"it answers {answer.status}")
            said = msgspec.json.decode(answer.body, type=_Said)
        except (SwitchError, OSError, msgspec.DecodeError) as error:
            log.warning("a queue's webhook named nobody", url=url, error=str(error))
            self._happened(WebhookFailed(question))
        else:
            self._happened(WebhookAnswered(question, said.agents))
