"""BIND's key files: ours taken by BIND, ldns and Knot, theirs taken by us, and nothing private in any refusal."""

from __future__ import annotations

import base64
import dataclasses
import re
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.peers import require_peer, run_peer
from tests.test_algorithms import SIGNING, vector_parts
from tests.test_keys import Device, assert_secret, everything_said_by, key_of
from zonekit.algorithms import RSA_ALGORITHMS, Algorithm, digest
from zonekit.errors import AlgorithmError, KeyFileError, SigningKeyError, ZonekitError
from zonekit.keyfiles import key_file_stem, parse_key_files, render_key_file, render_private_file
from zonekit.keys import (
    NO_TIMING,
    KeyRole,
    KeyTiming,
    SigningKey,
    export_private_key,
    from_signer,
    generate_csk,
    generate_ksk,
    generate_zsk,
)
from zonekit.names import parse_name
from zonekit.ttl import MAX_TTL, Ttl

LONG_AGO = datetime(2020, 2, 1, 4, 5, 6, tzinfo=UTC)
ODD_OWNERS = [
    ".",
    "nl.",
    "Mixed.Example.NL.",
    "128/26.2.0.192.in-addr.arpa.",
    "_tcp.exa-mple.nl.",
    r"a\.b.example.",
    r"a\032b\;c\"d.example.",
    r"\000\009\127\255.example.",
    r"\@\$\(\)\\.example.",
    "*.%41.example.",
    "xn--bcher-kva.example.",
    "a" * 63 + ".example.",
]
ZONE = """\
$ORIGIN example.nl.
$TTL 3600
@ SOA ns1 hostmaster 1 7200 3600 1209600 600
@ NS ns1
ns1 A 192.0.2.1
www A 192.0.2.2
"""


def write_files(key: SigningKey, folder: Path) -> Path:
    """Write the key's two files and return the path of the public one."""
    folder.joinpath(f"{key.name}.private").write_text(render_private_file(key))
    public = folder.joinpath(f"{key.name}.key")
    public.write_text(render_key_file(key))
    return public


def read_files(stem: str, folder: Path, role: KeyRole | None = None) -> SigningKey:
    return parse_key_files(
        folder.joinpath(f"{stem}.key").read_text(), folder.joinpath(f"{stem}.private").read_text(), role=role
    )


def run(*command: str | Path, cwd: Path) -> str:
    done = run_peer(command, cwd=cwd)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


# ---- laws -----------------------------------------------------------------------------------------------------------

instants = st.integers(0, 2**32 - 1).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
timings = st.builds(
    KeyTiming,
    **{each.name: st.none() | instants for each in dataclasses.fields(KeyTiming) if "cessor" not in each.name},
    predecessor=st.none() | st.integers(0, 65535),
    successor=st.none() | st.integers(0, 65535),
)


@given(st.sampled_from(SIGNING), timings, st.none() | st.integers(0, MAX_TTL).map(Ttl), st.sampled_from(ODD_OWNERS))
def test_a_key_written_and_read_is_the_same_key(
    algorithm: Algorithm, timing: KeyTiming, ttl: Ttl | None, owner: str
) -> None:
    key = dataclasses.replace(key_of(algorithm), timing=timing, dnskey_ttl=ttl, owner=parse_name(owner))
    again = parse_key_files(render_key_file(key), render_private_file(key))
    assert again == key
    assert again.signer.sign(b"data") == key.signer.sign(b"data")


@given(st.sampled_from(SIGNING), timings)
def test_what_is_read_is_written_again_byte_for_byte(algorithm: Algorithm, timing: KeyTiming) -> None:
    key = dataclasses.replace(key_of(algorithm), timing=timing)
    texts = render_key_file(key), render_private_file(key)
    again = parse_key_files(*texts)
    assert (render_key_file(again), render_private_file(again)) == texts


@pytest.mark.parametrize("role", KeyRole)
def test_the_role_is_read_from_the_flags_and_a_csk_has_to_be_named(role: KeyRole) -> None:
    key = {KeyRole.KSK: generate_ksk, KeyRole.ZSK: generate_zsk, KeyRole.CSK: generate_csk}[role]("example.nl")
    texts = render_key_file(key), render_private_file(key)
    assert parse_key_files(*texts, role=role) == key
    assert parse_key_files(*texts).role is (KeyRole.ZSK if role is KeyRole.ZSK else KeyRole.KSK)
    kind = "zone-signing" if role is KeyRole.ZSK else "key-signing"
    assert texts[0].startswith(f"; This is a {kind} key, keyid {key.key_tag}, for example.nl.\n")


