"""DS, CDS, CDNSKEY and CSYNC: against the RFCs' examples, dnspython, BIND and ldns."""

from __future__ import annotations

import functools
import struct
from pathlib import Path

import dns.dnssec
import dns.rdata
import dns.rdataclass
import pytest
from dns.rdatatype import RdataType
from hypothesis import given
from hypothesis import strategies as st

from tests.peers import run_peer
from tests.strategies import names
from zonekit import rdata as rd
from zonekit.algorithms import Algorithm, DigestType, may_sign
from zonekit.dnskeys import Dnskey, parse_dnskeys
from zonekit.ds import (
    CsyncFlag,
    DsData,
    KeyData,
    delete_cdnskey,
    delete_cds,
    ds_rdata,
    dsset_text,
    make_cdnskey,
    make_cds,
    make_csync,
    make_ds,
    matches_ds,
    registry_ds,
    registry_keys,
)
from zonekit.errors import DsError, RdataError, TtlError
from zonekit.keyfiles import render_key_file, render_private_file
from zonekit.keys import SigningKey, generate_csk, generate_ksk, generate_zsk
from zonekit.names import WireName, from_wire_name, name_text, parse_name
from zonekit.ttl import Ttl
from zonekit.zones import RRset

SIGNING = tuple(algorithm for algorithm in Algorithm if may_sign(algorithm))
MADE_DIGESTS = (DigestType.SHA256, DigestType.SHA384)
DIGEST_WORDS = {DigestType.SHA256: "SHA-256", DigestType.SHA384: "SHA-384"}

# RFC 4034 section 5.4 and RFC 4509 section 2.3: one key, a SHA-1 and a SHA-256 digest.
OLD_KEY = (
    "dskey.example.com. 86400 IN DNSKEY 256 3 5 ( AQOeiiR0GOMYkDshWoSKz9Xz fwJr1AYtsmx3TGkJaNXVbfi/ 2pHm822aJ5iI9BMzNXxe"
    "YCmZ DRD99WYwYqUSdjMmmAphXdvx egXd/M5+X7OrzKBaMbCVdFLU Uh6DhweJBjEVv5f2wwjM9Xzc nOf+EPbtG9DMBmADjFDc2w/r ljwvFw== )"
)
OLD_DS = {
    DigestType.SHA1: "60485 5 1 2BB183AF5F22588179A53B0A98631FAD1A292118",
    DigestType.SHA256: "60485 5 2 D4B7D520E7BB5F0F67674A0CCEB1E3E0614B93C4F9E99B8383F6A1E4469DA50A",
}
# RFC 6605 sections 6.1 and 6.2; RFC 8080 sections 6.1 and 6.2, two keys each.
VECTORS = {
    "rfc6605-p256": (
        "example.net. 3600 IN DNSKEY 257 3 13"
        " GojIhhXUN/u4v54ZQqGSnyhWJwaubCvTmeexv7bR6edbkrSqQpF64cYbcB7wNcP+e+MAnLr+Wi9xMWyQLc8NAA==",
        "55648 13 2 b4c8c1fe2e7477127b27115656ad6256f424625bf5c1e2770ce6d6e37df61d17",
    ),
    "rfc6605-p384": (
        "example.net. 3600 IN DNSKEY 257 3 14 xKYaNhWdGOfJ+nPrL8/arkwf2EY3MDJ+SErKivBVSum1w/egsXvSADtNJhyem5RCOpgQ6K8X1DRS"
        "EkrbYQ+OB+v8/uX45NBwY8rp65F6Glur8I/mlVNgF6W/qTI37m40",
        "10771 14 4 72d7b62976ce06438e9c0bf319013cf801f09ecc84b8d7e9495f27e305c6a9b0563a9b5f4d288405c3008a946df983d6",
    ),
    "rfc8080-ed25519": (
        "example.com. 3600 IN DNSKEY 257 3 15 l02Woi0iS8Aa25FQkUd9RMzZHJpBoRQwAQEX1SxZJA4=",
        "3613 15 2 3aa5ab37efce57f737fc1627013fee07bdf241bd10f3b1964ab55c78e79a304b",
    ),
    "rfc8080-ed25519-second": (
        "example.com. 3600 IN DNSKEY 257 3 15 zPnZ/QwEe7S8C5SPz2OfS5RR40ATk2/rYnE9xHIEijs=",
        "35217 15 2 401781b934e392de492ec77ae2e15d70f6575a1c0bc59c5275c04ebe80c6614c",
    ),
    "rfc8080-ed448": (
        "example.com. 3600 IN DNSKEY 257 3 16"
        " 3kgROaDjrh0H2iuixWBrc8g2EpBBLCdGzHmn+G2MpTPhpj/OiBVHHSfPodx1FYYUcJKm1MDpJtIA",
        "9713 16 2 6ccf18d5bc5d7fc2fceb1d59d17321402f2aa8d368048db93dd811f5cb2b19c7",
    ),
    "rfc8080-ed448-second": (
        "example.com. 3600 IN DNSKEY 257 3 16"
        " kkreGWoccSDmUBGAe7+zsbG6ZAFQp+syPmYUurBRQc3tDjeMCJcVMRDmgcNLp5HlHAMy12VoISsA",
        "38353 16 2 645ff078b3568f5852b70cb60e8e696cc77b75bfaaffc118cf79cbda1ba28af4",
    ),
}


