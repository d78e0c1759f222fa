"""A public set onto the disk: fetched from its publisher, converted, counted, and only then there under its name."""

from collections.abc import Callable
from pathlib import Path

import httpx2
import orjson

from selfref.bench.agreement.public.catalog import PUBLISHER, SETS, PublicSet
from selfref.bench.agreement.public.converting import Row, UnknownFormat, digest
from selfref.durable import whole_file

TIMEOUT = 60.0  # seconds without a byte


class NotFetched(Exception):
    """The publisher cannot be reached, or has something else than expected; says what to do."""


def fetched(name: PublicSet, folder: Path, *, base: str = PUBLISHER, warn: Callable[[str], None]) -> Path:
    """The set's file in this folder, which is fetched unless it is there. Raises NotFetched and OSError."""
    path = folder / f"{name.value}.jsonl"
    if path.exists():
        return path
    rows = _rows(name, base=base)
    if digest(rows) != SETS[name].digest:
        warn(f"{name.value}: texts or labels are not those that this project's own figures were made on")
    folder.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as file:
        file.writelines(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in rows)
    return path


def _rows(name: PublicSet, *, base: str) -> list[Row]:
    published = SETS[name]
    files = {path: _read(published.address(path, base=base)) for path in published.paths}
    try:
        rows = published.convert(files)
    except (UnknownFormat, KeyError) as error:
        raise NotFetched(f"{name.value}: the publisher's files have another form now ({error})") from None
    if len(rows) != published.rows:
        raise NotFetched(f"{name.value}: {len(rows)} rows were published, and {published.rows} were expected")
    source = {"source": f"github.com/{published.repository}@{published.commit}", "licence": published.licence}
    return [row | source for row in rows]


def _read(address: str) -> bytes:
    try:
        reply = httpx2.get(address, timeout=TIMEOUT, follow_redirects=True)
        reply.raise_for_status()
    except httpx2.HTTPError as error:
        raise NotFetched(
            f"{address} cannot be fetched ({str(error) or type(error).__name__}); "
            "fetch on a machine that is online with `selfref bench fetch`, and name the files that it wrote"
        ) from None
    return reply.content