def test_a_role_that_the_flags_deny_is_refused() -> None:
    for key, role in ((generate_ksk("example.nl"), KeyRole.ZSK), (generate_zsk("example.nl"), KeyRole.CSK)):
        with pytest.raises(SigningKeyError, match=f"is no {role.value} for signing"):
            parse_key_files(render_key_file(key), render_private_file(key), role=role)


def test_a_key_without_timing_is_of_the_version_that_bind_always_uses() -> None:
    key = generate_ksk("example.nl")
    assert render_private_file(key).startswith("Private-key-format: v1.2\nAlgorithm: 13 (ECDSAP256SHA256)\n")
    timed = dataclasses.replace(key, timing=KeyTiming.starting(LONG_AGO))
    assert render_private_file(timed).startswith("Private-key-format: v1.3\n")
    assert "\nActivate: 20200201040506\n" in render_private_file(timed)
    assert "\n; Activate: 20200201040506 (Sat Feb  1 04:05:06 2020)\n" in render_key_file(timed)


# ---- BIND -----------------------------------------------------------------------------------------------------------


def at_full_width(private_text: str, key: SigningKey) -> str:
    """A .private text of BIND's with its ECDSA number at the width of the curve.

    BIND 9.18 writes the number without leading zero octets, which one key in 256 has; zonekit keeps them.
    """
    if key.algorithm not in (Algorithm.ECDSAP256SHA256, Algorithm.ECDSAP384SHA384):
        return private_text
    (number,) = re.findall(r"^PrivateKey: (.*)$", private_text, re.MULTILINE)
    octets = base64.b64decode(number).rjust(len(key.public_key) // 2, b"\x00")
    return private_text.replace(number, base64.b64encode(octets).decode())


@pytest.mark.parametrize("algorithm", SIGNING)
@pytest.mark.parametrize("flag", [(), ("-f", "KSK")])
def test_a_key_of_dnssec_keygen_is_read_and_written_byte_for_byte(
    algorithm: Algorithm, flag: tuple[str, ...], tmp_path: Path
) -> None:
    bits = ("-b", "2048") if algorithm in RSA_ALGORITHMS else ()
    stem = run("dnssec-keygen", "-q", "-a", str(int(algorithm)), *bits, *flag, "example.nl", cwd=tmp_path).strip()
    key = read_files(stem, tmp_path)
    assert key.name == stem
    assert (key.algorithm, key.role) == (algorithm, KeyRole.KSK if flag else KeyRole.ZSK)
    assert key.timing.created is not None
    assert render_key_file(key) == tmp_path.joinpath(f"{stem}.key").read_text()
    assert render_private_file(key) == at_full_width(tmp_path.joinpath(f"{stem}.private").read_text(), key)


@pytest.mark.parametrize("owner", ODD_OWNERS)
def test_a_key_of_dnssec_keygen_for_an_odd_name_has_the_same_file_names_and_text(owner: str, tmp_path: Path) -> None:
    stem = run("dnssec-keygen", "-q", "-a", "13", owner, cwd=tmp_path).strip()
    key = read_files(stem, tmp_path)
    assert key.owner == parse_name(owner)
    assert key_file_stem(key.owner, 13, key.key_tag) == key.name == stem
    assert render_key_file(key) == tmp_path.joinpath(f"{stem}.key").read_text()


def test_the_timing_and_ttl_of_dnssec_keygen_and_settime_are_read_and_written_byte_for_byte(tmp_path: Path) -> None:
    times = [LONG_AGO + timedelta(days=day) for day in range(8)]
    publish, activate, revoke, inactive, delete, ds, sync, unsync = (f"{time:%Y%m%d%H%M%S}" for time in times)
    options = ("-P", publish, "-A", activate, "-R", revoke, "-I", inactive, "-D", delete)
    syncs = ("-P", "sync", sync, "-D", "sync", unsync)
    stem = run(
        "dnssec-keygen", "-q", "-a", "15", "-fK", "-L", "7200", *options, *syncs, "example.nl", cwd=tmp_path
    ).strip()
    run("dnssec-settime", "-P", "ds", ds, f"{stem}.key", cwd=tmp_path)
    key = read_files(stem, tmp_path)
    assert key.dnskey_ttl == 7200
    assert key.timing == KeyTiming(
        created=key.timing.created,
        publish=times[0],
        activate=times[1],
        revoke=times[2],
        inactive=times[3],
        delete=times[4],
        ds_publish=times[5],
        sync_publish=times[6],
        sync_delete=times[7],
    )
    assert render_key_file(key) == tmp_path.joinpath(f"{stem}.key").read_text()
    assert render_private_file(key) == at_full_width(tmp_path.joinpath(f"{stem}.private").read_text(), key)


def test_a_key_that_dnssec_keygen_makes_as_successor_keeps_saying_so(tmp_path: Path) -> None:
    end = datetime(2037, 1, 1, tzinfo=UTC)
    old = dataclasses.replace(
        generate_ksk("example.nl"),
        timing=KeyTiming(created=LONG_AGO, publish=LONG_AGO, activate=LONG_AGO, inactive=end),
    )
    public = write_files(old, tmp_path)
    stem = run("dnssec-keygen", "-q", "-S", public.name, "-i", "30d", cwd=tmp_path).strip()
    key = read_files(stem, tmp_path)
    assert key.timing.predecessor == old.key_tag
    assert key.timing.activate == end
    assert render_private_file(key) == at_full_width(tmp_path.joinpath(f"{stem}.private").read_text(), key)
    assert read_files(old.name, tmp_path).timing.successor == key.key_tag


def test_a_key_of_dnssec_keygen_without_timing_is_read_and_written_byte_for_byte(tmp_path: Path) -> None:
    stem = run("dnssec-keygen", "-q", "-C", "-a", "13", "example.nl", cwd=tmp_path).strip()
    key = read_files(stem, tmp_path)
    assert key.timing == NO_TIMING
    assert render_key_file(key) == tmp_path.joinpath(f"{stem}.key").read_text()
    assert render_private_file(key) == at_full_width(tmp_path.joinpath(f"{stem}.private").read_text(), key)


@pytest.mark.parametrize("algorithm", SIGNING)
def test_dnssec_settime_reads_and_changes_the_timing_of_our_key(algorithm: Algorithm, tmp_path: Path) -> None:
    timing = KeyTiming(
        created=LONG_AGO,
        publish=LONG_AGO,
        activate=LONG_AGO + timedelta(days=1),
        ds_publish=LONG_AGO + timedelta(days=2),
        ds_removed=LONG_AGO + timedelta(days=3),
        sync_delete=LONG_AGO + timedelta(days=4),
        predecessor=4711,
    )
    key = dataclasses.replace(key_of(algorithm), timing=timing, dnskey_ttl=Ttl(3600))
    public = write_files(key, tmp_path)
    assert run("dnssec-settime", "-p", "all", "-u", public, cwd=tmp_path).splitlines() == [
        "Created: 1580529906",
        "Publish: 1580529906",
        "Activate: 1580616306",
        "Revoke: UNSET",
        "Inactive: UNSET",
        "Delete: UNSET",
        "SYNC Publish: UNSET",
        "SYNC Delete: 1580875506",
        "DS Publish: 1580702706",
        "DS Delete: UNSET",
    ]
    run("dnssec-settime", "-I", "20300101000000", public, cwd=tmp_path)
    # BIND writes the public file anew and drops the comment that holds ds_removed; all else is kept.
    changed = dataclasses.replace(timing, inactive=datetime(2030, 1, 1, tzinfo=UTC), ds_removed=None)
    assert read_files(key.name, tmp_path) == dataclasses.replace(key, timing=changed)


def test_a_time_that_bind_prints_as_long_past_is_the_distant_future_that_was_meant(tmp_path: Path) -> None:
    end = datetime(2105, 6, 7, 8, 9, 10, tzinfo=UTC)
    key = dataclasses.replace(
        generate_ksk("example.nl"), timing=dataclasses.replace(KeyTiming.starting(LONG_AGO), delete=end)
    )
    public = write_files(key, tmp_path)
    run("dnssec-settime", "-L", "600", public, cwd=tmp_path)
    assert read_files(key.name, tmp_path) == dataclasses.replace(key, dnskey_ttl=Ttl(600))
    private = re.sub("Delete: .*", "Delete: 19690501014054", render_private_file(key))
    assert parse_key_files(render_key_file(key), private) == key


def test_dnssec_settime_upgrades_our_key_without_timing_when_told_to(tmp_path: Path) -> None:
    key = generate_ksk("example.nl")
    public = write_files(key, tmp_path)
    run("dnssec-settime", "-f", "-I", "20300101000000", public, cwd=tmp_path)
    assert read_files(key.name, tmp_path).timing.inactive == datetime(2030, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("algorithm", SIGNING)
def test_dnssec_dsfromkey_computes_the_digest_of_our_dnskey(algorithm: Algorithm, tmp_path: Path) -> None:
    key = key_of(algorithm)
    record = run("dnssec-dsfromkey", "-2", write_files(key, tmp_path), cwd=tmp_path).split()
    expected = digest(2, key.owner + key.dnskey_rdata).hex().upper()
    assert record == ["example.nl.", "IN", "DS", str(key.key_tag), str(int(algorithm)), "2", expected]


@pytest.mark.parametrize("algorithm", SIGNING)
@pytest.mark.parametrize("timing", [KeyTiming.starting(LONG_AGO), NO_TIMING], ids=["timed", "untimed"])
def test_dnssec_signzone_signs_with_our_keys(algorithm: Algorithm, timing: KeyTiming, tmp_path: Path) -> None:
    ksk = dataclasses.replace(key_of(algorithm), timing=timing)
    zsk = generate_zsk("example.nl", algorithm=algorithm, timing=timing, avoid=[ksk.key_tag])
    for key in (ksk, zsk):
        write_files(key, tmp_path)
    # A key without timing is used when its DNSKEY is in the zone already; a timed one brings it along.
    dnskeys = "" if timing.activate else render_key_file(ksk) + render_key_file(zsk)
    tmp_path.joinpath("zone").write_text(ZONE + dnskeys)
    # dnssec-signzone verifies what it has signed, and fails where it does not hold.
    run("dnssec-signzone", "-S", "-x", "-O", "full", "-o", "example.nl", "-f", "signed", "zone", cwd=tmp_path)
    tags = re.findall(r"IN RRSIG\s+(\S+) \d+ \d+ \d+ \d+ \d+ (\d+) ", tmp_path.joinpath("signed").read_text())
    assert {tag for covered, tag in tags if covered == "DNSKEY"} == {str(ksk.key_tag)}
    assert {tag for covered, tag in tags if covered != "DNSKEY"} == {str(zsk.key_tag)}


# ---- ldns and Knot --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", SIGNING)
def test_a_key_of_ldns_keygen_is_read(algorithm: Algorithm, tmp_path: Path) -> None:
    program = Path(require_peer("ldns-signzone")).with_name("ldns-keygen")
    mnemonic = algorithm.name
    done = subprocess.run(
        [program, "-k", "-a", mnemonic, "-b", "2048", "Example.NL"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    key = read_files(done.stdout.strip(), tmp_path)
    assert key.name == done.stdout.strip().replace("KExample.NL", "Kexample.nl"), "ldns keeps the case in file names"
    assert (key.algorithm, key.role, key.timing) == (algorithm, KeyRole.KSK, NO_TIMING)
    assert render_private_file(key) == at_full_width(
        tmp_path.joinpath(f"{done.stdout.strip()}.private").read_text(), key
    )


@pytest.mark.parametrize("algorithm", SIGNING)
@pytest.mark.parametrize("timing", [KeyTiming.starting(LONG_AGO), NO_TIMING], ids=["timed", "untimed"])
def test_ldns_signzone_signs_with_our_keys(algorithm: Algorithm, timing: KeyTiming, tmp_path: Path) -> None:
    ksk = dataclasses.replace(key_of(algorithm), timing=timing)
    zsk = generate_zsk("example.nl", algorithm=algorithm, timing=timing, avoid=[ksk.key_tag])
    tmp_path.joinpath("zone").write_text(ZONE)
    stems = [write_files(key, tmp_path).stem for key in (ksk, zsk)]
    run("ldns-signzone", "-o", "example.nl", "-f", "signed", "zone", *stems, cwd=tmp_path)
    assert re.search(rf"RRSIG\s+SOA {int(algorithm)} .* {zsk.key_tag} example", tmp_path.joinpath("signed").read_text())
    run("ldns-verify-zone", "signed", cwd=tmp_path)


@pytest.mark.parametrize("algorithm", SIGNING)
def test_knot_imports_our_key(algorithm: Algorithm, tmp_path: Path) -> None:
    key = dataclasses.replace(key_of(algorithm), timing=KeyTiming.starting(LONG_AGO))
    public = write_files(key, tmp_path)
    run("keymgr", "-D", tmp_path / "kasp", "example.nl", "import-bind", public, cwd=tmp_path)
    listed = run("keymgr", "-D", tmp_path / "kasp", "example.nl", "list", cwd=tmp_path)
    assert re.search(rf"\b{key.key_tag}\b", listed), listed


# ---- the published examples, in the format ldns wrote them ----------------------------------------------------------

RFC_5702_ALGORITHM_10 = """\
Private-key-format: v1.2
Algorithm:       10 (RSASHA512)
Modulus:         0eg1M5b563zoq4k5ZEOnWmd2/BvpjzedJVdfIsDcMuuhE5SQ3pfQ7qmdaeMlC6Nf8DKGoUPGPXe06cP27/WRODtxXquSUytkO0kJDk8KX8PtA0+yBWwy7UnZDyCkynO00Uuk8HPVtZeMO1pHtlAGVnc8VjXZlNKdyit99waaE4s=
PublicExponent:  AQAB
PrivateExponent: rFS1IPbJllFFgFc33B5DDlC1egO8e81P4fFadODbp56V7sphKa6AZQCx8NYAew6VXFFPAKTw41QdHnK5kIYOwxvfFDjDcUGza88qbjyrDPSJenkeZbISMUSSqy7AMFzEolkk6WSn6k3thUVRgSlqDoOV3SEIAsrB043XzGrKIVE=
Prime1:          8mbtsu9Tl9v7tKSHdCIeprLIQXQLzxlSZun5T1n/OjvXSUtvD7xnZJ+LHqaBj1dIgMbCq2U8O04QVcK3TS9GiQ==
Prime2:          3a6gkfs74d0Jb7yL4j4adAif4fcp7ZrGt7G5NRVDDY/Mv4TERAKMa0TKN3okKE0A7X+Rv2K84mhT4QLDlllEcw==
"""
RFC_6605_PRIVATE = {
    "RFC 6605 algorithm 13": "GU6SnQ/Ou+xC5RumuIUIuJZteXT2z0O/ok1s38Et6mQ=",
    "RFC 6605 algorithm 14": "WURgWHCcYIYUPWgeLmiPY2DJJk02vgrmTfitxgqcL4vwW7BOrbawVmVe0d9V94SR",
}


def dnskey_text(name: str) -> str:
    dnskey, rrsig, _ = vector_parts(name)
    return f"{rrsig.signer} 3600 IN DNSKEY {dnskey.to_text()} ;{{id = {rrsig.key_tag} (zsk), size = 1024b}}\n"


def test_the_published_rsa_key_is_read_and_makes_the_published_signature() -> None:
    dnskey, rrsig, data = vector_parts("RFC 5702 algorithm 10")
    n, _, d, p, q = (
        int.from_bytes(base64.b64decode(line.split()[1]), "big") for line in RFC_5702_ALGORITHM_10.splitlines()[2:]
    )
    assert p * q == n
    rest = {"Exponent1": d % (p - 1), "Exponent2": d % (q - 1), "Coefficient": pow(q, -1, p)}
    text = RFC_5702_ALGORITHM_10 + "".join(
        f"{tag}: {base64.b64encode(value.to_bytes(64, 'big')).decode()}\n" for tag, value in rest.items()
    )
    key = parse_key_files(dnskey_text("RFC 5702 algorithm 10"), text)
    assert (key.key_tag, key.public_key, key.dnskey_ttl) == (3740, dnskey.key, 3600)
    assert key.signer.sign(data) == rrsig.signature


@pytest.mark.parametrize("name", RFC_6605_PRIVATE)
def test_the_published_ecdsa_key_is_read(name: str) -> None:
    dnskey, rrsig, _ = vector_parts(name)
    algorithm = dnskey.algorithm
    text = f"Private-key-format: v1.2\nAlgorithm: {int(algorithm)} ({algorithm.name})\nPrivateKey: {RFC_6605_PRIVATE[name]}\n"
    key = parse_key_files(dnskey_text(name), text)
    assert (key.key_tag, key.public_key) == (rrsig.key_tag, dnskey.key)
    assert render_private_file(key) == text


# ---- reading, lenient and strict ------------------------------------------------------------------------------------


def test_a_record_is_read_in_every_form_a_zone_file_allows() -> None:
    key = dataclasses.replace(key_of(Algorithm.ED25519), timing=NO_TIMING)
    private = render_private_file(key)
    encoded = base64.b64encode(key.public_key).decode()
    for text, ttl in [
        (f"example.nl. IN DNSKEY 257 3 15 {encoded}", None),
        (f"example.nl IN DNSKEY 257 3 15 {encoded}\n", None),
        (f"example.nl.\t3600\tDNSKEY\t257 3 15 {encoded}\n", 3600),
        (f"example.nl. 1h IN DNSKEY 257 3 ED25519 {encoded} ; comment\n", 3600),
        (f"; comment\r\nexample.nl. in 3600 dnskey ( 257 3 15 ; first\r\n  {encoded[:10]} {encoded[10:]} )\r\n", 3600),
        (f"example.nl. DNSKEY 257 3 15 {encoded}", None),
    ]:
        assert parse_key_files(text, private) == dataclasses.replace(key, dnskey_ttl=None if ttl is None else Ttl(ttl))
    crlf = private.replace("\n", "\r\n") + "\r\n"
    assert parse_key_files(render_key_file(key), crlf) == key


def test_a_later_minor_version_may_have_fields_that_nobody_knows_yet() -> None:
    key = key_of(Algorithm.ED25519)
    private = render_private_file(key) + "Novelty: 1\n"
    with pytest.raises(KeyFileError, match="line 7: not a field of BIND's private key format"):
        parse_key_files(render_key_file(key), private)
    assert parse_key_files(render_key_file(key), private.replace("v1.3", "v1.4")) == key


def test_fields_that_bind_knows_and_never_uses_are_passed_over() -> None:
    key = key_of(Algorithm.ED25519)
    assert parse_key_files(render_key_file(key), render_private_file(key) + "MaxTTL: 1\nRollPeriod: 2\n") == key


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("257 3", "257 2", "the protocol is not 3"),
        ("257 3", "x 3", "the flags are not a number"),
        ("257 3", "385 3", "flags 385 is no KSK for signing"),
        ("257 3 15", "257 3 13", "of algorithm 13 and the private one of algorithm 15"),
        ("DNSKEY", "KEY", "there is no DNSKEY record"),
        ("IN DNSKEY", "CH DNSKEY", "neither a TTL nor the class IN"),
        ("IN DNSKEY", "IN IN IN DNSKEY", "there is no DNSKEY record"),
        ("example.nl. IN", "example..nl. IN", "the owner is not a domain name"),
        ("257 3 15 ", "257 3 15 ?", "the key is not in base64"),
        ("257 3 15 ", "257 3 15 AAAA", "does not belong to the public key"),
        ("257 3 15", "257 3 99", "algorithm '99' is unknown"),
    ],
)
def test_a_public_file_that_cannot_be_used_is_refused(old: str, new: str, fault: str) -> None:
    key = key_of(Algorithm.ED25519)
    head, record = render_key_file(key).rsplit("\n", 2)[:2]
    assert old in record
    with pytest.raises(ZonekitError, match=fault) as caught:
        parse_key_files(f"{head}\n{record.replace(old, new)}\n", render_private_file(key))
    assert_secret(export_private_key(key), *everything_said_by(caught.value))


def test_a_comment_with_an_impossible_time_is_refused() -> None:
    key = key_of(Algorithm.ED25519)
    with pytest.raises(KeyFileError, match="DSRemoved is no time that there is"):
        parse_key_files("; DSRemoved: 20261301000000 (never)\n" + render_key_file(key), render_private_file(key))


@pytest.mark.parametrize("text", ["", "; nothing\n", "example.nl. IN DNSKEY 257 3 15\n", "DNSKEY 257 3 15 AAAA\n"])
def test_a_public_file_without_a_whole_record_is_refused(text: str) -> None:
    with pytest.raises(KeyFileError, match="there is no DNSKEY record in it; give the text of a"):
        parse_key_files(text, render_private_file(key_of(Algorithm.ED25519)))


def test_a_public_file_with_two_records_is_refused() -> None:
    key = key_of(Algorithm.ED25519)
    with pytest.raises(KeyFileError, match="the key is not in base64"):
        parse_key_files(render_key_file(key) * 2, render_private_file(key))


def test_the_two_files_of_different_keys_are_refused() -> None:
    one, other = generate_ksk("example.nl"), generate_ksk("example.nl")
    with pytest.raises(SigningKeyError, match=r"^example\.nl\.: the private key does not belong to the public key"):
        parse_key_files(render_key_file(one), render_private_file(other))


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("Private-key-format: v1.3\n", "", "does not begin with Private-key-format: v1; give the text"),
        ("v1.3", "v2.0", "does not begin with Private-key-format: v1"),
        ("v1.3", "1.3", "does not begin with Private-key-format: v1"),
        ("Algorithm: 15", "Algorithm: ED25519", "line 2: Algorithm does not begin with the number of one"),
        ("Algorithm: 15 (ED25519)\n", "", "there is no Algorithm in it"),
        ("Algorithm: 15", "Algorithm: 5", "RFC 9905"),
        ("Algorithm: 15", "Algorithm: 3", "algorithm 3 is unknown"),
        ("Algorithm: 15", "Algorithm: 13", "of algorithm 15 and the private one of algorithm 13"),
        ("PrivateKey: ", "PrivateKey: ?", "line 3: PrivateKey is not in base64"),
        ("PrivateKey: ", "PrivateKey: AAAA", "line 3: PrivateKey holds no key of ED25519"),
        ("PrivateKey: ", "Secret: ", "line 3: not a field of BIND's private key format"),
        ("PrivateKey: ", "PrivateKey ", "line 3: not a field of BIND's private key format"),
        ("PrivateKey: ", "Label: pkcs11:object=ksk\nEngine: cGtjczExAA==\nRollPeriod: ", "names a key in a device"),
        ("Created: ", "Publish: ", "line 5: a second Publish"),
        ("Created: 2", "Created: x2", "line 4: Created is not a time as YYYYMMDDHHMMSS"),
        ("Created: 20261121", "Created: 20261199", "line 4: Created is no time that there is"),
        ("Created: 2026", "Created: 1899", "line 4: Created is no time that there is"),
        ("Created: 2026", "Created: 2107", "line 4: Created is no time that there is"),
        ("Created: 20261121120000", "Predecessor: -1", "line 4: Predecessor is not a key tag"),
        ("Created: 20261121120000", "Successor: 99999", "99999 is not a key tag"),
    ],
)
def test_a_private_file_that_cannot_be_used_is_refused_without_a_word_of_it(old: str, new: str, fault: str) -> None:
    key = key_of(Algorithm.ED25519)
    private = render_private_file(key)
    assert old in private
    with pytest.raises(ZonekitError, match=fault) as caught:
        parse_key_files(render_key_file(key), private.replace(old, new))
    assert_secret(export_private_key(key), *everything_said_by(caught.value))


