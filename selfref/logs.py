"""How every process of the service logs: events with fields on stderr, never sentences, never the texts of a pair."""

import logging
import sys

import structlog


def configure_logs(process: str, *, level: str = "INFO") -> None:
    """Send structlog's events to stderr: one JSON object a line, or readable key-values when a person is watching."""
    readable = sys.stderr.isatty()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.dev.ConsoleRenderer() if readable else structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    structlog.contextvars.bind_contextvars(process=process)
