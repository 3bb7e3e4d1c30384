"""Which files a source reads, found out without reading them; and what else it goes by."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Reading:
    """The files that a source reads.

    Attributes
    ----------
    root, names
        The files: `names` below `root`, or anywhere if that is empty. In the set's order.
    remarks
        What the source says of what lies beside them.
    labels
        The true class of each file, where every file is an example.
    shards
        Those of the files that hold examples, where each holds many.
    """

    root: str
    names: tuple[str, ...]
    remarks: tuple[str, ...] = ()
    labels: tuple[int, ...] = ()
    shards: tuple[Path, ...] = ()

    @property
    def names_wherever(self) -> tuple[str, ...]:
        """The names without the folder that all files have in common."""
        if self.root:
            return self.names
        try:
            common = os.path.commonpath([path.parent for path in self.shards])
            return tuple(os.path.relpath(name, common) for name in self.names)
        except ValueError:  # on several drives
            return self.names
