"""Signing keys: generation, key tags, PEM, signers of other makes, and that a private key never shows."""

from __future__ import annotations

import base64
import copy
import dataclasses
import functools
import pickle
import struct
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from typing import Any

import dns.dnssec
import dns.name
import dns.rdata
import dns.rdtypes.ANY.DNSKEY
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa, x25519
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from hypothesis import given
from hypothesis import strategies as st

from tests.test_algorithms import SIGNING, VECTORS, VERIFY_ONLY, vector_parts
from zonekit.algorithms import (
    RSA_ALGORITHMS,
    Algorithm,
    PrivateKey,
    check_public_key,
    generate_private_key,
    signature_length,
    verify_signature,
)
from zonekit.errors import (
    AlgorithmError,
    DomainNameError,
    KeyFileError,
    SigningKeyError,
    TimeError,
    TtlError,
    ZonekitError,
)
from zonekit.keys import (
    NO_TIMING,
    KeyRole,
    KeyTiming,
    KeyUse,
    LocalSigner,
    Signer,
    SigningKey,
    export_private_key,
    from_signer,
    generate_csk,
    generate_ksk,
    generate_zsk,
    key_file_stem,
    key_tag,
    load_pem,
    private_key_pem,
)
from zonekit.names import parse_name
from zonekit.ttl import Ttl

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
GENERATORS = {KeyRole.KSK: generate_ksk, KeyRole.ZSK: generate_zsk, KeyRole.CSK: generate_csk}


@functools.cache
def key_of(algorithm: Algorithm) -> SigningKey:
    """One key of each algorithm, a KSK, made once in a run."""
    return generate_ksk("example.nl", algorithm=algorithm, timing=KeyTiming.starting(NOW))


