"""What was seen before is found, in its place and with nothing else of its hash left out."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.spool.table import Place, Table


class Crowded:
    """A key whose hash is chosen, and which no other equals."""

    def __init__(self, hashed: int) -> None:
        self.hashed = hashed

    def __hash__(self) -> int:
        return self.hashed


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.sampled_from([0, 1, 2, 14, 15, 16, 30, 31, -1, 2**60]), max_size=16))
def test_keys_of_few_hashes_are_all_found_around_the_end_of_the_file_too(tmp_path: Path, hashes: list[int]) -> None:
    expected: dict[int, list[Place]] = {}
    with Table(tmp_path, most=16) as table:
        for number, hashed in enumerate(hashes):
            key = Crowded(hashed)
            place = Place(number * 2**33, number, number)
            found = table.search(key)
            assert found.places == expected.get(hash(key) or 1, [])
            table.add(found, place)
            expected.setdefault(hash(key) or 1, []).append(place)


def test_a_table_never_takes_more_than_it_has_room_for(tmp_path: Path) -> None:
    with Table(tmp_path, most=2) as table:
        for number in range(2):
            table.add(table.search(number), Place(0, 0, number))
        with pytest.raises(ValueError, match="full"):
            table.add(table.search(2), Place(0, 0, 2))


def test_a_table_leaves_no_file_and_takes_no_room_that_it_does_not_use(tmp_path: Path) -> None:
    with Table(tmp_path, most=10**9) as table:
        table.add(table.search("key"), Place(1, 2, 3))
        assert table.search("key").places == [Place(1, 2, 3)]
        assert list(tmp_path.iterdir()) == []
