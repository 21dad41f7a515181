"""Debian's own programs that some tests run: systemd-analyze, nginx, openssl, a browser.

CI installs them (.ci/run) and insists on them; elsewhere a test that needs a missing one is
skipped with the reason, so that `make test` needs nothing but Python.
"""

import os
import shutil

import pytest

PLACES = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/bin"])


def program(package: str, *names: str) -> str:
    """Return where a program is; skip the test where it is missing, and fail on CI."""
    found = next((path for name in names if (path := shutil.which(name, path=PLACES))), None)
    if found:
        return found
    message = f"this test runs {names[0]}: install Debian's package {package}"
    if os.environ.get("CI"):
        pytest.fail(f"{message}, as .ci/run does")
    pytest.skip(message)
