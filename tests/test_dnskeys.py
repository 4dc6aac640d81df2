"""Foreign DNSKEYs: reading them, the intake checks, the set algebra, and the size of the response a server sends."""

from __future__ import annotations

import functools
import hashlib
import itertools
import pickle
import socket
import struct
import subprocess
import time
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.query
import dns.rdata
import dns.rdataclass
import dns.rrset
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519
from dns.rdatatype import RdataType
from hypothesis import given
from hypothesis import strategies as st

from tests.peers import require_peer, run_peer
from tests.strategies import names
from zonekit import rdata as rd
from zonekit.algorithms import Algorithm, check_public_key, may_sign
from zonekit.dnskeys import (
    MAX_RESPONSE_OCTETS,
    Dnskey,
    check_intake,
    difference,
    dnskey_response_octets,
    dnskey_signers,
    dnskeys_of,
    key_tag_collision,
    key_tag_collisions,
    key_tags,
    keys_to_take,
    parse_dnskeys,
    union,
)
from zonekit.ds import DnskeyHolder
from zonekit.errors import (
    DnskeyRefused,
    DomainNameError,
    DuplicateKey,
    KeyFileError,
    KeyTagCollision,
    MalformedKey,
    NotZoneKey,
    RdataError,
    ResponseTooLarge,
    RevokedKey,
    RoleMismatch,
    SigningKeyError,
    UnsupportedKey,
    WrongOwner,
    WrongProtocol,
    ZoneError,
    ZonekitError,
)
from zonekit.findings import Severity
from zonekit.keyfiles import render_key_file, render_private_file
from zonekit.keys import (
    KeyRole,
    LocalSigner,
    SigningKey,
    export_private_key,
    generate_csk,
    generate_ksk,
    generate_zsk,
    key_tag,
    private_key_pem,
)
from zonekit.names import WireName, name_text, parse_name
from zonekit.ttl import Ttl
from zonekit.zones import RRset, Zone

APEX = parse_name("example.nl.")
SIGNING = tuple(algorithm for algorithm in Algorithm if may_sign(algorithm))
P256, ED25519, RSA = Algorithm.ECDSAP256SHA256, Algorithm.ED25519, Algorithm.RSASHA256


def make_key(role: KeyRole, algorithm: Algorithm, seed: str) -> SigningKey:
    """A key that is the same in every run, so that no run meets a key tag collision; RSA keys just avoid each other."""
    octets = hashlib.shake_256(f"{role} {algorithm} {seed}".encode()).digest(57)
    private: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | ed448.Ed448PrivateKey
    match algorithm:
        case Algorithm.ECDSAP256SHA256 | Algorithm.ECDSAP384SHA384:
            curve = ec.SECP256R1() if algorithm is P256 else ec.SECP384R1()
            private = ec.derive_private_key(int.from_bytes(octets[:31], "big"), curve)
        case Algorithm.ED25519:
            private = ed25519.Ed25519PrivateKey.from_private_bytes(octets[:32])
        case Algorithm.ED448:
            private = ed448.Ed448PrivateKey.from_private_bytes(octets)
        case _:
            return make_rsa_key(role, algorithm)
    signer = LocalSigner(private, algorithm)
    return SigningKey(
        owner=APEX, algorithm=algorithm, flags=role.flags, public_key=signer.public_key, role=role, signer=signer
    )


RSA_TAGS: set[int] = set()


def make_rsa_key(role: KeyRole, algorithm: Algorithm) -> SigningKey:
    generate = {KeyRole.KSK: generate_ksk, KeyRole.ZSK: generate_zsk, KeyRole.CSK: generate_csk}[role]
    key = generate("example.nl", algorithm=algorithm, avoid=RSA_TAGS)
    RSA_TAGS.add(key.key_tag)
    return key


@functools.cache
def pair_of(operator: str, algorithm: Algorithm = P256) -> tuple[SigningKey, SigningKey]:
    """The KSK and ZSK of one operator."""
    return make_key(KeyRole.KSK, algorithm, operator), make_key(KeyRole.ZSK, algorithm, operator)


@functools.cache
def csk_of(operator: str, algorithm: Algorithm = P256) -> SigningKey:
    return make_key(KeyRole.CSK, algorithm, operator)


def public(*keys: SigningKey) -> tuple[Dnskey, ...]:
    return parse_dnskeys(keys)


def dnskey_rrset(*keys: DnskeyHolder, ttl: int = 3600) -> RRset:
    rdatas = tuple(key.dnskey_rdata for key in keys)
    return RRset(owner=keys[0].owner, rdtype=rd.DNSKEY, ttl=Ttl(ttl), rdatas=rdatas)


def rrsig(owner: WireName, covers: int, signer: DnskeyHolder) -> bytes:
    """An RRSIG in its form, by one key as far as its fields say; there is no signature in it."""
    tag, algorithm = key_tag(signer.dnskey_rdata), signer.dnskey_rdata[3]
    return struct.pack(">HBBIIIH", covers, algorithm, 2, 3600, 2**31, 0, tag) + APEX + b"signature"


def signed_by(owner: str, rdtype: str, *signers: DnskeyHolder) -> RRset:
    name, covers = parse_name(owner), rd.parse_type(rdtype)
    rdatas = tuple(rrsig(name, covers, signer) for signer in signers)
    return RRset(owner=name, rdtype=rd.RRSIG, ttl=Ttl(3600), rdatas=rdatas, covers=covers)


def zone_with(keys: Sequence[DnskeyHolder], *signatures: RRset) -> Zone:
    return Zone.from_rrsets(
        "example.nl",
        [
            RRset.from_text("example.nl.", 3600, "SOA", "ns.example.net. admin.example.nl. 1 7200 3600 1209600 300"),
            RRset.from_text("example.nl.", 3600, "NS", "ns.example.net."),
            RRset.from_text("www.example.nl.", 3600, "A", "192.0.2.1"),
            *([dnskey_rrset(*keys)] if keys else []),
            *signatures,
        ],
    )


def own_zone(*extra: DnskeyHolder) -> Zone:
    """The zone of an operator with a KSK and a ZSK, the one signing DNSKEY and the other the rest."""
    ksk, zsk = pair_of("own")
    return zone_with((ksk, zsk, *extra), signed_by("example.nl.", "DNSKEY", ksk), signed_by("example.nl.", "SOA", zsk))


