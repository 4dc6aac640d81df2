"""Keys that tests share, one pair for each algorithm, made once a run."""

from __future__ import annotations

import functools
from datetime import UTC, datetime, timedelta
from typing import Final

from zonekit.algorithms import Algorithm
from zonekit.instants import SignatureValidity
from zonekit.keys import SigningKey, generate_csk, generate_ksk, generate_zsk

NOW: Final = datetime(2026, 11, 21, 12, tzinfo=UTC)
VALIDITY: Final = SignatureValidity.starting(NOW, timedelta(days=14))
SIGNING_ALGORITHMS: Final = (
    *(Algorithm.RSASHA256, Algorithm.RSASHA512, Algorithm.ECDSAP256SHA256),
    *(Algorithm.ECDSAP384SHA384, Algorithm.ED25519, Algorithm.ED448),
)


@functools.cache
def ksk(algorithm: Algorithm = Algorithm.ECDSAP256SHA256, owner: str = "example.nl", number: int = 0) -> SigningKey:
    """The KSK of this algorithm; another ``number`` is another key."""
    return generate_ksk(owner, algorithm=algorithm, avoid=_tags_before(ksk, zsk, algorithm, owner, number))


@functools.cache
def zsk(algorithm: Algorithm = Algorithm.ECDSAP256SHA256, owner: str = "example.nl", number: int = 0) -> SigningKey:
    """The ZSK of this algorithm; its key tag is not the KSK's."""
    taken = [*_tags_before(ksk, zsk, algorithm, owner, number), ksk(algorithm, owner, number).key_tag]
    return generate_zsk(owner, algorithm=algorithm, avoid=taken)


@functools.cache
def csk(algorithm: Algorithm = Algorithm.ECDSAP256SHA256, owner: str = "example.nl") -> SigningKey:
    """The CSK of this algorithm."""
    taken = [ksk(algorithm, owner).key_tag, zsk(algorithm, owner).key_tag]
    return generate_csk(owner, algorithm=algorithm, avoid=taken)


def _tags_before(first: object, second: object, algorithm: Algorithm, owner: str, number: int) -> list[int]:
    assert callable(first) and callable(second)
    return [make(algorithm, owner, earlier).key_tag for earlier in range(number) for make in (first, second)]
