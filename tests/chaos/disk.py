"""A small disk of its own, to be filled up: a tmpfs, where the machine lets us mount one."""

import contextlib
import os
import subprocess
from pathlib import Path

MEGABYTES = 96
BALLAST = "ballast"


class Disk:
    """A folder; `fill` leaves no byte on it. Where nothing can be mounted it is an ordinary one, never full."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        self.folder = folder
        command = ["mount", "-t", "tmpfs", "-o", f"size={MEGABYTES}m,mode=0700", "selfref-chaos", str(folder)]
        try:
            self.why_not = subprocess.run(command, capture_output=True, text=True, check=False).stderr.strip()
        except OSError as error:
            self.why_not = str(error)

    @property
    def can_be_full(self) -> bool:
        """Whether it is a disk of its own."""
        return not self.why_not

    def fill(self) -> None:
        """Take all that is free."""
        free = os.statvfs(self.folder)
        with (self.folder / BALLAST).open("wb") as ballast, contextlib.suppress(OSError):
            os.posix_fallocate(ballast.fileno(), 0, free.f_bavail * free.f_frsize)

    def free(self) -> None:
        """Give it back."""
        (self.folder / BALLAST).unlink(missing_ok=True)

    def unmount(self) -> None:
        """The end, whoever still has a file open there."""
        if self.can_be_full:
            command = ["umount", "--lazy", str(self.folder)]
            subprocess.run(command, check=False, capture_output=True)
