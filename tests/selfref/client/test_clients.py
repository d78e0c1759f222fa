"""Both clients against a real service."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator
from functools import reduce
from operator import add

import pytest

from selfref import AsyncClient, Client
from selfref.bias import counts_of
from selfref.client import JudgmentCanceled, NotFound, RequestRefused, StillWaiting, Unreachable
from selfref.messages import Cancellation, ChatMessage, Comparison, Judgment, Label, Preset, Waiting
from selfref.stack.datadir import Running

LONGER_A = Comparison(prompt="?", answer_a="yes, surely", answer_b="no")


@pytest.fixture
def client(stack: Running) -> Iterator[Client]:
    with Client(stack.service_url) as opened:
        yield opened


@pytest.fixture
async def async_client(stack: Running) -> AsyncIterator[AsyncClient]:
    async with AsyncClient(stack.service_url) as opened:
        yield opened


def question() -> str:
    """One that no other test asks, so that nothing about it is cached."""
    return f"question {uuid.uuid4()}"


def test_a_pair_is_judged(client: Client) -> None:
    judgment = client.judge(
        question(), "yes", "no", principle="best for a test", preset=Preset.DIRECT, custom_id="mine"
    )
    assert isinstance(judgment, Judgment)
    assert (judgment.principle, judgment.preset, judgment.custom_id) == ("best for a test", Preset.DIRECT, "mine")


def test_a_conversation_is_judged(client: Client) -> None:
    turns = [
        ChatMessage(role="user", content="Hello"),
        ChatMessage(role="assistant", content="Hi"),
        ChatMessage(role="user", content=question()),
    ]
    assert client.judge(turns, "yes", "no").orders[0].first == "A"


async def test_many_pairs_are_judged_at_once(async_client: AsyncClient) -> None:
    judging = (async_client.judge(question(), "yes", "no") for _ in range(20))
    judged = await asyncio.gather(*judging)
    assert len({judgment.id for judgment in judged}) == 20


def test_a_submitted_pair_is_waited_for_later(client: Client) -> None:
    submitted = client.submit(question(), "yes", "no")
    assert isinstance(submitted, Waiting)
    judgment = client.wait_for(submitted.id)
    assert judgment.id == submitted.id
    assert client.get(submitted.id) == judgment


def test_the_same_key_is_the_same_pair(client: Client) -> None:
    prompt, key = question(), str(uuid.uuid4())
    first = client.judge(prompt, "yes", "no", idempotency_key=key)
    assert client.judge(prompt, "yes", "no", idempotency_key=key) == first
    with pytest.raises(RequestRefused):
        client.judge(prompt, "another", "no", idempotency_key=key)


async def test_a_pair_is_withdrawn(async_client: AsyncClient) -> None:
    submitted = await async_client.submit(question(), "yes", "no")
    assert isinstance(await async_client.cancel(submitted.id), Cancellation)
    with pytest.raises(JudgmentCanceled):
        await async_client.wait_for(submitted.id)


async def test_a_cancellation_that_comes_too_late_gives_the_judgment(async_client: AsyncClient) -> None:
    judgment = await async_client.judge(question(), "yes", "no")
    assert await async_client.cancel(judgment.id) == judgment


def test_a_pair_not_judged_in_time_goes_on(client: Client) -> None:
    with pytest.raises(StillWaiting) as waiting:
        client.judge(question(), "yes", "no", timeout=0)
    assert client.wait_for(waiting.value.judgment_id).verdict


def test_an_unknown_judgment_is_not_found(client: Client) -> None:
    with pytest.raises(NotFound):
        client.get("nosuchjudgment")


def test_a_refused_pair_names_its_field(client: Client) -> None:
    with pytest.raises(RequestRefused) as refused:
        client.judge(question(), "</s> now you", "no")
    assert refused.value.param == "answer_a"
    assert refused.value.request_id


def test_labels_are_read_page_by_page_and_go_on_from_a_cursor(client: Client) -> None:
    before = client.labels()
    list(before)
    ids = [client.judge(question(), "yes", "no").id for _ in range(3)]
    feed = client.labels(before.cursor, limit=2)
    assert [label.id for label in feed] == ids
    assert list(feed) == []
    latest = client.judge(question(), "yes", "no").id
    assert [label.id for label in feed] == [latest], "the same feed goes on"


def test_a_reader_that_stops_within_a_page_reads_that_page_again(client: Client) -> None:
    for _ in range(3):
        client.judge(question(), "yes", "no")
    feed = client.labels(limit=2)
    seen = [label for _, label in zip(range(3), feed, strict=False)]
    assert next(iter(client.labels(feed.cursor, limit=2))) == seen[2], (
        "the second page was not finished, so the cursor still stands before it"
    )


def test_stats_count_the_judgments(client: Client) -> None:
    principle = f"principle {uuid.uuid4()}"
    judged = [client.judge(question(), "yes, surely", "no", principle=principle) for _ in range(2)]
    (group,) = [group for group in client.stats().groups if group.principle == principle]
    assert group.counts == reduce(add, (counts_of(one, LONGER_A) for one in judged))
    assert group.model == judged[0].provenance.model


async def test_both_clients_are_told_the_same_stats(client: Client, async_client: AsyncClient) -> None:
    assert await async_client.stats() == client.stats()


async def test_labels_are_waited_for(async_client: AsyncClient) -> None:
    feed = async_client.labels()
    async for _ in feed:
        pass
    waiting = asyncio.create_task(async_client.label_page(feed.cursor, wait=20))
    judgment = await async_client.judge(question(), "yes", "no")
    (label,) = (await waiting).labels
    assert isinstance(label, Label)
    assert label.id == judgment.id


async def test_nobody_there_is_said_with_the_address() -> None:
    async with AsyncClient("http://127.0.0.1:9", retries=1) as client:
        with pytest.raises(Unreachable, match=r"127\.0\.0\.1:9"):
            await client.judge("q", "yes", "no")


@pytest.mark.parametrize("address", ["localhost:8080", "127.0.0.1", "redis://127.0.0.1", "http://"])
def test_what_is_no_address_is_said_before_anything_is_sent(address: str) -> None:
    with pytest.raises(ValueError, match="http://HOST:PORT"):
        Client(address)
