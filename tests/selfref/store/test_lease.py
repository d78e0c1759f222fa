"""Which keeper is active: one at a time, and whether one is can be asked by anybody."""

from selfref.store import Store


async def test_a_lease_is_held_from_the_first_hold_to_the_release(store: Store, redis_url: str) -> None:
    observer = await Store.open(redis_url)
    try:
        assert not await observer.lease.is_held()
        assert await store.lease.hold(seconds=60)
        assert await observer.lease.is_held(), "whoever asks"
        assert await store.lease.hold(seconds=60), "asking takes nothing"
        await store.lease.release()
        assert not await observer.lease.is_held()
    finally:
        await observer.aclose()
