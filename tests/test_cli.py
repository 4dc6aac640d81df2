"""The commands do what their help says, end with the exit code it says, and never show a private key or a traceback."""

from __future__ import annotations

import io
import json
import os
import re
import stat
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from tests.keyring import NOW
from tests.peers import (
    assert_accepted,
    assert_dnssec_verify_accepts,
    assert_every_verifier_accepts,
    named_checkzone,
    run_peer,
)
from tests.signed_zones import assert_signed
from zonekit import rdata as rd
from zonekit.cli.app import Later, cli
from zonekit.cli.exits import BAD_INPUT, INTERNAL, OK, REFUSED, BadInput, Tidy
from zonekit.cli.inputs import read_dnskeys
from zonekit.cli.ttls import _read_changes
from zonekit.denial import Nsec, Nsec3, OptOut, denial_of
from zonekit.dnskeys import dnskey_signers, dnskeys_of, parse_dnskeys
from zonekit.ds import make_ds
from zonekit.files import read_key, read_keys, read_zone, write_key, write_zone
from zonekit.instants import SignatureValidity, instant_text
from zonekit.keys import KeyRole, KeyTiming, SigningKey, generate_zsk
from zonekit.render import render_zone
from zonekit.signing import sign_zone
from zonekit.zones import Zone

ORIGIN = "example.nl"
ROOT = Path(__file__).parent.parent
LOSING_FILE = str(ROOT / "fixtures" / "zones" / "example.nl.zone")
GAINING_FILE = str(ROOT / "fixtures" / "zones" / "example.nl.gaining.zone")
AT = ["--now", instant_text(NOW)]
ORIGIN_SOA = "@ 3600 IN SOA ns1.example.net. admin.example.nl. 1 7200 3600 1209600 300\n@ 3600 IN NS ns1.example.net.\n"


def secrets_in(*directories: Path) -> list[str]:
    """Every piece of private key material in the key files of these directories."""
    files = [file for directory in directories for file in directory.glob("**/*.private")]
    lines = [line for file in files for line in file.read_text().splitlines()]
    public = (
        "Private-key-format",
        "Algorithm",
        "Modulus",
        "PublicExponent",
        "Created",
        "Publish",
        "Activate",
        "Inactive",
    )
    return [line.partition(": ")[2] for line in lines if not line.startswith(public)]


def run(*arguments: object, text: str | bytes = "", secrets: Iterable[str] = ()) -> Result:
    """Run a command to its end; whatever happens, it shows no private key and no traceback."""
    result = CliRunner().invoke(cli, [str(each) for each in arguments], input=text, prog_name="zonekit")
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert "Traceback" not in result.output
    assert result.exit_code in (OK, REFUSED, BAD_INPUT), result.output
    for secret in secrets:
        assert secret not in result.output
    return result


def succeed(*arguments: object, text: str | bytes = "", secrets: Iterable[str] = ()) -> Result:
    """Run a command that has to succeed."""
    result = run(*arguments, text=text, secrets=secrets)
    assert result.exit_code == 0, result.output
    return result


def refuse(exit_code: int, *arguments: object, text: str | bytes = "") -> str:
    """Run a command that has to fail with this exit code and one line, and return the line."""
    result = run(*arguments, text=text)
    assert result.exit_code == exit_code, result.output
    lines = [line for line in result.stderr.splitlines() if line.startswith("zonekit: ")]
    assert len(lines) == 1, result.stderr
    return lines[0].removeprefix("zonekit: ")


@dataclass(frozen=True)
class Operators:
    """Two operators' keys and signed zones, made by the commands themselves."""

    directory: Path

    @property
    def losing_keys(self) -> Path:
        return self.directory / "losing-keys"

    @property
    def gaining_keys(self) -> Path:
        return self.directory / "gaining-keys"

    @property
    def losing(self) -> Path:
        return self.directory / "losing.signed"

    @property
    def gaining(self) -> Path:
        return self.directory / "gaining.signed"

    @property
    def gaining_dnskeys(self) -> Path:
        return self.directory / "gaining.dnskeys"

    @property
    def secrets(self) -> list[str]:
        return secrets_in(self.losing_keys, self.gaining_keys)

    def key(self, directory: Path, role: KeyRole) -> Path:
        (key,) = [key for key in read_keys(directory, ORIGIN) if key.role is role]
        return directory / key.name


@pytest.fixture(scope="module")
def operators(tmp_path_factory: pytest.TempPathFactory) -> Operators:
    made = Operators(tmp_path_factory.mktemp("operators"))
    made.losing_keys.mkdir()
    made.gaining_keys.mkdir()
    succeed("keygen", ORIGIN, "-K", made.losing_keys, *AT)
    theirs = "".join(file.read_text() for file in sorted(made.losing_keys.glob("*.key")))
    succeed("keygen", ORIGIN, "-K", made.gaining_keys, "--avoid", "-", *AT, text=theirs)
    for source, keys, signed in (
        (LOSING_FILE, made.losing_keys, made.losing),
        (GAINING_FILE, made.gaining_keys, made.gaining),
    ):
        succeed("sign", source, "-o", ORIGIN, "-K", keys, "-f", signed, *AT)
    made.gaining_dnskeys.write_text("".join(file.read_text() for file in sorted(made.gaining_keys.glob("*.key"))))
    return made


def zone_of(text: str | Path) -> Zone:
    if isinstance(text, Path):
        return read_zone(text, origin=ORIGIN)
    from zonekit.zonefile import parse_zone

    return parse_zone(text, ORIGIN)


def tags(keys: Iterable[Any]) -> set[int]:
    return {key.key_tag for key in keys}


# ---- keygen ---------------------------------------------------------------------------------------------------------


def test_keygen_makes_a_ksk_and_a_zsk_that_only_their_owner_can_read(tmp_path: Path) -> None:
    result = succeed("keygen", ORIGIN, "-K", tmp_path, *AT, secrets=())
    stems = result.stdout.split()
    keys = read_keys(tmp_path, ORIGIN)
    assert sorted(stems) == sorted(key.name for key in keys)
    assert [read_key(tmp_path / stem).role for stem in stems] == [KeyRole.KSK, KeyRole.ZSK]
    assert {key.timing for key in keys} == {KeyTiming.starting(NOW)}
    assert {stat.S_IMODE(file.stat().st_mode) for file in tmp_path.glob("*.private")} == {0o600}
    assert not any(secret in result.output for secret in secrets_in(tmp_path))


def test_keygen_makes_the_roles_and_algorithm_asked_for(tmp_path: Path) -> None:
    succeed("keygen", ORIGIN, "--csk", "--zsk", "-a", "ed25519", "-K", tmp_path)
    succeed("keygen", ORIGIN, "--zsk", "-a", "8", "-b", "2048", "-K", tmp_path)
    keys = read_keys(tmp_path, ORIGIN)
    assert sorted((int(key.algorithm), key.flags) for key in keys) == [(8, 256), (15, 256), (15, 257)]


def test_bind_takes_the_keys_that_keygen_makes(tmp_path: Path) -> None:
    stem = succeed("keygen", ORIGIN, "--ksk", "-K", tmp_path, *AT).stdout.strip()
    told = run_peer(["dnssec-settime", "-u", "-p", "all", tmp_path / stem])
    assert told.returncode == 0, told.stderr
    assert f"Activate: {int(NOW.timestamp())}" in told.stdout


def test_keygen_avoids_the_key_tags_it_is_told_to(tmp_path: Path) -> None:
    free = range(20000, 30000)
    # A two-octet public key has the tag 1037 + itself, so these take every tag but the free ones.
    records = "".join(
        rd.print_rdata(rd.DNSKEY, bytes((1, 0, 3, 13)) + ((tag - 1037) % 65535).to_bytes(2, "big")) + "\n"
        for tag in range(0, 65536, 2)
        if tag not in free
    )
    taken = tags(parse_dnskeys(records, owner=ORIGIN))
    succeed("keygen", ORIGIN, "--ksk", "--zsk", "--csk", "-K", tmp_path, "--avoid", "-", text=records)
    made = tags(read_keys(tmp_path, ORIGIN))
    assert len(made) == 3
    assert not made & taken


def test_keygen_as_json_says_what_was_made(tmp_path: Path) -> None:
    told = json.loads(succeed("keygen", ORIGIN, "-K", tmp_path, "--json").stdout)
    assert told["zone"] == "example.nl."
    for key in told["keys"]:
        made = read_key(key["private_file"])
        assert (key["role"], key["key_tag"], key["algorithm"], key["flags"], key["name"]) == (
            *(made.role.value, made.key_tag, int(made.algorithm), made.flags, made.name),
        )
        (public,) = parse_dnskeys(key["dnskey"])
        assert public.dnskey_rdata == made.dnskey_rdata


