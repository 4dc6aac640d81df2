"""The floor: nothing but the verifications that the job needs, by the same library.

Argument: how many signatures. Prints the CPU and the wall seconds that they took.
"""

from __future__ import annotations

import sys
import time

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

_OCTETS = 100  # about what an RRSIG without its signature and a short RRset come to


def main(signatures: int) -> None:
    ecdsa, data = ec.ECDSA(SHA256()), bytes(_OCTETS)
    key = ec.generate_private_key(ec.SECP256R1())
    signature, verify = key.sign(data, ecdsa), key.public_key().verify
    cpu, wall = time.process_time(), time.perf_counter()
    for _ in range(signatures):
        verify(signature, data, ecdsa)
    print(time.process_time() - cpu, time.perf_counter() - wall)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
