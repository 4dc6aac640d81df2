"""Published signatures: those of the RFCs verify, and where an RFC gives the private key, signing gives the same octets."""

from __future__ import annotations

import base64
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.test_algorithms import VECTORS
from zonekit import rdata as rd
from zonekit.algorithms import Algorithm
from zonekit.dnskeys import parse_dnskeys
from zonekit.instants import SignatureValidity, from_epoch_seconds
from zonekit.keys import KeyRole, LocalSigner, SigningKey
from zonekit.signatures import verify_rrset
from zonekit.signing import sign_rrset
from zonekit.ttl import Ttl
from zonekit.zones import RRset

# RFC 8080 section 6: the vector, and the PrivateKey field of its key file.
PRIVATE_KEYS = {
    "RFC 8080 algorithm 15, first": "ODIyNjAzODQ2MjgwODAxMjI2NDUxOTAyMDQxNDIyNjI=",
    "RFC 8080 algorithm 15, second": "DSSF3o0s0f+ElWzj9E/Osxw8hLpk55chkmx0LYN5WiY=",
    "RFC 8080 algorithm 16, first": ("xZ+5Cgm463xugtkY5B0Jx6erFTXp13rYegst0qRtNsOYnaVpMx0Z/c5EiA9x8wWbDDct/U3FhYWA"),
    "RFC 8080 algorithm 16, second": ("WEykD3ht3MHkU8iH4uVOLz8JLwtRBSqiBoM6fF72+Mrp/u5gjxuB1DV6NnPO2BlZdz4hdSTkOdOA"),
}


def rrset_of(text: str) -> RRset:
    owner, ttl, _, rdtype, rdata = text.split(maxsplit=4)
    return RRset.from_text(owner, int(ttl), rdtype, rdata)


@pytest.mark.parametrize("name", VECTORS)
def test_a_published_signature_is_good_within_its_validity(name: str) -> None:
    dnskeys, rrset, rrsigs = map(rrset_of, VECTORS[name])
    begins = from_epoch_seconds(int.from_bytes(rrsigs.rdatas[0][12:16], "big"))
    assert verify_rrset(rrset, rrsigs, dnskeys, now=begins)
    assert not verify_rrset(rrset, rrsigs, dnskeys, now=begins - timedelta(seconds=1))
    assert not verify_rrset(rrset.with_ttl(rrset.ttl + 1), rrsigs, dnskeys, now=begins)


@pytest.mark.parametrize("name", PRIVATE_KEYS)
def test_signing_gives_the_published_signature(name: str) -> None:
    dnskeys, rrset, rrsigs = map(rrset_of, VECTORS[name])
    (public,) = parse_dnskeys(dnskeys)
    algorithm = Algorithm(public.algorithm)
    load = Ed25519PrivateKey if algorithm is Algorithm.ED25519 else Ed448PrivateKey
    private_key = load.from_private_bytes(base64.b64decode(PRIVATE_KEYS[name]))
    key = SigningKey(
        owner=public.owner,
        algorithm=algorithm,
        flags=public.flags,
        public_key=public.public_key,
        role=KeyRole.CSK,
        signer=LocalSigner(private_key, algorithm),
    )
    expires, begins = (int.from_bytes(rrsigs.rdatas[0][place : place + 4], "big") for place in (8, 12))
    validity = SignatureValidity(inception=from_epoch_seconds(begins), expiration=from_epoch_seconds(expires))
    assert sign_rrset(rrset, [key], validity=validity) == rrsigs
    lowered = RRset(owner=rrset.owner, rdtype=rd.MX, ttl=Ttl(60), rdatas=rrset.rdatas)
    assert sign_rrset(lowered, [key], validity=validity) != rrsigs
