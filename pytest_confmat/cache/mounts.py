"""Whether the times of a file tell that it was changed, which its file system decides.

Every change of a file moves its change time on the file systems of Linux named here. Elsewhere it
may not: the images of squashfs and ISO carry the times they were made with, FAT has none, network
file systems answer out of a cache or with a server's clock, and on Windows it is the time of
creation. The kernel is asked which mount a file lies on; paths of mounts may hide one another.
"""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path

_KEEPING_CHANGE_TIMES = frozenset({"ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "tmpfs"})
_LAYERS = ("lowerdir", "upperdir", "datadir")
_PROC = Path("/proc/self")


@dataclass(frozen=True)
class _Mount:
    """What the kernel says of a mount.

    Attributes
    ----------
    kind
        Type of the file system.
    options
        Of the file system, not of where it is mounted.
    """

    kind: str
    options: tuple[str, ...]

    @property
    def keeps_change_times(self) -> bool:
        # What can only be read is an image, and its maker set the times in it.
        return self.kind in _KEEPING_CHANGE_TIMES and "ro" not in self.options


def untrusted_times(path: str) -> str | None:
    """Return the kind of file system that `path` lies on, if file times say nothing there.

    ``None``: they tell every change.

    Raises
    ------
    OSError
        If there is no such file.
    """
    if not sys.platform.startswith("linux"):
        return sys.platform
    mount = _mount_of(path)
    if mount is None:
        return "an unknown file system"
    if mount.kind == "overlay":
        return None if _layers_keep_change_times(mount) else "overlay"
    return None if mount.keeps_change_times else mount.kind


def _mount_of(path: str) -> _Mount | None:
    descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        fdinfo = (_PROC / "fdinfo" / str(descriptor)).read_text("ascii", "replace")
        table = (_PROC / "mountinfo").read_text("utf-8", "surrogateescape")
    except OSError:
        return None
    finally:
        os.close(descriptor)
    found = re.search(r"^mnt_id:\s*(\d+)$", fdinfo, re.MULTILINE)
    return None if found is None else _mounts(table).get(found[1])


def _mounts(table: str) -> dict[str, _Mount]:
    """Return the mounts by their ids; proc_pid_mountinfo(5) has the form of a line."""
    mounts = {}
    for line in table.splitlines():
        own, _, file_system = line.partition(" - ")
        fields = file_system.split(" ")
        if len(fields) == 3:
            mounts[own.split(" ", 1)[0]] = _Mount(fields[0], tuple(fields[2].split(",")))
    return mounts


def _layers_keep_change_times(overlay: _Mount) -> bool:
    """Whether all that lies under an overlay is known, and keeps change times.

    In a container it is not: the layers are outside.
    """
    layers: list[str] = []
    for option in overlay.options:
        name, _, value = option.partition("=")
        if name.rstrip("+") in _LAYERS:
            layers += filter(None, value.split(":"))
    return bool(layers) and all(map(_keeps_change_times, layers))


def _keeps_change_times(layer: str) -> bool:
    # A path with a backslash is escaped, and a relative one was relative to another folder.
    if "\\" in layer or not layer.startswith("/"):
        return False
    try:
        mount = _mount_of(layer)
    except OSError:
        return False
    return mount is not None and mount.keeps_change_times
