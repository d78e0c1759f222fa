"""The formats of a job's results, apart from what needs imports that would cost every `--help`."""

from enum import StrEnum


class ResultFormat(StrEnum):
    """What `GET /jobs/{id}/results` gives."""

    JUDGMENTS = "judgments"
    TRL = "trl"
    OPENRLHF = "openrlhf"
    PARQUET = "parquet"
