"""One keeper from start to stop: stands by until it holds the lease, then does every duty for as long as it holds it.

A keeper that was thought dead may wake up and act once more before it notices that its lease is gone. That is harmless:
every step that matters is one script that asks whether things still are as the keeper saw them, and what it writes to
disk is either the same whoever writes it or a file that nobody names.
"""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from selfref.store import Store, StoreUnavailable
from service.archive import SegmentArchive
from service.errors import SpoolFull
from service.keeper import metrics
from service.keeper.archiving import Archiving
from service.keeper.feeding import Feeding
from service.keeper.recovery import Recovery
from service.keeper.settings import Settings
from service.keeper.tidying import Tidying
from service.keeper.validation import Validation
from service.spool.folder import Spool

FEED_EVERY = 0.1  # seconds
VALIDATE_EVERY = 0.1
ARCHIVE_EVERY = 1.0
TIDY_EVERY = 5.0
RECOVER_EVERY = 1.0
OUTAGE = 0.5  # seconds to wait while Redis or the archive is away

log = structlog.get_logger()


class Keeper:
    """The duties of a keeper; `run` once."""

    def __init__(self, store: Store, archive: SegmentArchive, settings: Settings) -> None:
        spool = Spool(settings.spool_dir)
        self._store = store
        self._lease_seconds = settings.lease
        self._feeding = Feeding(store, spool, window_pairs=settings.window_pairs, window_bytes=settings.window_bytes)
        self._validation = Validation(store, spool, line_bytes=settings.line_bytes)
        self._archiving = Archiving(store, archive, after=settings.archive_after, entries=settings.archive_pairs)
        self._recovery = Recovery(store, spool)
        self._tidying = Tidying(store, spool, retention=settings.job_retention)

    async def run(self, stopping: asyncio.Event) -> None:
        """Stand by, be active, and so on until told to stop."""
        while not stopping.is_set():
            if await self._hold():
                await self._be_active(stopping)
            else:
                await _either(stopping, within=self._lease_seconds / 3)
        await self._let_go()

    async def _be_active(self, stopping: asyncio.Event) -> None:
        metrics.ACTIVE.set(1)
        log.info("active")
        duties = [
            asyncio.create_task(_again_and_again(duty, every=every))
            for duty, every in (
                (self._feed, FEED_EVERY),
                (self._validate, VALIDATE_EVERY),
                (self._archiving.archive, ARCHIVE_EVERY),
                (self._tidy, TIDY_EVERY),
                (self._recover, RECOVER_EVERY),
            )
        ]
        holding = asyncio.create_task(self._hold_on())
        stop = asyncio.create_task(stopping.wait())
        try:
            await asyncio.wait([*duties, holding, stop], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (*duties, holding, stop):
                task.cancel()
            ended = await asyncio.gather(*duties, return_exceptions=True)
            self._feeding.close()
            self._validation.close()
            metrics.ACTIVE.set(0)
            log.info("standing_by")
        for outcome in ended:
            if isinstance(outcome, BaseException) and not isinstance(outcome, asyncio.CancelledError):
                raise outcome

    async def _hold_on(self) -> None:
        """Returns when the lease is another's, or could not be held for as long as it lasts."""
        clock = asyncio.get_running_loop().time
        held = clock()
        while clock() - held < self._lease_seconds:
            await asyncio.sleep(self._lease_seconds / 4)
            try:
                if not await self._store.lease.hold(seconds=self._lease_seconds):
                    return
                held = clock()
            except StoreUnavailable as error:
                log.warning("lease_not_renewed", error=error.detail)

    async def _hold(self) -> bool:
        try:
            return await self._store.lease.hold(seconds=self._lease_seconds)
        except StoreUnavailable as error:
            log.warning("store_unavailable", error=error.detail)
            return False

    async def _let_go(self) -> None:
        try:
            await self._store.lease.release()
        except StoreUnavailable:
            return  # it runs out by itself

    async def _feed(self) -> bool:
        jobs = await self._store.jobs.open()
        metrics.OPEN_JOBS.set(len(jobs))
        more = await self._feeding.feed(jobs)
        await self._tidying.complete(jobs)
        return more

    async def _validate(self) -> bool:
        return await self._validation.advance(await self._store.jobs.open())

    async def _recover(self) -> bool:
        await self._recovery.compare_when_due()
        return False

    async def _tidy(self) -> bool:
        await self._tidying.note_pace(await self._store.jobs.open())
        await self._tidying.expire()
        await self._archiving.remove_garbage()
        return False


async def _again_and_again(duty: Callable[[], Awaitable[bool]], *, every: float) -> None:
    """Do a duty for ever: at once again where it says that there is more, else after a pause."""
    while True:
        try:
            more = await duty()
        except (StoreUnavailable, SpoolFull, OSError) as error:
            log.warning("duty_put_off", duty=getattr(duty, "__qualname__", ""), error=str(error))
            await asyncio.sleep(OUTAGE)
            continue
        await asyncio.sleep(0 if more else every)


async def _either(stopping: asyncio.Event, *, within: float) -> None:
    try:
        async with asyncio.timeout(within):
            await stopping.wait()
    except TimeoutError:
        return
