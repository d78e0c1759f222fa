"""How schemathesis sends JSON lines."""

from typing import Any

import schemathesis


@schemathesis.serializer("application/x-ndjson")
def lines(context: Any, value: Any) -> bytes:
    """The lines as they were made up."""
    return value if isinstance(value, bytes) else str(value).encode(errors="surrogatepass")
