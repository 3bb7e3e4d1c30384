"""Take the pictures of report.html that stand in the docs, beside this file: `make screenshots`.

The reports are those of the digits example: of a model that passes, of one that does not, and of
the same one compared with the model in production.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from playwright.sync_api import sync_playwright

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
_REPORTS = {
    "green": ("thresholds.yaml", "digits.keras"),
    "red": ("thresholds.yaml", "digits-regressed.keras"),
    "baseline": ("examples/digits/compare.yaml", "digits-regressed.keras"),
}


def main() -> None:
    """Run the gates and photograph their reports."""
    path = next(filter(None, map(shutil.which, _BROWSERS)), None)
    if path is None:
        sys.exit("the pictures are taken by Chromium, and it is not installed")
    with TemporaryDirectory() as folder, sync_playwright() as driver:
        arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        browser = driver.chromium.launch(executable_path=path, args=arguments)
        for name, (policy, model) in _REPORTS.items():
            report = Path(folder, name)
            _gate(policy, model, report)
            for scheme in ("light", "dark") if name == "red" else ("light",):
                context = browser.new_context(
                    color_scheme=scheme, viewport={"width": 1100, "height": 1250}
                )
                page = context.new_page()
                page.goto((report / "report.html").as_uri())
                page.wait_for_selector("html[data-ready]", state="attached")
                _prepare(page, name)
                suffix = "" if scheme == "light" else "-dark"
                page.screenshot(path=HERE / f"report-{name}{suffix}.png")
                if (name, scheme) == ("red", "light"):
                    page.locator("td[data-i='8'][data-j='9']").click()
                    page.mouse.move(0, 0)
                    page.locator("#examples").screenshot(path=HERE / "report-examples.png")
                context.close()
        browser.close()


def _gate(policy: str, model: str, report: Path) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", policy]
    command += [f"--confmat-thresholds={policy}", f"--confmat-model=examples/digits/{model}"]
    command += [f"--confmat-report={report}", "--confmat-thumbnails=40"]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if not (report / "report.html").exists():
        sys.exit(found.stdout + found.stderr)


def _prepare(page: Any, name: str) -> None:
    """Open what the picture is to show."""
    if name == "baseline":
        page.get_by_role("button", name="Change since the baseline").click()
    if name != "green":
        for summary in page.locator("#failed ~ ul > li:not(:first-child) summary").all():
            if summary.locator("xpath=..").get_attribute("open") is not None:
                summary.click()
    page.locator("h1").scroll_into_view_if_needed()
    page.mouse.move(0, 0)


if __name__ == "__main__":
    main()
