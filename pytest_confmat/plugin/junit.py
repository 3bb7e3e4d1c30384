"""A JUnit file for a run that ended before pytest writes its own."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree as ET

from pytest_confmat.escaping import printable_lines
from pytest_confmat.writing import write_atomically

_JUNIT = re.compile(rb"\s*(<\?xml[^>]*>\s*)?<testsuite")


def write_refusal(path: Path, suite: str, reason: str) -> None:
    """Write a suite of one test, which says why there was no run, in the form of pytest's own.

    A file that is no JUnit file stays as it is: perhaps its name is what is wrong.
    """
    if path.exists() and not (path.is_file() and _JUNIT.match(path.read_bytes()[:1000])):
        return
    counts = {"errors": "1", "failures": "0", "skipped": "0", "tests": "1", "time": "0"}
    suites = ET.Element("testsuites", name="pytest tests")
    one = ET.SubElement(suites, "testsuite", {"name": suite, **counts})
    case = ET.SubElement(one, "testcase", classname="", name="confmat", time="0")
    shown = printable_lines(reason)
    error = ET.SubElement(case, "error", message=shown.partition("\n")[0])
    error.text = shown
    write_atomically(path, ET.tostring(suites, encoding="utf-8", xml_declaration=True))
