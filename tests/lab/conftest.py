"""The laboratory that the tests share, and its servers' logs beside a failure."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.lab.addresses import NoAddresses
from tests.lab.laboratory import Lab
from tests.peers import REQUIRED


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A laboratory with the usual resolvers, for all tests of a module."""
    try:
        with Lab.started(tmp_path_factory.mktemp("lab")) as made:
            yield made
    except NoAddresses as error:
        if os.environ.get(REQUIRED) == "1":
            pytest.fail(str(error), pytrace=False)
        pytest.skip(str(error))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Put the logs of the laboratory's servers into the report of a test that failed."""
    outcome = yield
    report = outcome.get_result()  # type: ignore[attr-defined]
    shared = getattr(item, "funcargs", {}).get("lab")
    if report.failed and isinstance(shared, Lab):
        report.sections.append(("servers of the laboratory", shared.log_tails()))