def twin_of(key: Dnskey) -> Dnskey:
    """Another sound Ed25519 key with the same key tag: the tag is a sum of 16-bit words, whatever their order."""
    words = [key.public_key[at : at + 2] for at in range(0, 32, 2)]
    for first in range(15):
        for second in range(first + 1, 15):
            swapped = list(words)
            swapped[first], swapped[second] = swapped[second], swapped[first]
            twin = b"".join(swapped)
            try:
                check_public_key(ED25519, twin)
            except SigningKeyError:
                continue
            if twin != key.public_key:
                return Dnskey(owner=key.owner, flags=key.flags, protocol=3, algorithm=ED25519, public_key=twin)
    raise AssertionError("no order of the words is a point on the curve")


@st.composite
def dnskeys(draw: st.DrawFn, *, owner: WireName = APEX) -> Dnskey:
    """Keys of any fields, sound or not."""
    return Dnskey(
        owner=owner,
        flags=draw(st.sampled_from((256, 257, 257 | 128, 0, 65535))),
        protocol=draw(st.sampled_from((3, 3, 3, 2))),
        algorithm=draw(st.sampled_from((1, 5, 8, 13, 15, 253))),
        public_key=draw(st.binary(min_size=3, max_size=70)),
    )


key_sets = st.lists(dnskeys(), min_size=1, max_size=5)


# ---- the value ------------------------------------------------------------------------------------------------------


def test_a_dnskey_says_what_its_flags_say() -> None:
    for flags, zone_key, sep, revoked in ((256, True, False, False), (257, True, True, False), (385, True, True, True)):
        key = Dnskey(owner=APEX, flags=flags, protocol=3, algorithm=13, public_key=bytes(64))
        assert (key.is_zone_key, key.is_sep, key.is_revoked) == (zone_key, sep, revoked)
    assert not Dnskey(owner=APEX, flags=1, protocol=3, algorithm=13, public_key=bytes(64)).is_zone_key


def test_the_same_key_is_equal_whatever_the_letter_case_of_its_owner() -> None:
    key = public(pair_of("own")[0])[0]
    shouted = Dnskey.from_rdata(APEX.upper(), key.dnskey_rdata)
    assert shouted == key
    assert len({shouted, key}) == 1
    assert key != Dnskey.from_rdata(parse_name("example.com."), key.dnskey_rdata)
    assert key != key.dnskey_rdata
    assert pickle.loads(pickle.dumps(key)) == key


@pytest.mark.parametrize(
    "fields", [{"flags": 65536}, {"protocol": -1}, {"algorithm": 256}, {"public_key": b""}], ids=str
)
def test_a_dnskey_with_a_field_out_of_range_is_refused(fields: dict[str, int]) -> None:
    sound = {"flags": 257, "protocol": 3, "algorithm": 13, "public_key": bytes(64)}
    with pytest.raises(MalformedKey, match=r"^example\.nl\.: .*RFC 4034 section 2\.1"):
        Dnskey(owner=APEX, **(sound | fields))  # type: ignore[arg-type]
    with pytest.raises(DomainNameError):
        Dnskey(owner=b"\x07example", **sound)  # type: ignore[arg-type]


def test_a_cut_short_dnskey_is_refused() -> None:
    for octets in range(5):
        with pytest.raises(MalformedKey):
            Dnskey.from_rdata(APEX, bytes(octets))


# ---- reading --------------------------------------------------------------------------------------------------------


@given(
    keys=st.lists(names().flatmap(lambda owner: dnskeys(owner=owner)), min_size=1, max_size=3),
    ttl=st.sampled_from(("", "3600", "1d12h")),
    rdclass=st.sampled_from(("", "IN", "in", "CLASS1")),
    ttl_first=st.booleans(),
    rdtype=st.sampled_from(("DNSKEY", "dnskey", "TYPE48")),
    newline=st.sampled_from(("\n", "\r\n", "\n\n", ' ; a comment ( with " and ;\n', "\n; another\n")),
    layout=st.sampled_from(("{0} {1} {2} {3}", "{0} {1} {2} ({3})", "{0} ( {1}\n\t{2} ; flags\n  {3} ) ; key id = 1")),
)
def test_every_spelling_of_a_record_is_read(
    keys: list[Dnskey], ttl: str, rdclass: str, ttl_first: bool, rdtype: str, newline: str, layout: str
) -> None:
    lines = []
    for key in keys:
        head = f"{ttl} {rdclass}" if ttl_first else f"{rdclass} {ttl}"
        fields = rd.print_rdata(rd.DNSKEY, key.dnskey_rdata).split(" ")
        halves = f"{fields[3][:8]} {fields[3][8:]}"
        lines.append(f"{name_text(key.owner)}\t{head} {rdtype} {layout.format(*fields[:3], halves)}{newline}")
    assert parse_dnskeys("".join(lines)) == tuple(keys)


@given(keys=st.lists(dnskeys(), min_size=1, max_size=4))
def test_every_kind_of_source_gives_the_same_keys(keys: list[Dnskey]) -> None:
    expected = tuple(keys)
    rrset = dnskey_rrset(*keys)
    name = dns.name.from_text("example.nl.")
    assert parse_dnskeys(keys) == expected
    assert parse_dnskeys("\n".join(key.text() for key in keys)) == expected
    assert parse_dnskeys([key.dnskey_rdata for key in keys], owner="example.nl") == expected
    assert parse_dnskeys([rd.print_rdata(rd.DNSKEY, key.dnskey_rdata) for key in keys], owner=name) == expected
    assert parse_dnskeys(iter(rrset.to_dnspython()), owner=name) == parse_dnskeys(rrset) == dnskeys_of(rrset)
    assert parse_dnskeys(rrset.to_dnspython()) == parse_dnskeys(rrset.text()) == dnskeys_of(rrset)


def test_the_text_of_a_key_file_of_ours_is_read_and_of_a_key_only_the_public_half() -> None:
    for algorithm in SIGNING:
        ksk, zsk = pair_of("own", algorithm)
        assert parse_dnskeys(render_key_file(ksk) + render_key_file(zsk)) == parse_dnskeys([ksk, zsk])
        (key,) = parse_dnskeys(ksk)
        assert (key.owner, key.key_tag, key.dnskey_rdata) == (ksk.owner, ksk.key_tag, ksk.dnskey_rdata)
        assert [attribute for attribute in dir(key) if "sign" in attribute or "private" in attribute] == []