@pytest.mark.parametrize(
    ("arguments", "exit_code", "words"),
    [
        (["bad..name"], 2, "empty label"),
        ([ORIGIN, "-a", "RSASHA1"], 2, "must not be used for new keys"),
        ([ORIGIN, "-a", "DSA"], 2, "unknown or not supported"),
        ([ORIGIN, "-a", "13", "-b", "2048"], 2, "bits"),
        ([ORIGIN, "-a", "8", "-b", "100"], 2, "bits"),
        ([ORIGIN, "-K", "nowhere"], 2, "nowhere"),
        ([ORIGIN, "--avoid", "nowhere"], 2, "nowhere"),
        ([ORIGIN, "--now", "yesterday"], 2, "is not an instant"),
        ([], 2, "ORIGIN"),
    ],
)
def test_keygen_refuses_what_it_cannot_do(
    arguments: list[str], exit_code: int, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert words in refuse(exit_code, "keygen", *arguments)
    assert not list(tmp_path.iterdir())


# ---- ds -------------------------------------------------------------------------------------------------------------


def test_ds_of_a_key_file_and_of_a_zone_is_what_dnssec_dsfromkey_says(operators: Operators) -> None:
    ksk = operators.key(operators.losing_keys, KeyRole.KSK)
    for digest in ("SHA-256", "SHA-384"):
        theirs = run_peer(["dnssec-dsfromkey", "-a", digest, f"{ksk}.key"]).stdout
        for source in (ksk, f"{ksk}.key", f"{ksk}.private", operators.losing):
            ours = succeed("ds", source, "--digest", digest, secrets=operators.secrets).stdout
            assert ours.replace(" 3600 IN", " IN") == theirs, source


def test_ds_takes_dnskey_records_from_standard_input(operators: Operators) -> None:
    text = operators.gaining_dnskeys.read_text()
    assert succeed("ds", "-", text=text).stdout == succeed("ds", operators.gaining).stdout
    assert succeed("ds", "-", text=operators.gaining.read_text()).stdout == succeed("ds", operators.gaining).stdout


def test_ds_takes_every_form(operators: Operators) -> None:
    ksk = read_key(operators.key(operators.losing_keys, KeyRole.KSK))
    ds = make_ds([ksk], digest_types=["SHA-256", "SHA-384"])
    arguments = ["ds", operators.losing, "--digest", "2", "--digest", "SHA384"]
    assert succeed(*arguments).stdout == ds.text() + "\n"
    registry = succeed(*arguments, "--format", "registry").stdout
    assert registry.count(f"keyTag: {ksk.key_tag}\nalg: 13\ndigestType: ") == 2
    assert "pubKey: " in succeed(*arguments, "--format", "registry-key").stdout
    told = json.loads(succeed(*arguments, "--json").stdout)
    assert [each["record"] for each in told["ds"]] == ds.text().split("\n")
    assert {each["digestType"] for each in told["ds"]} == {2, 4}
    assert [each["flags"] for each in told["keys"]] == [257]


def test_bind_reads_the_dsset_that_ds_prints(operators: Operators, tmp_path: Path) -> None:
    dsset = succeed("ds", operators.losing, "--format", "dsset").stdout
    parent = tmp_path / "nl.zone"
    parent.write_text(f"$TTL 3600\n{ORIGIN_SOA}example.nl. NS ns1.example.net.\n{dsset}")
    assert_accepted(named_checkzone(parent, "nl"))


def test_after_a_merge_the_ds_are_those_of_both(operators: Operators) -> None:
    merged = succeed("merge", operators.losing, "-K", operators.losing_keys, "--foreign", operators.gaining_dnskeys)
    of_both = succeed("ds", "-", text=merged.stdout).stdout.splitlines()
    of_each = [succeed("ds", zone).stdout.strip() for zone in (operators.losing, operators.gaining)]
    assert sorted(of_both) == sorted(of_each)


def test_ds_refuses_a_zsk_and_sha_1_and_what_is_no_key(operators: Operators, tmp_path: Path) -> None:
    zsk = operators.key(operators.losing_keys, KeyRole.ZSK)
    assert "SEP flag" in refuse(1, "ds", zsk)
    assert "SHA-1" in refuse(1, "ds", operators.losing, "--digest", "SHA-1")
    assert "no DNSKEY RRset" in refuse(2, "ds", LOSING_FILE)
    assert "digest" in refuse(2, "ds", operators.losing, "--digest", "MD5")
    assert "nowhere" in refuse(2, "ds", tmp_path / "nowhere")
    assert "private key" in refuse(2, "ds", "-", text=Path(f"{zsk}.private").read_text())


# ---- sign -----------------------------------------------------------------------------------------------------------


def test_a_zone_that_is_signed_satisfies_every_verifier_and_our_own_reading(operators: Operators) -> None:
    assert_every_verifier_accepts(operators.losing, ORIGIN, NOW)
    assert_accepted(named_checkzone(operators.losing, ORIGIN))
    assert_signed(zone_of(operators.losing), read_keys(operators.losing_keys, ORIGIN), Nsec(), NOW)


def test_a_signed_zone_goes_to_standard_output_byte_for_byte_as_to_a_file(operators: Operators) -> None:
    arguments = ["sign", LOSING_FILE, "-o", ORIGIN, "-K", operators.losing_keys, *AT]
    assert succeed(*arguments, secrets=operators.secrets).stdout == operators.losing.read_text()
    assert succeed(*arguments, "-f", "-").stdout == operators.losing.read_text()
    piped = [*arguments[:1], "-", *arguments[2:]]
    assert succeed(*piped, text=Path(LOSING_FILE).read_bytes()).stdout == operators.losing.read_text()


def test_the_keys_can_be_named_one_by_one(operators: Operators, monkeypatch: pytest.MonkeyPatch) -> None:
    ksk, zsk = (operators.key(operators.losing_keys, role) for role in (KeyRole.KSK, KeyRole.ZSK))
    expected = operators.losing.read_text()
    assert succeed("sign", LOSING_FILE, f"{ksk}.private", zsk, "-o", ORIGIN, *AT).stdout == expected
    named = ["sign", LOSING_FILE, ksk.name, f"{zsk.name}.key", "-K", operators.losing_keys, *AT]
    assert succeed(*named).stdout == expected, "a bare name is looked for in -K"
    monkeypatch.chdir(operators.losing_keys)
    assert succeed("sign", LOSING_FILE, ksk.name, zsk.name, *AT).stdout == expected


def test_nsec3_with_its_parameters_satisfies_the_verifiers(operators: Operators, tmp_path: Path) -> None:
    out = tmp_path / "signed"
    base = ["sign", LOSING_FILE, "-o", ORIGIN, "-K", operators.losing_keys, *AT, "-f", out, "--nsec3"]
    succeed(*base)
    assert_every_verifier_accepts(out, ORIGIN, NOW)
    assert_signed(zone_of(out), read_keys(operators.losing_keys, ORIGIN), Nsec3(), NOW)
    succeed(*base, "--opt-out", "--iterations", "3", "--salt", "aabb")
    asked = Nsec3(opt_out=OptOut.ON, iterations=3, salt=bytes.fromhex("aabb"))
    assert_signed(zone_of(out), read_keys(operators.losing_keys, ORIGIN), asked, NOW)
    assert_dnssec_verify_accepts(out, ORIGIN, NOW)


def test_signatures_that_are_good_for_long_enough_stay(operators: Operators, tmp_path: Path) -> None:
    out = tmp_path / "signed"
    out.write_bytes(operators.losing.read_bytes())
    later = ["--now", "2026-11-25T12:00:00Z"]
    base = ["sign", LOSING_FILE, "-o", ORIGIN, "-K", operators.losing_keys, "--previous", out]
    assert succeed(*base, *later).stdout == operators.losing.read_text()
    fresh = zone_of(succeed(*base, *later, "--signatures-refresh", "12d").stdout)
    rrsig = fresh.signatures("www", "CNAME")
    assert rrsig is not None
    assert rrsig != zone_of(out).signatures("www", "CNAME")


def test_the_first_run_of_a_command_that_reuses_its_own_output_signs_everything(
    operators: Operators, tmp_path: Path
) -> None:
    out = tmp_path / "signed"
    base = ["sign", LOSING_FILE, "-o", ORIGIN, "-K", operators.losing_keys, "--previous", out]
    succeed(*base, "-f", out, *AT)
    assert out.read_text() == operators.losing.read_text()
    assert "nowhere" in refuse(2, *base[:-1], tmp_path / "nowhere", *AT)


def test_the_serial_follows_the_policy_and_never_what_secondaries_have(operators: Operators, tmp_path: Path) -> None:
    base = ["sign", LOSING_FILE, "-o", ORIGIN, "-K", operators.losing_keys, *AT]
    serials = {
        policy: zone_of(succeed(*base, "--serial", policy).stdout).serial
        for policy in ("keep", "increment", "date", "unixtime")
    }
    assert serials == {
        "keep": 2026110302,
        "increment": 2026110303,
        "date": 2026112100,
        "unixtime": 2026110303,  # the time is not after a date, so one more it is
    }
    out = tmp_path / "signed"
    for expected in (2026110303, 2026110304, 2026110305):
        succeed(*base, "--serial", "increment", "--previous", out, "-f", out)
        assert zone_of(out).serial == expected
        assert_signed(zone_of(out), read_keys(operators.losing_keys, ORIGIN), Nsec(), NOW)
    kept = succeed(*base, "--serial", "keep", "--previous", out)
    assert "serial-not-raised" in kept.stderr
    assert "serial-ahead" in succeed(*base, "--serial", "unixtime").stderr


def test_jitter_spreads_expirations_the_same_way_for_the_same_seed(operators: Operators) -> None:
    base = ["sign", LOSING_FILE, "-o", ORIGIN, "-K", operators.losing_keys, *AT]

    def expirations(*options: str) -> list[bytes]:
        zone = zone_of(succeed(*base, *options).stdout)
        return [rdata[8:12] for rrset in zone.rrsets() if rrset.rdtype == rd.RRSIG for rdata in rrset.rdatas]

    assert len(set(expirations())) == 1
    assert len(set(expirations("--jitter", "1d"))) > 10
    assert expirations("--jitter", "1d", "--seed", "7") == expirations("--jitter", "1d", "--seed", "7")
    assert expirations("--jitter", "1d", "--seed", "7") != expirations("--jitter", "1d", "--seed", "8")


def test_several_processes_make_the_same_bytes(operators: Operators) -> None:
    base = ["sign", LOSING_FILE, "-o", ORIGIN, "-K", operators.losing_keys, *AT]
    assert succeed(*base, "--jobs", "2").stdout == operators.losing.read_text()


def test_a_key_that_is_published_and_not_in_use_joins_the_dnskeys_and_signs_nothing(
    operators: Operators, tmp_path: Path
) -> None:
    future = KeyTiming(created=NOW, publish=NOW, activate=NOW.replace(month=12))
    unborn = KeyTiming(created=NOW, publish=NOW.replace(month=12), activate=NOW.replace(month=12))
    gone = KeyTiming(publish=NOW.replace(year=2025), activate=NOW.replace(year=2025), delete=NOW.replace(day=1))
    own = read_keys(operators.losing_keys, ORIGIN)
    held: dict[str, SigningKey] = {}
    for name, timing in (("future", future), ("unborn", unborn), ("gone", gone)):
        held[name] = generate_zsk(ORIGIN, avoid=tags([*own, *held.values()]), timing=timing)
    for key in (*own, *held.values()):
        write_key(key, tmp_path)
    zone = zone_of(succeed("sign", LOSING_FILE, "-o", ORIGIN, "-K", tmp_path, *AT).stdout)
    assert tags(dnskeys_of(zone.apex_rrset(rd.DNSKEY))) == tags([*own, held["future"]])
    assert tags(dnskey_signers(zone)) == {key.key_tag for key in own if key.role is KeyRole.KSK}
    assert_signed(zone, own, Nsec(), NOW)


def test_what_others_left_in_the_zone_goes_when_asked(operators: Operators, tmp_path: Path) -> None:
    foreign = generate_zsk(ORIGIN, avoid=tags(read_keys(operators.losing_keys, ORIGIN)))
    own = read_keys(operators.losing_keys, ORIGIN)
    both = sign_zone(
        zone_of(operators.losing), [*own, foreign], validity=SignatureValidity.starting(NOW, timedelta(days=14))
    )
    write_zone(both, tmp_path / "both")
    base = ["sign", tmp_path / "both", "-K", operators.losing_keys, *AT]
    signers = {}
    for choice in ("keep", "drop-signatures", "drop"):
        zone = zone_of(succeed(*base, "--foreign", choice).stdout)
        signers[choice] = (foreign.key_tag in tags(dnskeys_of(zone.apex_rrset(rd.DNSKEY))), _signs(zone, foreign))
    assert signers == {"keep": (True, True), "drop-signatures": (True, False), "drop": (False, False)}


def _signs(zone: Zone, key: SigningKey) -> bool:
    rrsigs = zone.signatures("@", "SOA")
    return rrsigs is not None and any(rdata[16:18] == key.key_tag.to_bytes(2, "big") for rdata in rrsigs.rdatas)


def test_signing_again_keeps_the_denial_of_the_zone_unless_told_otherwise(operators: Operators, tmp_path: Path) -> None:
    base = ["-K", operators.losing_keys, *AT]
    signed = tmp_path / "signed"
    succeed("sign", LOSING_FILE, "-o", ORIGIN, *base, "--nsec3", "--salt", "ab", "--opt-out", "-f", signed)
    expected = Nsec3(salt=b"\xab", opt_out=OptOut.ON)
    told = succeed("sign", signed, *base)
    assert denial_of(zone_of(told.stdout)) == expected
    assert "NSEC3 (iterations 0, salt ab, opt-out)" in told.stderr
    assert denial_of(zone_of(succeed("sign", signed, *base, "--nsec").stdout)) == Nsec()
    assert "exclude each other" in refuse(2, "sign", signed, *base, "--nsec", "--nsec3")


def test_a_csk_signs_everything_when_it_is_said_to_be_one(tmp_path: Path) -> None:
    succeed("keygen", ORIGIN, "--csk", "-K", tmp_path, *AT)
    base = ["sign", LOSING_FILE, "-o", ORIGIN, "-K", tmp_path, *AT, "-f", tmp_path / "signed"]
    assert "has no ZSK" in refuse(1, *base)
    succeed(*base, "--csk")
    assert_dnssec_verify_accepts(tmp_path / "signed", ORIGIN, NOW, "-z")


def test_include_is_followed_inside_the_directory_given_and_nowhere_else(operators: Operators, tmp_path: Path) -> None:
    (tmp_path / "more").write_text("www 3600 IN A 192.0.2.1\n")
    (tmp_path / "zone").write_text(f"$ORIGIN example.nl.\n{ORIGIN_SOA}$INCLUDE more\n")
    base = ["sign", tmp_path / "zone", "-K", operators.losing_keys, *AT]
    assert "$INCLUDE" in refuse(2, *base)
    assert zone_of(succeed(*base, "--include-root", tmp_path).stdout).get("www", "A") is not None


def test_what_is_odd_about_a_zone_is_said_on_standard_error(operators: Operators, tmp_path: Path) -> None:
    (tmp_path / "zone").write_text(f"$ORIGIN example.nl.\n{ORIGIN_SOA}a.example.com. 60 IN A 192.0.2.1\n")
    base = ["sign", tmp_path / "zone", "-K", operators.losing_keys, *AT]
    result = succeed(*base)
    assert "[out-of-zone]" in result.stderr
    assert "out-of-zone" not in result.stdout
    assert succeed(*base, "--quiet").stderr == ""
    told = json.loads(succeed(*base, "--json", "-f", tmp_path / "signed").stdout)
    assert [finding["code"] for finding in told["findings"]] == ["out-of-zone"]
    assert told["serial"] == 1
    assert told["output"] == str(tmp_path / "signed")
    assert told["expiration"] == "2026-12-05T12:00:00Z"
    assert tags(read_keys(operators.losing_keys, ORIGIN)) == {key["key_tag"] for key in told["keys"]}


def test_an_input_is_written_over_only_in_place(operators: Operators, tmp_path: Path) -> None:
    source = tmp_path / "zone"
    source.write_bytes(Path(LOSING_FILE).read_bytes())
    link = tmp_path / "link"
    link.symlink_to(source)
    base = ["sign", source, "-o", ORIGIN, "-K", operators.losing_keys, *AT]
    for output in (source, link, tmp_path / "." / "zone"):
        assert "--in-place" in refuse(2, *base, "-f", output)
    assert source.read_bytes() == Path(LOSING_FILE).read_bytes()
    succeed(*base, "--in-place")
    assert source.read_text() == operators.losing.read_text()


def test_no_output_goes_over_another_file_that_the_command_reads(operators: Operators, tmp_path: Path) -> None:
    foreign, losing, saved = tmp_path / "foreign", tmp_path / "losing", tmp_path / "saved"
    foreign.write_bytes(operators.gaining_dnskeys.read_bytes())
    losing.write_bytes(operators.losing.read_bytes())
    keys = ["-K", operators.losing_keys, *AT]
    succeed("lower-ttl", losing, *keys, "--save", saved, "-i")
    merged = tmp_path / "merged"
    succeed("merge", losing, *keys, "--foreign", foreign, "-f", merged)
    for link in (foreign, losing, saved):
        (tmp_path / f"{link.name}-link").symlink_to(link)
        (tmp_path / f"{link.name}-hard").hardlink_to(link)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    for read, command in (
        (foreign, ["merge", losing, *keys, "--foreign", operators.gaining_dnskeys, "--foreign", foreign]),
        (losing, ["merge", operators.gaining, "-K", operators.gaining_keys, *AT, "--foreign-zone", losing]),
        (foreign, ["withdraw", merged, *keys, "--foreign", foreign]),
        (saved, ["lower-ttl", losing, *keys, "--restore", saved]),
    ):
        for output in (read, tmp_path / f"{read.name}-link", tmp_path / f"{read.name}-hard"):
            line = refuse(2, *command, "-f", output)
            assert line.startswith(f"{output}: this is ")
            assert str(read) in line
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_the_earlier_zone_may_be_the_output_through_a_link_too(operators: Operators, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "signed")
    base = ["sign", LOSING_FILE, "-o", ORIGIN, "-K", operators.losing_keys, *AT]
    succeed(*base, "-f", tmp_path / "signed")
    succeed(*base, "--previous", tmp_path / "signed", "-f", tmp_path / "link")
    assert (tmp_path / "signed").read_text() == operators.losing.read_text()
    assert (tmp_path / "link").is_symlink()


def test_no_zone_and_no_save_file_goes_over_a_key_whatever_it_is_called(operators: Operators, tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.mkdir()
    stems = [operators.key(operators.losing_keys, role) for role in (KeyRole.KSK, KeyRole.ZSK)]
    for stem in stems:
        for suffix in (".key", ".private"):
            (keys / f"{stem.name}{suffix}").write_bytes(Path(f"{stem}{suffix}").read_bytes())
    ksk = keys / stems[0].name
    link, store, away = tmp_path / "zone.signed", tmp_path / "store", tmp_path / "away"
    absent = keys / "Kexample.nl.+013+00001.private"
    link.symlink_to(f"{ksk}.private")
    away.symlink_to(absent)
    zsk = keys / f"{stems[1].name}.private"
    zsk.rename(store)
    zsk.symlink_to(store)  # a key whose file has another name
    before = {path: path.read_bytes() for path in keys.iterdir()}
    zone = tmp_path / "zone"
    zone.write_bytes(operators.losing.read_bytes())
    named = [ksk, keys / stems[1].name]
    for output in (ksk, f"{ksk}.key", f"{ksk}.private", link, away, store):
        for chosen in (["-K", keys], named):
            assert str(output) in refuse(2, "sign", LOSING_FILE, *chosen, "-o", ORIGIN, *AT, "-f", output)
            assert str(output) in refuse(2, "lower-ttl", zone, *chosen, *AT, "-f", output)
    assert "key file" in refuse(2, "sign", link, "-o", ORIGIN, "-K", keys, "-i")
    assert "key file" in refuse(2, "lower-ttl", zone, "-K", keys, "--save", absent, "-i")
    assert {path: path.read_bytes() for path in keys.iterdir()} == before


def test_sign_refuses_options_that_do_not_go_together(operators: Operators, tmp_path: Path) -> None:
    base = ["sign", LOSING_FILE, "-o", ORIGIN, "-K", operators.losing_keys]
    assert "--nsec3" in refuse(2, *base, "--salt", "aa")
    assert "--nsec3" in refuse(2, *base, "--iterations", "0")
    assert "150" in refuse(2, *base, "--nsec3", "--iterations", "151")
    assert "--jitter" in refuse(2, *base, "--seed", "1")
    assert "hexadecimal" in refuse(2, *base, "--nsec3", "--salt", "xyz")
    assert "not both" in refuse(2, *base, "-f", tmp_path / "x", "-i")
    assert "--json" in refuse(2, *base, "--json")
    assert "standard input" in refuse(2, "sign", "-", "-i", text="")
    assert "key file" in refuse(2, *base, "-f", f"{operators.key(operators.losing_keys, KeyRole.ZSK)}.private")
    assert "is not a TTL" in refuse(2, *base, "--signatures-validity", "soon")
    assert "once" in refuse(2, "sign", "-", "-o", ORIGIN, "--previous", "-", text=Path(LOSING_FILE).read_text())
    assert not list(tmp_path.iterdir())


def test_sign_refuses_keys_that_cannot_sign_the_zone(operators: Operators, tmp_path: Path) -> None:
    zsk = operators.key(operators.losing_keys, KeyRole.ZSK)
    assert "no key to sign with" in refuse(1, "sign", LOSING_FILE, "-o", ORIGIN)
    assert "no key of example.nl." in refuse(1, "sign", LOSING_FILE, "-o", ORIGIN, "-K", tmp_path)
    early = ["--now", "2026-11-21T11:59:59Z"]
    assert "in use" in refuse(1, "sign", LOSING_FILE, "-o", ORIGIN, "-K", operators.losing_keys, *early)
    assert succeed("sign", LOSING_FILE, zsk, operators.key(operators.losing_keys, KeyRole.KSK), *early).stdout
    assert "has no KSK" in refuse(1, "sign", LOSING_FILE, zsk, "-o", ORIGIN)
    succeed("keygen", "example.com", "-K", tmp_path)
    (other, _) = sorted(tmp_path.glob("*.key"))
    assert "belong" in refuse(1, "sign", LOSING_FILE, zsk, other, "-o", ORIGIN)
    assert "nowhere" in refuse(2, "sign", LOSING_FILE, "nowhere", "-o", ORIGIN)


def test_a_write_that_fails_leaves_the_old_file(operators: Operators, tmp_path: Path) -> None:
    base = ["sign", LOSING_FILE, "-o", ORIGIN, "-K", operators.losing_keys]
    assert "cannot be written" in refuse(2, *base, "-f", tmp_path / "none" / "x")
    (tmp_path / "directory").mkdir()
    assert "not a plain file" in refuse(2, *base, "-f", tmp_path / "directory")
    out = tmp_path / "out"
    out.write_text("old")
    assert "has no KSK" in refuse(1, "sign", LOSING_FILE, operators.key(operators.losing_keys, KeyRole.ZSK), "-f", out)
    assert out.read_text() == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["directory", "out"]


# ---- merge and withdraw ---------------------------------------------------------------------------------------------


def test_a_merge_adds_the_foreign_keys_and_changes_nothing_else(operators: Operators, tmp_path: Path) -> None:
    out = tmp_path / "merged"
    base = ["merge", operators.losing, "-K", operators.losing_keys, *AT]
    succeed(*base, "--foreign", operators.gaining_dnskeys, "-f", out, secrets=operators.secrets)
    before, after = zone_of(operators.losing), zone_of(out)
    foreign = parse_dnskeys(operators.gaining_dnskeys.read_text())
    assert set(dnskeys_of(after.apex_rrset(rd.DNSKEY))) == {*dnskeys_of(before.apex_rrset(rd.DNSKEY)), *foreign}
    touched = {(older.type_text, older.covers) for older, _ in before.diff(after).changed}
    assert touched == {("DNSKEY", 0), ("SOA", 0), ("RRSIG", rd.DNSKEY), ("RRSIG", rd.SOA)}
    assert after.serial == before.serial + 1
    assert_every_verifier_accepts(out, ORIGIN, NOW)


def test_a_merge_from_the_losing_zone_takes_the_keys_that_sign_its_data(operators: Operators, tmp_path: Path) -> None:
    out = tmp_path / "merged"
    base = ["merge", operators.gaining, "-K", operators.gaining_keys, *AT]
    succeed(*base, "--foreign-zone", operators.losing, "-f", out)
    (zsk,) = [key for key in read_keys(operators.losing_keys, ORIGIN) if key.role is KeyRole.ZSK]
    own = read_keys(operators.gaining_keys, ORIGIN)
    assert tags(dnskeys_of(zone_of(out).apex_rrset(rd.DNSKEY))) == tags([*own, zsk])
    assert_dnssec_verify_accepts(out, ORIGIN, NOW)


def test_foreign_keys_come_from_files_standard_input_and_by_key_tag(operators: Operators) -> None:
    base = ["merge", operators.losing, "-K", operators.losing_keys, *AT]
    text = operators.gaining_dnskeys.read_text()
    both = succeed(*base, "--foreign", operators.gaining_dnskeys).stdout
    assert succeed(*base, "--foreign", "-", text=text).stdout == both
    one_by_one = [word for file in operators.gaining_keys.glob("*.key") for word in ("--foreign", file)]
    assert succeed(*base, *one_by_one).stdout == both
    zsk = read_key(operators.key(operators.gaining_keys, KeyRole.ZSK))
    one = zone_of(succeed(*base, "--foreign", "-", "--key-tag", zsk.key_tag, text=text).stdout)
    own = read_keys(operators.losing_keys, ORIGIN)
    assert tags(dnskeys_of(one.apex_rrset(rd.DNSKEY))) == tags([*own, zsk])
    assert "key tag" in refuse(2, *base, "--foreign", "-", "--key-tag", next(iter(tags(own))), text=text)


def test_the_ksk_alone_is_enough_for_a_merge_that_keeps_the_serial(operators: Operators, tmp_path: Path) -> None:
    ksk = operators.key(operators.losing_keys, KeyRole.KSK)
    base = ["merge", operators.losing, ksk, "--foreign", operators.gaining_dnskeys, "-f", tmp_path / "out", *AT]
    assert "serial" in refuse(1, *base)
    succeed(*base, "--serial", "keep")
    assert zone_of(tmp_path / "out").serial == zone_of(operators.losing).serial
    assert_dnssec_verify_accepts(tmp_path / "out", ORIGIN, NOW)


def test_cds_are_published_when_asked_for(operators: Operators, tmp_path: Path) -> None:
    out = tmp_path / "out"
    base = ["merge", operators.losing, "-K", operators.losing_keys, "--foreign", operators.gaining_dnskeys, *AT]
    succeed(*base, "--publish-cds", "-f", out)
    cds = zone_of(out).apex_rrset(rd.CDS)
    assert len(cds.rdatas) == 2
    assert_every_verifier_accepts(out, ORIGIN, NOW)


def test_withdrawing_undoes_a_merge(operators: Operators, tmp_path: Path) -> None:
    merged, alone = tmp_path / "merged", tmp_path / "alone"
    keys = ["-K", operators.losing_keys, *AT]
    succeed("merge", operators.losing, *keys, "--foreign", operators.gaining_dnskeys, "-f", merged)
    withdrawn = ["withdraw", merged, *keys, "--foreign", operators.gaining_dnskeys]
    succeed(*withdrawn, "-f", alone, secrets=operators.secrets)
    diff = zone_of(operators.losing).diff(zone_of(alone))
    assert not diff.added
    assert not diff.removed
    assert {older.type_text for older, _ in diff.changed} == {"SOA", "RRSIG"}
    assert_every_verifier_accepts(alone, ORIGIN, NOW)
    by_tag = [word for key in read_keys(operators.gaining_keys, ORIGIN) for word in ("--key-tag", key.key_tag)]
    assert succeed("withdraw", merged, *keys, *by_tag).stdout == alone.read_text()


def test_merge_and_withdraw_as_json_say_what_was_done(operators: Operators, tmp_path: Path) -> None:
    out = tmp_path / "out"
    keys = ["-K", operators.losing_keys, *AT, "--json"]
    arguments = ["--foreign", operators.gaining_dnskeys, "-f", out]
    told = json.loads(succeed("merge", operators.losing, *keys, *arguments).stdout)
    foreign = tags(read_keys(operators.gaining_keys, ORIGIN))
    assert {key["key_tag"] for key in told["merged"]} == foreign
    assert (told["zone"], told["serial"], told["refused"], told["output"]) == ("example.nl.", 2026110303, [], str(out))
    assert told["response_octets"] < 1232
    told = json.loads(succeed("withdraw", out, *keys, *arguments[:2], "-i").stdout)
    assert {key["key_tag"] for key in told["withdrawn"]} == foreign
    assert (told["serial"], told["output"]) == (2026110304, str(out))


SOUND_KEY = "257 3 13 GojIhhXUN/u4v54ZQqGSnyhWJwaubCvTmeexv7bR6edbkrSqQpF64cYbcB7wNcP+e+MAnLr+Wi9xMWyQLc8NAA=="


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (f"example.com. IN DNSKEY {SOUND_KEY}", "WrongOwner"),
        (f"example.nl. IN DNSKEY {SOUND_KEY.replace(' 3 13', ' 2 13')}", "WrongProtocol"),
        (f"example.nl. IN DNSKEY {SOUND_KEY.replace('257', '1')}", "NotZoneKey"),
        (f"example.nl. IN DNSKEY {SOUND_KEY.replace('257', '385')}", "RevokedKey"),
        ("example.nl. IN DNSKEY 257 3 5 AwEAAagA", "UnsupportedKey"),
        ("example.nl. IN DNSKEY 257 3 13 AwEAAagA", "MalformedKey"),
        (f"example.nl. IN DNSKEY {SOUND_KEY}\n" * 2, "DuplicateKey"),
    ],
)
def test_a_foreign_key_that_fails_a_check_is_refused_by_name(
    operators: Operators, tmp_path: Path, record: str, reason: str
) -> None:
    out = tmp_path / "out"
    base = ["merge", operators.losing, "-K", operators.losing_keys, "--foreign", "-", "-f", out, *AT]
    refuse(1, *base, text=record)
    result = run(*base, "--json", text=record)
    assert result.exit_code == 1
    told = json.loads(result.stdout)
    assert [each["reason"] for each in told["refused"]] == [reason]
    assert told["refused"][0]["message"] in result.stderr
    assert told["merged"] == []
    assert told["output"] is None
    assert not out.exists()


