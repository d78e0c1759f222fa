"""Times as Redis keeps them."""

from datetime import UTC, datetime


def milliseconds(moment: datetime) -> int:
    """Since 1970."""
    return round(moment.timestamp() * 1000)


def moment(since_1970: int) -> datetime:
    """The time of so many milliseconds, in UTC."""
    return datetime.fromtimestamp(since_1970 / 1000, UTC)
