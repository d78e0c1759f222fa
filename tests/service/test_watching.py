"""What people and machines see who look at the gateway without using it."""

import asyncio
import html
import re
import shutil
import subprocess

import pytest
from prometheus_client.parser import text_string_to_metric_families

PAIR = {"prompt": "2 + 2?", "answer_a": "4", "answer_b": "5"}


async def test_live_and_ready(client):
    assert (await client.get("/livez")).json() == {"status": "live"}
    ready = await client.get("/readyz")
    assert (ready.status_code, ready.json()) == (200, {"status": "ready", "append_only_file": "on"})


async def samples(client) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    response = await client.get("/metrics")
    assert response.headers["content-type"].startswith("text/plain")
    families = text_string_to_metric_families(response.text)
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


async def test_the_metrics_count_what_happens(client, store):
    before = await samples(client)
    await client.post("/judge", json=PAIR, headers={"Prefer": "respond-async"})
    await client.post("/judge", json={})
    await client.request("PURGE", "/judge")
    await client.get("/nowhere")
    after = await samples(client)

    def grown(name: str, **labels: str) -> float:
        key = (name, tuple(sorted(labels.items())))
        return after[key] - before.get(key, 0)

    assert grown("service_requests_total", route="/judge", method="POST", status="202") == 1
    assert grown("service_requests_total", route="/judge", method="POST", status="422") == 1
    assert grown("service_requests_total", route="/judge", method="other", status="405") == 1
    assert grown("service_requests_total", route="unmatched", method="other", status="404") == 1
    assert grown("service_refused_requests_total", code="invalid_request") == 1
    assert grown("service_accepted_pairs_total") == 1
    assert after["service_queue_pairs", (("lane", "hi"),)] == 1
    assert after["service_store_up", ()] == 1


async def test_the_page_says_how_the_service_is_and_repeats_no_markup(client):
    response = await client.get("/", headers={"Host": '"><script>alert(1)</script>'})
    assert "<script>" not in response.text
    page = await client.get("/")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert '<span class="state good">ready</span>' in page.text
    assert f"curl -s {client.base_url}".rstrip("/") in page.text
    for link in ("docs", "openapi.json", "readyz", "metrics"):
        assert f'href="{link}"' in page.text
        assert (await client.get(f"/{link}")).status_code == 200


@pytest.mark.skipif(shutil.which("curl") is None, reason="the page's example is a curl command, and there is no curl")
async def test_the_pages_own_example_works_as_it_is_printed(client):
    page = (await client.get("/")).text
    command = html.unescape(re.search(r"<pre>(.*?)</pre>", page, re.DOTALL)[1])
    shell = await asyncio.create_subprocess_shell(
        f"{command} -H 'Prefer: respond-async' -w '%{{http_code}}'", stdout=subprocess.PIPE
    )
    answer, _ = await asyncio.wait_for(shell.communicate(), timeout=30)
    assert answer.endswith(b"202")
