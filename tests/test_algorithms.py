"""Algorithms: numbers and status, public keys in wire form, signatures made and checked."""

from __future__ import annotations

import functools
import hashlib
import struct

import dns.dnssecalgs
import dns.dnssectypes
import dns.name
import dns.rdata
import dns.rdtypes.ANY.DNSKEY
import dns.rdtypes.ANY.RRSIG
import dns.rrset
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from hypothesis import given
from hypothesis import strategies as st

from zonekit.algorithms import (
    MAX_RSA_EXPONENT_BITS,
    RSA_ALGORITHMS,
    STATUS,
    Algorithm,
    DigestType,
    PrivateKey,
    Requirement,
    check_private_key,
    check_public_key,
    digest,
    generate_private_key,
    may_sign,
    parse_algorithm,
    parse_digest_type,
    public_key_octets,
    require_may_sign,
    rsa_private_key,
    signature_length,
    signing_function,
    verify_signature,
)
from zonekit.errors import AlgorithmError, SigningKeyError

SIGNING = [algorithm for algorithm in Algorithm if may_sign(algorithm)]
VERIFY_ONLY = [Algorithm.RSASHA1, Algorithm.NSEC3RSASHA1]

# DNSKEY, signed record, RRSIG: RFC 4035 appendix A (a wildcard's signature, seen at the name it answered for), RFC 5702
# section 6, RFC 6605 section 6, and RFC 8080 section 6 with the signatures of its errata.
VECTORS = {
    "RFC 4035 algorithm 5": (
        "example. 3600 IN DNSKEY 256 3 5 AQOy1bZVvpPqhg4j7EJoM9rI3ZmyEx2OzDBVrZy/lvI5CQePxXHZS4i8dANH4DX3tbHol61ek8EFMcsGXxKciJFHyhl94C+NwILQdzsUlSFovBZsyl/NX6yEbtw/xN9ZNcrbYvgjjZ/UVPZIySFNsgEYvh0z2542lzMKR4Dh8uZffQ==",
        "a.z.w.example. 3600 IN MX 1 ai.example.",
        "a.z.w.example. 3600 IN RRSIG MX 5 2 3600 20040509183619 20040409183619 38519 example. OMK8rAZlepfzLWW75Dxd63jy2wswESzxDKG2f9AMN1CytCd10cYISAxfAdvXSZ7xujKAtPbctvOQ2ofO7AZJ+d01EeeQTVBPq4/6KCWhqe2XTjnkVLNvvhnc0u28aoSsG0+4InvkkOHknKxw4kX18MMR34i8lC36SR5xBni8vHI=",
    ),
    "RFC 5702 algorithm 8": (
        "example.net. 3600 IN DNSKEY 256 3 8 AwEAAcFcGsaxxdgiuuGmCkVImy4h99CqT7jwY3pexPGcnUFtR2Fh36BponcwtkZ4cAgtvd4Qs8PkxUdp6p/DlUmObdk=",
        "www.example.net. 3600 IN A 192.0.2.91",
        "www.example.net. 3600 IN RRSIG A 8 3 3600 20300101000000 20000101000000 9033 example.net. kRCOH6u7l0QGy9qpC9l1sLncJcOKFLJ7GhiUOibu4teYp5VE9RncriShZNz85mwlMgNEacFYK/lPtPiVYP4bwg==",
    ),
    "RFC 5702 algorithm 10": (
        "example.net. 3600 IN DNSKEY 256 3 10 AwEAAdHoNTOW+et86KuJOWRDp1pndvwb6Y83nSVXXyLA3DLroROUkN6X0O6pnWnjJQujX/AyhqFDxj13tOnD9u/1kTg7cV6rklMrZDtJCQ5PCl/D7QNPsgVsMu1J2Q8gpMpztNFLpPBz1bWXjDtaR7ZQBlZ3PFY12ZTSncorffcGmhOL",
        "www.example.net. 3600 IN A 192.0.2.91",
        "www.example.net. 3600 IN RRSIG A 10 3 3600 20300101000000 20000101000000 3740 example.net. tsb4wnjRUDnB1BUi+t6TMTXThjVnG+eCkWqjvvjhzQL1d0YRoOe0CbxrVDYd0xDtsuJRaeUw1ep94PzEWzr0iGYgZBWm/zpq+9fOuagYJRfDqfReKBzMweOLDiNa8iP5g9vMhpuv6OPlvpXwm9Sa9ZXIbNl1MBGk0fthPgxdDLw=",
    ),
    "RFC 6605 algorithm 13": (
        "example.net. 3600 IN DNSKEY 257 3 13 GojIhhXUN/u4v54ZQqGSnyhWJwaubCvTmeexv7bR6edbkrSqQpF64cYbcB7wNcP+e+MAnLr+Wi9xMWyQLc8NAA==",
        "www.example.net. 3600 IN A 192.0.2.1",
        "www.example.net. 3600 IN RRSIG A 13 3 3600 20100909100439 20100812100439 55648 example.net. qx6wLYqmh+l9oCKTN6qIc+bw6ya+KJ8oMz0YP107epXAyGmt+3SNruPFKG7tZoLBLlUzGGus7ZwmwWep666VCw==",
    ),
    "RFC 6605 algorithm 14": (
        "example.net. 3600 IN DNSKEY 257 3 14 xKYaNhWdGOfJ+nPrL8/arkwf2EY3MDJ+SErKivBVSum1w/egsXvSADtNJhyem5RCOpgQ6K8X1DRSEkrbYQ+OB+v8/uX45NBwY8rp65F6Glur8I/mlVNgF6W/qTI37m40",
        "www.example.net. 3600 IN A 192.0.2.1",
        "www.example.net. 3600 IN RRSIG A 14 3 3600 20100909102025 20100812102025 10771 example.net. /L5hDKIvGDyI1fcARX3z65qrmPsVz73QD1Mr5CEqOiLP95hxQouuroGCeZOvzFaxsT8Glr74hbavRKayJNuydCuzWTSSPdz7wnqXL5bdcJzusdnI0RSMROxxwGipWcJm",
    ),
    "RFC 8080 algorithm 15, first": (
        "example.com. 3600 IN DNSKEY 257 3 15 l02Woi0iS8Aa25FQkUd9RMzZHJpBoRQwAQEX1SxZJA4=",
        "example.com. 3600 IN MX 10 mail.example.com.",
        "example.com. 3600 IN RRSIG MX 15 2 3600 1440021600 1438207200 3613 example.com. oL9krJun7xfBOIWcGHi7mag5/hdZrKWw15jPGrHpjQeRAvTdszaPD+QLs3fx8A4M3e23mRZ9VrbpMngwcrqNAg==",
    ),
    "RFC 8080 algorithm 15, second": (
        "example.com. 3600 IN DNSKEY 257 3 15 zPnZ/QwEe7S8C5SPz2OfS5RR40ATk2/rYnE9xHIEijs=",
        "example.com. 3600 IN MX 10 mail.example.com.",
        "example.com. 3600 IN RRSIG MX 15 2 3600 1440021600 1438207200 35217 example.com. zXQ0bkYgQTEFyfLyi9QoiY6D8ZdYo4wyUhVioYZXFdT410QPRITQSqJSnzQoSm5poJ7gD7AQR0O7KuI5k2pcBg==",
    ),
    "RFC 8080 algorithm 16, first": (
        "example.com. 3600 IN DNSKEY 257 3 16 3kgROaDjrh0H2iuixWBrc8g2EpBBLCdGzHmn+G2MpTPhpj/OiBVHHSfPodx1FYYUcJKm1MDpJtIA",
        "example.com. 3600 IN MX 10 mail.example.com.",
        "example.com. 3600 IN RRSIG MX 16 2 3600 1440021600 1438207200 9713 example.com. 3cPAHkmlnxcDHMyg7vFC34l0blBhuG1qpwLmjInI8w1CMB29FkEAIJUA0amxWndkmnBZ6SKiwZSAxGILn/NBtOXft0+Gj7FSvOKxE/07+4RQvE581N3Aj/JtIyaiYVdnYtyMWbSNyGEY2213WKsJlwEA",
    ),
    "RFC 8080 algorithm 16, second": (
        "example.com. 3600 IN DNSKEY 257 3 16 kkreGWoccSDmUBGAe7+zsbG6ZAFQp+syPmYUurBRQc3tDjeMCJcVMRDmgcNLp5HlHAMy12VoISsA",
        "example.com. 3600 IN MX 10 mail.example.com.",
        "example.com. 3600 IN RRSIG MX 16 2 3600 1440021600 1438207200 38353 example.com. E1/oLjSGIbmLny/4fcgM1z4oL6aqo+izT3urCyHyvEp4Sp8Syg1eI+lJ57CSnZqjJP41O/9l4m0AsQ4f7qI1gVnML8vWWiyW2KXhT9kuAICUSxv5OWbf81Rq7Yu60npabODB0QFPb/rkW3kUZmQ0YQUA",
    ),
}