@pytest.mark.parametrize("algorithm", ["RSASHA256", "ECDSAP256SHA256", "ED25519"])
def test_the_key_file_that_dnssec_keygen_writes_is_read(algorithm: str, tmp_path: Path) -> None:
    done = run_peer(["dnssec-keygen", "-K", tmp_path, "-a", algorithm, "-L", "1d", "-f", "KSK", "Example.NL"])
    stem = done.stdout.strip()
    (key,) = parse_dnskeys((tmp_path / f"{stem}.key").read_text())
    assert stem == f"Kexample.nl.+{key.algorithm:03}+{key.key_tag:05}"
    assert key.is_sep
    with pytest.raises(KeyFileError, match="private key"):
        parse_dnskeys((tmp_path / f"{stem}.private").read_text())


def test_what_dig_prints_is_read() -> None:
    ksk, zsk = public(*pair_of("own"))
    (ksk_key, zsk_key) = (key.text().rsplit(" ", 1)[1] for key in (ksk, zsk))
    printed = f"""
; <<>> DiG 9.18 <<>> +multi +dnssec DNSKEY example.nl
;; ANSWER SECTION:
example.nl.\t\t3600 IN DNSKEY 256 3 13 (
\t\t\t\t{zsk_key[:44]}
\t\t\t\t{zsk_key[44:]}
\t\t\t\t) ; ZSK; alg = ECDSAP256SHA256 ; key id = {zsk.key_tag}
example.nl.\t\t3600 IN DNSKEY 257 3 ECDSAP256SHA256 {ksk_key}
example.nl.\t\t3600 IN RRSIG DNSKEY 13 2 3600 (
\t\t\t\t20261205120000 20261121110000 1 example.nl. AAAA )
;; Query time: 1 msec
"""
    assert parse_dnskeys(printed) == (zsk, ksk)


def test_a_record_without_an_owner_takes_the_one_before_or_the_one_given() -> None:
    key = public(pair_of("own")[0])[0]
    data = rd.print_rdata(rd.DNSKEY, key.dnskey_rdata)
    other = Dnskey.from_rdata(parse_name("example.com."), key.dnskey_rdata)
    text = f"@ IN DNSKEY {data}\n\t600 DNSKEY {data}\nexample.com IN DNSKEY {data}\n  DNSKEY {data}\n@ DNSKEY {data}\n"
    assert parse_dnskeys(text, owner="example.nl") == (key, key, other, other, key)
    assert parse_dnskeys(f"\\# {len(key.dnskey_rdata)} {key.dnskey_rdata.hex()}", owner="example.nl") == (key,)
    for nameless in (text, data, f"3600 IN DNSKEY {data}", key.dnskey_rdata):
        with pytest.raises(RdataError, match="has no owner name; say which zone it is of, with owner="):
            parse_dnskeys(nameless)


SECRET = "c2VjcmV0c2VjcmV0c2VjcmV0"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "there is no DNSKEY record"),
        ("; only a comment\n\n", "there is no DNSKEY record"),
        ("example.nl. IN RRSIG DNSKEY 13 2 0 1 0 1 . AA==", "there is no DNSKEY record"),
        (SECRET, "line 1: .* no record"),
        (f"\n{SECRET} {SECRET}", "line 2: .* no record"),
        (f"example.nl. IN {SECRET}", "no record"),
        (f"example.nl. CH DNSKEY 257 3 13 {SECRET}", "a class that is not IN"),
        (f"example.nl. IN IN DNSKEY 257 3 13 {SECRET}", "no record"),
        (f"example.nl. 1 IN 2 DNSKEY 257 3 13 {SECRET}", "no record"),
        (f"example.nl. IN CDNSKEY 257 3 13 {SECRET}", "a record of type CDNSKEY; give the DNSKEY records"),
        ("example.nl. IN DS 1 13 2 00", "a record of type DS"),
        (f"$ORIGIN example.nl.\n@ IN DNSKEY 257 3 13 {SECRET}", "line 1: .* a directive"),
        (f"$INCLUDE /etc/{SECRET}", "line 1: .* a directive"),
        (f"example.nl. IN DNSKEY 257 3 13 {SECRET}!", "not flags, protocol"),
        (f"example.nl. IN DNSKEY 70000 3 13 {SECRET}", "not flags, protocol"),
        (f"example.nl. IN DNSKEY {SECRET}", "not flags, protocol"),
        ("example.nl. IN DNSKEY", "not flags, protocol"),
        (f"example..nl. IN DNSKEY 257 3 13 {SECRET}", "no domain name"),
        (f"{SECRET * 3}.nl. IN DNSKEY 257 3 13 {SECRET}", "no domain name"),
        (f"example.nl. IN DNSKEY ( 257 3 13 {SECRET}", "line 1: .* never closed"),
        (f"example.nl. IN DNSKEY 257 3 13 {SECRET} )", "do not match"),
        (f"example.nl. IN DNSKEY (( 257 3 13 {SECRET} ))", "do not match"),
        (f'example.nl. IN DNSKEY 257 3 13 "{SECRET}"', "a character that no DNSKEY record has"),
        (f"example.nl. IN DNSKEY 257 3 13 {SECRET}\\", "a character that no DNSKEY record has"),
        (f"example.nl. IN DNSKEY 257 3 13 {SECRET}\udcff", "not text"),
    ],
)
def test_text_that_is_no_dnskey_record_is_refused_without_quoting_it(text: str, reason: str) -> None:
    with pytest.raises(RdataError, match=reason) as caught:
        parse_dnskeys(text)
    assert SECRET not in "".join(traceback.format_exception_only(caught.value))
    assert SECRET not in repr(caught.value.__dict__)
    assert caught.value.__context__ is None or isinstance(caught.value.__context__, UnicodeEncodeError)


def test_a_dnskey_without_a_key_is_refused() -> None:
    with pytest.raises(RdataError, match="DNSKEY data that is not flags, protocol, algorithm and a key"):
        parse_dnskeys("example.nl. IN DNSKEY \\# 4 0101030D")
    with pytest.raises(MalformedKey, match=r"example\.nl\.: a DNSKEY of 4 octets is cut short"):
        parse_dnskeys(bytes.fromhex("0101030d"), owner="example.nl")


@pytest.mark.parametrize("algorithm", SIGNING, ids=lambda algorithm: algorithm.name)
def test_a_private_key_offered_by_mistake_is_refused_and_never_shown(algorithm: Algorithm) -> None:
    ksk, _ = pair_of("own", algorithm)
    private_file, pem = render_private_file(ksk), private_key_pem(ksk)
    private_key = export_private_key(ksk)
    der = private_key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    without_head = "\n".join(private_file.splitlines()[2:])
    words = {word for word in (private_file + pem.decode()).split() if len(word) > 30 and word not in ksk_text(ksk)}
    for mistake in (private_file, without_head, render_key_file(ksk) + private_file, pem.decode(), pem, der):
        for owner in (None, "example.nl"):
            with pytest.raises(KeyFileError, match="a private key where the other operator's DNSKEY is due") as caught:
                parse_dnskeys(mistake, owner=owner)
            shown = "".join(traceback.format_exception(caught.value)) + repr(caught.value.__dict__)
            assert not [word for word in words if word in shown]