@functools.cache
def ksk_of(algorithm: Algorithm) -> SigningKey:
    return generate_ksk("example.nl", algorithm=algorithm)


@functools.cache
def zsk() -> SigningKey:
    return generate_zsk("example.nl")


def dnskey_rrset(*keys: SigningKey | Dnskey) -> RRset:
    rdatas = tuple(key.dnskey_rdata for key in keys)
    return RRset(owner=keys[0].owner, rdtype=rd.DNSKEY, ttl=Ttl(3600), rdatas=rdatas)


def changed(key: SigningKey, *, flags: int = 257, protocol: int = 3, algorithm: int | None = None) -> Dnskey:
    number = int(key.algorithm) if algorithm is None else algorithm
    return Dnskey(owner=key.owner, flags=flags, protocol=protocol, algorithm=number, public_key=key.public_key)


# ---- DS -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", VECTORS)
def test_a_ds_is_the_one_in_the_rfc(name: str) -> None:
    dnskey, ds = VECTORS[name]
    (key,) = parse_dnskeys(dnskey)
    made = make_ds([key], digest_types=[int(ds.split()[2])])
    assert made == RRset.from_text(name_text(key.owner), 3600, "DS", ds)
    assert matches_ds(made.rdatas[0], key.owner, key.dnskey_rdata)


@pytest.mark.parametrize("digest_type", OLD_DS)
def test_an_old_ds_matches_its_key_but_is_not_made(digest_type: DigestType) -> None:
    (key,) = parse_dnskeys(OLD_KEY)
    ds = rd.parse_rdata(rd.DS, OLD_DS[digest_type].encode(), b"\x00")
    assert matches_ds(ds, key.owner, key.dnskey_rdata)
    assert matches_ds(ds, key.owner.upper(), key.dnskey_rdata)
    assert not matches_ds(ds[:-1] + bytes([ds[-1] ^ 1]), key.owner, key.dnskey_rdata)
    with pytest.raises(DsError, match="RFC 9905"):
        ds_rdata(key.owner, key.dnskey_rdata, DigestType.SHA256)


@pytest.mark.parametrize("digest_type", [DigestType.SHA1, 1, "1", "sha-1", "SHA1"])
def test_a_ds_with_sha1_is_refused(digest_type: DigestType | str | int) -> None:
    key = ksk_of(Algorithm.ED25519)
    for make in (make_ds, make_cds):
        with pytest.raises(DsError, match=r"SHA-1 .* use SHA-256 \(RFC 9904\)"):
            make([key], digest_types=[DigestType.SHA256, digest_type])
    with pytest.raises(DsError, match="SHA-1"):
        ds_rdata(key.owner, key.dnskey_rdata, digest_type)


@given(
    owner=names(max_labels=4),
    algorithm=st.sampled_from(SIGNING),
    public_key=st.binary(min_size=1, max_size=300),
    digest_type=st.sampled_from(MADE_DIGESTS),
)
def test_a_ds_is_the_one_dnspython_makes(
    owner: WireName, algorithm: Algorithm, public_key: bytes, digest_type: DigestType
) -> None:
    rdata = struct.pack(">HBB", 257, 3, algorithm) + public_key
    theirs = dns.dnssec.make_ds(
        from_wire_name(owner),
        dns.rdata.from_wire(dns.rdataclass.IN, RdataType.DNSKEY, rdata, 0, len(rdata)),
        digest_type.name,
    )
    ours = ds_rdata(owner, rdata, digest_type)
    assert ours == theirs.to_wire()


