"""Where the time goes from zone file to signed zone file, in one process.

Reading puts names in order as it goes, and signing makes the NSEC chain, the canonical form and the records of signatures in
one pass. So what is inside of another part is done again here on its own, and taken off that part: its time is that of the
same calls on the same data.

Arguments: zone, origin, key directory, inception, expiration, output. Prints JSON: CPU and wall seconds of each part.
"""

from __future__ import annotations

import json
import sys
import time
from collections import deque
from collections.abc import Iterable, Iterator

from zonekit import rdata as rd
from zonekit.denial import nsec_record, types_to_list
from zonekit.files import read_keys, read_zone, write_text
from zonekit.instants import SignatureValidity, parse_instant
from zonekit.keys import SigningKey, from_signer
from zonekit.names import name_text, order_key
from zonekit.nodes import Record
from zonekit.render import iter_zone_text
from zonekit.signatures import signed_data
from zonekit.signing import sign_zone
from zonekit.zones import Zone


class Clock:
    """Tells the time from one call to the next."""

    def __init__(self) -> None:
        started = time.process_time()
        self.parts: dict[str, tuple[float, float]] = {"start-up and imports": (started, started)}
        self._last = time.process_time(), time.perf_counter()

    def note(self, part: str) -> None:
        now = time.process_time(), time.perf_counter()
        self.parts[part] = now[0] - self._last[0], now[1] - self._last[1]
        self._last = time.process_time(), time.perf_counter()

    def take_off(self, part: str, *others: str) -> None:
        """Say that ``part`` had the others in it, which were measured alone as well."""
        cpu, wall = self.parts[part]
        for other in others:
            cpu, wall = cpu - self.parts[other][0], wall - self.parts[other][1]
        self.parts[part] = cpu, wall


class IdleSigner:
    """Signs the first few times, because zonekit tries a signer before it relies on it, and then repeats itself."""

    def __init__(self, key: SigningKey) -> None:
        self._sign = key.signer.sign
        self._left = 2
        self._last = b""

    def sign(self, data: bytes) -> bytes:
        if self._left:
            self._left -= 1
            self._last = self._sign(data)
        return self._last


def idle(key: SigningKey) -> SigningKey:
    return from_signer(
        IdleSigner(key), owner=name_text(key.owner), algorithm=key.algorithm, public_key=key.public_key, role=key.role
    )


def chain(zone: Zone) -> Iterator[Record]:
    """Yield the NSEC records of a zone without delegations."""
    names = zone.walk()
    _, status, rrsets = next(names)
    for following, status_there, rrsets_there in names:
        yield nsec_record(following, (*types_to_list(status, rrsets), rd.RRSIG, rd.NSEC), 0)
        status, rrsets = status_there, rrsets_there
    yield nsec_record(zone.apex, (*types_to_list(status, rrsets), rd.RRSIG, rd.NSEC), 0)


def canonical_forms(zone: Zone, nsecs: Iterable[Record]) -> None:
    """Everything that is signed but the DNSKEY RRset, as it is signed."""
    for (owner, _, rrsets), nsec in zip(zone.walk(), nsecs, strict=True):
        lowered = owner.lower()
        for rdtype, _, records in rrsets:
            signed_data(lowered, rdtype, records)
        signed_data(lowered, rd.NSEC, [nsec])


def main(path: str, origin: str, key_directory: str, inception: str, expiration: str, output: str) -> None:
    clock = Clock()
    zone = read_zone(path, origin=origin)
    clock.note("reading")
    keys = read_keys(key_directory, origin)
    idle_keys = [idle(key) for key in keys]
    validity = SignatureValidity(inception=parse_instant(inception), expiration=parse_instant(expiration))
    clock.note("reading keys")
    sorted([order_key(owner) for owner, _ in zone.nodes()])
    clock.note("ordering")
    clock.take_off("reading", "ordering")
    deque(zone.walk(), maxlen=0)
    clock.note("walking the names")
    nsecs = list(chain(zone))
    clock.note("denial")
    clock.take_off("denial", "walking the names")
    canonical_forms(zone, nsecs)
    clock.note("canonical form")
    clock.take_off("canonical form", "walking the names")
    sign_zone(zone, idle_keys, validity=validity)
    clock.note("records of signatures")
    clock.take_off("records of signatures", "walking the names", "denial", "canonical form")
    signed = sign_zone(zone, keys, validity=validity)
    clock.note("signatures")
    clock.take_off("signatures", "walking the names", "denial", "canonical form", "records of signatures")
    text = list(iter_zone_text(signed))
    clock.note("printing")
    write_text(output, text)
    clock.note("writing")
    print(json.dumps(clock.parts))


if __name__ == "__main__":
    main(*sys.argv[1:])