@pytest.mark.parametrize("algorithm", SIGNING, ids=lambda algorithm: algorithm.name)
def test_a_refusal_of_text_carries_no_exception_along_that_keeps_the_text(algorithm: Algorithm) -> None:
    ksk, _ = pair_of("own", algorithm)
    for private in (render_private_file(ksk), private_key_pem(ksk).decode()):
        with pytest.raises(KeyFileError, match="a private key") as caught:
            parse_dnskeys(private + "\udcff")
        assert (caught.value.__cause__, caught.value.__context__) == (None, None)
    with pytest.raises(RdataError, match="this is not text") as not_text:
        parse_dnskeys(render_key_file(ksk) + "\udcff")
    assert (not_text.value.__cause__, not_text.value.__context__) == (None, None)


@given(keys=st.lists(dnskeys(), min_size=1, max_size=3), owner=st.sampled_from((None, "example.nl")))
def test_the_octets_of_a_file_are_read_as_its_text(keys: list[Dnskey], owner: str | None) -> None:
    text = "; Z\u00fcrich\n" + "".join(f"{key.text()}\n" for key in keys)
    for spelling in (text, "\ufeff" + text, text.replace("\n", "\r\n")):
        assert parse_dnskeys(spelling, owner=owner) == parse_dnskeys(spelling.encode(), owner=owner) == tuple(keys)


@pytest.mark.parametrize("codec", ["latin-1", "utf-16", "utf-16-le", "utf-16-be"])
def test_octets_of_text_in_another_code_are_refused_and_not_taken_for_a_key(codec: str) -> None:
    text = f"; Z\u00fcrich\n{public(pair_of('own')[0])[0].text()}\n"
    with pytest.raises(RdataError, match="DNSKEY records were asked for, and this is "):
        parse_dnskeys(text.encode(codec), owner="example.nl")


@pytest.mark.parametrize("octets", [b"", b"257 3 13", b"hello, world", b"example.nl. IN DNSKEY 257 3 13 AA==\x1a"])
def test_octets_of_text_are_never_taken_for_a_key(octets: bytes) -> None:
    with pytest.raises(RdataError, match="DNSKEY"):
        parse_dnskeys(octets, owner="example.nl")


def ksk_text(key: SigningKey) -> str:
    return "".join(render_key_file(key).split())


def test_what_is_no_source_of_keys_is_refused() -> None:
    key = public(pair_of("own")[0])[0]
    cdnskey = RRset(owner=APEX, rdtype=rd.CDNSKEY, ttl=Ttl(0), rdatas=(key.dnskey_rdata,))
    with pytest.raises(RdataError, match="CDNSKEY: a DNSKEY RRset is asked for"):
        parse_dnskeys(cdnskey)
    with pytest.raises(RdataError, match="CDNSKEY: a DNSKEY RRset is asked for"):
        parse_dnskeys(cdnskey.to_dnspython())
    with pytest.raises(RdataError, match="CDNSKEY data where that of a DNSKEY"):
        parse_dnskeys(cdnskey.to_dnspython()[0], owner="example.nl")
    with pytest.raises(RdataError, match="has no owner name"):
        parse_dnskeys(dnskey_rrset(key).to_dnspython()[0])
    with pytest.raises(RdataError, match="cannot be read from int"):
        parse_dnskeys([key, 42])  # type: ignore[list-item]
    with pytest.raises(RdataError, match="cannot be read from Zone"):
        parse_dnskeys(own_zone())  # type: ignore[arg-type]
    with pytest.raises(DomainNameError):
        parse_dnskeys(key.text(), owner="example..nl")
    with pytest.raises(RdataError, match="there is no DNSKEY record"):
        parse_dnskeys([])


WORDS = (
    *(
        "example.nl.",
        "@",
        "3600",
        "IN",
        "DNSKEY",
        "RRSIG",
        "257",
        "3",
        "13",
        "AwEAAQ==",
        "(",
        ")",
        ";",
        "\n",
        "\\#",
        "5",
    ),
    *("0101030D00", "$TTL", "\\", '"', "\t", "\x00", "é"),
)


@given(
    text=st.one_of(
        st.binary(max_size=60).map(lambda octets: octets.decode("latin-1")),
        st.lists(st.sampled_from(WORDS), max_size=14).map(" ".join),
    ),
    owner=st.sampled_from((None, "example.nl")),
)
def test_any_text_is_read_or_refused_in_zonekits_words(text: str, owner: str | None) -> None:
    try:
        keys = parse_dnskeys(text, owner=owner)
    except ZonekitError:
        return
    assert parse_dnskeys("\n".join(key.text() for key in keys)) == keys


# ---- the algebra ----------------------------------------------------------------------------------------------------


@given(first=key_sets, second=key_sets, third=key_sets, ttl=st.integers(0, 2**31 - 1))
def test_union_is_commutative_associative_and_idempotent_and_keeps_the_ttl(
    first: list[Dnskey], second: list[Dnskey], third: list[Dnskey], ttl: int
) -> None:
    a, b, c = (dnskey_rrset(*keys, ttl=ttl) for keys in (first, second, third))
    assert union(a, b) == union(b, a)
    assert union(union(a, b), c) == union(a, union(b, c))
    assert union(a, a) == a
    assert union(union(a, b), b) == union(a, b)
    assert union(a, second) == union(a, reversed(second)) == union(a, b)
    assert union(a, b.with_ttl(0)).ttl == ttl
    assert set(dnskeys_of(union(a, b))) == {*first, *second}


@given(first=key_sets, second=key_sets)
def test_difference_undoes_union(first: list[Dnskey], second: list[Dnskey]) -> None:
    a, b = dnskey_rrset(*first, ttl=600), dnskey_rrset(*second)
    new = [key for key in second if key not in first]
    merged = union(a, b)
    assert difference(merged, new) == a
    assert difference(difference(merged, new), new) == a
    if set(first) <= set(second):
        with pytest.raises(ZoneError, match=r"example\.nl\. DNSKEY: no key would be left"):
            difference(merged, b)
    else:
        assert difference(merged, b) == difference(a, b)
        assert difference(merged, b).ttl == 600