def test_every_refused_key_gets_a_line_of_its_own(operators: Operators) -> None:
    records = f"example.com. IN DNSKEY {SOUND_KEY}\nexample.nl. IN DNSKEY {SOUND_KEY.replace('257', '385')}\n"
    result = run("merge", operators.losing, "-K", operators.losing_keys, "--foreign", "-", text=records)
    assert result.exit_code == 1
    assert len([line for line in result.stderr.splitlines() if line.startswith("zonekit: ")]) == 2
    assert result.stdout == ""


def test_a_response_that_gets_too_large_is_refused_with_a_smaller_merge_offered(
    operators: Operators, tmp_path: Path
) -> None:
    base = ["merge", operators.losing, "-K", operators.losing_keys, "--foreign", operators.gaining_dnskeys, *AT]
    line = refuse(1, *base, "--max-response", "400")
    zsk = read_key(operators.key(operators.gaining_keys, KeyRole.ZSK))
    assert f"merge key {zsk.key_tag} alone" in line
    succeed(*base, "--max-response", "400", "--key-tag", zsk.key_tag, "-f", tmp_path / "smaller")
    assert_dnssec_verify_accepts(tmp_path / "smaller", ORIGIN, NOW)
    succeed(*base, "--max-response", "none")
    assert "octets" in refuse(2, *base, "--max-response", "many")


