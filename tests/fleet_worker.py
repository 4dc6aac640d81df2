"""What worker processes of the fleet's tests do: work that ends its process, and a run that is killed at a chosen step."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.keyring import NOW
from zonekit import staging
from zonekit.algorithms import Algorithm
from zonekit.crews import Batch, ZoneOutcome, ZoneResult
from zonekit.fleet import sign_fleet
from zonekit.zonework import SigningRules


@dataclass(frozen=True)
class Deadly:
    """Work that ends the process which does it when it comes to one of these zones."""

    deadly: frozenset[str]

    def outcomes(self, batch: Batch) -> list[ZoneOutcome]:
        if any(zone in self.deadly for zone, _ in batch.zones):
            os.kill(os.getpid(), signal.SIGKILL)
        return [ZoneOutcome(zone=zone, result=ZoneResult.DONE) for zone, _ in batch.zones]


def killed_at(step: str, call: int) -> None:
    """Let the process be killed when it calls a step of staging for this time, after having done it."""
    original: Callable[..., Any] = getattr(staging.Staging, step)
    calls = 0

    def counted(*arguments: Any, **settings: Any) -> Any:
        nonlocal calls
        done = original(*arguments, **settings)
        calls += 1
        if calls == call:
            os.kill(os.getpid(), signal.SIGKILL)
        return done

    setattr(staging.Staging, step, counted)


def main(zones: str, signed: str, keys: str, step: str, call: str) -> None:
    """Sign a fleet in this process, which is killed at this step."""
    killed_at(step, int(call))
    rules = SigningRules(generate=Algorithm.ECDSAP256SHA256)
    for _ in sign_fleet(zones, signed, key_directory=keys, now=NOW, rules=rules, processes=1, batch_zones=3):
        pass


if __name__ == "__main__":
    main(*sys.argv[1:])
