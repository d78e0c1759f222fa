"""The pairs of a job by their number, from the disk that gateways and keepers share."""

from selfref.store import StoredJob
from service.errors import Unavailable
from service.gateway import Gateway
from service.spool.index import PairIndex


def index_of(gateway: Gateway, job: StoredJob) -> PairIndex:
    """An open index, to be closed. Raises Unavailable where this gateway does not find the upload."""
    try:
        return PairIndex(gateway.spool.job(job.id))
    except FileNotFoundError as error:
        detail = (
            "The upload of this job is not on this gateway's disk: it is being deleted, or the gateways and the keeper "
            "do not share one SELFREF_SPOOL_DIR."
        )
        raise Unavailable("upload_missing", detail) from error