def test_no_smaller_merge_leaves_out_a_key_that_is_said_to_be_a_csk(operators: Operators) -> None:
    base = ["merge", operators.losing, "-K", operators.losing_keys, "--foreign", operators.gaining_dnskeys, *AT]
    ksk = read_key(operators.key(operators.gaining_keys, KeyRole.KSK))
    zsk = read_key(operators.key(operators.gaining_keys, KeyRole.ZSK))
    told = ["--foreign-csk", ksk.key_tag]
    assert f"merge key {zsk.key_tag} alone" in refuse(1, *base, "--max-response", "400")
    line = refuse(1, *base, *told, "--max-response", "400")
    assert f"merge key {zsk.key_tag} alone" not in line
    assert "octets" in line
    assert succeed(*base, *told).stdout == succeed(*base).stdout
    assert str(zsk.key_tag) in refuse(1, *base, "--foreign-csk", zsk.key_tag), "it has no SEP flag"
    absent = next(tag for tag in range(10) if tag not in (ksk.key_tag, zsk.key_tag))
    assert f"key tag {absent}" in refuse(2, *base, "--foreign-csk", absent)
    assert "--foreign-csk" in refuse(2, *base, "--foreign-csk", "many")


def test_merge_and_withdraw_refuse_what_would_break_the_zone(operators: Operators) -> None:
    keys = ["-K", operators.losing_keys]
    own = "".join(file.read_text() for file in operators.losing_keys.glob("*.key"))
    assert "no key would be left" in refuse(1, "withdraw", operators.losing, *keys, "--foreign", "-", text=own)
    zsk = operators.key(operators.losing_keys, KeyRole.ZSK)
    assert "signs this zone" in refuse(1, "withdraw", operators.losing, *keys, "--foreign", f"{zsk}.key")
    foreign = ["--foreign", operators.gaining_dnskeys]
    assert "is not in the zone" in refuse(1, "withdraw", operators.losing, *keys, *foreign)
    assert "no DNSKEY" in refuse(1, "withdraw", LOSING_FILE, *keys, "--key-tag", 1)
    assert "--foreign" in refuse(2, "withdraw", operators.losing, *keys)
    assert "--foreign" in refuse(2, "merge", operators.losing, *keys)
    assert "no DNSKEY" in refuse(1, "merge", LOSING_FILE, "-o", ORIGIN, *keys, *foreign)
    assert "the zone is signed" in refuse(1, "merge", operators.losing, *foreign)
    assert "voids that signature" in refuse(1, "merge", operators.losing, "-K", operators.gaining_keys, *foreign)
    lower = ["lower-ttl", operators.losing, "-K", operators.gaining_keys]
    assert "lacks the signer" in refuse(1, *lower)
    private = next(operators.gaining_keys.glob("*.private"))
    assert "private key" in refuse(2, "merge", operators.losing, *keys, "--foreign", private)


