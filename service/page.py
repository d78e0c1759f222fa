"""`GET /`: one page for a person who opened the address in a browser; no script, nothing loaded from elsewhere."""

from html import escape
from importlib.resources import files
from string import Template

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from selfref.store import StoreUnavailable
from service.errors import Unavailable
from service.gateway import Gateway
from service.health import readiness

_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
}

router = APIRouter(include_in_schema=False)


@router.get("/", response_model=None)
async def home(request: Request) -> Response:
    """What this service is, how it is, and where to read on."""
    gateway = Gateway.of(request)
    page = Template(files("service").joinpath("page.html").read_text("utf-8"))
    authorization = " \\\n  -H 'Authorization: Bearer YOUR_KEY'" if len(gateway.keyring) else ""
    fields = {
        **await _state(gateway),
        "base": f"{request.url.scheme}://{request.url.netloc}",
        "authorization": authorization,
    }
    return HTMLResponse(page.substitute({name: escape(value) for name, value in fields.items()}), headers=_HEADERS)


async def _state(gateway: Gateway) -> dict[str, str]:
    """The words and the style class for how the gateway is."""
    try:
        durable = await readiness(gateway)
        lengths = await gateway.store.judgments.queue_lengths()
    except Unavailable as refusal:
        return {"level": "bad", "state": "not ready", "explanation": refusal.detail, "waiting": "unknown"}
    except StoreUnavailable as error:
        return {"level": "bad", "state": "not ready", "explanation": f"{error.cause}.", "waiting": "unknown"}
    waiting = str(sum(lengths.values()))
    if durable["append_only_file"] == "off":
        explanation = "Redis keeps no append-only file: pairs that wait would be lost with it."
        return {"level": "fair", "state": "ready, not durable", "explanation": explanation, "waiting": waiting}
    return {"level": "good", "state": "ready", "explanation": "Accepted pairs are safe on disk.", "waiting": waiting}