@pytest.mark.parametrize("algorithm", [13, 14])
@pytest.mark.parametrize("octets", [bytes(32), b"\xff" * 32, b"\xff" * 48, b"\x01" * 100, b""])
def test_a_number_that_is_no_ecdsa_key_is_refused(algorithm: int, octets: bytes) -> None:
    key = key_of(Algorithm(algorithm))
    text = re.sub("PrivateKey: .*", f"PrivateKey: {base64.b64encode(octets).decode()}", render_private_file(key))
    with pytest.raises(SigningKeyError, match=r"holds no key of ECDSA|does not belong to the public key"):
        parse_key_files(render_key_file(key), text)


def test_an_rsa_key_that_misses_a_number_or_has_a_wrong_one_is_refused() -> None:
    key = key_of(Algorithm.RSASHA256)
    private = render_private_file(key)
    for field in ("Modulus", "PublicExponent", "PrivateExponent", "Prime1", "Exponent2", "Coefficient"):
        with pytest.raises(KeyFileError, match=f"there is no {field} in it"):
            parse_key_files(render_key_file(key), re.sub(f"\n{field}: .*", "", private))
        with pytest.raises(SigningKeyError, match="do not fit one another") as caught:
            parse_key_files(render_key_file(key), re.sub(f"\n{field}: .*", f"\n{field}: AQAD", private))
        assert_secret(export_private_key(key), *everything_said_by(caught.value))


