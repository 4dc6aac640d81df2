"""The laboratory that the tests share, and its servers' logs beside a failure."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.lab.laboratory import Lab
from tests.lab.places import laboratory_or_skip


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A laboratory with the usual resolvers, for all tests of a module."""
    with laboratory_or_skip(), Lab.started(tmp_path_factory.mktemp("lab")) as made:
        yield made


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Put the logs of the laboratory's servers into the report of a test that failed."""
    outcome = yield
    report = outcome.get_result()  # type: ignore[attr-defined]
    shared = getattr(item, "funcargs", {}).get("lab")
    if report.failed and isinstance(shared, Lab):
        report.sections.append(("servers of the laboratory", shared.log_tails()))
