"""Which signatures were due, and which were made: told from the earlier signed zone and the present one alone.

A signature is due where the earlier zone does not have the same RRset with a signature over it, or that expires within the
refresh time. Arguments: the earlier zone, the present one, origin, now, the refresh time in seconds. Prints JSON: how many
were due, how many were made, and how many RRsets there are of which only one of the two is true.
"""

from __future__ import annotations

import json
import sys
from datetime import datetime, timedelta

from zonekit import rdata as rd
from zonekit.files import read_zone
from zonekit.instants import from_epoch_seconds, parse_instant
from zonekit.names import order_key
from zonekit.nodes import PackedRRset, Record, rdata_of, split_node
from zonekit.zones import Zone


def rrsets_by_name(zone: Zone) -> dict[bytes, dict[tuple[int, int], PackedRRset]]:
    return {order_key(owner): {found[:2]: found for found in split_node(node)} for owner, node in zone.nodes()}


def expires_by(record: Record, instant: datetime) -> bool:
    return from_epoch_seconds(int.from_bytes(rdata_of(record)[8:12], "big")) <= instant


def main(earlier: str, present: str, origin: str, now: str, refresh: str) -> None:
    until = parse_instant(now) + timedelta(seconds=int(refresh))
    before = rrsets_by_name(read_zone(earlier, origin=origin))
    due: set[tuple[bytes, int]] = set()
    made: set[tuple[bytes, int]] = set()
    for key, rrsets in rrsets_by_name(read_zone(present, origin=origin)).items():
        there = before.get(key, {})
        for (rdtype, covers), rrset in rrsets.items():
            if rdtype != rd.RRSIG:
                continue
            was = there.get((rdtype, covers))
            if was != rrset:
                made.add((key, covers))
            if (
                was is None
                or there.get((covers, 0)) != rrsets.get((covers, 0))
                or any(expires_by(record, until) for record in was[2])
            ):
                due.add((key, covers))
    print(json.dumps({"due": len(due), "made": len(made), "mistaken": len(due ^ made)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