def test_union_and_difference_take_keys_of_every_kind_but_not_of_another_zone() -> None:
    ksk, zsk = pair_of("own")
    rrset = dnskey_rrset(ksk)
    assert union(rrset, [zsk]) == union(rrset, public(zsk)) == union(rrset, dnskey_rrset(zsk)) == dnskey_rrset(ksk, zsk)
    stranger = generate_zsk("example.com")
    for change in (union, difference):
        with pytest.raises(WrongOwner, match=rf"example\.com\.: key {stranger.key_tag} is not of the zone example\.nl"):
            change(rrset, [stranger])
        with pytest.raises(RdataError, match="a DNSKEY RRset is asked for"):
            change(own_zone().soa, [zsk])


# ---- key tags -------------------------------------------------------------------------------------------------------


def test_two_different_keys_of_one_algorithm_must_not_share_a_key_tag() -> None:
    key = public(pair_of("own", ED25519)[1])[0]
    twin = twin_of(key)
    assert (twin.key_tag, twin != key) == (key.key_tag, True)
    collision = key_tag_collision(twin, [key])
    assert isinstance(collision, KeyTagCollision)
    assert str(collision) == (
        f"example.nl.: two different DNSKEYs of algorithm 15 share key tag {key.key_tag};"
        " have a new key generated, or drop one of the two (RFC 4034 appendix B)"
    )
    assert key_tag_collision(key, [key]) is None
    other_algorithm = Dnskey(owner=APEX, flags=256, protocol=3, algorithm=16, public_key=twin.public_key[:-1] + b"\0")
    assert key_tag_collision(other_algorithm, [key]) is None
    assert [refused.key_tag for refused in key_tag_collisions([key, twin, key])] == [key.key_tag] * 2
    assert key_tag_collisions(dnskey_rrset(*pair_of("own"))) == ()


@given(keys=key_sets)
def test_there_is_a_collision_exactly_where_fewer_tags_than_keys_are(keys: list[Dnskey]) -> None:
    rrset = dnskey_rrset(*keys)
    tags = {(key.algorithm, key.key_tag) for key in keys}
    assert bool(key_tag_collisions(rrset)) is (len(tags) < len(set(keys)))


def test_the_tags_to_avoid_are_those_of_one_algorithm() -> None:
    (ksk, zsk), (other, _) = pair_of("own"), pair_of("own", ED25519)
    assert key_tags([ksk, zsk, other], P256) == {ksk.key_tag, zsk.key_tag}
    assert key_tags(dnskey_rrset(ksk, other), ED25519) == {other.key_tag}
    assert key_tags([ksk], RSA) == frozenset()


# ---- intake ---------------------------------------------------------------------------------------------------------


def test_a_sound_ksk_and_zsk_are_accepted() -> None:
    zone, offered = own_zone(), public(*pair_of("theirs"))
    intake = check_intake(zone, offered)
    assert (intake.accepted, intake.refused, intake.smaller_merge) == (offered, (), ())
    assert intake.dnskeys == union(zone.apex_rrset(rd.DNSKEY), offered)
    (finding,) = intake.findings
    assert (finding.code, finding.severity) == ("response-size", Severity.INFO)
    assert f"{intake.response_octets} octets, of 1232" in finding.message


def test_every_algorithm_that_may_sign_is_accepted() -> None:
    for algorithm in SIGNING:
        key = pair_of("theirs", algorithm)[1]
        assert check_intake(own_zone(), public(key)).accepted == public(key)


def altered(**fields: object) -> Dnskey:
    key = public(pair_of("theirs", ED25519)[1])[0]
    sound = {name: getattr(key, name) for name in ("owner", "flags", "protocol", "algorithm", "public_key")}
    return Dnskey(**(sound | fields))


# An RSA key of 512 bits: RFC 5702 section 6.1.
WEAK_RSA = parse_dnskeys(
    "example.nl. IN DNSKEY 256 3 8 AwEAAcFcGsaxxdgiuuGmCkVImy4h99CqT7jwY3pexPGcnUFtR2Fh36BponcwtkZ4cAgtvd4Qs8PkxUdp6p/DlUm"
    "Obdk="
)[0]


@pytest.mark.parametrize(
    ("key", "kind", "reason"),
    [
        (
            altered(owner=parse_name("example.com.")),
            WrongOwner,
            r"^example\.com\.: key \d+ is not of the zone example\.nl",
        ),
        (altered(owner=parse_name("www.example.nl.")), WrongOwner, r"^www\.example\.nl\.: "),
        (altered(owner=parse_name("nl.")), WrongOwner, r"^nl\.: "),
        (altered(protocol=2), WrongProtocol, r"has protocol 2, .*RFC 4034 section 2\.1\.2"),
        (altered(flags=0), NotZoneKey, r"has flags 0 and is no zone key \(RFC 4034 section 2\.1\.1"),
        (altered(flags=256 | 128), RevokedKey, r"is revoked; ask for the new key \(RFC 5011 section 2\.1"),
        (altered(algorithm=5), UnsupportedKey, r"algorithm 5 \(RSASHA1\) must not .*RFC 9905"),
        (altered(algorithm=7), UnsupportedKey, r"algorithm 7 .*RFC 9905"),
        (altered(algorithm=3), UnsupportedKey, "algorithm 3 is unknown"),
        (altered(algorithm=253), UnsupportedKey, "algorithm 253 is unknown"),
        (altered(public_key=bytes(31)), MalformedKey, "31 octets where 32 are due"),
        (altered(public_key=b"\x01" + bytes(31)), MalformedKey, "small order"),
        (altered(public_key=b"\xff" * 32), MalformedKey, "RFC 8032"),
        (altered(algorithm=13, public_key=b"\x01" * 64), MalformedKey, "not on the curve"),
        (altered(algorithm=8, public_key=b"\x01"), MalformedKey, "cut short"),
        (altered(algorithm=8, public_key=b"\x03\x01\x00\x01" + b"\xff" * 513), MalformedKey, "4096 bits"),
        (WEAK_RSA, MalformedKey, "512 bits"),
    ],
)
def test_each_check_refuses_with_a_type_of_its_own(key: Dnskey, kind: type[DnskeyRefused], reason: str) -> None:
    zone = own_zone()
    intake = check_intake(zone, [key])
    (refused,) = intake.refused
    assert type(refused) is kind
    assert (refused.key_tag, refused.algorithm, refused.owner) == (key.key_tag, key.algorithm, name_text(key.owner))
    assert (intake.accepted, intake.dnskeys) == ((), zone.apex_rrset(rd.DNSKEY))
    with pytest.raises(kind, match=reason):
        raise refused


