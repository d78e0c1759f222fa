"""Lists that are read page by page, item by item: labels, results, errors."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from typing import Generic, TypeAlias, TypeVar

T = TypeVar("T")
Pages: TypeAlias = Callable[[str | None], tuple[Sequence[T], str]]  # a cursor: what follows it, and the cursor behind
AsyncPages: TypeAlias = Callable[[str | None], Awaitable[tuple[Sequence[T], str]]]


class Reading(Generic[T]):
    """Everything behind a cursor (None: from the beginning) up to the present end of the list.

    It may be iterated again later for what has come since. `cursor` moves on when the item after a page is asked for.
    So a reader that keeps it beside its own results and starts from it after a crash misses nothing, and at most reads
    one page again.
    """

    def __init__(self, page: Pages[T], after: str | None) -> None:
        self._page = page
        self.cursor = after

    def __iter__(self) -> Iterator[T]:
        while True:
            items, cursor = self._page(self.cursor)
            yield from items
            self.cursor = cursor
            if not items:
                return


class AsyncReading(Generic[T]):
    """The same for asyncio code."""

    def __init__(self, page: AsyncPages[T], after: str | None) -> None:
        self._page = page
        self.cursor = after

    async def __aiter__(self) -> AsyncIterator[T]:
        while True:
            items, cursor = await self._page(self.cursor)
            for item in items:
                yield item
            self.cursor = cursor
            if not items:
                return
