"""An httpx2 client without what an engine call has no use for, under the same methods.

httpx2 parses the URL, merges headers, cookies and parameters, runs auth and redirect flows and walks the body through
async generators on every call, which together cost more CPU than the call's I/O. Requests to one engine differ in
their body only, so here URLs are parsed once and whole bodies are handed over. Whatever is asked for beyond that
(parameters, forms, files) takes httpx2's own way. No cookies are kept, no redirects followed, no auth flow run.
"""

import functools
from collections.abc import Mapping
from typing import Any

import httpx2
import orjson
from httpx2 import USE_CLIENT_DEFAULT

_ORDINARY = frozenset({"content", "json", "headers", "timeout"})  # what a request to an engine is made of
_parsed = functools.lru_cache(maxsize=256)(httpx2.URL)


class WholeResponse(httpx2.Response):
    """A response whose body came in one piece and as it is (no content-encoding)."""

    def __init__(self, status: int, *, headers: list[tuple[bytes, bytes]], body: bytes, reason: bytes) -> None:
        super().__init__(status, headers=headers, stream=httpx2.ByteStream(body), extensions={"reason_phrase": reason})
        self._body = body
        self.is_closed = True

    @property
    def content(self) -> bytes:
        """The body."""
        return self._body

    def read(self) -> bytes:
        """The body."""
        return self._body

    async def aread(self) -> bytes:
        """The body."""
        return self._body


class EngineClient(httpx2.AsyncClient):
    """`request`, `get`, `post` and `stream` as httpx2 has them, cheaply where only a body and headers are given."""

    def __init__(self, transport: httpx2.AsyncBaseTransport, **options: Any) -> None:
        super().__init__(transport=transport, trust_env=False, **options)
        self._sender = transport
        self._root = str(self.base_url).rstrip("/")
        self._defaults = {name.lower(): value for name, value in self.headers.raw if name.lower() != b"connection"}

    def build_request(self, method: str, url: httpx2.URL | str, **options: Any) -> httpx2.Request:
        """As httpx2's, and by it where more than a body, headers and a timeout is given."""
        given = {name for name, value in options.items() if value is not None}
        if not given <= _ORDINARY or not isinstance(url, str) or not isinstance(options.get("content"), bytes | None):
            return super().build_request(method, url, **options)
        target = _parsed(f"{self._root}{url}" if url.startswith("/") else url)
        body = options.get("content")
        if options.get("json") is not None:
            body = orjson.dumps(options["json"])
        fields = self._fields(target, options.get("headers"))
        if body is not None:
            fields[b"content-length"] = b"%d" % len(body)
            fields.setdefault(b"content-type", b"application/json")
        wanted = options.get("timeout", USE_CLIENT_DEFAULT)
        timeout = self.timeout if wanted is USE_CLIENT_DEFAULT else httpx2.Timeout(wanted)
        request = httpx2.Request(
            method,
            target,
            headers=list(fields.items()),
            stream=httpx2.ByteStream(body or b""),
            extensions={"timeout": timeout.as_dict()},
        )
        request.read()
        return request

    async def send(self, request: httpx2.Request, *, stream: bool = False, **_: Any) -> httpx2.Response:
        """Hand the request to the transport; the response is read whole unless `stream`. No redirects, no auth flow."""
        if self.is_closed:
            raise RuntimeError("the client has been closed")
        try:
            response = await self._sender.handle_async_request(request)
        except httpx2.RequestError as error:
            error.request = request
            raise
        response.request = request
        if not stream:
            try:
                await response.aread()
            except BaseException:
                await response.aclose()
                raise
        return response

    def _fields(self, url: httpx2.URL, headers: Mapping[str, str] | None) -> dict[bytes, bytes]:
        fields = {b"host": url.netloc, **self._defaults}
        for name, value in (headers or {}).items():
            fields[name.lower().encode("ascii")] = value.encode("latin-1")
        return fields