def test_a_key_that_fails_several_checks_has_a_refusal_for_each() -> None:
    key = altered(owner=parse_name("example.com."), flags=128, protocol=1, algorithm=99)
    kinds = [type(refused) for refused in check_intake(own_zone(), [key]).refused]
    assert kinds == [WrongOwner, WrongProtocol, NotZoneKey, RevokedKey, UnsupportedKey]


def test_one_refused_key_leaves_the_others_accepted() -> None:
    good, bad = public(pair_of("theirs")[1])[0], altered(protocol=1)
    intake = check_intake(own_zone(), [bad, good])
    assert (intake.accepted, len(intake.refused)) == ((good,), 1)
    assert set(dnskeys_of(intake.dnskeys)) == {*public(*pair_of("own")), good}


@pytest.mark.parametrize("role", KeyRole)
def test_a_key_offered_for_another_role_than_its_flags_say_is_refused(role: KeyRole) -> None:
    ksk, zsk = public(*pair_of("theirs"))
    right, wrong = (zsk, ksk) if role is KeyRole.ZSK else (ksk, zsk)
    intake = check_intake(own_zone(), [right, wrong], roles={right: role, wrong: role})
    assert intake.accepted == (right,)
    (refused,) = intake.refused
    assert isinstance(refused, RoleMismatch)
    assert f"key {wrong.key_tag} is offered as a {role.value} and has flags {wrong.flags}" in str(refused)


def test_a_key_offered_twice_is_refused_the_second_time() -> None:
    key = public(pair_of("theirs")[1])[0]
    intake = check_intake(own_zone(), [key, Dnskey.from_rdata(APEX.upper(), key.dnskey_rdata)])
    assert intake.accepted == (key,)
    assert [type(refused) for refused in intake.refused] == [DuplicateKey]


def test_a_key_that_is_in_the_zone_already_is_only_reported() -> None:
    own = public(pair_of("own")[1])[0]
    intake = check_intake(own_zone(), [own])
    assert (intake.accepted, intake.refused, intake.dnskeys) == ((own,), (), own_zone().apex_rrset(rd.DNSKEY))
    assert [finding.code for finding in intake.findings] == ["already-present", "response-size"]


def test_a_key_tag_collision_in_the_zone_or_among_the_offered_is_refused() -> None:
    key = public(pair_of("theirs", ED25519)[1])[0]
    twin = twin_of(key)
    for zone, offered in ((own_zone(key), [twin]), (own_zone(), [key, twin])):
        intake = check_intake(zone, offered)
        (refused,) = intake.refused
        assert isinstance(refused, KeyTagCollision)
        assert refused.key_tag == twin.key_tag
        assert twin not in intake.accepted


def test_a_refused_key_does_not_stand_in_the_way_of_one_with_its_tag() -> None:
    key = public(pair_of("theirs", ED25519)[0])[0]
    twin = twin_of(key)
    intake = check_intake(own_zone(), [key, twin], roles={key: KeyRole.ZSK})
    assert intake.accepted == (twin,)
    assert [type(refused) for refused in intake.refused] == [RoleMismatch]


def test_a_tag_that_would_collide_after_a_revocation_is_only_reported() -> None:
    key = altered()
    revoked_tag = altered(flags=256 | 128).key_tag
    other = altered_to_have_tag(revoked_tag)
    for zone, offered in ((own_zone(other), key), (own_zone(key), other)):
        intake = check_intake(zone, [offered])
        assert intake.refused == ()
        reported = [finding for finding in intake.findings if finding.code == "revoked-tag-collision"]
        assert [finding.severity for finding in reported] == [Severity.INFO]
        assert f"key {key.key_tag} would have key {revoked_tag}'s tag" in reported[0].message


def altered_to_have_tag(tag: int) -> Dnskey:
    """A sound Ed25519 ZSK with this key tag."""
    key = altered()
    for number in range(2**24):
        public_key = number.to_bytes(3, "big") + key.public_key[3:]
        if key_tag(key.dnskey_rdata[:4] + public_key) == tag:
            try:
                check_public_key(ED25519, public_key)
            except SigningKeyError:
                continue
            return altered(public_key=public_key)
    raise AssertionError("no such key")


def test_another_algorithm_than_the_zones_is_reported_and_not_refused() -> None:
    theirs = public(*pair_of("theirs", ED25519))
    intake = check_intake(own_zone(), theirs)
    assert intake.accepted == theirs
    (mismatch,) = [finding for finding in intake.findings if finding.code == "algorithm-mismatch"]
    assert mismatch.severity is Severity.WARNING
    assert "algorithm 13, the keys offered are of 15" in mismatch.message
    assert (mismatch.rule, mismatch.remedy[:20]) == (
        "RFC 6840 section 5.11, RFC 8901 section 4",
        "let the gaining side",
    )
    both = check_intake(own_zone(pair_of("own", ED25519)[0]), public(pair_of("theirs")[1]))
    assert "algorithm-mismatch" in [finding.code for finding in both.findings]


def rsa_zone() -> Zone:
    ksk, zsk = pair_of("own", RSA)
    return zone_with((ksk, zsk), signed_by("example.nl.", "DNSKEY", ksk), signed_by("example.nl.", "SOA", zsk))


def test_a_set_too_large_for_a_datagram_is_refused_and_the_zsk_alone_offered() -> None:
    ksk, zsk = public(*pair_of("theirs", RSA))
    intake = check_intake(rsa_zone(), [ksk, zsk])
    (refused,) = intake.refused
    assert isinstance(refused, ResponseTooLarge)
    assert (intake.accepted, intake.dnskeys) == ((), rsa_zone().apex_rrset(rd.DNSKEY))
    assert (refused.max_response_octets, intake.smaller_merge) == (MAX_RESPONSE_OCTETS, (zsk,))
    full = dnskey_response_octets(union(rsa_zone().apex_rrset(rd.DNSKEY), [ksk, zsk]), pair_of("own", RSA)[:1])
    assert refused.response_octets == full > MAX_RESPONSE_OCTETS
    smaller = check_intake(rsa_zone(), intake.smaller_merge)
    assert (smaller.accepted, smaller.refused) == ((zsk,), ())
    assert f"merge key {zsk.key_tag} alone, which makes {smaller.response_octets} octets" in str(refused)
    assert "unless it signs its data with a CSK" in str(refused)
    assert pickle.loads(pickle.dumps(refused)).response_octets == full