@given(
    owner=names(),
    public_key=st.binary(min_size=1, max_size=80),
    digest_type=st.sampled_from(MADE_DIGESTS),
    place=st.integers(0, 10**6),
    bit=st.integers(0, 7),
)
def test_a_ds_matches_its_own_key_and_no_other_bit_pattern(
    owner: WireName, public_key: bytes, digest_type: DigestType, place: int, bit: int
) -> None:
    dnskey = struct.pack(">HBB", 257, 3, 13) + public_key
    ds = ds_rdata(owner, dnskey, digest_type)
    assert matches_ds(ds, owner, dnskey)
    at = place % len(ds)
    assert not matches_ds(ds[:at] + bytes([ds[at] ^ 1 << bit]) + ds[at + 1 :], owner, dnskey)
    at = 4 + place % len(public_key)
    assert not matches_ds(ds, owner, dnskey[:at] + bytes([dnskey[at] ^ 1 << bit]) + dnskey[at + 1 :])


@pytest.mark.parametrize("digest_type", MADE_DIGESTS, ids=lambda digest_type: digest_type.name)
@pytest.mark.parametrize("algorithm", SIGNING, ids=lambda algorithm: algorithm.name)
def test_a_ds_is_the_one_dnssec_dsfromkey_makes(algorithm: Algorithm, digest_type: DigestType, tmp_path: Path) -> None:
    key = ksk_of(algorithm)
    key_file = tmp_path / f"{key.name}.key"
    key_file.write_text(f"{parse_dnskeys(key)[0].text()}\n")
    done = run_peer(["dnssec-dsfromkey", "-a", DIGEST_WORDS[digest_type], "-T", "3600", key_file])
    assert done.stdout == f"{make_ds([key], digest_types=[digest_type]).text()}\n", done.stderr
    done = run_peer(["dnssec-dsfromkey", "-C", "-a", DIGEST_WORDS[digest_type], "-T", "3600", key_file])
    assert done.stdout == f"{make_cds([key], digest_types=[digest_type]).text()}\n", done.stderr


@pytest.mark.parametrize("digest_type", MADE_DIGESTS, ids=lambda digest_type: digest_type.name)
def test_a_ds_is_the_one_ldns_key2ds_makes(digest_type: DigestType, tmp_path: Path) -> None:
    key = ksk_of(Algorithm.ECDSAP384SHA384)
    key_file = tmp_path / "key"
    key_file.write_text(f"{parse_dnskeys(key)[0].text()}\n")
    done = run_peer(["ldns-key2ds", "-n", {2: "-2", 4: "-4"}[digest_type], key_file])
    owner, _, _, _, *rdata = done.stdout.split()
    ours = make_ds([key], digest_types=[digest_type])
    assert RRset.from_text(owner, ours.ttl, "DS", " ".join(rdata)) == ours, done.stdout + done.stderr


def test_a_ds_rrset_has_a_record_for_each_key_and_digest() -> None:
    keys = [ksk_of(Algorithm.ED25519), ksk_of(Algorithm.ECDSAP256SHA256)]
    made = make_ds(keys, digest_types=["SHA-256", DigestType.SHA384, 2], ttl=600)
    assert (len(made.rdatas), made.ttl) == (4, 600)
    assert made == make_ds(reversed(keys), digest_types=[4, 2], ttl=600)


def test_of_a_dnskey_rrset_only_keys_with_the_sep_flag_that_are_not_revoked_are_taken() -> None:
    ksk = ksk_of(Algorithm.ED25519)
    revoked = changed(ksk_of(Algorithm.ED448), flags=257 | 128)
    dnskeys = dnskey_rrset(ksk, zsk(), revoked)
    assert make_ds(dnskeys) == make_ds([ksk])
    assert make_cdnskey(dnskeys) == make_cdnskey([ksk])


def test_a_csk_is_delegated_to_like_a_ksk() -> None:
    csk = generate_csk("example.nl", algorithm=Algorithm.ED25519)
    assert matches_ds(make_ds([csk]).rdatas[0], csk.owner, csk.dnskey_rdata)


