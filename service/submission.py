"""Accept a pair once, and wait for what becomes of it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from selfref.messages import Failure, FailureCode, State, Waiting, Work
from selfref.store import AlreadyThere, QueueFull, StoreUnavailable
from service import metrics
from service.errors import Invalid, QueueIsFull, StillOpen
from service.gateway import Gateway
from service.problems import store_refusal

RESERVATION_MARGIN = 15  # seconds past the wait: a gateway that dies holds a key no longer than this
# Failures that the same request may overcome, so that repeating it runs the pair again. Never one of crashed workers: a
# client that repeats every 502 must not be able to bring them down again.
RUN_AGAIN = frozenset({FailureCode.UNREADABLE_VERDICT, FailureCode.ENGINE_FAILED, FailureCode.ENGINE_UNAVAILABLE})

Disconnected = Callable[[], Awaitable[Any]]  # returns when the client has gone, and not before


async def submit(gateway: Gateway, work: Work, *, fingerprint: str, wait: float, disconnected: Disconnected) -> State:
    """The pair's state once it has ended, `wait` seconds have passed, the client has gone or the process stops.

    Raises QueueIsFull, Invalid (this id stands for another request) and Unavailable; only QueueIsFull and Invalid mean
    that the pair is surely not on the queue.
    """
    with gateway.waiting.expect(work.id) as ended:
        known = await _accept(gateway, work, fingerprint=fingerprint)
        if not isinstance(known, Waiting) or wait == 0:
            return known
        return await outcome(ended, wait=wait, disconnected=disconnected) or await _last_look(gateway, known)


async def submit_once(
    gateway: Gateway, work: Work, *, fingerprint: str, wait: float, disconnected: Disconnected
) -> State:
    """`submit` under an Idempotency-Key; raises StillOpen while another request with the same key is being answered."""
    judgments = gateway.store.judgments
    reserved = await judgments.reserve(work.id, seconds=wait + RESERVATION_MARGIN)
    if not reserved:
        await _accept(gateway, work, fingerprint=fingerprint)  # settles whether it is the same request
        raise StillOpen(
            "request_in_progress",
            "Another request with this Idempotency-Key is still open; wait for its answer, or look at the judgment.",
            param="Idempotency-Key",
            judgment_id=work.id,
            headers={"Retry-After": "1"},
        )
    try:
        return await submit(gateway, work, fingerprint=fingerprint, wait=wait, disconnected=disconnected)
    finally:
        await _release(gateway, work.id)


async def outcome(ended: asyncio.Future[State | None], *, wait: float, disconnected: Disconnected) -> State | None:
    """The final state, or None when waiting was cut short."""
    gone = asyncio.ensure_future(disconnected())
    try:
        await asyncio.wait((ended, gone), timeout=wait, return_when=asyncio.FIRST_COMPLETED)
    finally:
        gone.cancel()
    return ended.result() if ended.done() else None


async def _accept(gateway: Gateway, work: Work, *, fingerprint: str) -> State:
    """Put the pair on the queue unless it is there; one that the engine failed is run again, not answered again."""
    judgments = gateway.store.judgments
    try:
        answer = await judgments.accept(work, fingerprint=fingerprint, queue_limit=gateway.settings.queue_limit)
        if isinstance(answer, QueueFull):
            raise QueueIsFull(answer.length)
        if not isinstance(answer, AlreadyThere):
            metrics.ACCEPTED.inc()
            return Waiting.of(work)
        if answer.fingerprint != fingerprint:
            raise Invalid(
                "idempotency_key_reused",
                "This Idempotency-Key was used for a different request; use a new key for a new request.",
                param="Idempotency-Key",
                judgment_id=work.id,
            )
        stored = await judgments.state(work.id)
        known = Waiting.of(work) if stored is None else stored.state
        if isinstance(known, Failure) and known.error.code in RUN_AGAIN:
            replayed = await gateway.store.dead_letters.replay([work.id])
            return Waiting.of(work) if replayed else known
        return known
    except StoreUnavailable as error:
        raise store_refusal(error, judgment_id=work.id) from error


async def _last_look(gateway: Gateway, known: Waiting) -> State:
    """The state as it is now; while the store is away, what is known is true still."""
    try:
        stored = await gateway.store.judgments.state(known.id)
    except StoreUnavailable:
        return known
    return known if stored is None else stored.state


async def _release(gateway: Gateway, judgment_id: str) -> None:
    try:
        await gateway.store.judgments.release(judgment_id)
    except StoreUnavailable:
        return  # the reservation runs out by itself