def test_no_smaller_merge_is_offered_where_there_is_none() -> None:
    csk, other = public(csk_of("theirs", RSA), csk_of("third", RSA))
    zsk = public(pair_of("theirs", RSA)[1])[0]
    for offered, roles in (
        ([csk, other], {}),
        ([csk, zsk], {csk: KeyRole.CSK}),
        ([zsk, csk, *public(pair_of("third", RSA)[1])], {}),
    ):
        intake = check_intake(rsa_zone(), offered, roles=roles)
        assert [type(refused) for refused in intake.refused] == [ResponseTooLarge]
        assert intake.smaller_merge == ()
        assert "max_response_octets=None" in str(intake.refused[0])


def test_a_lifted_limit_leaves_a_warning() -> None:
    offered = public(*pair_of("theirs", RSA))
    intake = check_intake(rsa_zone(), offered, max_response_octets=None)
    assert (intake.accepted, intake.refused) == (offered, ())
    (finding,) = intake.findings
    assert (finding.code, finding.severity) == ("response-too-large", Severity.WARNING)
    assert f"{intake.response_octets} octets, more than 1232" in finding.message
    again = check_intake(zone_with(dnskeys_of(intake.dnskeys)), offered, signers=pair_of("own", RSA)[:1])
    assert (again.accepted, again.refused) == (offered, ())


def test_a_limit_of_ones_own_is_kept_to_the_octet() -> None:
    offered = public(*pair_of("theirs"))
    octets = check_intake(own_zone(), offered).response_octets
    assert check_intake(own_zone(), offered, max_response_octets=octets).refused == ()
    (refused,) = check_intake(own_zone(), offered, max_response_octets=octets - 1).refused
    assert isinstance(refused, ResponseTooLarge)


def test_signers_that_are_given_count_for_the_size_and_those_of_the_zone_otherwise() -> None:
    offered = public(pair_of("theirs")[1])
    ksk, zsk = pair_of("own")
    by_zone = check_intake(own_zone(), offered).response_octets
    assert check_intake(own_zone(), offered, signers=[ksk]).response_octets == by_zone
    signature = 12 + 18 + len(APEX) + 64
    assert check_intake(own_zone(), offered, signers=[ksk, zsk, ksk]).response_octets == by_zone + signature
    assert check_intake(own_zone(), offered, signers=[]).response_octets == by_zone - signature


def test_a_zone_without_dnskeys_takes_none_in() -> None:
    with pytest.raises(ZoneError, match="there is no DNSKEY RRset"):
        check_intake(zone_with(()), public(pair_of("theirs")[1]))


@functools.cache
def pool() -> tuple[Dnskey, ...]:
    """Keys to offer: sound ones of two operators and the zone itself, colliding ones and broken ones."""
    sound = public(*pair_of("theirs"), *pair_of("theirs", ED25519), *pair_of("own"))
    return (*sound, twin_of(sound[2]), altered(protocol=1), altered(algorithm=7), altered(owner=parse_name("nl.")))


@given(chosen=st.lists(st.integers(0, 9), max_size=8), limit=st.sampled_from((None, 400, 500, 600, 1232)))
def test_intake_laws(chosen: list[int], limit: int | None) -> None:
    zone, offered = own_zone(), [pool()[index] for index in chosen]
    before = zone.apex_rrset(rd.DNSKEY)
    intake = check_intake(zone, offered, max_response_octets=limit)
    # What is accepted is the result, and every key is accepted or there is a reason why not.
    assert intake.dnskeys == union(before, intake.accepted)
    assert set(intake.accepted) <= set(offered)
    explained = {refused.key_tag for refused in intake.refused}
    if not any(isinstance(refused, ResponseTooLarge) for refused in intake.refused):
        assert {key.key_tag for key in offered if key not in intake.accepted} <= explained
    # Taking in twice is taking in once.
    again = check_intake(zone.replace(intake.dnskeys), intake.accepted, max_response_octets=limit)
    assert (again.accepted, again.refused, again.dnskeys) == (intake.accepted, (), intake.dnskeys)
    # The result has no collision, fits the limit, and withdrawing what is new undoes it.
    assert key_tag_collisions(intake.dnskeys) == ()
    assert limit is None or intake.response_octets <= limit or intake.dnskeys == before
    assert difference(intake.dnskeys, [key for key in intake.accepted if key not in dnskeys_of(before)]) == before
    # The smaller merge that is offered is accepted.
    if intake.smaller_merge:
        assert check_intake(zone, intake.smaller_merge, max_response_octets=limit).accepted == intake.smaller_merge


@given(order=st.permutations(range(6)))
def test_the_order_of_the_keys_does_not_matter(order: list[int]) -> None:
    intake = check_intake(own_zone(), [pool()[index] for index in order])
    assert intake.dnskeys == check_intake(own_zone(), pool()[:6]).dnskeys
    assert intake.refused == ()


# ---- which keys of a losing zone are taken --------------------------------------------------------------------------


def test_of_a_zone_with_ksk_and_zsk_all_but_the_ksk_is_taken() -> None:
    ksk, zsk = pair_of("own")
    _, to_come = pair_of("theirs")
    zone = own_zone(to_come)
    assert set(keys_to_take(zone)) == set(public(zsk, to_come))
    assert dnskey_signers(zone) == public(ksk)


def test_a_ksk_that_signs_cds_and_cdnskey_too_is_left_out() -> None:
    ksk, zsk = pair_of("own")
    parents = [signed_by("example.nl.", rdtype, ksk) for rdtype in ("CDS", "CDNSKEY", "DNSKEY")]
    zone = zone_with((ksk, zsk), *parents, signed_by("www.example.nl.", "A", zsk))
    assert keys_to_take(zone) == public(zsk)


def test_csks_are_taken_and_while_they_are_rolled_the_old_and_the_new_one() -> None:
    old, new = csk_of("own"), csk_of("theirs")
    apart = [signed_by("example.nl.", "DNSKEY", old, new), signed_by("www.example.nl.", "A", new)]
    assert set(keys_to_take(zone_with((old, new), *apart))) == set(public(old, new))
    alone = [signed_by("example.nl.", "DNSKEY", old), signed_by("example.nl.", "SOA", old)]
    assert keys_to_take(zone_with((old,), *alone)) == public(old)


