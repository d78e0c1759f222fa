"""Keeps huggingface_hub from sending every answer through a thread.

`AsyncInferenceClient.text_generation` (2.4) ends with `await asyncio.to_thread(provider_helper.get_response, data)`,
and for a server of one's own that function returns its argument. The hop costs CPU on every call (measured in
docs/decisions/0002-engine-transport.md), and it queues behind whatever else the loop's threads are doing.
"""

import concurrent.futures
import functools
from collections.abc import Callable
from typing import Any, TypeVar

_T = TypeVar("_T")

_HUB_PARSERS = "huggingface_hub.inference."  # the modules of the functions that only reshape a parsed answer


class InlineHubExecutor(concurrent.futures.ThreadPoolExecutor):
    """A loop's default executor that runs huggingface_hub's answer parsing at once, and anything else in a thread."""

    def submit(self, fn: Callable[..., _T], /, *args: Any, **kwargs: Any) -> concurrent.futures.Future[_T]:
        """Run `fn` here where it is hub's parsing as `asyncio.to_thread` wraps it, else as any thread pool does."""
        if not _is_hub_parsing(fn):
            return super().submit(fn, *args, **kwargs)
        future: concurrent.futures.Future[_T] = concurrent.futures.Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001  (it belongs to the future, as in any executor)
            future.set_exception(error)
        return future


def _is_hub_parsing(fn: Callable[..., Any]) -> bool:
    """`asyncio.to_thread(parse, ...)` submits `functools.partial(context.run, parse, ...)`."""
    if not isinstance(fn, functools.partial) or not fn.args:
        return False
    return (getattr(fn.args[0], "__module__", None) or "").startswith(_HUB_PARSERS)
