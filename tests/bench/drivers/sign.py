"""From zone file to signed zone file. Arguments: zone, origin, key directory, inception, expiration, output, processes."""

from __future__ import annotations

import contextlib
import sys
from concurrent.futures import ProcessPoolExecutor

from zonekit.files import read_keys, read_zone, write_zone
from zonekit.instants import SignatureValidity, parse_instant
from zonekit.signing import sign_zone


def main(zone: str, origin: str, keys: str, inception: str, expiration: str, output: str, processes: str) -> None:
    validity = SignatureValidity(inception=parse_instant(inception), expiration=parse_instant(expiration))
    pool = contextlib.nullcontext() if processes == "1" else ProcessPoolExecutor(int(processes))
    with pool as executor:
        signed = sign_zone(
            read_zone(zone, origin=origin), read_keys(keys, origin), validity=validity, executor=executor
        )
        write_zone(signed, output, executor=executor)


if __name__ == "__main__":
    main(*sys.argv[1:])