# ---- lower-ttl ------------------------------------------------------------------------------------------------------


def test_ttls_are_lowered_saved_and_restored(operators: Operators, tmp_path: Path) -> None:
    zone, saved = tmp_path / "zone", tmp_path / "ttls.json"
    zone.write_bytes(operators.losing.read_bytes())
    keys = ["-K", operators.losing_keys, *AT]
    result = succeed("lower-ttl", zone, *keys, "--save", saved, "-i", secrets=operators.secrets)
    lines = [line.split() for line in result.stdout.splitlines()]
    assert ["example.nl.", "NS", "86400", "->", "600"] in lines
    assert ["example.nl.", "DNSKEY", "3600", "->", "600"] in lines
    lowered = zone_of(zone)
    assert (lowered.apex_rrset(rd.NS).ttl, lowered.apex_rrset(rd.DNSKEY).ttl) == (600, 600)
    assert_every_verifier_accepts(zone, ORIGIN, NOW)
    assert json.loads(saved.read_text())["changes"] == [
        {"owner": "example.nl.", "type": "NS", "old_ttl": 86400, "new_ttl": 600},
        {"owner": "example.nl.", "type": "DNSKEY", "old_ttl": 3600, "new_ttl": 600},
    ]
    succeed("lower-ttl", zone, *keys, "--restore", saved, "-i")
    diff = zone_of(operators.losing).diff(zone_of(zone))
    assert {older.type_text for older, _ in diff.changed} == {"SOA", "RRSIG"}
    assert_every_verifier_accepts(zone, ORIGIN, NOW)