def secrets_of(private_key: PrivateKey) -> set[str]:
    """The private key's parts in every way that text could hold them: hexadecimal, decimal, base64, bytes as Python prints them."""
    if isinstance(private_key, rsa.RSAPrivateKey):
        numbers = private_key.private_numbers()
        parts = [numbers.d, numbers.p, numbers.q, numbers.dmp1, numbers.dmq1, numbers.iqmp]
    elif isinstance(private_key, ec.EllipticCurvePrivateKey):
        parts = [private_key.private_numbers().private_value]
    else:
        parts = [int.from_bytes(private_key.private_bytes_raw(), "big")]
    texts = set()
    for part in parts:
        octets = part.to_bytes((part.bit_length() + 7) // 8, "big")
        texts |= {str(part), f"{part:x}", repr(octets)[2:-1], base64.b64encode(octets).decode()[:-4]}
    return texts | {text.upper() for text in texts}


def assert_secret(private_key: PrivateKey, *texts: str) -> None:
    for secret in secrets_of(private_key):
        for text in texts:
            assert secret not in text


def everything_said_by(error: BaseException) -> Iterator[str]:
    """What an exception and all those behind it say or keep."""
    seen: BaseException | None = error
    while seen is not None:
        yield from (str(seen), repr(seen), repr(seen.args), repr(vars(seen)))
        seen = seen.__cause__ or seen.__context__


class Device:
    """A signer as an HSM is one: it signs with a key that nobody gets to see."""

    def __init__(self, algorithm: int) -> None:
        self._signer = LocalSigner(generate_private_key(algorithm), algorithm)
        self.public_key = self._signer.public_key
        self.signatures = 0

    def sign(self, data: bytes) -> bytes:
        self.signatures += 1
        return self._signer.sign(data)


# ---- generation -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", SIGNING)
@pytest.mark.parametrize("role", KeyRole)
def test_a_new_key_has_the_flags_of_its_role_and_signs_for_its_dnskey(role: KeyRole, algorithm: Algorithm) -> None:
    key = GENERATORS[role]("example.nl", algorithm=algorithm.name)
    assert (key.role, key.algorithm, key.flags) == (role, algorithm, 256 if role is KeyRole.ZSK else 257)
    assert (key.signs_dnskey, key.signs_zone) == (role is not KeyRole.ZSK, role is not KeyRole.KSK)
    assert key.dnskey_rdata == struct.pack(">HBB", key.flags, 3, algorithm) + key.public_key
    assert key.timing == NO_TIMING
    signature = key.signer.sign(b"data")
    assert verify_signature(algorithm, key.public_key, signature, b"data")
    assert len(signature) == signature_length(algorithm, key.public_key)


def test_the_default_is_ecdsa_on_p_256() -> None:
    assert generate_zsk("example.nl").algorithm is Algorithm.ECDSAP256SHA256


@pytest.mark.parametrize("owner", ["example.nl", "example.nl.", dns.name.from_text("example.nl")])
def test_the_owner_is_absolute_with_or_without_its_final_dot(owner: str | dns.name.Name) -> None:
    assert generate_ksk(owner).owner == parse_name("example.nl.")


def test_no_key_is_made_for_what_is_no_name() -> None:
    with pytest.raises(DomainNameError):
        generate_ksk("a..b")


@pytest.mark.parametrize("algorithm", VERIFY_ONLY)
@pytest.mark.parametrize("role", KeyRole)
def test_no_key_is_made_of_an_algorithm_on_sha1(role: KeyRole, algorithm: Algorithm) -> None:
    with pytest.raises(AlgorithmError, match="RFC 9905"):
        GENERATORS[role]("example.nl", algorithm=algorithm)


def test_an_rsa_key_has_the_bits_asked_for() -> None:
    key = generate_zsk("example.nl", algorithm="RSASHA256", bits=2304)
    assert check_public_key(8, key.public_key) == 2304
    for bits in (1024, 8192):
        with pytest.raises(SigningKeyError, match=f"not {bits}"):
            generate_zsk("example.nl", algorithm=8, bits=bits)
    with pytest.raises(SigningKeyError, match="have one size"):
        generate_zsk("example.nl", bits=256)


def test_a_new_key_keeps_clear_of_the_tags_to_avoid_and_of_their_revoked_forms() -> None:
    avoid = frozenset(range(40000))
    for _ in range(40):
        key = generate_zsk("example.nl", avoid=avoid)
        assert avoid.isdisjoint({key.key_tag, revoked_tag(key.dnskey_rdata)})
        assert avoid.isdisjoint({(key.key_tag - 128) % 65536, (key.key_tag - 129) % 65536})


def revoked_tag(dnskey_rdata: bytes) -> int:
    return key_tag(struct.pack(">H", int.from_bytes(dnskey_rdata[:2], "big") | 0x80) + dnskey_rdata[2:])


@given(st.sampled_from([256, 257]), st.binary(min_size=1, max_size=300))
def test_revoking_a_key_adds_128_to_its_tag_or_129(flags: int, public_key: bytes) -> None:
    rdata = struct.pack(">HBB", flags, 3, 13) + public_key
    assert (revoked_tag(rdata) - key_tag(rdata)) % 65536 in {128, 129}


def test_a_search_for_a_free_tag_ends() -> None:
    with pytest.raises(SigningKeyError, match="avoid fewer key tags"):
        generate_zsk("example.nl", avoid=range(65536))


@pytest.mark.parametrize("tag", [-1, 65536])
def test_what_is_no_tag_cannot_be_avoided(tag: int) -> None:
    with pytest.raises(SigningKeyError, match=f"{tag} is not a key tag"):
        generate_zsk("example.nl", avoid=[1, tag])


# ---- key tags -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", VECTORS)
def test_the_tag_of_a_published_key_is_the_published_one(name: str) -> None:
    dnskey, rrsig, _ = vector_parts(name)
    assert key_tag(wire_of(dnskey)) == rrsig.key_tag


@pytest.mark.parametrize(
    ("dnskey", "tag"),
    [
        # RFC 4034 section 5.4, RFC 4034 section 2.3 (its tag is that of the RRSIG in section 3.3)
        (
            "256 3 5 AQOeiiR0GOMYkDshWoSKz9XzfwJr1AYtsmx3TGkJaNXVbfi/2pHm822aJ5iI9BMzNXxeYCmZDRD99WYwYqUSdjMmmAphXdvxegXd/M5+X7OrzKBaMbCVdFLUUh6DhweJBjEVv5f2wwjM9XzcnOf+EPbtG9DMBmADjFDc2w/rljwvFw==",
            60485,
        ),
        (
            "256 3 5 AQPSKmynfzW4kyBv015MUG2DeIQ3Cbl+BBZH4b/0PY1kxkmvHjcZc8nokfzj31GajIQKY+5CptLr3buXA10hWqTkF7H6RfoRqXQeogmMHfpftf6zMv1LyBUgia7za6ZEzOJBOztyvhjL742iU/TpPSEDhm2SNKLijfUppn1UaNvv4w==",
            2642,
        ),
    ],
)
def test_the_tag_of_an_example_in_rfc_4034_is_the_one_it_says(dnskey: str, tag: int) -> None:
    assert key_tag(wire_of(dns.rdata.from_text("IN", "DNSKEY", dnskey))) == tag


def wire_of(rdata: dns.rdata.Rdata) -> bytes:
    wire = rdata.to_wire()
    assert wire is not None
    return wire


@given(st.integers(0, 65535), st.integers(1, 255), st.binary(min_size=3, max_size=300))
def test_the_tag_of_any_key_is_the_one_dnspython_computes(flags: int, algorithm: int, public_key: bytes) -> None:
    rdata = struct.pack(">HBB", flags, 3, algorithm) + public_key
    dnskey = dns.rdata.from_wire("IN", "DNSKEY", rdata, 0, len(rdata))
    assert isinstance(dnskey, dns.rdtypes.ANY.DNSKEY.DNSKEY)
    assert key_tag(rdata) == dns.dnssec.key_id(dnskey)


def test_the_tag_of_an_rsamd5_key_is_cut_out_of_its_modulus() -> None:
    assert key_tag(b"\x01\x00\x03\x01" + bytes(60) + b"\xab\xcd\xef") == 0xABCD


@pytest.mark.parametrize("rdata", [b"", b"\x01\x00\x03\x0d"])
def test_a_dnskey_without_a_key_has_no_tag(rdata: bytes) -> None:
    with pytest.raises(SigningKeyError, match="cut short"):
        key_tag(rdata)


# ---- the value ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("flags", "role"),
    [(257, KeyRole.ZSK), (256, KeyRole.KSK), (256, KeyRole.CSK), (385, KeyRole.KSK), (0, KeyRole.ZSK)],
)
def test_flags_that_do_not_fit_the_role_are_refused(flags: int, role: KeyRole) -> None:
    with pytest.raises(
        SigningKeyError, match=rf"^example\.nl\.: a key with flags {flags} is no {role.value} for signing"
    ):
        dataclasses.replace(key_of(Algorithm.ECDSAP256SHA256), flags=flags, role=role)


