"""The archive: the older part of every sequence, as JSON lines in a folder or a bucket."""

from service.archive.segments import SegmentArchive

__all__ = ["SegmentArchive"]
