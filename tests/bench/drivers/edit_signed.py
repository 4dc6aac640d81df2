"""The zone as it was signed before, with the RRsets that changed since: what a signer gets that keeps signatures in place.

Arguments: the signed zone, the zone file it was made of, the new zone file, origin, output.
"""

from __future__ import annotations

import sys

from zonekit.files import read_zone, write_zone


def main(signed: str, old: str, new: str, origin: str, output: str) -> None:
    difference = read_zone(old, origin=origin).diff(read_zone(new, origin=origin))
    if difference.added or difference.removed:
        raise SystemExit("the zones differ in more than the data of their RRsets")
    changed = [newer for _, newer in difference.changed]
    write_zone(read_zone(signed, origin=origin).replace(*changed), output)


if __name__ == "__main__":
    main(*sys.argv[1:])