@pytest.mark.parametrize("algorithm", SIGNING)
def test_a_private_key_that_is_not_of_the_dnskey_is_refused(algorithm: Algorithm) -> None:
    key, other = key_of(algorithm), generate_ksk("example.nl", algorithm=algorithm)
    with pytest.raises(SigningKeyError, match="does not belong to the public key") as caught:
        dataclasses.replace(key, signer=other.signer)
    assert_secret(export_private_key(key), *everything_said_by(caught.value))
    assert_secret(export_private_key(other), *everything_said_by(caught.value))


def test_a_private_key_of_another_algorithm_is_refused() -> None:
    key = key_of(Algorithm.RSASHA256)
    with pytest.raises(SigningKeyError, match="does not belong"):
        dataclasses.replace(key, algorithm=Algorithm.RSASHA512)
    with pytest.raises(AlgorithmError, match="RFC 9905"):
        dataclasses.replace(key, algorithm=Algorithm.RSASHA1)


def test_an_owner_that_is_no_name_in_wire_form_is_refused() -> None:
    with pytest.raises(DomainNameError):
        dataclasses.replace(key_of(Algorithm.ED25519), owner=b"example.nl")


def test_two_keys_are_equal_when_all_but_the_signer_is() -> None:
    key = key_of(Algorithm.ED25519)
    again = dataclasses.replace(key, signer=copy.deepcopy(key.signer))
    assert again == key
    assert hash(again) == hash(key)
    assert dataclasses.replace(key, timing=NO_TIMING) != key
    assert generate_ksk("example.nl", algorithm=15) != key


