"""Which signatures of an earlier signing stay: the corners of each condition."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from tests.keyring import VALIDITY, ksk, zsk
from zonekit.algorithms import Algorithm
from zonekit.instants import SignatureValidity
from zonekit.keys import SigningKey, generate_zsk
from zonekit.signing import Reuse, sign_zone
from zonekit.zonefile import parse_zone
from zonekit.zones import Zone

KEYS = (ksk(), zsk())
SECOND = timedelta(seconds=1)
ZONE = parse_zone(
    """\
@     3600 SOA ns1.example.net. hostmaster 7 7200 3600 1209600 300
@    86400 NS  ns1.example.net.
www   3600 A   192.0.2.1
""",
    "example.nl",
)


def keys_of_one_tag() -> tuple[SigningKey, SigningKey]:
    """Two ZSKs of different algorithms that have one key tag, which is nothing wrong."""
    algorithms = Algorithm.ECDSAP256SHA256, Algorithm.ED25519
    taken = [ksk(algorithm).key_tag for algorithm in algorithms]
    seen: tuple[dict[int, SigningKey], dict[int, SigningKey]] = ({}, {})
    while not seen[0].keys() & seen[1].keys():  # such a pair comes after about 300 keys of each
        for algorithm, held in zip(algorithms, seen, strict=True):
            key = generate_zsk("example.nl", algorithm=algorithm, avoid=taken)
            held[key.key_tag] = key
    (tag,) = seen[0].keys() & seen[1].keys()
    return seen[0][tag], seen[1][tag]


def test_a_signature_stays_for_its_own_algorithm_where_two_keys_share_a_tag() -> None:
    keys = [ksk(), ksk(Algorithm.ED25519), *keys_of_one_tag()]
    before = sign_zone(ZONE, keys, validity=VALIDITY)
    later = VALIDITY.inception + timedelta(days=1)
    fresh = SignatureValidity.starting(later, timedelta(days=14))
    after = sign_zone(ZONE, keys, validity=fresh, reuse=Reuse(previous=before, now=later))
    assert list(after.nodes()) == list(before.nodes())


def resigned(previous: Zone, now: datetime, signatures_refresh: timedelta) -> Zone:
    fresh = SignatureValidity.starting(now, timedelta(days=14))
    reuse = Reuse(previous=previous, now=now, signatures_refresh=signatures_refresh)
    return sign_zone(ZONE, KEYS, validity=fresh, reuse=reuse)


@pytest.mark.parametrize(
    ("signatures_refresh", "before_expiration", "stays"),
    [
        (timedelta(0), SECOND, True),
        (timedelta(0), timedelta(0), False),
        (timedelta(0), -SECOND, False),  # it has expired, however little one asks for
        (timedelta(0), -timedelta(days=60), False),
        (SECOND, SECOND, False),
        (SECOND, 2 * SECOND, True),
        (SECOND / 2, SECOND, False),  # half a second is a whole one: a signature is rather made than missing
        (SECOND / 2, 2 * SECOND, True),
    ],
    ids=str,
)
def test_a_signature_stays_while_it_lasts_longer_than_the_refresh_time(
    signatures_refresh: timedelta, before_expiration: timedelta, stays: bool
) -> None:
    before = sign_zone(ZONE, KEYS, validity=VALIDITY)
    now = VALIDITY.expiration - before_expiration
    after = resigned(before, now, signatures_refresh)
    fresh = sign_zone(ZONE, KEYS, validity=SignatureValidity.starting(now, timedelta(days=14)))
    assert list(after.nodes()) == list((before if stays else fresh).nodes())
