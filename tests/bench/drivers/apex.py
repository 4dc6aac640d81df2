"""What a transfer does to a signed zone: merge the other operator's DNSKEYs, lower the TTLs of NS and DNSKEY.

Arguments: signed zone, origin, own key directory, the other operator's key directory, inception, expiration, output,
repetitions. Prints JSON: for each step, in memory, its CPU and wall seconds, as often as it was done.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

from zonekit.apex import lower_ttls, merge_dnskeys
from zonekit.dnskeys import parse_dnskeys
from zonekit.files import read_keys, read_zone, write_zone
from zonekit.instants import SignatureValidity, parse_instant
from zonekit.zones import Zone

CAP_SECONDS = 600


def main(
    path: str, origin: str, own: str, other: str, inception: str, expiration: str, output: str, repetitions: str
) -> None:
    validity = SignatureValidity(inception=parse_instant(inception), expiration=parse_instant(expiration))
    signed, signers = read_zone(path, origin=origin), read_keys(own, origin)
    foreign = parse_dnskeys([path.read_text() for path in sorted(Path(other).glob("*.key"))])

    def merge() -> Zone:
        return merge_dnskeys(signed, foreign, signers=signers, validity=validity)

    def lower() -> Zone:
        return lower_ttls(merged, CAP_SECONDS, signers=signers, validity=validity).zone

    merged = merge()
    steps: dict[str, Callable[[], Zone]] = {"merge_dnskeys": merge, "lower_ttls": lower}
    print(json.dumps({name: [timed(step) for _ in range(int(repetitions))] for name, step in steps.items()}))
    write_zone(lower(), output)


def timed(step: Callable[[], object]) -> tuple[float, float]:
    cpu, wall = time.process_time(), time.perf_counter()
    step()
    return time.process_time() - cpu, time.perf_counter() - wall


if __name__ == "__main__":
    main(*sys.argv[1:])