@pytest.mark.parametrize(
    ("flags", "protocol", "algorithm", "reason"),
    [
        (256, 3, None, "no SEP flag"),
        (1, 3, None, "no zone key"),
        (257, 2, None, "no zone key"),
        (257 | 128, 3, None, r"revoked; use the new key \(RFC 5011 section 2\.1\)"),
        (257, 3, 5, "RFC 9905 section 2"),
        (257, 3, 7, "RFC 9905 section 2"),
        (257, 3, 99, "algorithm 99 is unknown"),
    ],
)
def test_a_key_that_no_ds_may_point_to_is_refused(
    flags: int, protocol: int, algorithm: int | None, reason: str
) -> None:
    key = changed(ksk_of(Algorithm.ED25519), flags=flags, protocol=protocol, algorithm=algorithm)
    for make in (make_ds, make_cds, make_cdnskey, registry_keys):
        with pytest.raises(DsError, match=reason):
            make([key])


def test_ds_rdata_takes_a_key_without_the_sep_flag_when_asked_for_it() -> None:
    assert matches_ds(ds_rdata(zsk().owner, zsk().dnskey_rdata, 2), zsk().owner, zsk().dnskey_rdata)


def test_what_makes_no_ds_rrset_is_refused() -> None:
    ksk, other = ksk_of(Algorithm.ED25519), generate_ksk("example.com", algorithm=Algorithm.ED25519)
    with pytest.raises(DsError, match="no keys given"):
        make_ds([])
    with pytest.raises(DsError, match="no digest types given"):
        make_ds([ksk], digest_types=[])
    with pytest.raises(DsError, match="DS digest type 3 is unknown"):
        make_ds([ksk], digest_types=[3])
    with pytest.raises(DsError, match=r"example\.nl\. and example\.com\.: keys of two zones"):
        make_ds([ksk, other])
    with pytest.raises(DsError, match="no key has the SEP flag"):
        make_ds(dnskey_rrset(zsk()))
    with pytest.raises(DsError, match="CDNSKEY: a DS is made from a DNSKEY RRset"):
        make_ds(make_cdnskey([ksk]))
    with pytest.raises(DsError, match="cut short"):
        ds_rdata(ksk.owner, ksk.dnskey_rdata[:4], DigestType.SHA256)
    with pytest.raises(TtlError):
        make_ds([ksk], ttl=-1)


def test_a_ds_matches_nothing_that_validators_would_not_follow() -> None:
    key = ksk_of(Algorithm.ED25519)
    ds = make_ds([key]).rdatas[0]
    assert matches_ds(ds, key.owner, key.dnskey_rdata)
    assert not matches_ds(ds, parse_name("example.com."), key.dnskey_rdata)
    assert not matches_ds(ds[:3] + b"\x03" + ds[4:], key.owner, key.dnskey_rdata)
    assert not matches_ds(ds[:4], key.owner, key.dnskey_rdata)
    assert not matches_ds(ds, key.owner, key.dnskey_rdata[:4])
    for flags, protocol in ((1, 3), (257 | 128, 3), (257, 4)):
        other = changed(key, flags=flags, protocol=protocol)
        digested = dns.dnssec.make_ds(from_wire_name(key.owner), dnskey_rrset(other).to_dnspython()[0], "SHA256")
        assert not matches_ds(digested.to_wire() or b"", key.owner, other.dnskey_rdata)


# ---- CDS, CDNSKEY, CSYNC --------------------------------------------------------------------------------------------


def test_cds_and_cdnskey_say_what_the_ds_and_dnskey_do() -> None:
    keys = [ksk_of(Algorithm.ED25519), ksk_of(Algorithm.ED448)]
    assert make_cds(keys, digest_types=[2, 4]).rdatas == make_ds(keys, digest_types=[2, 4]).rdatas
    assert make_cdnskey(keys, ttl=60).rdatas == dnskey_rrset(*keys).rdatas
    assert (make_cds(keys).rdtype, make_cdnskey(keys).rdtype, make_cdnskey(keys, ttl=60).ttl) == (59, 60, 60)


def test_the_delete_forms_are_those_of_rfc_8078() -> None:
    assert delete_cds("example.nl", ttl=0) == RRset.from_text("example.nl.", 0, "CDS", "0 0 0 00")
    assert delete_cdnskey("example.nl", ttl=0) == RRset.from_text("example.nl.", 0, "CDNSKEY", "0 3 0 AA==")
    with pytest.raises(TtlError):
        delete_cds("example.nl", ttl=2**31)