def test_a_refusal_carries_no_other_exception_along() -> None:
    key = key_of(Algorithm.ECDSAP256SHA256)
    public, private = render_key_file(key), render_private_file(key)
    wrong = [
        (public.replace("example.nl. IN", "a..b IN"), private),
        (public.replace("example.nl. IN", "a\udcff IN"), private),
        (public.replace(" IN DNSKEY", " 5x IN DNSKEY"), private),
        (public.replace("DNSKEY 257 3 13", "DNSKEY 257 3 13 \udcff"), private),
        (public, re.sub(r"PrivateKey: .*", "PrivateKey: AAAA", private)),
        (public, private.replace("PrivateKey: ", "PrivateKey: \udcff")),
    ]
    for texts in wrong:
        with pytest.raises(KeyFileError) as caught:
            parse_key_files(*texts)
        assert (caught.value.__cause__, caught.value.__context__) == (None, None)


def test_the_published_rsa_key_of_512_bits_is_refused() -> None:
    rsa_512 = {
        "Modulus": "wVwaxrHF2CK64aYKRUibLiH30KpPuPBjel7E8ZydQW1HYWHfoGmidzC2RnhwCC293hCzw+TFR2nqn8OVSY5t2Q==",
        "PublicExponent": "AQAB",
        "PrivateExponent": "UR44xX6zB3eaeyvTRzmskHADrPCmPWnr8dxsNwiDGHzrMKLN+i/HAam+97HxIKVWNDH2ba9Mf1SA8xu9dcHZAQ==",
        "Prime1": "4c8IvFu1AVXGWeFLLFh5vs7fbdzdC6U82fduE6KkSWk=",
        "Prime2": "2zZpBE8ZXVnL74QjG4zINlDfH+EOEtjJJ3RtaYDugvE=",
    }
    p, q, d = (
        int.from_bytes(base64.b64decode(rsa_512[each]), "big") for each in ("Prime1", "Prime2", "PrivateExponent")
    )
    rest = {"Exponent1": d % (p - 1), "Exponent2": d % (q - 1), "Coefficient": pow(q, -1, p)}
    rsa_512 |= {tag: base64.b64encode(value.to_bytes(32, "big")).decode() for tag, value in rest.items()}
    text = "Private-key-format: v1.2\nAlgorithm: 8 (RSASHA256)\n" + "".join(
        f"{tag}: {value}\n" for tag, value in rsa_512.items()
    )
    with pytest.raises(SigningKeyError, match="has 512 bits, outside 1024 to 4096"):
        parse_key_files(dnskey_text("RFC 5702 algorithm 8"), text)


