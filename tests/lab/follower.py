"""Somebody who looks at a transfer again and again: ``python -m tests.lab.follower FILE``, until it is ended.

It prints a line at the beginning of each look, so that whoever started it can end it in the middle of one.
"""

from __future__ import annotations

import random
import subprocess
import sys
import threading
from pathlib import Path
from typing import Final

from zonekit.status import look_at, open_transfer

_LONGEST_LIFE: Final = 1.0
"""Seconds: more than a look takes, so that some are killed in their first look, and some in a later one."""
_START_SECONDS: Final = 60.0


def follow(path: str) -> None:
    """Look at a transfer for ever."""
    transfer = open_transfer(path)
    while True:
        print("looks", flush=True)
        look_at(transfer)


class Mortal:
    """A follower in a process of its own that is killed (SIGKILL) at some moment of a look."""

    def __init__(self, path: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.lab.follower", path],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._end = threading.Timer(_START_SECONDS, self._process.kill)
        self._end.start()
        assert self._process.stdout is not None
        self._begun = self._process.stdout.readline()
        self._end.cancel()
        self._end = threading.Timer(random.uniform(0, _LONGEST_LIFE), self._process.kill)
        self._end.start()

    def wait(self) -> None:
        """Wait until it is killed; fail where it had ended by itself."""
        self._end.join()
        _, problem = self._process.communicate()
        assert self._begun and self._process.returncode == -9, problem


if __name__ == "__main__":
    follow(sys.argv[1])
