"""Judges that read nothing, held against the same gold: what is not well above them is not worth asking for.

longer_wins   prefers the answer with more characters; neither where they are equally long
first_wins    prefers the answer that stands first in the set, so it says how gold is spread over the two places. Asked
              in both orders, a judge that prefers whatever is shown first has an `accuracy_mean` of a half.
"""

from collections.abc import Sequence

from selfref.bench.agreement.rows import Row


def baselines(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """What each of them makes of the pairs of these rows."""
    return {
        "longer_wins": [Row(known=row.known, verdict=row.known.longer) for row in rows],
        "first_wins": [Row(known=row.known, verdict="A") for row in rows],
    }
