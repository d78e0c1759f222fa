"""Children of the stack: tied to their parent, stopped politely, then for certain."""

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from selfref.stack.child import Child, Command
from tests.stacks import children_of, is_alive, until

# Starts one child on a leash, prints its id, and waits to be killed.
PARENT = """
import asyncio, sys
from pathlib import Path
from selfref.stack.child import Child, Command

async def main():
    child = await Child.start(Command("child", tuple(sys.argv[2:])), log=Path(sys.argv[1]))
    print(child.pid, flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""
DEAF = (
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(600)",
)
DEAF_PARENT = (*DEAF[:2], f"import subprocess; subprocess.Popen(['sleep', '600']); {DEAF[2]}")


@pytest.mark.parametrize("settled", [False, True], ids=["while it starts", "while it runs"])
def test_a_child_dies_with_a_parent_that_was_killed(tmp_path: Path, settled: bool) -> None:
    log = tmp_path / "log"
    command = [sys.executable, "-c", textwrap.dedent(PARENT), str(log), *DEAF]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        if settled:
            until(lambda: "deaf" in log.read_text(), what="the child runs")
            assert is_alive(child)
        parent.kill()
        parent.wait()
    until(lambda: not is_alive(child), what="the child is gone")


async def test_a_child_ends_at_sigterm(tmp_path: Path) -> None:
    child = await Child.start(Command("sleep", ("sleep", "600")), log=tmp_path / "log")
    await child.stop(grace=30)
    assert child.exit_code == -15


async def test_a_child_deaf_to_sigterm_is_killed_with_all_it_started(tmp_path: Path) -> None:
    child = await Child.start(Command("deaf", DEAF_PARENT), log=tmp_path / "log")
    until(lambda: "deaf" in child.log.read_text(), what="the child runs")
    (grandchild,) = children_of(child.pid)
    await child.stop(grace=0.1)
    assert child.exit_code == -9
    until(lambda: not is_alive(grandchild), what="what it started is gone too")


async def test_output_of_both_kinds_is_logged_and_the_previous_log_is_kept(tmp_path: Path) -> None:
    log = tmp_path / "log"
    for run in ("first", "second"):
        both = f"import sys; print('{run} out'); print('{run} err', file=sys.stderr)"
        child = await Child.start(Command("talker", (sys.executable, "-c", both)), log=log)
        assert await child.end == 0
        assert child.tail().splitlines() == [f"{run} out", f"{run} err"]
    assert (tmp_path / "log.1").read_text() == "first out\nfirst err\n"


async def test_the_tail_of_a_long_log_is_its_end(tmp_path: Path) -> None:
    many = (sys.executable, "-c", "print(*range(9999), sep='\\n')")
    child = await Child.start(Command("many", many), log=tmp_path / "log")
    await child.end
    assert child.tail().splitlines() == [str(number) for number in range(9979, 9999)]


async def test_the_environment_is_ours_and_the_commands_own(tmp_path: Path) -> None:
    shell = ("sh", "-c", "echo $HOME $COLOUR")
    child = await Child.start(Command("env", shell, {"COLOUR": "blue"}), log=tmp_path / "log")
    await child.end
    assert child.tail() == f"{Path.home()} blue"
