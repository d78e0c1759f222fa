"""The service whose labels are pulled and whose judge is asked, as the trainer's commands are told of it."""

from typing import TYPE_CHECKING

from trainer.errors import TrainingError

if TYPE_CHECKING:
    from selfref.client import Client


def client_of(url: str | None, api_key: str | None, *, retries: int = 4) -> "Client":
    """A client of this service, or of the running local stack; `retries` as the client's. Raises TrainingError."""
    from selfref.cli.addresses import service_url_of
    from selfref.client import Client

    try:
        return Client(service_url_of(url, None), api_key=api_key, retries=retries)
    except ValueError as error:  # no address of a service
        raise TrainingError(str(error)) from error
