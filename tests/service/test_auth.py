"""API keys over HTTP, and what one tenant may know of another: nothing."""

import hashlib

import httpx2
import pytest

from tests.service.gateways import gateway_process
from tests.service.judges import judge_next

PAIR = {"prompt": "2 + 2?", "answer_a": "4", "answer_b": "5"}
ASYNC = {"Prefer": "respond-async"}


@pytest.fixture(scope="module")
def guarded(redis_server):
    keys = ",".join(f"{name}:{hashlib.sha256(f'{name}-key'.encode()).hexdigest()}" for name in ("lab", "plant"))
    with gateway_process(redis_server.url, api_keys=keys) as gateway:
        yield gateway


@pytest.fixture
async def lab(guarded, redis_url):
    async with httpx2.AsyncClient(base_url=guarded.url, headers={"Authorization": "Bearer lab-key"}) as client:
        yield client


@pytest.fixture
async def plant(guarded, redis_url):
    async with httpx2.AsyncClient(base_url=guarded.url, headers={"Authorization": "Bearer plant-key"}) as client:
        yield client


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/judge"), ("GET", "/judgments/x"), ("DELETE", "/judgments/x"), ("GET", "/labels"), ("GET", "/stats")],
)
@pytest.mark.parametrize("authorization", [None, "Bearer wrong", "Basic bGFiOmxhYg==", "lab-key"])
async def test_without_a_known_key_nothing_is_done(guarded, method, path, authorization):
    headers = {} if authorization is None else {"Authorization": authorization}
    async with httpx2.AsyncClient(base_url=guarded.url) as client:
        response = await client.request(method, path, json=PAIR if method == "POST" else None, headers=headers)
    assert response.status_code == 401
    assert response.headers["www-authenticate"] == "Bearer"
    assert response.headers["content-type"] == "application/problem+json"
    assert "key" in response.json()["detail"].lower()


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/metrics", "/", "/docs", "/openapi.json"])
async def test_probes_and_documents_need_no_key(guarded, path):
    async with httpx2.AsyncClient(base_url=guarded.url) as client:
        assert (await client.get(path)).status_code == 200


async def test_a_tenant_sees_only_its_own(lab, plant, store):
    location = (await lab.post("/judge", json=PAIR, headers=ASYNC)).headers["location"]
    assert (await plant.get(location)).status_code == 404
    assert (await plant.get(location, headers={"Prefer": "wait=5"})).status_code == 404
    assert (await plant.delete(location)).status_code == 404
    await judge_next(store)
    assert (await lab.get(location)).json()["status"] == "judged"
    assert (await plant.get(location)).status_code == 404
    assert len((await lab.get("/labels")).content.splitlines()) == 1
    assert (await plant.get("/labels")).content == b""
    assert (await lab.get("/stats")).json()["counts"]["decided"] == 1
    assert (await plant.get("/stats")).json()["counts"]["decided"] == 0
    assert (await plant.get("/stats")).json()["groups"] == []


async def test_the_same_idempotency_key_of_two_tenants_is_two_judgments(lab, plant):
    headers = {**ASYNC, "Idempotency-Key": "one"}
    first = await lab.post("/judge", json=PAIR, headers=headers)
    second = await plant.post("/judge", json={**PAIR, "answer_a": "3"}, headers=headers)
    assert (first.status_code, second.status_code) == (202, 202)
    assert first.json()["id"] != second.json()["id"]


async def test_the_document_says_that_keys_are_needed_exactly_where_they_are(lab, client):
    guarded = (await lab.get("/openapi.json")).json()
    assert guarded["components"]["securitySchemes"]["key"]["scheme"] == "bearer"
    assert guarded["paths"]["/judge"]["post"]["security"] == [{"key": []}]
    assert guarded["paths"]["/livez"]["get"]["security"] == []
    assert "securitySchemes" not in (await client.get("/openapi.json")).json()["components"]
