"""`python -m service`: the gateway, told everything by its environment.

Exits 0 after SIGTERM or Ctrl-C, 1 where Redis does not answer, 2 where the settings cannot work.
"""

import argparse
import asyncio
import sys

import structlog
import uvloop
from pydantic import ValidationError

from selfref.environment import unknown_variables
from selfref.logs import configure_logs
from selfref.store import StoreUnavailable
from service.errors import ConfigurationError
from service.server import serve
from service.settings import PREFIX, Settings

log = structlog.get_logger()


def main() -> int:
    """Run until told to stop; the exit code."""
    argparse.ArgumentParser(prog="python -m service", description=_help()).parse_args()
    configure_logs("service")
    if unknown := unknown_variables(PREFIX, Settings):
        log.warning("unknown_settings", settings=unknown, why="misspelt, or of another version; they change nothing")
    try:
        settings = Settings()
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(serve(settings, announce=_announce))
    except ValidationError as error:
        for fault in error.errors(include_url=False, include_input=False):
            _complain(f"{_variable(str(fault['loc'][0]))}: {fault['msg']}")
        return 2
    except ConfigurationError as error:
        _complain(str(error))
        return 2
    except StoreUnavailable as error:
        _complain(f"{error.detail}. SELFREF_REDIS_URL names the Redis to use.")
        return 1
    return 0


def _announce(address: str) -> None:
    sys.stdout.write(f"listening on {address}\n")
    sys.stdout.flush()


def _complain(message: str) -> None:
    sys.stderr.write(f"service: {message}\n")


def _variable(name: str) -> str:
    """The environment variable behind a field of the settings, or behind the alias of one."""
    return name if name.startswith("SELFREF_") else f"{PREFIX}{name.upper()}"


def _help() -> str:
    names = (_variable(str(field.validation_alias or name)) for name, field in Settings.model_fields.items())
    return f"The HTTP gateway. Settings, all from the environment: {', '.join(names)}."


if __name__ == "__main__":
    sys.exit(main())
