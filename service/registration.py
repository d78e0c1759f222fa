"""Tells Redis of an upload that is on disk: a gateway when it takes one in, a keeper when Redis has lost one."""

from selfref.store import Store, Taken
from service.clock import milliseconds
from service.spool.folder import Manifest


async def register(store: Store, manifest: Manifest) -> Taken | None:
    """None where the job is new; otherwise what Redis knew before, unchanged. Raises StoreUnavailable."""
    return await store.jobs.register(
        manifest.job_id,
        tenant=manifest.tenant,
        manifest=manifest.model_dump_json().encode(),
        fingerprint=manifest.fingerprint,
        created=milliseconds(manifest.created_at),
    )