def test_named_compilezone_reads_the_records_back(tmp_path: Path) -> None:
    csync = make_csync("example.nl", serial=4294967295, types=["A", "NS", "AAAA"], flags=CsyncFlag.SOAMINIMUM)
    lines = [rrset.text() for rrset in (delete_cds("example.nl"), delete_cdnskey("example.nl"), csync)]
    zone = tmp_path / "zone"
    apex = "example.nl. 3600 IN SOA ns.example.net. admin.example.net. 1 7200 3600 1209600 300"
    zone.write_text("\n".join([apex, "example.nl. 3600 IN NS ns.example.net.", *lines, ""]))
    done = run_peer(["named-compilezone", "-i", "none", "-s", "full", "-o", "-", "example.nl", zone])
    printed = {" ".join(line.split()) for line in done.stdout.splitlines()}
    assert printed >= set(lines), done.stderr


@given(
    serial=st.integers(0, 2**32 - 1),
    types=st.sets(st.sampled_from(["NS", "A", "AAAA", 1, 2, 28]), min_size=1),
    flags=st.sampled_from(
        [CsyncFlag(0), CsyncFlag.IMMEDIATE, CsyncFlag.SOAMINIMUM, CsyncFlag.IMMEDIATE | CsyncFlag.SOAMINIMUM]
    ),
)
def test_a_csync_says_what_it_was_given(serial: int, types: set[str | int], flags: CsyncFlag) -> None:
    (rdata,) = make_csync("example.nl", serial=serial, types=types, flags=flags).to_dnspython()
    assert (rdata.serial, rdata.flags) == (serial, flags)
    numbers = {rd.parse_type(each) if isinstance(each, str) else each for each in types}
    assert rd.bitmap_types((rdata.to_wire() or b"")[6:]) == sorted(numbers)


def test_a_csync_that_no_parent_would_process_is_refused() -> None:
    with pytest.raises(DsError, match=r"NS, A and AAAA, not NS MX; .*RFC 7477"):
        make_csync("example.nl", serial=1, types=["NS", "MX"], flags=CsyncFlag.IMMEDIATE)
    with pytest.raises(DsError, match="not none"):
        make_csync("example.nl", serial=1, types=[], flags=CsyncFlag.IMMEDIATE)
    for serial in (-1, 2**32):
        with pytest.raises(DsError, match="is not an SOA serial"):
            make_csync("example.nl", serial=serial, types=["NS"], flags=CsyncFlag.IMMEDIATE)
    with pytest.raises(DsError, match="flags 4 are not defined"):
        make_csync("example.nl", serial=1, types=["NS"], flags=CsyncFlag(4))
    with pytest.raises(RdataError):
        make_csync("example.nl", serial=1, types=["NOSUCHTYPE"], flags=CsyncFlag.IMMEDIATE)


# ---- dsset files and registry input ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "zone", ["a.nl", "Example.NL", "twentytwo-chars.test.nl", "exactly-23-c.example.nl", "x23456789012345678901.nl",
             "thirty-octets-make.example.nl", "a-name-of-thirtytwo-characters.nl", r"odd\@\;name.nl"]
)  # fmt: skip
def test_a_dsset_file_is_the_one_dnssec_signzone_writes(zone: str, tmp_path: Path) -> None:
    keys = [generate_ksk(zone, algorithm=algorithm) for algorithm in (Algorithm.ED25519, Algorithm.ECDSAP256SHA256)]
    zsks = [generate_zsk(zone, algorithm=key.algorithm, avoid=[key.key_tag]) for key in keys]
    ds = make_ds(keys)
    lines = [parse_dnskeys(key)[0].text().replace(" IN ", " 3600 IN ", 1) for key in (*keys, *zsks)]
    owner = name_text(parse_name(f"{zone}."))
    apex = [f"{owner} 3600 IN SOA ns.example.net. admin.example.net. 1 7200 3600 1209600 300"]
    apex.append(f"{owner} 3600 IN NS ns.example.net.")
    (tmp_path / "zone").write_text("\n".join([*apex, *lines, ""]))
    written = _sign_with_bind(tmp_path, owner, (*keys, *zsks))
    assert dsset_text(ds) == written