def rrset_of(text: str) -> dns.rrset.RRset:
    owner, ttl, rdclass, rdtype, rdata = text.split(maxsplit=4)
    return dns.rrset.from_text(owner, int(ttl), rdclass, rdtype, rdata)


def vector_parts(name: str) -> tuple[dns.rdtypes.ANY.DNSKEY.DNSKEY, dns.rdtypes.ANY.RRSIG.RRSIG, bytes]:
    """A vector's DNSKEY, its RRSIG, and the data that is signed (RFC 4034 section 3.1.8.1), which dnspython writes."""
    dnskey, rrset, rrsig = (rrset_of(text) for text in VECTORS[name])
    signature = rrsig[0]
    owner = rrset.name
    if signature.labels < len(owner) - 1:
        owner = dns.name.Name([b"*", *owner.labels[-signature.labels - 1 :]])
    rdata = rrset[0].to_digestable()
    header = struct.pack("!HHIH", rrset.rdtype, rrset.rdclass, signature.original_ttl, len(rdata))
    prefix = signature.to_wire()[: -len(signature.signature)]
    return dnskey[0], signature, prefix + owner.to_digestable() + header + rdata


@functools.cache
def private_key_of(algorithm: Algorithm) -> PrivateKey:
    return generate_private_key(algorithm)


