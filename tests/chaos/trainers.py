"""Trainers as processes that are killed at random points and resume from their file."""

import asyncio
import json
import os
import random
import sys
from pathlib import Path
from typing import Any

from selfref.stack.child import Child, Command
from tests.chaos.stack import REPOSITORY, Tenant

LIVES = (0.3, 2.5)  # seconds between two deaths


class Trainer:
    """One tenant's reader of labels."""

    def __init__(self, tenant: Tenant, *, gateways: list[str], folder: Path, chance: random.Random) -> None:
        self.tenant = tenant
        self.file = folder / f"trainer-{tenant.name}.json"
        self._log = folder / f"trainer-{tenant.name}.log"
        self._chance = chance
        arguments = (sys.executable, "-P", "-m", "tests.chaos.trainer", str(self.file), tenant.key, *gateways)
        self._command = Command("trainer", arguments, {"PYTHONPATH": f"{REPOSITORY}{os.pathsep}"})

    async def run(self, stop: asyncio.Event) -> None:
        """Live and die until told to stop."""
        while not stop.is_set():
            child = await Child.start(self._command, log=self._log)
            try:
                await asyncio.wait(
                    [asyncio.ensure_future(stop.wait()), child.end],
                    timeout=self._chance.uniform(*LIVES),
                    return_when=asyncio.FIRST_COMPLETED,
                )
                assert child.exit_code is None, f"the trainer ended by itself:\n{child.tail()}"
            finally:
                child.kill()
                await child.end

    async def catch_up(self, ids: set[str], *, within: float) -> None:
        """Live until it has these labels, or the time is over."""
        child = await Child.start(self._command, log=self._log)
        try:
            async with asyncio.timeout(within):
                while ids - {label["id"] for label in self.applied()}:
                    await asyncio.sleep(0.05)
        except TimeoutError:
            pass  # the checker says which labels it lacks
        finally:
            child.kill()
            await child.end

    def applied(self) -> list[dict[str, Any]]:
        """The labels in its file, in the order in which it applied them."""
        return list(json.loads(self.file.read_text())["applied"]) if self.file.exists() else []
