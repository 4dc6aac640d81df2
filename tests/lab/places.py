"""Where there is no place for a laboratory, its tests are skipped, or fail where peers are required."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.lab.addresses import NoAddresses
from tests.peers import REQUIRED


@contextmanager
def laboratory_or_skip() -> Iterator[None]:
    """Skip the test that cannot have addresses; fail it when ``ZONEKIT_REQUIRE_PEERS=1``."""
    try:
        yield
    except NoAddresses as error:
        if os.environ.get(REQUIRED) == "1":
            pytest.fail(str(error), pytrace=False)
        pytest.skip(str(error))
