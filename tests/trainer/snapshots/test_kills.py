"""However often and wherever taking snapshots is killed, the same files come of it as of a run that was left alone."""

import subprocess
import sys
from pathlib import Path

from selfref.client import Client
from selfref.store import Store
from tests.service.gateways import GatewayProcess
from tests.trainer.snapshots.feeds import files, judge, taken

SIZE = 6
SEEDS = 20


def died(gateway: GatewayProcess, folder: Path, *how: str) -> int:
    """Run `tests.trainer.snapshots.dying`; how many children died."""
    command = [sys.executable, "-m", "tests.trainer.snapshots.dying", gateway.url, str(folder), str(SIZE), *how]
    return int(subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=110).stdout)


async def test_a_kill_at_any_step_changes_nothing(
    store: Store, gateway: GatewayProcess, client: Client, tmp_path: Path
) -> None:
    await judge(store, range(2 * SIZE + 2))
    assert len(taken(tmp_path / "undisturbed", client, SIZE)) == 2
    deaths = died(gateway, tmp_path / "killed", "every")
    assert deaths > 40
    killed = list((tmp_path / "killed").iterdir())
    assert len(killed) >= deaths
    for each in killed:
        assert files(each) == files(tmp_path / "undisturbed"), each.name


async def test_kills_again_and_again_change_nothing(
    store: Store, gateway: GatewayProcess, client: Client, tmp_path: Path
) -> None:
    await judge(store, range(3 * SIZE + 2))
    assert len(taken(tmp_path / "undisturbed", client, SIZE)) == 3
    assert died(gateway, tmp_path / "killed", *map(str, range(SEEDS))) > SEEDS
    killed = list((tmp_path / "killed").iterdir())
    assert len(killed) == SEEDS
    for each in killed:
        assert files(each) == files(tmp_path / "undisturbed"), each.name
