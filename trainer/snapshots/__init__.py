"""The label feed cut into immutable, numbered snapshots to train on; the last manifest is the place in the feed.

    DATA/snapshots/00001/train.parquet      what a model learns from
    DATA/snapshots/00001/heldout.parquet    prompts that no snapshot of this folder ever trains on
    DATA/snapshots/00001/manifest.json      what both hold, and the cursor behind the last label that was consumed
    DATA/snapshots/.taking-00002/           one in the making; it counts for nothing and is begun anew
    DATA/snapshots/lock                     held by flock(2) while snapshots are taken

A snapshot is published by a rename, its cursor with it, so however a run ends, every label of the feed is in one
snapshot. `taking` makes them and `chain` reads them; pyarrow and pydantic are loaded only by those who use these.
"""
