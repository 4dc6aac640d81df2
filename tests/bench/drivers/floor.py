"""The floor: nothing but the keys and signatures that the job needs, by the same library.

Arguments: how many keys, how many signatures. Prints the CPU and the wall seconds that they took.
"""

from __future__ import annotations

import sys
import time

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

_OCTETS = 100  # about what an RRSIG without its signature and a short RRset come to


def main(keys: int, signatures: int) -> None:
    curve, ecdsa, data = ec.SECP256R1(), ec.ECDSA(SHA256(), deterministic_signing=True), bytes(_OCTETS)
    sign = ec.generate_private_key(curve).sign
    cpu, wall = time.process_time(), time.perf_counter()
    for _ in range(keys):
        ec.generate_private_key(curve)
    for _ in range(signatures):
        sign(data, ecdsa)
    print(time.process_time() - cpu, time.perf_counter() - wall)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