def test_chosen_types_and_the_whole_zone_are_lowered_on_request(operators: Operators, tmp_path: Path) -> None:
    out = tmp_path / "out"
    base = ["lower-ttl", operators.losing, "-K", operators.losing_keys, *AT, "-f", out, "--json"]
    told = json.loads(succeed(*base, "--type", "MX", "--type", "a", "--ttl", "5m").stdout)
    assert {(each["type"], each["new_ttl"]) for each in told["changes"]} == {("MX", 300), ("A", 300)}
    told = json.loads(succeed(*base, "--type", "NS", "--zone").stdout)
    assert {each["owner"] for each in told["changes"]} == {"example.nl.", "lab.example.nl.", "partner.example.nl."}
    succeed(*base, "--all", "--zone", "--ttl", "60")
    assert max(rrset.ttl for rrset in zone_of(out).rrsets()) == 60
    assert_every_verifier_accepts(out, ORIGIN, NOW)


def test_the_report_leaves_standard_output_to_the_zone(operators: Operators) -> None:
    result = succeed("lower-ttl", operators.losing, "-K", operators.losing_keys, *AT)
    assert zone_of(result.stdout).apex_rrset(rd.NS).ttl == 600
    assert "NS" in result.stderr
    quiet = succeed("lower-ttl", operators.losing, "-K", operators.losing_keys, *AT, "-q")
    assert quiet.stderr == ""
    assert quiet.stdout == result.stdout


def test_a_zone_whose_ttls_are_low_enough_stays_as_it_is(operators: Operators) -> None:
    result = succeed("lower-ttl", operators.losing, "-K", operators.losing_keys, "--ttl", "1d", *AT)
    assert result.stdout == operators.losing.read_text()
    assert "nothing to change" in result.stderr


def test_an_unsigned_zone_is_lowered_without_keys(tmp_path: Path) -> None:
    zone = zone_of(succeed("lower-ttl", LOSING_FILE, "-o", ORIGIN, "--serial", "date", *AT).stdout)
    assert zone.apex_rrset(rd.NS).ttl == 600
    assert zone.serial == 2026112100


def test_what_has_changed_since_is_left_alone_when_ttls_are_restored(operators: Operators, tmp_path: Path) -> None:
    zone, saved = tmp_path / "zone", tmp_path / "ttls.json"
    keys = ["-K", operators.losing_keys, *AT]
    succeed("lower-ttl", operators.losing, *keys, "--save", saved, "-f", zone)
    succeed("lower-ttl", zone, *keys, "--type", "NS", "--ttl", "300", "-i")
    told = json.loads(succeed("lower-ttl", zone, *keys, "--restore", saved, "-i", "--json").stdout)
    assert [each["type"] for each in told["changes"]] == ["DNSKEY"]
    assert [each["type"] for each in told["left"]] == ["NS"]
    assert zone_of(zone).apex_rrset(rd.NS).ttl == 300


def test_a_save_file_is_never_written_over_and_goes_when_the_zone_cannot_be_written(
    operators: Operators, tmp_path: Path
) -> None:
    saved = tmp_path / "ttls.json"
    saved.write_text("the only trace")
    base = ["lower-ttl", operators.losing, "-K", operators.losing_keys, "--save"]
    assert "only trace" in refuse(1, *base, saved)
    assert saved.read_text() == "the only trace"
    fresh = tmp_path / "fresh.json"
    assert "cannot be written" in refuse(2, *base, fresh, "-f", tmp_path / "none" / "zone")
    assert not fresh.exists()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        "null",
        '{"zone": 1, "changes": []}',
        '{"zone": "example.nl.", "changes": [1]}',
        '{"zone": "example.nl.", "changes": [{"owner": "a..b", "type": "NS", "old_ttl": 1, "new_ttl": 2}]}',
        '{"zone": "example.nl.", "changes": [{"owner": "example.nl.", "type": "NS", "old_ttl": -1, "new_ttl": 2}]}',
        '{"zone": "example.nl.", "changes": [{"owner": "example.nl.", "type": "N", "old_ttl": 1, "new_ttl": 2}]}',
        '{"zone": "example.com.", "changes": []}',
        "[" * 100_000,
    ],
)
def test_a_file_that_save_did_not_write_is_refused(operators: Operators, tmp_path: Path, text: str) -> None:
    saved = tmp_path / "ttls.json"
    saved.write_text(text)
    assert str(saved) in refuse(2, "lower-ttl", operators.losing, "-K", operators.losing_keys, "--restore", saved)


def test_lower_ttl_refuses_options_that_do_not_go_together(operators: Operators, tmp_path: Path) -> None:
    base = ["lower-ttl", operators.losing, "-K", operators.losing_keys]
    assert "--restore" in refuse(2, *base, "--restore", "x", "--ttl", "60")
    assert "--restore" in refuse(2, *base, "--restore", "x", "--save", tmp_path / "x")
    assert "not both" in refuse(2, *base, "--all", "--type", "NS")
    assert "type" in refuse(2, *base, "--type", "NOSUCHTYPE")
    assert "is not a TTL" in refuse(2, *base, "--ttl", "-1")
    (tmp_path / "up").symlink_to(tmp_path)
    for output in ("x", "./x", "up/x"):
        assert "same file" in refuse(2, *base, "--save", tmp_path / "x", "-f", f"{tmp_path}/{output}")
    assert [path.name for path in tmp_path.iterdir()] == ["up"]
    assert "the zone is signed" in refuse(1, "lower-ttl", operators.losing)


# ---- show -----------------------------------------------------------------------------------------------------------


def test_show_sums_a_zone_up(operators: Operators) -> None:
    zone = zone_of(operators.losing)
    told = json.loads(succeed("show", operators.losing, "--json", *AT, secrets=operators.secrets).stdout)
    rrsets = list(zone.rrsets())
    rrsigs = [rdata for rrset in rrsets if rrset.rdtype == rd.RRSIG for rdata in rrset.rdatas]
    assert (told["kind"], told["zone"], told["serial"]) == ("zone", "example.nl.", zone.serial)
    assert (told["names"], told["rrsets"]) == (len(zone), len(rrsets))
    assert (told["delegations"], told["secure_delegations"], told["denial"]) == (2, 1, "NSEC")
    assert told["signatures"]["count"] == len(rrsigs)
    assert told["signatures"]["earliest_expiration"] == "2026-12-05T12:00:00Z"
    assert told["largest_ttl"] == max(rrset.ttl for rrset in rrsets)
    assert told["negative_ttl"] == zone.negative_ttl
    assert {each["type"]: each["rrsets"] for each in told["types"]}["RRSIG"] == len(
        [rrset for rrset in rrsets if rrset.rdtype == rd.RRSIG]
    )
    assert told["findings"] == []
    keys = {key.key_tag: key.role for key in read_keys(operators.losing_keys, ORIGIN)}
    assert {key["key_tag"]: (key["role"], key["signs"]) for key in told["keys"]} == {
        tag: (role.value, ["DNSKEY" if role is KeyRole.KSK else "zone"]) for tag, role in keys.items()
    }
    assert [key["ds"] for key in told["keys"] if key["ds"]] == [succeed("ds", operators.losing).stdout.strip()]


def test_show_says_the_same_in_words(operators: Operators) -> None:
    text = succeed("show", operators.losing, *AT).stdout
    for key in read_keys(operators.losing_keys, ORIGIN):
        assert str(key.key_tag) in text
    for words in ("example.nl.", "2026110302", "NSEC", "2026-12-05T12:00:00Z", "86400", "DNSKEY"):
        assert words in text
    assert "not signed" in succeed("show", LOSING_FILE).stdout


def test_show_tells_which_key_signs_nothing_and_which_signs_everything(operators: Operators, tmp_path: Path) -> None:
    merged = succeed(
        "merge", operators.losing, "-K", operators.losing_keys, "--foreign", operators.gaining_dnskeys, *AT
    )
    told = json.loads(succeed("show", "-", "--json", *AT, text=merged.stdout).stdout)
    idle = {key["key_tag"] for key in told["keys"] if not key["signs"]}
    assert idle == tags(read_keys(operators.gaining_keys, ORIGIN))
    succeed("keygen", ORIGIN, "--csk", "-K", tmp_path, *AT)
    signed = succeed("sign", LOSING_FILE, "-K", tmp_path, "--csk", "--nsec3", *AT)
    told = json.loads(succeed("show", "-", "--json", *AT, text=signed.stdout).stdout)
    assert [key["role"] for key in told["keys"]] == ["CSK"]
    assert told["denial"] == "NSEC3 (iterations 0, salt -)"
    theirs = re.sub(r"NSEC3PARAM 1 0 0 -", "NSEC3PARAM 1 0 2500 AABB", signed.stdout)
    told = json.loads(succeed("show", "-", "--json", *AT, text=theirs).stdout)
    assert told["denial"] == "NSEC3 (parameters 1 0 2500 aabb)", "more iterations than zonekit would sign with"


