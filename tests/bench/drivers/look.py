"""Look at all the transfers of a directory with zonekit. Arguments: the directory, how many sockets.

Prints as JSON how many transfers have come as far as the servers give; and what it took, in CPU and wall seconds: "asking"
in a thread of its own, "following and scoring" and "state, and the rest" in the other.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from zonekit import status
from zonekit.status import look_at_all, open_transfer
from zonekit.transfer.score import Score, Stage

LAST_STEP = "ttls-lowered"


class Stopwatch:
    """Adds up what calls take in this thread."""

    def __init__(self) -> None:
        self.cpu_seconds = self.wall_seconds = 0.0

    def around(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*arguments: Any, **named: Any) -> Any:
            cpu, wall = time.thread_time(), time.perf_counter()
            try:
                return call(*arguments, **named)
            finally:
                self.cpu_seconds += time.thread_time() - cpu
                self.wall_seconds += time.perf_counter() - wall

        return timed


def is_right(score: object) -> bool:
    """Whether a score says what the servers give: every one of them answers, and the step before the DS is added is done."""
    return (
        isinstance(score, Score)
        and all(answer.outcome.is_answer for each in score.followed.found.found for answer in each.answers)
        and score.step(LAST_STEP).stage is Stage.DONE
    )


def main(directory: str, at_most: int) -> None:
    working = Stopwatch()
    for name in ("follow", "score"):
        setattr(status, name, working.around(getattr(status, name)))
    own, cpu, wall = time.thread_time(), time.process_time(), time.perf_counter()
    transfers = map(open_transfer, sorted(Path(directory).glob("*.toml")))
    right = sum(is_right(score) for _, score in look_at_all(transfers, at_most=at_most))
    own, cpu, wall = time.thread_time() - own, time.process_time() - cpu, time.perf_counter() - wall
    parts = {
        "asking": (cpu - own, wall),
        "following and scoring": (working.cpu_seconds, working.wall_seconds),
        "state, and the rest": (own - working.cpu_seconds, wall - working.wall_seconds),
    }
    print(json.dumps({"right": right, "parts": parts}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