def test_a_key_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        key_of(Algorithm.ED25519).flags = 256  # type: ignore[misc]


def test_timing_takes_aware_instants_and_real_tags_only() -> None:
    assert KeyTiming.starting(NOW) == KeyTiming(created=NOW, publish=NOW, activate=NOW)
    with pytest.raises(TimeError, match="no time zone"):
        KeyTiming(delete=datetime(2026, 1, 1))
    with pytest.raises(SigningKeyError, match="70000 is not a key tag"):
        KeyTiming(successor=70000)


@pytest.mark.parametrize("value", ["20261121120000", 0, date(2026, 11, 21)])
def test_timing_takes_nothing_but_datetimes_and_numbers(value: Any) -> None:
    for name in ("created", "publish", "delete", "sync_delete"):
        with pytest.raises(TimeError, match=rf"the timing field {name} is a .* give an aware datetime"):
            KeyTiming(**{name: value})
    with pytest.raises(SigningKeyError, match="a key tag is a whole number, not str"):
        KeyTiming(predecessor="1")  # type: ignore[arg-type]


@pytest.mark.parametrize("ttl", [-1, 2**31, "3600", 1.5, True])
def test_a_key_asks_for_a_ttl_that_is_one(ttl: Any) -> None:
    key = key_of(Algorithm.ED25519)
    assert dataclasses.replace(key, dnskey_ttl=Ttl(2**31 - 1)).dnskey_ttl == 2**31 - 1
    with pytest.raises(TtlError):
        dataclasses.replace(key, dnskey_ttl=ttl)


def test_a_key_shows_its_role_owner_algorithm_and_tag() -> None:
    for role, generate in GENERATORS.items():
        key = generate("Example.nl", algorithm=13)
        assert repr(key) == f"<SigningKey {role.value} Example.nl. 13/{key.key_tag}>"


@given(st.binary(min_size=1, max_size=63), st.integers(0, 65535))
def test_a_file_name_holds_no_octet_that_a_file_system_minds(label: bytes, tag: int) -> None:
    stem = key_file_stem(bytes((len(label),)) + label + b"\x00", 13, tag)
    assert set(stem) <= set("Kabcdefghijklmnopqrstuvwxyz0123456789ABCDEF-_%.+")
    assert "/" not in stem
    assert not stem.startswith((".", "-"))


# ---- signers --------------------------------------------------------------------------------------------------------

# The private keys of RFC 5702 section 6.2 and RFC 8080 section 6, whose signatures are deterministic.
RFC_8080_KEYS = {
    "RFC 8080 algorithm 15, first": "ODIyNjAzODQ2MjgwODAxMjI2NDUxOTAyMDQxNDIyNjI=",
    "RFC 8080 algorithm 15, second": "DSSF3o0s0f+ElWzj9E/Osxw8hLpk55chkmx0LYN5WiY=",
    "RFC 8080 algorithm 16, first": "xZ+5Cgm463xugtkY5B0Jx6erFTXp13rYegst0qRtNsOYnaVpMx0Z/c5EiA9x8wWbDDct/U3FhYWA",
    "RFC 8080 algorithm 16, second": "WEykD3ht3MHkU8iH4uVOLz8JLwtRBSqiBoM6fF72+Mrp/u5gjxuB1DV6NnPO2BlZdz4hdSTkOdOA",
}


