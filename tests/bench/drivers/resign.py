"""From zone file and the zone as it was signed before to signed zone file; the signatures stay that are not due.

Arguments: zone, the zone signed before or ``-``, origin, key directory, now, inception, expiration, the jitter and the
refresh time in seconds, output, processes.
"""

from __future__ import annotations

import contextlib
import sys
from concurrent.futures import ProcessPoolExecutor
from datetime import timedelta

from zonekit.files import read_keys, read_zone, write_signed_zone
from zonekit.instants import SignatureValidity, parse_instant
from zonekit.signing import Jitter, Reuse, prepare_signing


def main(
    zone: str,
    previous: str,
    origin: str,
    keys: str,
    now: str,
    inception: str,
    expiration: str,
    jitter: str,
    refresh: str,
    output: str,
    processes: str,
) -> None:
    pool = contextlib.nullcontext() if processes == "1" else ProcessPoolExecutor(int(processes))
    with pool as executor:
        reuse = None
        if previous != "-":
            reuse = Reuse(
                previous=read_zone(previous, origin=origin),
                now=parse_instant(now),
                signatures_refresh=timedelta(seconds=int(refresh)),
            )
        prepared = prepare_signing(
            read_zone(zone, origin=origin),
            read_keys(keys, origin),
            validity=SignatureValidity(inception=parse_instant(inception), expiration=parse_instant(expiration)),
            jitter=Jitter(interval=timedelta(seconds=int(jitter))),
            reuse=reuse,
        )
        write_signed_zone(prepared, output, executor=executor)


if __name__ == "__main__":
    main(*sys.argv[1:])