def _sign_with_bind(directory: Path, owner: str, keys: tuple[SigningKey, ...]) -> str:
    """Sign the zone in ``directory`` with dnssec-signzone, and return the dsset file it leaves."""
    for key in keys:
        (directory / f"{key.name}.key").write_text(render_key_file(key))
        (directory / f"{key.name}.private").write_text(render_private_file(key))
    done = run_peer(["dnssec-signzone", "-P", "-o", owner, "zone", *[key.name for key in keys]], cwd=directory)
    (written,) = directory.glob("dsset-*")
    assert done.returncode == 0, done.stderr
    return written.read_text()


@given(
    key_tag=st.integers(0, 65535),
    alg=st.integers(0, 255),
    digest=st.one_of(
        st.tuples(st.just(1), st.binary(min_size=20, max_size=20)),
        st.tuples(st.just(2), st.binary(min_size=32, max_size=32)),
        st.tuples(st.just(4), st.binary(min_size=48, max_size=48)),
        st.tuples(st.integers(5, 255), st.binary(min_size=1, max_size=64)),
    ),
)
def test_registry_ds_data_goes_there_and_back(key_tag: int, alg: int, digest: tuple[int, bytes]) -> None:
    data = DsData(key_tag=key_tag, alg=alg, digest_type=digest[0], digest=digest[1].hex())
    assert DsData.from_rdata(data.rdata) == data
    assert data.text().split() == [
        *("keyTag:", str(key_tag), "alg:", str(alg), "digestType:", str(digest[0])),
        *("digest:", digest[1].hex().upper()),
    ]
    ds = RRset(owner=b"\x02nl\x00", rdtype=rd.DS, ttl=Ttl(0), rdatas=(data.rdata,))
    assert registry_ds(ds) == (data,)


@given(
    flags=st.integers(0, 65535),
    protocol=st.integers(0, 255),
    alg=st.integers(0, 255),
    public_key=st.binary(min_size=1, max_size=99),
)
def test_registry_key_data_goes_there_and_back(flags: int, protocol: int, alg: int, public_key: bytes) -> None:
    data = KeyData.from_rdata(struct.pack(">HBB", flags, protocol, alg) + public_key)
    assert (data.flags, data.protocol, data.alg) == (flags, protocol, alg)
    spaced = " ".join([data.pub_key[:5], data.pub_key[5:]])
    assert KeyData(flags=flags, protocol=protocol, alg=alg, pub_key=spaced) == data
    assert KeyData.from_rdata(data.rdata) == data


def test_registry_input_is_made_from_keys_and_ds_records() -> None:
    ksk = ksk_of(Algorithm.ECDSAP256SHA256)
    (key,) = registry_keys([ksk])
    assert key.rdata == ksk.dnskey_rdata
    assert key.text().startswith("flags: 257\nprotocol: 3\nalg: 13\npubKey: ")
    (ds,) = registry_ds(make_ds([ksk]))
    assert ds.key_tag == ksk.key_tag


def test_registry_input_out_of_range_is_refused() -> None:
    for field in ("key_tag", "alg", "digest_type"):
        for value in (-1, 65536):
            fields = {"key_tag": 1, "alg": 13, "digest_type": 2, field: value}
            with pytest.raises(DsError, match="is outside 0 to"):
                DsData(**fields, digest="00" * 32)
    for digest, reason in (("00", "has 32 octets, not 1"), ("", "not 0"), ("zz", "not hexadecimal"), ("é", "not hex")):
        with pytest.raises(DsError, match=reason):
            DsData(key_tag=1, alg=13, digest_type=2, digest=digest)
    with pytest.raises(DsError, match="has 1 octets, not 0"):
        DsData(key_tag=1, alg=13, digest_type=9, digest="")
    for pub_key in ("", "A", "A*==", "é"):
        with pytest.raises(DsError, match="not base64"):
            KeyData(flags=257, protocol=3, alg=13, pub_key=pub_key)
    for field in ("flags", "protocol", "alg"):
        with pytest.raises(DsError, match=f"{field} 65536 is outside"):
            KeyData(**{"flags": 257, "protocol": 3, "alg": 13, field: 65536}, pub_key="AAAA")
    with pytest.raises(DsError, match="cut short"):
        DsData.from_rdata(bytes(4))
    with pytest.raises(DsError, match="cut short"):
        KeyData.from_rdata(bytes(4))
    with pytest.raises(DsError, match="a DS RRset is asked for"):
        registry_ds(delete_cds("example.nl"))
    with pytest.raises(DsError, match="a DS RRset is asked for"):
        dsset_text(delete_cds("example.nl"))
