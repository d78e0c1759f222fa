"""What every request handler needs, put together once at start."""

from dataclasses import dataclass

from starlette.requests import Request

from selfref.store import Store
from service.keys import Keyring
from service.settings import Settings
from service.spool.folder import Spool
from service.waiting import WaitingRoom


@dataclass(frozen=True)
class Gateway:
    """The settings and the parts of this process."""

    settings: Settings
    keyring: Keyring
    store: Store
    waiting: WaitingRoom
    spool: Spool

    @classmethod
    def of(cls, request: Request) -> "Gateway":
        """The gateway that serves this request."""
        gateway: Gateway = request.app.state.gateway
        return gateway

    def tenant(self, request: Request) -> str:
        """Who is asking; raises Unauthorized."""
        return self.keyring.tenant(request.headers.get("authorization"))