@pytest.mark.parametrize(
    ("now", "code", "exit_code"),
    [
        ("2026-11-22T00:00:00Z", None, 0),
        ("2026-12-03T12:00:00Z", "signature-expires-soon", 1),
        ("2026-12-05T12:00:01Z", "signature-expired", 1),
        ("2026-11-20T00:00:00Z", "signature-not-begun", 1),
    ],
)
def test_check_looks_at_the_signatures_with_the_time(
    operators: Operators, now: str, code: str | None, exit_code: int
) -> None:
    result = run("show", operators.losing, "--check", "--json", "--now", now)
    assert result.exit_code == exit_code
    assert [finding["code"] for finding in json.loads(result.stdout)["findings"]] == ([code] if code else [])
    assert (f"[{code}]" in run("show", operators.losing, "--now", now).stdout) is (code is not None)


def test_check_counts_from_the_severity_asked_for(operators: Operators) -> None:
    soon = ["show", operators.losing, "--check", "--now", "2026-12-03T12:00:00Z"]
    assert run(*soon, "--severity", "error").exit_code == 0
    assert run(*soon, "--expires-within", "1d").exit_code == 0
    assert run(*soon, "--severity", "info").exit_code == 1


def test_check_finds_keys_and_signatures_that_do_not_fit(operators: Operators) -> None:
    zone = zone_of(operators.losing)
    foreign = zone_of(operators.gaining).apex_rrset(rd.DNSKEY)
    result = run("show", "-", "--check", "--json", *AT, text=render_zone(zone.replace(foreign)))
    assert result.exit_code == 1
    codes = [finding["code"] for finding in json.loads(result.stdout)["findings"]]
    assert codes == ["dnskey-unsigned", "signer-not-published", "signer-not-published"]


def test_show_tells_the_public_facts_of_a_key_file_and_no_others(operators: Operators, tmp_path: Path) -> None:
    stem = operators.key(operators.losing_keys, KeyRole.KSK)
    key = read_key(stem)
    for path in (stem, f"{stem}.key", f"{stem}.private"):
        told = json.loads(succeed("show", path, "--json", *AT, secrets=operators.secrets).stdout)
        assert (told["kind"], told["zone"], told["use"], told["private"]) == ("key", "example.nl.", "sign", "present")
        assert told["key"]["key_tag"] == key.key_tag
        assert told["key"]["bits"] == 256
        assert told["timing"] == dict.fromkeys(("created", "publish", "activate"), "2026-11-21T12:00:00Z")
    assert "signs" not in succeed("show", stem, secrets=operators.secrets).stdout
    assert json.loads(succeed("show", stem, "--json", "--now", "2026-11-21T11:59:59Z").stdout)["use"] == "none"
    alone = tmp_path / f"{stem.name}.key"
    alone.write_text(Path(f"{stem}.key").read_text())
    told = json.loads(succeed("show", alone, "--json").stdout)
    assert (told["private"], told["use"], told["timing"]) == ("absent", None, {})


def test_show_warns_of_a_private_key_that_others_may_read(operators: Operators, tmp_path: Path) -> None:
    stem = operators.key(operators.losing_keys, KeyRole.KSK)
    for suffix in (".key", ".private"):
        (tmp_path / f"{stem.name}{suffix}").write_text(Path(f"{stem}{suffix}").read_text())
    (tmp_path / f"{stem.name}.private").chmod(0o644)
    result = run("show", tmp_path / stem.name, "--check", secrets=operators.secrets)
    assert result.exit_code == 1
    assert "[private-key-exposed]" in result.stdout


def test_show_lists_dnskey_records(operators: Operators) -> None:
    told = json.loads(succeed("show", operators.gaining_dnskeys, "--json").stdout)
    assert told["kind"] == "dnskeys"
    assert {key["key_tag"] for key in told["keys"]} == tags(read_keys(operators.gaining_keys, ORIGIN))
    assert "ZSK" in succeed("show", operators.gaining_dnskeys).stdout


# ---- every command --------------------------------------------------------------------------------------------------

COMMANDS = ("keygen", "ds", "sign", "merge", "withdraw", "lower-ttl", "publish", "verify", "show")


def test_help_names_every_command_and_the_exit_codes() -> None:
    text = succeed("--help").stdout
    for command in COMMANDS:
        assert f"  {command} " in text
    for words in (
        "0    done",
        "1    something was checked and refused or found",
        "2    wrong usage",
        "70   an error in",
    ):
        assert words in text
    nothing = run()
    assert nothing.exit_code == 2
    assert nothing.stdout == ""
    assert nothing.stderr.strip() == text.strip()
    assert "No such command" in refuse(2, "frobnicate")
    assert "zonekit" in succeed("--version").stdout


def loaded(command: str) -> click.Command:
    listed = cli.commands[command]
    assert isinstance(listed, Later)
    return listed.load()


@pytest.mark.parametrize("command", sorted(cli.commands))
def test_the_list_of_commands_says_of_each_what_it_says_itself(command: str) -> None:
    listed, made = cli.commands[command], loaded(command)
    assert (listed.name, listed.short_help) == (made.name, made.short_help) and made.short_help
    assert not made.hidden and not made.deprecated
    assert listed.get_short_help_str(1000) in " ".join(succeed("--help").stdout.split())


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_a_command_says_what_its_json_holds_and_what_every_option_does(command: str) -> None:
    text = succeed(command, "--help").stdout
    assert "With --json" in text
    made = loaded(command)
    for parameter in made.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, parameter.name
    assert len(text.splitlines()) > 20


def _members(value: Any) -> set[str]:
    """The names of all members of a JSON value, but those within findings and timing."""
    if isinstance(value, list):
        return {name for each in value for name in _members(each)}
    if not isinstance(value, dict):
        return set()
    within = {name for key, each in value.items() if key not in ("findings", "timing") for name in _members(each)}
    return {*value, *within}


def test_every_member_of_a_json_answer_is_in_the_help(operators: Operators, tmp_path: Path) -> None:
    keys, out = ["-K", operators.losing_keys, *AT], tmp_path / "out"
    foreign = ["--foreign", operators.gaining_dnskeys]
    refused = f"example.com. IN DNSKEY {SOUND_KEY}"
    answers = [
        run("keygen", ORIGIN, "-K", tmp_path, "--json"),
        run("ds", operators.losing, "--json"),
        run("sign", LOSING_FILE, *keys, "-f", out, "--json"),
        run("merge", out, *keys, *foreign, "-i", "--json"),
        run("merge", out, *keys, "--foreign", "-", "-i", "--json", text=refused),
        run("withdraw", out, *keys, *foreign, "-i", "--json"),
        run("lower-ttl", out, *keys, "-i", "--json"),
        run("verify", out, *AT, "--json"),
        run("show", out, "--json"),
        run("show", operators.gaining_dnskeys, "--json"),
        run("show", operators.key(operators.losing_keys, KeyRole.KSK), "--json"),
    ]
    commands = ["keygen", "ds", "sign", "merge", "merge", "withdraw", "lower-ttl", "verify", "show", "show", "show"]
    for command, answer in zip(commands, answers, strict=True):
        text = succeed(command, "--help").stdout
        members = _members(json.loads(answer.stdout))
        assert len(members) > 2
        assert {name for name in members if f'"{name}"' not in text} == set(), command


@pytest.mark.parametrize("command", ["sign", "merge", "withdraw", "lower-ttl"])
def test_the_same_now_gives_the_same_bytes(operators: Operators, command: str, tmp_path: Path) -> None:
    source = {"sign": LOSING_FILE, "withdraw": tmp_path / "merged"}.get(command, operators.losing)
    keys = ["-K", operators.losing_keys, *AT]
    more = ["--foreign", operators.gaining_dnskeys] if command in ("merge", "withdraw") else []
    if command == "withdraw":
        succeed("merge", operators.losing, *keys, *more, "-f", source)
    made = [succeed(command, source, *keys, *more).stdout for _ in range(2)]
    assert made[0] == made[1]
    later = succeed(command, source, *keys[:2], *more, "--now", "2026-11-21T12:00:01Z").stdout
    assert later != made[0]


UNREADABLE = {
    "a file that is not there": None,
    "an empty file": b"",
    "octets": bytes(range(256)),
    "a zone without an SOA": b"$ORIGIN example.nl.\n@ 60 IN NS ns1\n",
    "a name too long": b"$ORIGIN example.nl.\n" + b"a" * 64 + b" 60 IN A 192.0.2.1\n",
    "a terminal's commands": b"\x1b]0;evil\x07 60 IN A \x1b[2J\n",
}


