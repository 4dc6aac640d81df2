"""From zone file to signed zone file.

Arguments: zone, origin, key directory, inception, expiration, output, processes, nsec or nsec3.
"""

from __future__ import annotations

import contextlib
import sys
from concurrent.futures import ProcessPoolExecutor

from zonekit.denial import Nsec, Nsec3
from zonekit.files import read_keys, read_zone, write_signed_zone
from zonekit.instants import SignatureValidity, parse_instant
from zonekit.signing import prepare_signing


def main(
    zone: str, origin: str, keys: str, inception: str, expiration: str, output: str, processes: str, denial: str
) -> None:
    validity = SignatureValidity(inception=parse_instant(inception), expiration=parse_instant(expiration))
    pool = contextlib.nullcontext() if processes == "1" else ProcessPoolExecutor(int(processes))
    with pool as executor:
        prepared = prepare_signing(
            read_zone(zone, origin=origin),
            read_keys(keys, origin),
            validity=validity,
            denial=Nsec3() if denial == "nsec3" else Nsec(),
        )
        write_signed_zone(prepared, output, executor=executor)


if __name__ == "__main__":
    main(*sys.argv[1:])
