"""The suite's settings: Hypothesis profiles, and the list of missing peers at the end."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings

from tests.peers import PACKAGE_OF, missing_peers

# The same examples in every run: a failure is a fact about the code, never about the day. Sharing a machine with other
# work must not fail a test either, so nothing here looks at a clock.
settings.register_profile(
    "default",
    derandomize=True,
    deadline=None,
    max_examples=60,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
# Fresh examples, many of them, for a person who hunts: ZONEKIT_HYPOTHESIS=thorough make test
settings.register_profile(
    "thorough", settings.get_profile("default"), derandomize=False, max_examples=2000, print_blob=True
)
PROFILE = os.environ.get("ZONEKIT_HYPOTHESIS", "default")
settings.load_profile(PROFILE)


def pytest_report_header() -> str:
    return f"hypothesis examples: {PROFILE}, {settings.get_profile(PROFILE).max_examples} a test"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    missing = missing_peers()
    if missing:
        terminalreporter.section("missing peers, by Debian package")
        for package in sorted({PACKAGE_OF[program] for program in missing}):
            programs = [program for program in missing if PACKAGE_OF[program] == package]
            terminalreporter.write_line(f"{package}: {', '.join(programs)}")
        terminalreporter.write_line("Tests that need them were skipped; `make peers` installs them on Debian.")
