"""Read a zone file and verify the zone; prints how many signatures were good. Arguments: zone, origin, now, processes."""

from __future__ import annotations

import contextlib
import sys
from concurrent.futures import ProcessPoolExecutor

from zonekit.files import read_zone
from zonekit.instants import parse_instant
from zonekit.verifying import verify_zone


def main(zone: str, origin: str, now: str, processes: str) -> None:
    pool = contextlib.nullcontext() if processes == "1" else ProcessPoolExecutor(int(processes))
    with pool as executor:
        verdict = verify_zone(read_zone(zone, origin=origin), now=parse_instant(now), executor=executor)
    if verdict.findings:
        sys.exit("\n".join(map(str, verdict.findings[:10])))
    print(verdict.signatures)


if __name__ == "__main__":
    main(*sys.argv[1:])
