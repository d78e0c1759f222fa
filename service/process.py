"""How a process of this package starts, ends and complains: the same for the gateway and the keeper."""

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog
import uvloop
from pydantic import ValidationError
from pydantic_settings import BaseSettings

from selfref.environment import unknown_variables
from selfref.logs import configure_logs
from selfref.store import StoreUnavailable
from service.errors import ConfigurationError

S = TypeVar("S", bound=BaseSettings)
log = structlog.get_logger()


def run(name: str, module: str, settings: type[S], serve: Callable[[S], Awaitable[None]]) -> int:
    """Serve until told to stop; the exit code.

    0 after SIGTERM or Ctrl-C, 1 where Redis does not answer at the start, 2 where the settings cannot work.
    """
    prefix = str(settings.model_config["env_prefix"])
    variables = [_variable(str(field.validation_alias or key), prefix) for key, field in settings.model_fields.items()]
    told = f"Settings, all from the environment: {', '.join(variables)}."
    argparse.ArgumentParser(prog=f"python -m {module}", description=told).parse_args()
    configure_logs(name)
    if unknown := unknown_variables(prefix, settings):
        log.warning("unknown_settings", settings=unknown, why="misspelt, or of another version; they change nothing")

    async def served() -> None:
        await serve(settings())

    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(served())
    except ValidationError as error:
        for fault in error.errors(include_url=False, include_input=False):
            _complain(name, f"{_variable(str(fault['loc'][0]), prefix)}: {fault['msg']}")
        return 2
    except ConfigurationError as error:
        _complain(name, str(error))
        return 2
    except StoreUnavailable as error:
        _complain(name, f"{error.detail}. SELFREF_REDIS_URL names the Redis to use.")
        return 1
    return 0


def _complain(name: str, message: str) -> None:
    sys.stderr.write(f"{name}: {message}\n")


def _variable(name: str, prefix: str) -> str:
    """The environment variable behind a field of the settings, or behind the alias of one."""
    return name if name.startswith("SELFREF_") else f"{prefix}{name.upper()}"
