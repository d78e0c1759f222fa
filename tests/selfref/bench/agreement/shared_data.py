"""Real files of labelled pairs that lie beside the checkout, and are never part of it."""

from pathlib import Path

import pytest

DATA = Path(__file__).parents[5] / "shared" / "data"


def shared(name: str) -> Path:
    """The file; a test that needs it is skipped where it is absent."""
    path = DATA / name
    if not path.exists():
        pytest.skip(f"{name} is not beside this checkout ({DATA})")
    return path
