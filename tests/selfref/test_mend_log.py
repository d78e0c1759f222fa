"""The append-only file of a crash: what a torn transaction began is not carried out by half at some later start."""

from pathlib import Path

import redis

from selfref.embedded_redis import EmbeddedRedis, mend_log

TORN = b"*1\r\n$5\r\nMULTI\r\n*3\r\n$3\r\nSET\r\n$4\r\nhalf\r\n$4\r\ndone\r\n*3\r\n$3\r\nSET\r\n$4\r\nrest"


def test_half_of_a_torn_transaction_is_not_done_at_the_second_start(tmp_path: Path) -> None:
    for number in range(3):
        server = EmbeddedRedis.start(tmp_path)
        with redis.Redis.from_url(server.url) as client:
            assert client.get("half") is None
            assert [client.get(f"whole{each}") for each in range(number)] == [b"1"] * number
            client.pipeline().set(f"whole{number}", 1).execute()
        server.kill()
        if number == 0:
            with (tmp_path / "appendonly.aof").open("ab") as log:
                log.write(TORN)


def test_a_whole_file_stays_as_it_is(tmp_path: Path) -> None:
    log = tmp_path / "appendonly.aof"
    mend_log(tmp_path)
    log.write_bytes(b"*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n")
    mend_log(tmp_path)
    assert log.read_bytes() == b"*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n"
