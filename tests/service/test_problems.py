"""A fault of the service itself: rendered like every problem, telling nothing of the inside."""

from pathlib import Path

import httpx2
import pytest

from service.app import build_app
from service.gateway import Gateway
from service.keys import Keyring
from service.settings import Settings
from service.spool.folder import Spool
from service.waiting import WaitingRoom


class BrokenJudgments:
    """A store with a bug."""

    async def state(self, judgment_id: str) -> None:
        raise RuntimeError(f"inside of {judgment_id}")


class BrokenStore:
    judgments = BrokenJudgments()


@pytest.fixture
async def broken():
    gateway = Gateway(Settings(), Keyring([]), BrokenStore(), WaitingRoom(BrokenJudgments()), Spool(Path("nowhere")))
    transport = httpx2.ASGITransport(build_app(gateway), raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://gateway") as client:
        yield client


async def test_a_bug_is_a_problem_with_an_id_to_report_and_nothing_of_the_inside(broken):
    response = await broken.get("/judgments/some-id", headers={"X-Request-Id": "mine"})
    problem = response.json()
    assert (response.status_code, problem["code"], problem["request_id"]) == (500, "internal_error", "mine")
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["x-request-id"] == "mine"
    assert "inside" not in response.text
