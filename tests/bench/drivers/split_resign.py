"""Where the time goes when a zone is signed again, in one process.

Arguments: zone, the zone signed before, origin, key directory, now, inception, expiration, the jitter and the refresh time
in seconds, output. Prints JSON: CPU and wall seconds of each part.
"""

from __future__ import annotations

import json
import sys
from collections import deque
from datetime import timedelta

from tests.bench.drivers.split import Clock, idle
from zonekit.files import read_keys, read_zone, write_zone
from zonekit.instants import SignatureValidity, parse_instant
from zonekit.keys import SigningKey
from zonekit.render import iter_zone_text
from zonekit.signing import Jitter, Reuse, sign_zone
from zonekit.zones import Zone


def main(
    path: str,
    previous: str,
    origin: str,
    key_directory: str,
    now: str,
    inception: str,
    expiration: str,
    jitter: str,
    refresh: str,
    output: str,
) -> None:
    clock = Clock()
    zone = read_zone(path, origin=origin)
    clock.note("read the zone")
    earlier = read_zone(previous, origin=origin)
    clock.note("read the zone as it was signed")
    keys = read_keys(key_directory, origin)
    idle_keys = [idle(key) for key in keys]

    def sign(signing: list[SigningKey]) -> Zone:
        return sign_zone(
            zone,
            signing,
            validity=SignatureValidity(inception=parse_instant(inception), expiration=parse_instant(expiration)),
            jitter=Jitter(interval=timedelta(seconds=int(jitter))),
            reuse=Reuse(previous=earlier, now=parse_instant(now), signatures_refresh=timedelta(seconds=int(refresh))),
        )

    clock.note("read keys")
    sign(idle_keys)
    clock.note("decide what stays, NSEC chain")
    signed = sign(list(keys))
    clock.note("signatures that are due")
    clock.take_off("signatures that are due", "decide what stays, NSEC chain")
    deque(iter_zone_text(signed), maxlen=0)
    clock.note("render")
    write_zone(signed, output)
    clock.note("write")
    clock.take_off("write", "render")
    print(json.dumps(clock.parts))


if __name__ == "__main__":
    main(*sys.argv[1:])