def test_a_key_that_signs_nothing_is_taken_whatever_its_flags() -> None:
    ksk, zsk = pair_of("own")
    standby = csk_of("own")
    assert set(keys_to_take(own_zone(standby))) == set(public(zsk, standby))
    unsigned = zone_with((ksk, zsk))
    assert set(keys_to_take(unsigned)) == set(public(ksk, zsk))
    assert dnskey_signers(unsigned) == ()


def test_a_zone_signed_by_a_key_without_sep_alone_gives_that_key() -> None:
    zsk = pair_of("own")[1]
    zone = zone_with((zsk,), signed_by("example.nl.", "DNSKEY", zsk), signed_by("example.nl.", "SOA", zsk))
    assert keys_to_take(zone) == public(zsk)


def test_with_no_signature_over_data_nothing_is_left_out() -> None:
    ksk, zsk = pair_of("own")
    assert set(keys_to_take(zone_with((ksk, zsk), signed_by("example.nl.", "DNSKEY", ksk)))) == set(public(ksk, zsk))


def test_keys_that_no_validator_uses_are_not_taken() -> None:
    _, zsk = pair_of("own")
    useless = [altered(flags=257 | 128), altered(flags=0), altered(protocol=4)]
    assert keys_to_take(own_zone(*useless)) == public(zsk)


def test_an_unsigned_zone_has_no_keys_to_take() -> None:
    with pytest.raises(ZoneError, match="there is no DNSKEY RRset"):
        keys_to_take(zone_with(()))
    with pytest.raises(ZoneError, match="there is no DNSKEY RRset"):
        dnskey_signers(zone_with(()))


def test_the_keys_that_sign_a_zone_of_bind_are_told_apart(tmp_path: Path) -> None:
    ksk, zsk = pair_of("own")
    zone = sign_with_bind(tmp_path, "example.nl.", [ksk, zsk], "-x")
    assert (dnskey_signers(zone), keys_to_take(zone)) == (public(ksk), public(zsk))
    csk = csk_of("own")
    zone = sign_with_bind(tmp_path, "example.nl.", [csk], "-z")
    assert (dnskey_signers(zone), keys_to_take(zone)) == (public(csk), public(csk))


def sign_with_bind(directory: Path, origin: str, keys: Sequence[SigningKey], *options: str) -> Zone:
    """The zone that dnssec-signzone makes with these keys; it stays in ``directory`` as ``zone.signed``."""
    for key in keys:
        (directory / f"{key.name}.key").write_text(render_key_file(key))
        (directory / f"{key.name}.private").write_text(render_private_file(key))
    text = f"{origin} 3600 IN SOA ns.example.net. admin.example.net. 1 7200 3600 1209600 300\n"
    text += f"{origin} 3600 IN NS ns.example.net.\n"
    (directory / "zone").write_text(
        text + "".join(f"{key.text()}\n".replace(" IN", " 3600 IN", 1) for key in public(*keys))
    )
    names_of_keys = [key.name for key in keys]
    done = run_peer(
        ["dnssec-signzone", "-P", *options, "-O", "full", "-o", origin, "zone", *names_of_keys], cwd=directory
    )
    assert done.returncode == 0, done.stderr
    lines = (directory / "zone.signed").read_text().splitlines()
    found = [dns.rrset.from_text(*record_of(line)) for line in lines if line and not line.startswith(";")]
    zone = Zone.from_rrsets(origin, [RRset.from_dnspython(rrset) for rrset in found if rrset.rdtype in (rd.NS, rd.SOA)])
    for rrset in found:
        zone = zone.add(RRset.from_dnspython(rrset))
    return zone


def record_of(line: str) -> tuple[str, int, str, str, str]:
    owner, ttl, rdclass, rdtype, rdata = line.split(None, 4)
    return owner, int(ttl), rdclass, rdtype, rdata


# ---- the size that a server sends -----------------------------------------------------------------------------------

SERVED = {
    "example.nl.": [P256, P256],
    "a-rather-long-name-for-a-zone.example.nl.": [ED25519],
    "rsa.nl.": [RSA, RSA],
    "p384.nl.": [Algorithm.ECDSAP384SHA384],
    "ed448.nl.": [Algorithm.ED448, P256],
}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, dict[str, Zone]]]:
    """A named on a port of its own that serves signed zones with a KSK and a ZSK for each of some algorithms."""
    named = require_peer("named")
    directory = tmp_path_factory.mktemp("named")
    zones, stanzas = {}, []
    for number, (origin, algorithms) in enumerate(SERVED.items()):
        place = directory / str(number)
        place.mkdir()
        keys: list[SigningKey] = []
        for algorithm, generate in itertools.product(algorithms, (generate_ksk, generate_zsk)):
            keys.append(generate(origin, algorithm=algorithm, avoid=[key.key_tag for key in keys]))
        zones[origin] = sign_with_bind(place, origin, keys, "-x")
        stanzas.append(f'zone "{origin}" {{ type primary; file "{place}/zone.signed"; }};\n')
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    (directory / "named.conf").write_text(
        f'options {{ directory "{directory}"; pid-file none; session-keyfile none; recursion no; notify no;'
        f" listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }};"
        " max-udp-size 4096; edns-udp-size 4096; };\ncontrols { };\n" + "".join(stanzas)
    )
    with (directory / "log").open("w") as log:
        process = subprocess.Popen([named, "-g", "-c", directory / "named.conf"], stdout=log, stderr=log)
    try:
        wait_for_answer(process, port, directory / "log")
        yield port, zones
    finally:
        process.terminate()
        process.wait()


def wait_for_answer(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    for _ in range(100):
        assert process.poll() is None, log.read_text()
        try:
            dns.query.udp(dns.message.make_query("example.nl.", "SOA"), "127.0.0.1", timeout=5, port=port)
        except (dns.exception.Timeout, OSError):
            time.sleep(0.1)
        else:
            return
    pytest.fail(log.read_text())


@pytest.mark.parametrize("origin", SERVED)
def test_named_sends_a_response_of_the_size_computed(origin: str, served: tuple[int, dict[str, Zone]]) -> None:
    port, zones = served
    query = dns.message.make_query(origin, RdataType.DNSKEY, use_edns=0, want_dnssec=True, payload=4096)
    query.flags &= ~dns.flags.RD
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(20)
        client.sendto(query.to_wire(), ("127.0.0.1", port))
        response = client.recv(65535)
    zone = zones[origin]
    parsed = dns.message.from_wire(response)
    assert not parsed.flags & dns.flags.TC
    assert len(response) == dnskey_response_octets(zone.apex_rrset(rd.DNSKEY), dnskey_signers(zone))
    assert len(dnskey_signers(zone)) == len(SERVED[origin])
