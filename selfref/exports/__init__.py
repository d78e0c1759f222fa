"""Labels in the forms that others read: lines of JSON, preference rows for TRL and OpenRLHF, and Parquet.

    export = export_as(Format.TRL)
    for page in pages_of_labels:
        file.write(export.write(page))
    file.write(export.close())

No I/O here: an export turns labels into the bytes of a file, so the gateway streams what the command line writes to
disk.
"""

from selfref.exports.formats import Export, Format, export_as
from selfref.exports.preferences import PreferenceRow, preference_row

__all__ = ["Export", "Format", "PreferenceRow", "export_as", "preference_row"]
