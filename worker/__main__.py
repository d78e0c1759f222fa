"""`python -m worker`: judge pairs until told to stop.

Exit codes: 0 stopped as asked; 1 a bug; 2 a setting is wrong; 3 the engine cannot be a judge. The log says what to do.
"""

import asyncio
import os
import secrets
import signal
import socket
import sys
import traceback
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack
from typing import TypeVar

import structlog
import uvloop
from pydantic import ValidationError

from selfref.deciding import Calibrations, Scale, UnusableCalibration, load_calibrations
from selfref.environment import unknown_variables
from selfref.logs import configure_logs
from selfref.messages import Judgment, Preset, Work
from selfref.metrics_server import metrics_served
from selfref.store import ShardsDiffer, Store, StoreUnavailable
from worker.attempt import Attempts
from worker.backoff import pauses
from worker.calibrated import calibrated_presets
from worker.circuit import Circuit
from worker.concurrency import Gate, opening
from worker.engines import open_engine
from worker.engines.protocol import Description, Engine
from worker.errors import EngineUnavailable, EngineUnsuitable
from worker.loop import ClaimLoop
from worker.method import judge
from worker.method_settings import MethodSettings
from worker.paced import PacedEngine
from worker.prompts import load_prompts
from worker.sameness import require_same
from worker.settings import PREFIX, Settings
from worker.terms import Terms

BUG, WRONG_SETTINGS, UNSUITABLE_ENGINE = 1, 2, 3
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 10.0  # seconds between tries to reach the store and the engine at start
PROBE_TIMEOUT = 30.0  # seconds; an engine that answers a token no sooner is as good as away

Opened = TypeVar("Opened")
log = structlog.get_logger()


class WrongSetting(Exception):
    """A setting that only trying shows to be wrong."""

    def __init__(self, variable: str, problem: str) -> None:
        super().__init__(problem)
        self.variable = variable


def main() -> int:
    """Read the settings, work, and say by the exit code how it ended."""
    configure_logs("worker")
    try:
        settings = Settings()
    except ValidationError as error:
        for problem in error.errors(include_url=False, include_input=False):
            log.error("wrong_setting", setting=_variable(problem["loc"]), error=problem["msg"])
        return WRONG_SETTINGS
    if unknown := unknown_variables(PREFIX, Settings):
        log.warning("unknown_settings", settings=unknown, why="misspelt, or of another version; they change nothing")
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(work(settings))
    except BaseException as error:  # noqa: BLE001  the last place before the interpreter would print texts of pairs
        return _report(error)
    return 0


async def work(settings: Settings) -> None:
    """Connect, check the engine, judge until a signal comes, hand back what is unfinished."""
    async with AsyncExitStack() as resources:
        try:
            _on_signals(_this_task().cancel)
            loop = await _prepared(settings, resources)
            _on_signals(loop.stop)
            await asyncio.sleep(0)  # a signal that came at the last moment is delivered here
        except asyncio.CancelledError:
            log.info("stopped", why="told to before there was anything to do")
            return
        print("worker ready", flush=True)  # noqa: T201  what a supervisor waits for
        log.info("ready")
        await loop.run()
        log.info("stopped")


async def _prepared(settings: Settings, resources: AsyncExitStack) -> ClaimLoop:
    """The loop, with everything it needs opened."""
    calibrations = _calibrations(settings)
    try:
        resources.enter_context(metrics_served(settings.metrics_host, settings.metrics_port))
    except OSError as error:
        raise WrongSetting("SELFREF_WORKER_METRICS_PORT", str(error)) from error
    store = await _reached("store", lambda: _opened_store(settings))
    resources.push_async_exit(_closing(store))
    engine = await _reached("engine", lambda: _opened(settings, timeout=settings.engine_timeout))
    resources.push_async_callback(engine.aclose)
    found = engine.describe()
    log.info("engine", engine=found.engine, model=found.model, revision=found.revision, method=found.method)

    gate = Gate(opening(settings.concurrency, found.max_concurrency))
    circuit = Circuit(lambda: _still_the_same(engine, settings))
    paced = PacedEngine(engine, gate=gate, circuit=circuit)
    method = MethodSettings(
        reference_tokens=settings.reference_tokens,
        critique_tokens=settings.critique_tokens,
        scale=Scale(tie_width=settings.tie_width),
        calibrated=_calibrated(calibrations, found, settings) if calibrations else {},
    )

    async def judged(pair: Work) -> Judgment:
        began = asyncio.get_running_loop().time()
        judgment = await judge(pair, engine=paced, references=store.references, settings=method)
        await paced.confirm(since=began)
        return judgment

    terms = _terms(settings)
    attempts = Attempts(store=store, judge=judged, model=found.model, circuit=circuit, terms=terms)
    return ClaimLoop(store=store, attempts=attempts, gate=gate, circuit=circuit, terms=terms)


