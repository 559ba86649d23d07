"""What the log looks like: one line an event on standard error, for people at a terminal and as JSON elsewhere."""

import logging
import sys
from typing import TextIO

import structlog

LEVELS = ("debug", "info", "warning", "error")


def configure_logs(level: str, stream: TextIO | None = None) -> None:
    """Set up structlog; libraries that use `logging` (uvicorn, Alembic, SQLAlchemy) speak from `warning` up.

    A traceback is printed without local variables: they would show secrets, and drawing them takes seconds.
    """
    out = sys.stderr if stream is None else stream
    number = getattr(logging, level.upper())
    renderer: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
        if out.isatty()
        else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *(() if out.isatty() else (structlog.processors.format_exc_info,)),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.WriteLoggerFactory(file=out),
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(
        level=max(number, logging.WARNING), stream=out, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
