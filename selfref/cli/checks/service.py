"""Does the gateway take requests, from us?"""

import httpx2

from selfref.cli.checks.finding import Finding, Part
from selfref.client import Client, NotAuthorized, SelfrefError, Unreachable

TIMEOUT = 5.0  # seconds
_SERVICE = Part("service")


def check_service(url: str, *, api_key: str | None) -> list[Finding]:
    """Alive, ready, and taking our key."""
    try:
        live = httpx2.get(f"{url}/livez", timeout=TIMEOUT, trust_env=False)
        ready = httpx2.get(f"{url}/readyz", timeout=TIMEOUT, trust_env=False)
    except (httpx2.TransportError, httpx2.InvalidURL) as error:
        return [_SERVICE.fail("reachable", f"{url}: {error}", mend="Start it with `selfref up`, or give --url.")]
    if not live.is_success:
        seen = f"{url} answers HTTP {live.status_code}"
        return [_SERVICE.fail("reachable", seen, mend="Something else listens there; give --url.")]
    return [_SERVICE.ok("reachable", url), _readiness(ready), _key(url, api_key)]


def _readiness(ready: httpx2.Response) -> Finding:
    if ready.is_success:
        return _SERVICE.ok("ready", "takes pairs")
    return _SERVICE.fail("ready", f"HTTP {ready.status_code}: {_detail(ready)}", mend="Mend what it names.")


def _detail(response: httpx2.Response) -> str:
    try:
        return str(response.json()["detail"])
    except (ValueError, KeyError, TypeError):
        return response.text[:200]


def _key(url: str, api_key: str | None) -> Finding:
    try:
        with Client(url, api_key=api_key, retries=0) as client:
            client.label_page(limit=1)
    except NotAuthorized as error:
        mend = "Give a key it knows with --api-key or SELFREF_API_KEY; `selfref keys new TENANT` makes one."
        return _SERVICE.fail("API key", error.detail, mend=mend)
    except Unreachable as error:
        return _SERVICE.fail("label feed", error.reason, mend="See the service's log.")
    except SelfrefError as error:
        return _SERVICE.fail("label feed", str(error), mend="See the service's log.")
    return _SERVICE.ok("label feed", "can be read" + (" with this key" if api_key else ""))
