from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest

from pytest_confmat.cache import mounts
from pytest_confmat.cache.mounts import untrusted_times

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="it is Linux's table")
OTHER = "/dev"  # a mount of its own, wherever there is Linux


def mount_id(path: str | Path) -> str:
    descriptor = os.open(path, os.O_PATH)
    said = Path(f"/proc/self/fdinfo/{descriptor}").read_text()
    os.close(descriptor)
    return re.search(r"mnt_id:\s*(\d+)", said)[1]


@pytest.fixture
def table(tmp_path, monkeypatch):
    """Write a table in the place of the kernel's: what its mounts here and at OTHER are."""
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/fdinfo").symlink_to("/proc/self/fdinfo")
    assert mount_id(tmp_path) != mount_id(OTHER)
    monkeypatch.setattr(mounts, "_PROC", tmp_path / "proc")

    def write(here: str, other: str = "ext4 /dev/vda rw,discard") -> Path:
        lines = [
            "1 0 0:2 / / rw - rootfs rootfs rw",
            f"{mount_id(tmp_path)} 1 7:0 / /a\\040b rw,noatime shared:1 master:2 - {here}",
            f"{mount_id(OTHER)} 1 8:0 / /x ro - {other}",
        ]
        (tmp_path / "proc/mountinfo").write_text("\n".join(lines) + "\n")
        return tmp_path

    return write


@pytest.mark.parametrize("kind", ["ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "tmpfs"])
def test_file_systems_that_keep_change_times(table, kind):
    assert untrusted_times(str(table(f"{kind} /dev/vda rw,discard"))) is None


@pytest.mark.parametrize(
    "kind", ["squashfs", "iso9660", "vfat", "exfat", "cifs", "nfs4", "fuseblk", "9p", "ext5"]
)
def test_others_do_not(table, kind):
    assert untrusted_times(str(table(f"{kind} source rw"))) == kind


def test_what_can_only_be_read_is_an_image_whoever_made_its_times(table):
    assert untrusted_times(str(table("ext4 /dev/loop0 ro"))) == "ext4"
    # Only here, where the line of the mount says so, it is not: a folder handed to a container.
    table("ext4 /dev/vda rw", "ext4 /dev/vda rw")
    assert untrusted_times(OTHER) is None


@pytest.mark.parametrize(
    ("layers", "other", "trusted"),
    [
        (f"lowerdir={OTHER}:{OTHER},upperdir={OTHER},workdir=/w", "ext4 /dev/vda rw", True),
        (f"lowerdir+={OTHER},lowerdir+={OTHER}", "xfs /dev/vda rw", True),
        (f"lowerdir={OTHER}::{OTHER}", "xfs /dev/vda rw", True),
        (f"lowerdir={OTHER},upperdir={OTHER},workdir=/w", "squashfs /dev/loop0 ro", False),
        (f"lowerdir={OTHER}:/not/here,upperdir={OTHER}", "ext4 /dev/vda rw", False),
        (f"lowerdir={OTHER},datadir+=/not/here", "ext4 /dev/vda rw", False),
        (f"lowerdir={OTHER[1:]},upperdir={OTHER}", "ext4 /dev/vda rw", False),
        (f"lowerdir={OTHER}\\134:b,upperdir={OTHER}", "ext4 /dev/vda rw", False),
        (f"lowerdir={OTHER}", "overlay overlay rw,lowerdir=/a", False),
        ("workdir=/w", "ext4 /dev/vda rw", False),
    ],
)
def test_an_overlay_is_as_good_as_all_that_lies_under_it(table, layers, other, trusted):
    here = str(table(f"overlay overlay rw,relatime,{layers}", other))
    assert untrusted_times(here) == (None if trusted else "overlay")


def test_a_mount_that_is_in_no_table(table, tmp_path):
    table("ext4 /dev/vda rw")
    (tmp_path / "proc/mountinfo").write_text("1 0 0:2 / / rw - ext4 /dev/vda rw\n")
    assert untrusted_times(str(tmp_path)) == "an unknown file system"
    (tmp_path / "proc/mountinfo").unlink()
    assert untrusted_times(str(tmp_path)) == "an unknown file system"


def test_the_kernels_own_table():
    assert untrusted_times("/proc/self/stat") == "proc"
    assert untrusted_times("/sys") == "sysfs"


def test_a_link_is_where_it_leads(tmp_path):
    (tmp_path / "link").symlink_to("/proc/self/stat")
    assert untrusted_times(str(tmp_path / "link")) == "proc"


def test_a_file_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError, match="nothing"):
        untrusted_times(str(tmp_path / "nothing"))


@pytest.mark.parametrize("system", ["win32", "darwin"])
def test_other_systems(monkeypatch, tmp_path, system):
    monkeypatch.setattr(sys, "platform", system)
    assert untrusted_times(str(tmp_path)) == system
