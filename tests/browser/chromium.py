"""The system's Chromium, driven by Playwright without any other traffic."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Playwright

__all__ = ["MISSING", "find_chromium", "launch"]

MISSING = (
    "The browser tests need Chromium and found none on PATH. "
    "Install it (Debian and Ubuntu: apt-get install chromium; Fedora: dnf install "
    "chromium; macOS: brew install --cask chromium), or set FLEXIFLOW_CHROMIUM to "
    "its path, or run `python -m playwright install chromium`."
)
"""What to do when there is no browser."""

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_QUIET = (
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-dev-shm-usage",
    "--enable-precise-memory-info",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)


def find_chromium(playwright: Playwright) -> str | None:
    """Return the path of a Chromium, or ``None``.

    ``FLEXIFLOW_CHROMIUM`` comes first, then PATH, then Playwright's own download.
    """
    chosen = os.environ.get("FLEXIFLOW_CHROMIUM")
    if chosen:
        return chosen
    for name in _NAMES:
        found = shutil.which(name)
        if found:
            return found
    own = playwright.chromium.executable_path
    return own if own and os.path.exists(own) else None  # noqa: PTH110 - a str API


def launch(playwright: Playwright, executable: str) -> Browser:
    """Start a headless browser that resolves no host but the loopback address."""
    arguments = ["--headless=new", *_QUIET]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        arguments.append("--no-sandbox")
    return playwright.chromium.launch(
        executable_path=executable, headless=True, args=arguments
    )