def test_a_key_of_an_algorithm_on_sha1_is_refused() -> None:
    key = key_of(Algorithm.RSASHA256)
    public = render_key_file(key).replace("257 3 8 ", "257 3 5 ")
    private = render_private_file(key).replace("8 (RSASHA256)", "5 (RSASHA1)")
    with pytest.raises(AlgorithmError, match=r"algorithm 5 \(RSASHA1\) must not be used .*RFC 9905"):
        parse_key_files(public, private)


def test_the_private_file_of_a_device_cannot_be_written() -> None:
    device = Device(15)
    key = from_signer(device, owner="example.nl", algorithm=15, public_key=device.public_key, role=KeyRole.KSK)
    assert "DNSKEY 257 3 15" in render_key_file(key)
    with pytest.raises(SigningKeyError, match="cannot be exported from a Device"):
        render_private_file(key)


@given(st.sampled_from(SIGNING), st.booleans(), st.data())
def test_a_damaged_file_is_refused_without_a_word_of_it_or_reads_as_before(
    algorithm: Algorithm, public: bool, draw: st.DataObject
) -> None:
    key = key_of(algorithm)
    texts = [render_private_file(key), render_key_file(key)]
    text = texts[public]
    start = draw.draw(st.integers(0, len(text)))
    end = draw.draw(st.integers(start, min(len(text), start + 40)))
    texts[public] = text[:start] + draw.draw(st.text(':\n AZaz09+/=;()\\"\x00\xe9\udcff', max_size=4)) + text[end:]
    try:
        again = parse_key_files(texts[1], texts[0])
    except ZonekitError as error:
        assert_secret(export_private_key(key), *everything_said_by(error))
    else:
        assert again.signer.sign(b"data") == key.signer.sign(b"data")