def _calibrations(settings: Settings) -> Calibrations | None:
    if settings.calibration is None:
        return None
    try:
        return load_calibrations(settings.calibration)
    except UnusableCalibration as error:
        raise WrongSetting("SELFREF_WORKER_CALIBRATION", str(error)) from error


def _calibrated(calibrations: Calibrations, engine: Description, settings: Settings) -> Mapping[Preset, Scale]:
    """The scales that hold for this engine; a preset that was calibrated for another judge is named as uncalibrated."""
    template = load_prompts().digest
    scales, unmatched = calibrated_presets(calibrations, engine=engine, template=template, tie_width=settings.tie_width)
    for preset, scale in scales.items():
        log.info("calibrated", preset=preset, temperature=scale.temperature, calibration=scale.calibration)
    for preset, each in unmatched.items():
        if each.preset_known:
            log.warning("calibration_unmatched", preset=preset, why=each.reason)
    return scales


def _terms(settings: Settings) -> Terms:
    """How this process, under a name that no other has, claims and retries."""
    return Terms(
        consumer=f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}",
        concurrency=settings.concurrency,
        lease=settings.lease,
        max_attempts=settings.max_attempts,
        max_deliveries=settings.max_deliveries,
        retention=settings.retention,
    )


async def _opened_store(settings: Settings) -> Store:
    try:
        return await Store.open(settings.redis_url, shards=settings.shards)
    except ShardsDiffer as error:
        raise WrongSetting("SELFREF_SHARDS", error.detail) from error
    except ValueError as error:
        raise WrongSetting("SELFREF_REDIS_URL", str(error)) from error


def _closing(store: Store) -> Callable[..., Awaitable[None]]:
    """Closes the store after a clean end only: closing gives back what is held, and a bug's pair is to be counted."""

    async def close(kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            await store.aclose()

    return close


async def _opened(settings: Settings, *, timeout: float) -> Engine:
    """The configured engine, once it has passed its self-test; no call may take longer than `timeout` seconds."""
    return await open_engine(
        settings.engine,
        settings.engine_url,
        verdict=load_prompts().verdict,
        api_key=settings.engine_api_key.get_secret_value() if settings.engine_api_key else None,
        model=settings.model,
        timeout=timeout,
    )


async def _still_the_same(engine: Engine, settings: Settings) -> None:
    """Ask the engine on purpose; one that came back as another model would put its judgments under the old name."""
    fresh = await _opened(settings, timeout=min(settings.engine_timeout, PROBE_TIMEOUT))
    try:
        was, found = engine.describe(), fresh.describe()
    finally:
        await fresh.aclose()
    require_same(was.identity, found.identity)
    if found.method != was.method:
        raise EngineUnsuitable(
            f"the engine's verdicts are now read by {found.method} instead of {was.method}; start the worker again"
        )


async def _reached(what: str, attempt: Callable[[], Awaitable[Opened]]) -> Opened:
    """What `attempt` opens, however long it takes to come up; says why it is waiting."""
    for pause in pauses(first=FIRST_PAUSE, longest=LONGEST_PAUSE):
        try:
            return await attempt()
        except (StoreUnavailable, EngineUnavailable) as error:
            log.warning("waiting", what=what, error=str(error), again_in=round(pause, 1))
            await asyncio.sleep(pause)
    raise AssertionError("pauses never end")


def _on_signals(action: Callable[[], object]) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, action)


def _this_task() -> "asyncio.Task[None]":
    task: asyncio.Task[None] | None = asyncio.current_task()
    if task is None:
        raise RuntimeError("not inside a task")
    return task


def _variable(location: tuple[int | str, ...]) -> str:
    """The environment variable behind a field of the settings."""
    name = str(location[0])
    return name if name.startswith("SELFREF_") else f"SELFREF_WORKER_{name.upper()}"


def _report(error: BaseException) -> int:
    """Log where it came from, and never the message of a bug: a message may quote the text of a pair."""
    code = UNSUITABLE_ENGINE
    for cause in _leaves(error):
        if isinstance(cause, EngineUnsuitable):
            log.error("engine_unsuitable", error=str(cause))
        elif isinstance(cause, WrongSetting):
            log.error("wrong_setting", setting=cause.variable, error=str(cause))
            code = WRONG_SETTINGS
        else:
            log.critical("bug", error=type(cause).__qualname__, trace=traceback.format_tb(cause.__traceback__))
            code = BUG
    return code


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for part in error.exceptions:
            yield from _leaves(part)
    else:
        yield error


if __name__ == "__main__":
    sys.exit(main())