@pytest.mark.parametrize("name", RFC_8080_KEYS)
def test_a_published_eddsa_key_makes_the_published_signature(name: str) -> None:
    dnskey, rrsig, data = vector_parts(name)
    octets = base64.b64decode(RFC_8080_KEYS[name])
    kind = ed25519.Ed25519PrivateKey if dnskey.algorithm == 15 else ed448.Ed448PrivateKey
    signer = LocalSigner(kind.from_private_bytes(octets), dnskey.algorithm)
    assert signer.public_key == dnskey.key
    assert signer.sign(data) == rrsig.signature


@given(st.sampled_from(SIGNING), st.lists(st.binary(max_size=60), max_size=3))
def test_a_pickled_key_is_the_same_key_and_signs_the_same(algorithm: Algorithm, texts: list[bytes]) -> None:
    key = key_of(algorithm)
    travelled = pickle.loads(pickle.dumps(key))
    twice = pickle.loads(pickle.dumps(travelled))
    assert travelled == twice == key
    assert (travelled.key_tag, travelled.dnskey_rdata) == (key.key_tag, key.dnskey_rdata)
    for data in texts:
        assert travelled.signer.sign(data) == twice.signer.sign(data) == key.signer.sign(data)
    assert travelled.signer.public_key == key.public_key
    assert dataclasses.replace(travelled, timing=NO_TIMING).public_key == key.public_key


@pytest.mark.parametrize("algorithm", SIGNING)
def test_a_signer_of_another_make_is_taken_when_it_signs_for_its_dnskey(algorithm: Algorithm) -> None:
    device = Device(algorithm)
    key = from_signer(device, owner="example.nl", algorithm=algorithm, public_key=device.public_key, role=KeyRole.CSK)
    assert device.signatures == 1
    assert verify_signature(algorithm, key.public_key, key.signer.sign(b"zone"), b"zone")
    assert dataclasses.replace(key, timing=KeyTiming.starting(NOW)).signer is device
    assert device.signatures == 2, "making the value again asks nothing of the device"


