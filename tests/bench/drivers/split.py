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

    def divide(self, part: str, rest: str, spent: tuple[float, float]) -> None:
        """Say that this much of ``part`` was it, and what remains was ``rest``."""
        cpu, wall = self.parts.pop(part)
        self.parts |= {rest: (cpu - spent[0], wall - spent[1]), part: spent}


class TimedSigner:
    """Signs with another signer, and knows how long that took in all."""

    def __init__(self, key: SigningKey) -> None:
        self._sign = key.signer.sign
        self.cpu = self.wall = 0.0

    def sign(self, data: bytes) -> bytes:
        cpu, wall = time.process_time(), time.perf_counter()
        signature = self._sign(data)
        self.cpu += time.process_time() - cpu
        self.wall += time.perf_counter() - wall
        return signature


def main(path: str, origin: str, key_directory: str, inception: str, expiration: str, output: str) -> None:
    clock = Clock()
    zone = read_zone(path, origin=origin)
    clock.note("read")
    keys, signers = [], []
    for key in read_keys(key_directory, origin):
        signers.append(TimedSigner(key))
        keys.append(
            from_signer(
                signers[-1],
                owner=name_text(key.owner),
                algorithm=key.algorithm,
                public_key=key.public_key,
                role=key.role,
            )
        )
    validity = SignatureValidity(inception=parse_instant(inception), expiration=parse_instant(expiration))
    clock.note("read keys")
    signed = sign_zone(zone, keys, validity=validity)
    clock.note("sign")
    spent = sum(signer.cpu for signer in signers), sum(signer.wall for signer in signers)
    clock.divide("sign", "order, NSEC chain, canonical form", spent)
    deque(iter_zone_text(signed), maxlen=0)
    clock.note("render")
    write_zone(signed, output)
    clock.note("write")
    (render_cpu, render_wall), (cpu, wall) = clock.parts["render"], clock.parts["write"]
    clock.parts["write"] = max(0.0, cpu - render_cpu), max(0.0, wall - render_wall)
    print(json.dumps(clock.parts))


if __name__ == "__main__":
    main(*sys.argv[1:])
