"""What git-lfs leaves in the place of a file that it has not fetched."""

from __future__ import annotations


def is_pointer(head: bytes) -> bool:
    """Whether a file that starts with `head` is a pointer to the file itself."""
    return head.startswith(b"version https://git-lfs.github.com/spec/")