def rsa_field(exponent: int, modulus: bytes) -> bytes:
    octets = exponent.to_bytes((exponent.bit_length() + 7) // 8, "big")
    return bytes((len(octets),)) + octets + modulus


MODULUS_2048 = bytes([0x80, *([0x5A] * 254), 0x01])


# ---- numbers and status ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", Algorithm)
def test_an_algorithm_is_parsed_from_its_number_and_from_its_mnemonic_in_any_case(algorithm: Algorithm) -> None:
    for value in (int(algorithm), str(int(algorithm)), algorithm.name, algorithm.name.lower(), algorithm):
        assert parse_algorithm(value) is algorithm


@pytest.mark.parametrize("algorithm", dns.dnssectypes.Algorithm)
def test_numbers_and_mnemonics_are_those_of_dnspython(algorithm: dns.dnssectypes.Algorithm) -> None:
    if algorithm.value in list(Algorithm):
        mnemonic = algorithm.name.replace("RSASHA1NSEC3SHA1", "RSASHA1-NSEC3-SHA1")
        assert parse_algorithm(mnemonic) == algorithm.value
    else:
        with pytest.raises(AlgorithmError, match="unknown or not supported"):
            parse_algorithm(algorithm.value)


@pytest.mark.parametrize(
    "value", ["", "RSA", "0", "-1", "13 ", "1e1", "\N{SUPERSCRIPT TWO}", "9999", 0, -1, 256, "x" * 500]
)
def test_what_names_no_algorithm_is_refused(value: str | int) -> None:
    with pytest.raises(
        AlgorithmError, match=r"unknown or not supported; use one of .*ECDSAP256SHA256 \(13\)"
    ) as caught:
        parse_algorithm(value)
    assert len(str(caught.value)) < 250


@pytest.mark.parametrize("digest_type", DigestType)
def test_a_digest_type_is_parsed_from_its_number_and_from_its_mnemonic(digest_type: DigestType) -> None:
    hyphenated = digest_type.name.replace("SHA", "sha-")
    for value in (int(digest_type), str(int(digest_type)), digest_type.name.lower(), hyphenated):
        assert parse_digest_type(value) is digest_type
    assert dns.dnssectypes.DSDigest(digest_type).name == digest_type.name


@pytest.mark.parametrize("value", ["GOST", 3, 0, "sha512"])
def test_what_names_no_digest_type_is_refused(value: str | int) -> None:
    with pytest.raises(AlgorithmError, match=r"digest type .* is unknown or not supported; use SHA256"):
        parse_digest_type(value)


@given(st.binary(max_size=200))
def test_digests_are_those_of_the_standard_library(data: bytes) -> None:
    assert digest(1, data) == hashlib.sha1(data).digest()
    assert digest(2, data) == hashlib.sha256(data).digest()
    assert digest(4, data) == hashlib.sha384(data).digest()
    with pytest.raises(AlgorithmError):
        digest(3, data)


def test_every_algorithm_has_a_status_and_only_those_on_sha1_must_not_sign() -> None:
    assert set(STATUS) == set(Algorithm)
    assert [algorithm for algorithm in Algorithm if not may_sign(algorithm)] == VERIFY_ONLY
    assert {status.validating for status in STATUS.values()} <= {Requirement.MUST, Requirement.RECOMMENDED}
    assert not may_sign(12)


@pytest.mark.parametrize("algorithm", VERIFY_ONLY)
def test_an_algorithm_on_sha1_makes_no_keys_and_no_signatures(algorithm: Algorithm) -> None:
    for refused in (
        lambda: require_may_sign(algorithm),
        lambda: generate_private_key(algorithm),
        lambda: check_private_key(algorithm, private_key_of(Algorithm.RSASHA256)),
        lambda: signing_function(algorithm, private_key_of(Algorithm.RSASHA256)),
    ):
        with pytest.raises(AlgorithmError, match=r"only to verify old ones; use ECDSAP256SHA256.*RFC 9905"):
            refused()


# ---- signatures -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", VECTORS)
def test_the_published_signature_verifies_and_no_other_data_does(name: str) -> None:
    dnskey, rrsig, data = vector_parts(name)
    assert verify_signature(rrsig.algorithm, dnskey.key, rrsig.signature, data)
    assert not verify_signature(rrsig.algorithm, dnskey.key, rrsig.signature, data + b"\x00")
    assert not verify_signature(rrsig.algorithm, dnskey.key, rrsig.signature, data.replace(b"\x02", b"\x03", 1))


def test_algorithm_7_verifies_what_algorithm_5_signed_since_only_the_number_differs() -> None:
    dnskey, rrsig, data = vector_parts("RFC 4035 algorithm 5")
    assert verify_signature(7, dnskey.key, rrsig.signature, data)


@given(st.sampled_from(SIGNING), st.binary(max_size=300))
def test_what_is_signed_verifies_and_dnspython_agrees(algorithm: Algorithm, data: bytes) -> None:
    private_key = private_key_of(algorithm)
    public_key = public_key_octets(private_key)
    signature = signing_function(algorithm, private_key)(data)
    assert verify_signature(algorithm, public_key, signature, data)
    assert len(signature) == signature_length(algorithm, public_key)
    assert signature == signing_function(algorithm, private_key)(data)
    dnskey = dns.rdata.from_wire(
        "IN", "DNSKEY", b"\x01\x00\x03" + bytes((algorithm,)) + public_key, 0, len(public_key) + 4
    )
    assert isinstance(dnskey, dns.rdtypes.ANY.DNSKEY.DNSKEY)
    dns.dnssecalgs.get_algorithm_cls_from_dnskey(dnskey).public_cls.from_dnskey(dnskey).verify(signature, data)


@given(st.sampled_from(SIGNING), st.binary(min_size=1, max_size=100), st.data())
def test_a_signature_fails_when_any_bit_of_it_or_of_the_data_is_turned(
    algorithm: Algorithm, data: bytes, draw: st.DataObject
) -> None:
    private_key = private_key_of(algorithm)
    public_key = public_key_octets(private_key)
    signature = signing_function(algorithm, private_key)(data)
    assert not verify_signature(algorithm, public_key, turn_a_bit(signature, draw), data)
    assert not verify_signature(algorithm, public_key, signature, turn_a_bit(data, draw))


def turn_a_bit(octets: bytes, draw: st.DataObject) -> bytes:
    place = draw.draw(st.integers(0, len(octets) * 8 - 1))
    turned = bytearray(octets)
    turned[place // 8] ^= 1 << place % 8
    return bytes(turned)


@given(st.sampled_from(Algorithm), st.binary(max_size=140), st.binary(max_size=140), st.binary(max_size=20))
def test_octets_that_are_no_key_or_no_signature_verify_nothing(
    algorithm: Algorithm, public_key: bytes, signature: bytes, data: bytes
) -> None:
    assert verify_signature(algorithm, public_key, signature, data) is False


@given(st.sampled_from(SIGNING), st.binary(max_size=300))
def test_a_signature_of_the_wrong_length_verifies_nothing(algorithm: Algorithm, signature: bytes) -> None:
    assert verify_signature(algorithm, public_key_octets(private_key_of(algorithm)), signature, b"data") is False


@pytest.mark.parametrize("algorithm", [0, 1, 3, 12, 252, 255])
def test_an_unknown_algorithm_is_never_taken_for_a_mismatch(algorithm: int) -> None:
    with pytest.raises(AlgorithmError, match="unknown or not supported"):
        verify_signature(algorithm, b"", b"", b"")


@pytest.mark.parametrize(
    ("curve", "algorithm", "hash_algorithm"),
    [(ec.SECP256R1(), 13, hashes.SHA256()), (ec.SECP384R1(), 14, hashes.SHA384())],
)
def test_r_and_s_stand_at_full_width_whatever_their_size(
    curve: ec.EllipticCurve, algorithm: int, hash_algorithm: hashes.HashAlgorithm
) -> None:
    private_key = ec.derive_private_key(0xC0FFEE, curve)
    sign = signing_function(algorithm, private_key)
    scheme = ec.ECDSA(hash_algorithm, deterministic_signing=True)
    octets = (curve.key_size + 7) // 8
    shortest = octets
    for number in range(1000):
        data = number.to_bytes(2, "big")
        r, s = decode_dss_signature(private_key.sign(data, scheme))
        shortest = min(shortest, (min(r, s).bit_length() + 7) // 8)
        assert sign(data) == r.to_bytes(octets, "big") + s.to_bytes(octets, "big")
    assert shortest < octets, "none of these signatures had a leading zero octet, so that nothing was tested"


def test_ecdsa_signs_as_rfc_6979_appendix_a_2_5_says() -> None:
    private_key = ec.derive_private_key(
        0xC9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721, ec.SECP256R1()
    )
    assert signing_function(13, private_key)(b"sample").hex().upper() == (
        "EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716"
        "F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8"
    )


# ---- public keys ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("algorithm", "bits"),
    [(8, 2048), (10, 2048), (13, 256), (14, 384), (15, 256), (16, 456)],
)
def test_a_new_key_is_sound_and_of_the_size_of_its_algorithm(algorithm: int, bits: int) -> None:
    for _ in range(1 if algorithm in RSA_ALGORITHMS else 20):
        assert check_public_key(algorithm, public_key_octets(generate_private_key(algorithm))) == bits


@pytest.mark.parametrize("name", [name for name in VECTORS if name != "RFC 5702 algorithm 8"])
def test_a_published_key_is_sound(name: str) -> None:
    dnskey, _, _ = vector_parts(name)
    assert check_public_key(dnskey.algorithm, dnskey.key) >= 256


@given(st.sampled_from(SIGNING))
def test_the_public_key_field_is_the_one_dnspython_writes(algorithm: Algorithm) -> None:
    private_key = private_key_of(algorithm)
    dnskey = dns.dnssecalgs.get_algorithm_cls(algorithm)(key=private_key).public_key().to_dnskey()
    assert public_key_octets(private_key) == dnskey.key
    assert public_key_octets(private_key.public_key()) == dnskey.key


@given(st.sampled_from(Algorithm), st.binary(max_size=600))
def test_any_octets_are_a_sound_key_or_are_refused(algorithm: Algorithm, public_key: bytes) -> None:
    try:
        bits = check_public_key(algorithm, public_key)
    except SigningKeyError:
        return
    assert bits >= 256


@pytest.mark.parametrize(
    ("public_key", "fault"),
    [
        (b"", "cut short"),
        (b"\x03", "cut short"),
        (b"\x03\x01\x00\x01", "cut short"),
        (b"\x00", "three octets for one"),
        (b"\x00\x00\x03\x01\x00\x01" + MODULUS_2048, "three octets for one"),
        (b"\x00\x01\x00" + b"\x01" * 256, "cut short"),
        (b"\x04\x00\x01\x00\x01" + MODULUS_2048, "leading zero octet"),
        (rsa_field(65537, b"\x00" + MODULUS_2048), "leading zero octet"),
        (rsa_field(65537, MODULUS_2048[:-1] + b"\x02"), "modulus is even"),
        (rsa_field(65537, b"\x80" + bytes(62) + b"\x01"), "has 512 bits, outside 1024 to 4096"),
        (rsa_field(65537, b"\x7f" + bytes(126) + b"\x01"), "has 1023 bits"),
        (rsa_field(65537, b"\x01" + bytes(511) + b"\x01"), "has 513 octets, more than 4096 bits"),
        (rsa_field(1, MODULUS_2048), "exponent 1 is not an odd number from 3"),
        (rsa_field(2, MODULUS_2048), "exponent 2 is not an odd number"),
        (rsa_field(65536, MODULUS_2048), "exponent 65536 is not an odd number"),
        (rsa_field(2**MAX_RSA_EXPONENT_BITS + 1, MODULUS_2048), "has 36 bits, and BIND takes no more than 35"),
        (b"\x00\x01\x00" + b"\x01" * 256 + b"\x80" + bytes(510) + b"\x01", "BIND takes no more than 35"),
    ],
)
@pytest.mark.parametrize("algorithm", sorted(RSA_ALGORITHMS))
def test_an_unsound_rsa_key_is_refused(algorithm: Algorithm, public_key: bytes, fault: str) -> None:
    with pytest.raises(SigningKeyError, match=fault):
        check_public_key(algorithm, public_key)


@pytest.mark.parametrize("exponent", [3, 65537, 2**32 + 1, 2 ** (MAX_RSA_EXPONENT_BITS - 1) + 1])
def test_an_rsa_key_with_any_exponent_that_validators_take_is_sound(exponent: int) -> None:
    assert check_public_key(8, rsa_field(exponent, MODULUS_2048)) == 2048
    assert signature_length(8, rsa_field(exponent, MODULUS_2048)) == 256


@pytest.mark.parametrize("algorithm", [13, 14, 15, 16])
@pytest.mark.parametrize("change", [-1, 1])
def test_a_key_of_fixed_length_is_refused_at_any_other(algorithm: int, change: int) -> None:
    public_key = public_key_octets(private_key_of(Algorithm(algorithm)))
    with pytest.raises(
        SigningKeyError, match=rf"has {len(public_key) + change} octets where {len(public_key)} are due"
    ):
        check_public_key(algorithm, (public_key + b"\x00")[: len(public_key) + change])


@pytest.mark.parametrize("algorithm", [13, 14])
def test_an_ecdsa_point_off_the_curve_is_refused(algorithm: int) -> None:
    public_key = public_key_octets(private_key_of(Algorithm(algorithm)))
    for off_curve in (
        bytes(len(public_key)),
        b"\xff" * len(public_key),
        public_key[:-1] + bytes((public_key[-1] ^ 1,)),
    ):
        with pytest.raises(SigningKeyError, match="not on the curve"):
            check_public_key(algorithm, off_curve)
        assert not verify_signature(algorithm, off_curve, bytes(signature_length(algorithm, off_curve)), b"")


def test_an_eddsa_point_off_the_curve_is_refused_and_half_of_all_are() -> None:
    faults = [fault_of(15, number.to_bytes(32, "little")) for number in range(2, 202)]
    assert all(fault == "" or "not on the curve" in fault for fault in faults)
    assert 60 < faults.count("") < 140


def fault_of(algorithm: int, public_key: bytes) -> str:
    try:
        check_public_key(algorithm, public_key)
    except SigningKeyError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("algorithm", [15, 16])
def test_an_eddsa_coordinate_at_or_above_the_prime_is_refused(algorithm: int) -> None:
    prime, octets = (2**255 - 19, 32) if algorithm == 15 else (2**448 - 2**224 - 1, 57)
    for y in (prime, prime + 3, 2 ** (octets * 8 - 1) - 1):
        with pytest.raises(SigningKeyError, match="not below the field's prime"):
            check_public_key(algorithm, y.to_bytes(octets, "little"))


# The points of order 1, 2 and 4 of both curves, and those of order 8 of edwards25519; a table that many libraries carry.
SMALL_ORDER = [
    (15, (1).to_bytes(32, "little")),
    (15, (2**255 - 20).to_bytes(32, "little")),
    (15, bytes(32)),
    (15, bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05")),
    (15, bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a")),
    (16, (1).to_bytes(57, "little")),
    (16, (2**448 - 2**224 - 2).to_bytes(57, "little")),
    (16, bytes(57)),
]


@pytest.mark.parametrize(("algorithm", "public_key"), SMALL_ORDER)
def test_an_eddsa_point_of_small_order_is_refused_with_either_sign(algorithm: int, public_key: bytes) -> None:
    for sign in (0, 0x80):
        with pytest.raises(SigningKeyError, match="of small order, so that anybody can sign"):
            check_public_key(algorithm, public_key[:-1] + bytes((public_key[-1] | sign,)))


# ---- private keys ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bits", [0, 512, 1024, 2047, 4097])
def test_no_rsa_key_outside_2048_to_4096_bits_is_made(bits: int) -> None:
    with pytest.raises(SigningKeyError, match=rf"2048 to 4096 bits, not {bits};"):
        generate_private_key(8, bits=bits)


@pytest.mark.parametrize("algorithm", [13, 14, 15, 16])
def test_no_size_is_asked_of_a_key_that_has_one(algorithm: int) -> None:
    with pytest.raises(SigningKeyError, match="have one size, and 256 bits were asked for"):
        generate_private_key(algorithm, bits=256)


def test_a_private_key_of_another_kind_is_refused() -> None:
    for algorithm in SIGNING:
        for other in SIGNING:
            if algorithm == other or {algorithm, other} <= RSA_ALGORITHMS:
                assert check_private_key(algorithm, private_key_of(other)) is algorithm
            else:
                with pytest.raises(SigningKeyError, match=f"is none of algorithm {algorithm}"):
                    check_private_key(algorithm, private_key_of(other))


def test_a_curve_without_an_algorithm_and_an_rsa_key_too_large_are_refused() -> None:
    with pytest.raises(SigningKeyError, match="is none of algorithm 13"):
        check_private_key(13, ec.generate_private_key(ec.SECP256K1()))
    public = rsa.RSAPublicNumbers(2**36 + 1, int.from_bytes(MODULUS_2048, "big"))
    with pytest.raises(SigningKeyError, match="BIND takes no more"):
        check_public_key(8, public_key_octets(public.public_key()))


def test_what_is_no_private_key_at_all_is_refused() -> None:
    with pytest.raises(SigningKeyError, match="Ed25519PublicKey is none of algorithm 15"):
        check_private_key(15, ed25519.Ed25519PrivateKey.generate().public_key())  # type: ignore[arg-type]


@pytest.mark.parametrize("field", ["p", "q", "d", "dmp1", "dmq1", "iqmp", "n", "e"])
def test_rsa_numbers_that_do_not_fit_one_another_are_refused(field: str) -> None:
    private_key = private_key_of(Algorithm.RSASHA256)
    assert isinstance(private_key, rsa.RSAPrivateKey)
    numbers = private_key.private_numbers()
    values = {name: getattr(numbers, name) for name in ("p", "q", "d", "dmp1", "dmq1", "iqmp")}
    values |= {name: getattr(numbers.public_numbers, name) for name in ("n", "e")}

    def rebuilt() -> rsa.RSAPrivateKey:
        parts = dict(values)
        public = rsa.RSAPublicNumbers(parts.pop("e"), parts.pop("n"))
        return rsa_private_key(rsa.RSAPrivateNumbers(public_numbers=public, **parts))

    assert rebuilt().private_numbers() == numbers
    for wrong in (values[field] + 2, 0, 1):
        values[field] = wrong
        with pytest.raises(SigningKeyError, match="do not fit one another") as caught:
            rebuilt()
        assert str(numbers.d) not in str(caught.value)


def test_an_rsa_key_with_exponent_1_is_refused_though_its_numbers_fit() -> None:
    private_key = private_key_of(Algorithm.RSASHA256)
    assert isinstance(private_key, rsa.RSAPrivateKey)
    numbers = private_key.private_numbers()
    public = rsa.RSAPublicNumbers(1, numbers.public_numbers.n)
    with pytest.raises(SigningKeyError):
        rsa_private_key(rsa.RSAPrivateNumbers(numbers.p, numbers.q, 1, 1, 1, numbers.iqmp, public))
