"""What reports of several runs have in common: the machine, medians of what is known, cells of a table."""

import os
import platform
from collections.abc import Sequence
from statistics import median
from typing import Any


def machine() -> dict[str, Any]:
    """What a report was made on."""
    return {
        "cpus": os.cpu_count(),
        "load_average": os.getloadavg(),
        "python": platform.python_version(),
        "system": platform.platform(),
    }


def median_known(values: Sequence[float | None]) -> float | None:
    """The median of the runs that have this figure; None where none has."""
    present = [value for value in values if value is not None]
    return median(present) if present else None


def cell(value: float | None, form: str) -> str:
    """A figure as the table writes it; a dash where there is none."""
    return "-" if value is None else form.format(value)