@pytest.mark.parametrize("kind", UNREADABLE)
@pytest.mark.parametrize("command", ["ds", "sign", "merge", "withdraw", "lower-ttl", "verify", "show"])
def test_a_bad_zone_file_is_one_clear_line(operators: Operators, tmp_path: Path, command: str, kind: str) -> None:
    zone = tmp_path / "zone"
    content = UNREADABLE[kind]
    if content is not None:
        zone.write_bytes(content)
    arguments: list[object] = [command, zone, "-o", ORIGIN]
    if command in ("sign", "merge", "withdraw", "lower-ttl"):
        arguments += ["-K", operators.losing_keys]
    if command in ("merge", "withdraw"):
        arguments += ["--foreign", operators.gaining_dnskeys]
    line = refuse(2, *arguments)
    assert str(zone) in line
    assert line.isprintable()


ZONE_TEXT = Path(LOSING_FILE).read_bytes()


@given(data=st.data(), command=st.sampled_from(["ds", "sign", "show", "lower-ttl"]))
def test_no_zone_text_whatever_it_is_ends_in_a_traceback(
    operators: Operators, data: st.DataObject, command: str
) -> None:
    place = data.draw(st.integers(0, len(ZONE_TEXT)))
    length = data.draw(st.integers(0, 40))
    text = ZONE_TEXT[:place] + data.draw(st.binary(max_size=40)) + ZONE_TEXT[place + length :]
    keys = ["-K", operators.losing_keys] if command == "sign" else []
    result = run(command, "-", "-o", ORIGIN, *keys, text=text)
    assert result.exit_code in (0, 1, 2)
    assert result.exit_code == 0 or result.stderr.startswith(("zonekit: ", "warning: ", "info: "))


@given(text=st.one_of(st.binary(max_size=200), st.text(max_size=80).map(str.encode)), whole=st.booleans())
def test_no_foreign_key_text_whatever_it_is_ends_in_a_traceback(operators: Operators, text: bytes, whole: bool) -> None:
    offered = text if whole else f"example.nl. IN DNSKEY {SOUND_KEY} ; ".encode() + text
    result = run("merge", operators.losing, "-K", operators.losing_keys, "--foreign", "-", text=offered)
    assert result.exit_code in (0, 1, 2)
    assert result.exit_code == 0 or result.stderr.startswith(("zonekit: ", "warning: ", "info: "))


@given(data=st.data())
def test_no_key_file_whatever_it_is_ends_in_a_traceback_or_shows_the_key(
    operators: Operators, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    stem = operators.key(operators.losing_keys, KeyRole.ZSK)
    broken = tmp_path_factory.mktemp("broken") / stem.name
    for suffix in (".key", ".private"):
        octets = Path(f"{stem}{suffix}").read_bytes()
        place, length = data.draw(st.integers(0, len(octets))), data.draw(st.integers(0, 20))
        octets = octets[:place] + data.draw(st.binary(max_size=20)) + octets[place + length :]
        Path(f"{broken}{suffix}").write_bytes(octets)
    secret = next(line[12:] for line in Path(f"{stem}.private").read_text().splitlines() if "PrivateKey" in line)
    ksk = operators.key(operators.losing_keys, KeyRole.KSK)
    for arguments in (["show", broken], ["sign", LOSING_FILE, ksk, broken, "-o", ORIGIN], ["ds", broken]):
        result = run(*arguments, secrets=[secret[:20], secret[-20:]])
        assert result.exit_code in (0, 1, 2)
        assert result.exit_code == 0 or result.stderr.startswith("zonekit: ")


NOT_UTF_8 = "ex\udcffample.nl"  # how an octet that is not UTF-8 arrives in sys.argv


@pytest.mark.parametrize(
    "arguments",
    [
        ["keygen", NOT_UTF_8],
        ["keygen", ORIGIN, "-a", NOT_UTF_8],
        ["keygen", ORIGIN, "-a", "8", "-b", "99999999"],
        ["keygen", ORIGIN, "--now", NOT_UTF_8],
        ["ds", NOT_UTF_8],
        ["ds", LOSING_FILE, "-o", NOT_UTF_8],
        ["ds", LOSING_FILE, "--digest", NOT_UTF_8],
        ["show", NOT_UTF_8],
        ["show", LOSING_FILE, "-o", NOT_UTF_8],
        ["show", LOSING_FILE, "--now", "0001-01-01T00:00:00+14:00"],
        ["show", LOSING_FILE, "--now", "9999-12-31T23:59:59-14:00"],
        ["show", LOSING_FILE, "--include-root", NOT_UTF_8],
        ["sign", LOSING_FILE, "-o", NOT_UTF_8],
        ["sign", LOSING_FILE, "--nsec3", "--salt", NOT_UTF_8],
        ["sign", LOSING_FILE, "--signatures-validity", "0"],
        ["sign", LOSING_FILE, "--signatures-validity", "-1"],
        ["sign", LOSING_FILE, "--signatures-validity", "2147483647"],
        ["sign", LOSING_FILE, "--previous", NOT_UTF_8],
        ["merge", LOSING_FILE, "--foreign", NOT_UTF_8, "--max-response", NOT_UTF_8],
        ["withdraw", NOT_UTF_8, "--key-tag", "1"],
        ["lower-ttl", LOSING_FILE, "--type", NOT_UTF_8],
        ["lower-ttl", LOSING_FILE, "--ttl", NOT_UTF_8],
        ["lower-ttl", LOSING_FILE, "--signatures-validity", "0"],
        [NOT_UTF_8],
    ],
    ids=lambda arguments: ascii(" ".join(arguments[:1] + arguments[-2:])),
)
def test_an_argument_that_cannot_be_used_is_one_clear_line(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert refuse(2, *arguments).isprintable()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("now", ["1970-01-01T00:00:00Z", "2106-02-07T06:28:15Z"])
def test_show_takes_the_first_instant_and_the_last(operators: Operators, now: str) -> None:
    succeed("show", operators.losing, "--now", now)


def _held_by(error: BaseException | None) -> str:
    """What an exception says and holds, and all that it carries along."""
    if error is None:
        return ""
    return (
        f"{error!r} {vars(error)} {getattr(error, 'doc', '')}" + _held_by(error.__context__) + _held_by(error.__cause__)
    )


def test_an_error_about_input_carries_none_of_it(
    operators: Operators, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = "c2VjcmV0"
    saved = tmp_path / "saved"
    saved.write_text(f"{{{secret}")
    with pytest.raises(BadInput) as caught:
        _read_changes(str(saved), zone_of(operators.losing).apex)
    assert secret not in _held_by(caught.value)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(secret.encode() + b"\xff")))
    with click.Context(cli), pytest.raises(BadInput) as caught:
        read_dnskeys(["-"])
    assert "UTF-8" in str(caught.value)
    assert caught.value.__context__ is None


@click.command(cls=Tidy)
def _broken() -> None:
    raise ArithmeticError("c2VjcmV0\nof what was read")


def test_an_error_in_zonekit_itself_is_a_line_without_what_was_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ZONEKIT_TRACEBACK", raising=False)
    result = CliRunner().invoke(_broken)
    assert result.exit_code == INTERNAL == 70
    assert result.stderr.startswith("zonekit: internal error: ArithmeticError at test_cli.py line ")
    assert result.stderr.count("\n") == 1
    assert "c2VjcmV0" not in result.output
    monkeypatch.setenv("ZONEKIT_TRACEBACK", "1")
    assert isinstance(CliRunner().invoke(_broken).exception, ArithmeticError)


def run_without(package: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    program = f"import sys; sys.modules[{package!r}] = None; from zonekit.cli import main; main()"
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )


@pytest.mark.parametrize(
    ("package", "arguments"), [("click", ("--help",)), ("rich", ("show", LOSING_FILE, "-o", ORIGIN))]
)
def test_a_missing_package_is_named_with_the_way_to_get_it(package: str, arguments: tuple[str, ...]) -> None:
    done = run_without(package, *arguments, FORCE_COLOR="1")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert f"{package} is not installed" in done.stderr
    assert "zonekit[cli]" in done.stderr


def test_the_module_runs_and_a_reader_that_stops_early_gets_no_traceback(operators: Operators) -> None:
    command = [sys.executable, "-m", "zonekit.cli"]
    done = subprocess.run([*command, "--version"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("zonekit")
    arguments = ["sign", LOSING_FILE, "-o", ORIGIN, "-K", str(operators.losing_keys), "-q"]
    with subprocess.Popen(
        [*command, *arguments], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as piped:
        assert piped.stdout is not None
        assert piped.stderr is not None
        piped.stdout.close()
        assert piped.stderr.read() == ""
        assert piped.wait() != 0


@pytest.mark.parametrize("group", ["epp", "fleet"])
def test_a_group_without_a_command_shows_its_help(group: str) -> None:
    result = run(group)
    assert result.exit_code == BAD_INPUT and result.stdout == ""
    assert result.stderr.startswith(f"Usage: zonekit {group} [OPTIONS] COMMAND [ARGS]...\n")
    assert result.stderr == run(group, "--help").stdout
