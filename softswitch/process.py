"""The process around a switch: signals, the line that says it is ready, the garbage collector."""

import asyncio
import gc
import signal

import structlog

from softswitch import demo
from softswitch.app import Softswitch
from softswitch.kernel.errors import SwitchError
from softswitch.platform.folder_lock import only_switch
from softswitch.settings import Settings

log = structlog.get_logger(__name__)


def run(settings: Settings) -> int:
    """Serve until SIGTERM or SIGINT, then drain. Gives the exit status. Raises SwitchError when it cannot start."""
    try:
        with only_switch(settings.data_dir):
            return asyncio.run(_serve(settings))
    except OSError as error:
        raise SwitchError(_said(error)) from error


async def _serve(settings: Settings) -> int:
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    try:
        switch = Softswitch(settings)
        loop.add_signal_handler(signal.SIGHUP, switch.sip.certificates.reload_if_changed)
        await switch.start()
    except OSError as error:
        raise SwitchError(_said(error)) from error
    _spare_the_collector()
    log.info("ready", sip=[f"{kind} {address}" for kind, address in switch.sip.bound], http=str(switch.http.address))
    if settings.demo:
        print(demo.welcome(switch.http.address, switch.sip.bound), flush=True)
    await stop.wait()
    log.info("stopping: no new calls; those that are up may end", live=switch.switch.live)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.remove_signal_handler(number)  # a second signal ends it at once
    await switch.stop(settings.limits.drain_seconds)
    return 0


def _said(error: OSError) -> str:
    why = error.strerror or str(error)
    return f"{error.filename}: {why}" if error.filename else why


def _spare_the_collector() -> None:
    """Keep what was built at the start out of the garbage collector's rounds, and let it go round less often.

    Half a million objects of the libraries live as long as the process; looking at them again and again is a tenth of
    a loaded switch's time. What calls leave behind is freed by reference counts; only cycles wait for a round.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(200_000, 10, 10)
    gc.enable()
