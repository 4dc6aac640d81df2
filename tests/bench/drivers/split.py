"""Where the time goes from zone file to signed zone file, in one process.

Arguments: zone, origin, key directory, inception, expiration, output. Prints JSON: CPU and wall seconds of each part.
"""

from __future__ import annotations

import json
import sys
import time
from collections import deque

from zonekit.files import read_keys, read_zone, write_zone
from zonekit.instants import SignatureValidity, parse_instant
from zonekit.keys import SigningKey, from_signer
from zonekit.names import name_text
from zonekit.render import iter_zone_text
from zonekit.signing import sign_zone


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

    def divide(self, part: str, rest: str) -> None:
        """Say that ``part`` had ``rest`` in it, which was measured alone as well."""
        (cpu, wall), (rest_cpu, rest_wall) = self.parts.pop(part), self.parts[rest]
        self.parts[part] = cpu - rest_cpu, wall - rest_wall


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


def main(path: str, origin: str, key_directory: str, inception: str, expiration: str, output: str) -> None:
    clock = Clock()
    zone = read_zone(path, origin=origin)
    clock.note("read")
    keys = read_keys(key_directory, origin)
    idle_keys = [idle(key) for key in keys]
    validity = SignatureValidity(inception=parse_instant(inception), expiration=parse_instant(expiration))
    clock.note("read keys")
    sign_zone(zone, idle_keys, validity=validity)
    clock.note("order, NSEC chain, canonical form")
    signed = sign_zone(zone, keys, validity=validity)
    clock.note("signatures")
    clock.divide("signatures", "order, NSEC chain, canonical form")
    deque(iter_zone_text(signed), maxlen=0)
    clock.note("render")
    write_zone(signed, output)
    clock.note("write")
    clock.divide("write", "render")
    print(json.dumps(clock.parts))


if __name__ == "__main__":
    main(*sys.argv[1:])