class DerDevice(Device):
    """A device that gives back ECDSA signatures as most libraries make them."""

    def sign(self, data: bytes) -> bytes:
        signature = super().sign(data)
        return encode_dss_signature(int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big"))


class TextDevice(Device):
    """A device that gives back something else than bytes."""

    def sign(self, data: bytes) -> bytes:
        return super().sign(data).hex()  # type: ignore[return-value]


def test_a_signer_that_does_not_sign_for_its_dnskey_is_refused() -> None:
    public_key = Device(13).public_key
    wrong: list[Signer] = [Device(13), Device(14)]
    for signer in wrong:
        with pytest.raises(SigningKeyError, match=r"^Kexample\.nl\.\+013\+\d{5}: the signer's test signature"):
            from_signer(signer, owner="example.nl", algorithm=13, public_key=public_key, role=KeyRole.ZSK)
    for device in (DerDevice(13), TextDevice(13)):
        with pytest.raises(SigningKeyError, match="r and s at full width, not DER"):
            from_signer(device, owner="example.nl", algorithm=13, public_key=device.public_key, role=KeyRole.ZSK)


def test_a_signer_with_an_unsound_public_key_is_refused() -> None:
    with pytest.raises(SigningKeyError, match="not on the curve"):
        from_signer(Device(13), owner="example.nl", algorithm=13, public_key=bytes(64), role=KeyRole.ZSK)
    with pytest.raises(AlgorithmError, match="RFC 9905"):
        from_signer(Device(8), owner="example.nl", algorithm=5, public_key=bytes(64), role=KeyRole.ZSK)


def test_what_a_device_keeps_cannot_be_exported() -> None:
    device = Device(15)
    key = from_signer(device, owner="example.nl", algorithm=15, public_key=device.public_key, role=KeyRole.KSK)
    for export in (export_private_key, private_key_pem):
        with pytest.raises(SigningKeyError, match=r"cannot be exported from a Device; export it with the tools"):
            export(key)


# ---- PEM ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", SIGNING)
@pytest.mark.parametrize("password", [None, b"swordfish"])
def test_a_key_written_as_pem_and_read_is_the_same_key(algorithm: Algorithm, password: bytes | None) -> None:
    key = key_of(algorithm)
    pem = private_key_pem(key, password=password)
    assert pem.startswith(b"-----BEGIN ENCRYPTED PRIVATE KEY" if password else b"-----BEGIN PRIVATE KEY")
    chosen = algorithm if algorithm in RSA_ALGORITHMS else None
    for text in (pem, pem.decode()):
        again = load_pem(
            text, owner="example.nl", role=KeyRole.KSK, algorithm=chosen, password=password, timing=key.timing
        )
        assert again == key
        assert again.signer.sign(b"data") == key.signer.sign(b"data")


@pytest.mark.parametrize("password", [b"", "", "swordfish", bytearray(b"swordfish"), 0, b"x" * 1024])
def test_a_password_that_encrypts_nothing_is_refused_and_not_shown(password: Any) -> None:
    key = key_of(Algorithm.ED25519)
    with pytest.raises(SigningKeyError, match="the password for its PEM text is not 1 to 1023 octets") as caught:
        private_key_pem(key, password=password)
    assert "swordfish" not in "".join(everything_said_by(caught.value))
    assert private_key_pem(key, password=b"x" * 1023).startswith(b"-----BEGIN ENCRYPTED")


@pytest.mark.parametrize("algorithm", [8, 13])
def test_the_older_pem_of_rsa_and_ec_keys_is_read_too(algorithm: int) -> None:
    key = key_of(Algorithm(algorithm))
    pem = export_private_key(key).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    assert load_pem(pem, owner="example.nl", role=KeyRole.KSK, algorithm=algorithm, timing=key.timing) == key


def test_an_rsa_key_from_pem_needs_its_algorithm() -> None:
    pem = private_key_pem(key_of(Algorithm.RSASHA256))
    with pytest.raises(SigningKeyError, match=r"fits more than one algorithm; say which: RSASHA256 \(8\)"):
        load_pem(pem, owner="example.nl", role=KeyRole.KSK)
    assert load_pem(pem, owner="example.nl", role=KeyRole.KSK, algorithm=10).algorithm is Algorithm.RSASHA512
    with pytest.raises(SigningKeyError, match="is none of algorithm 13"):
        load_pem(pem, owner="example.nl", role=KeyRole.KSK, algorithm=13)
    with pytest.raises(AlgorithmError, match="RFC 9905"):
        load_pem(pem, owner="example.nl", role=KeyRole.KSK, algorithm=5)


def test_an_rsa_key_of_1024_bits_in_service_is_read_though_none_is_made() -> None:
    pem = pem_of(rsa.generate_private_key(65537, 1024))
    assert check_public_key(8, load_pem(pem, owner="example.nl", role=KeyRole.ZSK, algorithm=8).public_key) == 1024


def pem_of(private_key: PrivateKey | x25519.X25519PrivateKey) -> bytes:
    return private_key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


@pytest.mark.parametrize(
    "generate",
    [
        lambda: ec.generate_private_key(ec.SECP521R1()),
        lambda: ec.generate_private_key(ec.SECP256K1()),
        x25519.X25519PrivateKey.generate,
    ],
)
def test_a_kind_of_key_without_an_algorithm_is_refused(
    generate: Callable[[], PrivateKey | x25519.X25519PrivateKey],
) -> None:
    with pytest.raises(SigningKeyError, match="there is no DNSSEC algorithm for a private key of type"):
        load_pem(pem_of(generate()), owner="example.nl", role=KeyRole.ZSK)


def test_a_text_that_is_no_private_pem_is_refused_without_a_word_of_it() -> None:
    key = key_of(Algorithm.ECDSAP256SHA256)
    pem = private_key_pem(key)
    encrypted = private_key_pem(key, password=b"swordfish")
    public = (
        export_private_key(key)
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    refused: list[tuple[bytes | str, bytes | None]] = [
        (b"", None),
        (pem[:-60], None),
        (pem.replace(b"PRIVATE", b"PIRATE"), None),
        (public, None),
        (encrypted, b"wrong"),
        (encrypted, None),
        (pem, b"swordfish"),
        (pem.decode().replace("-----BEGIN", "\udcff-----BEGIN").replace("A", "\udc80"), None),
    ]
    for text, password in refused:
        with pytest.raises(KeyFileError, match="; give ") as caught:
            load_pem(text, owner="example.nl", role=KeyRole.ZSK, password=password)
        assert (caught.value.__cause__, caught.value.__context__) == (None, None)
        assert_secret(export_private_key(key), *everything_said_by(caught.value))
        assert b"swordfish".decode() not in str(caught.value)


# ---- secrets --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", SIGNING)
def test_a_private_key_shows_in_nothing_that_is_printed(algorithm: Algorithm) -> None:
    key = key_of(algorithm)
    private_key = export_private_key(key)
    assert repr(key.signer) == f"<LocalSigner {algorithm.name}>"
    travelled = pickle.loads(pickle.dumps(key))
    for value in (key, key.signer, travelled, travelled.signer, [key], {"key": key}, dataclasses.asdict(key)):
        assert_secret(private_key, repr(value), str(value), f"{value}", ascii(value))


def test_the_search_for_secrets_finds_one() -> None:
    for algorithm in SIGNING:
        key = key_of(algorithm)
        pem = "".join(private_key_pem(key).decode().splitlines())
        numbers = export_private_key(key)
        shown = (
            str(numbers.private_numbers().p)
            if isinstance(numbers, rsa.RSAPrivateKey)
            else f"{numbers.private_numbers().private_value:x}"
            if isinstance(numbers, ec.EllipticCurvePrivateKey)
            else repr(numbers.private_bytes_raw())
        )
        with pytest.raises(AssertionError):
            assert_secret(numbers, pem, f"oops: {shown}")


_MOMENTS = st.none() | st.integers(0, 8).map(lambda day: datetime(2026, 1, 1 + day, tzinfo=UTC))


@given(_MOMENTS, _MOMENTS, _MOMENTS, _MOMENTS, st.integers(1, 9))
def test_a_key_signs_from_activate_to_inactive_and_is_gone_after_delete(
    publish: datetime | None, activate: datetime | None, inactive: datetime | None, delete: datetime | None, day: int
) -> None:
    now = datetime(2026, 1, day, tzinfo=UTC)
    timing = KeyTiming(publish=publish, activate=activate, inactive=inactive, delete=delete)
    begun = {
        name for name in ("publish", "activate", "inactive", "delete") if (at := getattr(timing, name)) and at <= now
    }
    expected = KeyUse.NONE
    if timing == NO_TIMING or ("activate" in begun and not begun & {"inactive", "delete"}):
        expected = KeyUse.SIGN
    elif begun & {"publish", "activate"} and "delete" not in begun:
        expected = KeyUse.PUBLISH
    assert timing.use_at(now) is expected


def test_what_a_key_is_for_is_not_asked_of_a_naive_instant() -> None:
    with pytest.raises(TimeError, match="no time zone"):
        NO_TIMING.use_at(datetime(2026, 1, 1))


def test_every_refusal_here_survives_the_way_back_from_a_worker() -> None:
    with pytest.raises(ZonekitError) as caught:
        generate_zsk("example.nl", bits=256)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)
