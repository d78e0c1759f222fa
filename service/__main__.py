"""`python -m service`: the gateway, told everything by its environment."""

import sys

from service.process import run
from service.server import serve
from service.settings import Settings


def main() -> int:
    """Run until told to stop; the exit code (`service.process.run`)."""
    return run("service", "service", Settings, lambda settings: serve(settings, announce=_announce))


def _announce(address: str) -> None:
    sys.stdout.write(f"listening on {address}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
