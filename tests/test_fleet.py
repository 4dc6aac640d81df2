"""Fleets: the same zones whoever does the work, whole files whatever ends it, and one bad zone that stops nobody."""

from __future__ import annotations

import contextlib
import errno
import importlib
import os
import re
import resource
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest

from tests.bench.inputs import HOSTING_SIGNATURES, write_hosting_zones
from tests.fleet_worker import Deadly
from tests.keyring import NOW
from tests.peers import REQUIRED, assert_dnssec_verify_accepts, run_peer
from zonekit import crews, staging, zonework
from zonekit.algorithms import Algorithm
from zonekit.crews import ZoneOutcome, ZoneResult
from zonekit.denial import Nsec3, denial_of
from zonekit.dnskeys import key_tags, keys_to_take
from zonekit.ds import dsset_text, make_ds
from zonekit.errors import FileError, FleetError, KeyFileExists, TimeError
from zonekit.files import read_keys, read_text, read_zone, write_key, write_zone
from zonekit.findings import Severity
from zonekit.fleet import (
    FleetSummary,
    count_zones,
    merge_fleet,
    sign_fleet,
    verify_fleet,
)
from zonekit.instants import SignatureValidity
from zonekit.keys import KeyRole, KeyTiming, SigningKey, generate_csk, generate_ksk, generate_zsk
from zonekit.render import render_zone
from zonekit.serials import SerialPolicy
from zonekit.signing import Jitter, sign_zone
from zonekit.staging import WORKPLACE, claimed
from zonekit.zonework import MergingRules, SigningRules

ZONES = 7
GENERATE = SigningRules(generate=Algorithm.ECDSAP256SHA256)
DAY = timedelta(days=1)
BOUND_SECONDS = 60.0

# What is copied into the processes of these tests is the point of them; no other thread holds a lock that they take.
forking = pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")


@dataclass(frozen=True)
class Fleet:
    """The directories of a fleet."""

    root: Path

    @property
    def zones(self) -> Path:
        return self.root / "zones"

    @property
    def keys(self) -> Path:
        return self.root / "keys"

    @property
    def signed(self) -> Path:
        return self.root / "signed"

    @property
    def merged(self) -> Path:
        return self.root / "merged"

    @property
    def foreign(self) -> Path:
        return self.root / "foreign"

    @property
    def names(self) -> list[str]:
        return sorted(path.name.removesuffix(".zone") for path in self.zones.iterdir())

    def sign(
        self,
        *,
        now: datetime = NOW,
        rules: SigningRules = GENERATE,
        output: Path | None = None,
        executor: Executor | None = None,
        processes: int | None = 1,
        batch_zones: int = 3,
    ) -> dict[str, ZoneOutcome]:
        outcomes = list(
            sign_fleet(
                self.zones,
                output or self.signed,
                key_directory=self.keys,
                now=now,
                rules=rules,
                executor=executor,
                processes=processes,
                batch_zones=batch_zones,
            )
        )
        by_zone = {outcome.zone: outcome for outcome in outcomes}
        assert len(by_zone) == len(outcomes)
        return by_zone

    def merge(self, *, now: datetime = NOW, rules: MergingRules = MergingRules()) -> dict[str, ZoneOutcome]:
        outcomes = merge_fleet(
            self.signed,
            self.merged,
            foreign_directory=self.foreign,
            key_directory=self.keys,
            now=now,
            rules=rules,
            processes=1,
            batch_zones=3,
        )
        return {outcome.zone: outcome for outcome in outcomes}

    def verify(
        self, directory: Path, *, now: datetime = NOW, severity: Severity = Severity.ERROR, ds: Path | None = None
    ) -> dict[str, ZoneOutcome]:
        outcomes = verify_fleet(directory, now=now, severity=severity, ds_directory=ds, processes=1)
        return {outcome.zone: outcome for outcome in outcomes}

    def keys_of(self, zone: str) -> tuple[SigningKey, ...]:
        return read_keys(self.keys, zone)

    def octets(self, directory: Path) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in directory.iterdir()}


@pytest.fixture
def fleet_of(tmp_path: Path) -> Fleet:
    made = Fleet(tmp_path)
    write_hosting_zones(ZONES, made.zones)
    return made


@pytest.fixture
def signed_fleet(fleet_of: Fleet) -> Fleet:
    assert results(fleet_of.sign()) == {ZoneResult.DONE}
    return fleet_of


def results(outcomes: dict[str, ZoneOutcome]) -> set[ZoneResult]:
    return {outcome.result for outcome in outcomes.values()}


def inodes(directory: Path) -> dict[str, int]:
    return {path.name: path.stat().st_ino for path in directory.iterdir()}


def assert_whole(made: Fleet, *, sample: int = 2) -> None:
    """Every zone is signed by the keys that are there, and nothing else is left in any directory."""
    assert {path.name for path in made.signed.iterdir()} == {f"{name}.zone" for name in made.names}
    for name in made.names:
        zone = read_zone(made.signed / f"{name}.zone", origin=name)
        own = made.keys_of(name)
        assert sorted(key.role.value for key in own) == ["KSK", "ZSK"]
        assert zone.apex_rrset(48).rdatas == tuple(sorted(key.dnskey_rdata for key in own))
    assert {path.name for path in made.keys.iterdir()} == {
        f"{key.name}{suffix}" for name in made.names for key in made.keys_of(name) for suffix in (".key", ".private")
    }
    assert {outcome.findings for outcome in made.verify(made.signed).values()} == {()}
    for name in made.names[:sample]:
        assert_dnssec_verify_accepts(made.signed / f"{name}.zone", name, NOW)


# ---- signing --------------------------------------------------------------------------------------------------------


def test_every_zone_is_signed_with_keys_of_its_own(fleet_of: Fleet) -> None:
    outcomes = fleet_of.sign()
    assert sorted(outcomes) == fleet_of.names
    assert results(outcomes) == {ZoneResult.DONE}
    assert_whole(fleet_of, sample=ZONES)
    for name, outcome in outcomes.items():
        assert sorted(outcome.new_keys) == sorted(key.name for key in fleet_of.keys_of(name))
        text = (fleet_of.signed / f"{name}.zone").read_text()
        assert text.count(" IN RRSIG ") == HOSTING_SIGNATURES
    assert FleetSummary.of(outcomes.values()) == FleetSummary(done=ZONES, new_keys=2 * ZONES)


def test_a_zone_is_what_sign_zone_makes_of_it_behind_its_recipe(signed_fleet: Fleet) -> None:
    for name in signed_fleet.names:
        recipe, _, text = (signed_fleet.signed / f"{name}.zone").read_text().partition("\n")
        assert recipe.startswith("; zonekit fleet: serial ")
        validity = SignatureValidity.starting(NOW, GENERATE.signatures_validity)
        plain = read_zone(signed_fleet.zones / f"{name}.zone", origin=name)
        assert text == render_zone(sign_zone(plain, signed_fleet.keys_of(name), validity=validity))


@contextlib.contextmanager
def no_executor() -> Iterator[None]:
    yield None


@pytest.mark.parametrize(
    ("make", "processes", "batch_zones"),
    [
        (no_executor, 1, 1),
        (no_executor, 2, 2),
        (lambda: ThreadPoolExecutor(3), None, 1),
        (lambda: ThreadPoolExecutor(2), None, 100),
        (lambda: ProcessPoolExecutor(2, mp_context=get_context("forkserver")), None, 3),
    ],
)
def test_whoever_does_the_work_makes_the_same_files(
    signed_fleet: Fleet,
    make: Callable[[], contextlib.AbstractContextManager[Executor | None]],
    processes: int | None,
    batch_zones: int,
) -> None:
    other = signed_fleet.root / "other"
    with make() as executor:
        outcomes = signed_fleet.sign(output=other, executor=executor, processes=processes, batch_zones=batch_zones)
    assert results(outcomes) == {ZoneResult.DONE}
    assert signed_fleet.octets(other) == signed_fleet.octets(signed_fleet.signed)


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_a_private_key_is_its_owners_alone_whatever_the_umask(fleet_of: Fleet, umask: int) -> None:
    before = os.umask(umask)
    try:
        fleet_of.sign()
    finally:
        os.umask(before)
    modes = {path.suffix: stat.S_IMODE(path.stat().st_mode) for path in fleet_of.keys.iterdir()}
    assert modes == {".key": 0o644, ".private": 0o600}
    assert {stat.S_IMODE(path.stat().st_mode) for path in fleet_of.signed.iterdir()} == {0o644 & ~umask}
    assert stat.S_IMODE(fleet_of.keys.stat().st_mode) == 0o700 & ~umask


def test_the_key_tags_of_a_zone_differ_and_dnssec_tools_read_its_keys(signed_fleet: Fleet) -> None:
    for name in signed_fleet.names:
        assert len(key_tags(signed_fleet.keys_of(name), Algorithm.ECDSAP256SHA256)) == 2
    key = next(key for key in signed_fleet.keys_of(signed_fleet.names[0]) if key.role is KeyRole.KSK)
    printed = run_peer(["dnssec-dsfromkey", signed_fleet.keys / key.name]).stdout
    assert str(key.key_tag) in printed


def test_what_the_rules_say_is_done(fleet_of: Fleet) -> None:
    rules = replace(
        GENERATE,
        denial=Nsec3(),
        dnskey_ttl=7200,
        serial=SerialPolicy.INCREMENT,
        jitter=Jitter(interval=DAY),
        flagged_keys=KeyRole.CSK,
        generate=Algorithm.ED25519,
    )
    assert results(fleet_of.sign(rules=rules)) == {ZoneResult.DONE}
    name = fleet_of.names[0]
    zone = read_zone(fleet_of.signed / f"{name}.zone", origin=name)
    assert denial_of(zone) == Nsec3()
    assert zone.apex_rrset(48).ttl == 7200
    assert zone.serial == read_zone(fleet_of.zones / f"{name}.zone", origin=name).serial + 1
    (key,) = fleet_of.keys_of(name)
    assert key.algorithm is Algorithm.ED25519 and key.flags == 257
    assert "signed until 2026-12-04T12:00:00Z" in (fleet_of.signed / f"{name}.zone").read_text().partition("\n")[0]
    assert_dnssec_verify_accepts(fleet_of.signed / f"{name}.zone", name, NOW, "-z")
    assert results(fleet_of.sign(rules=rules)) == {ZoneResult.CURRENT}


def test_a_key_that_is_only_published_signs_nothing(signed_fleet: Fleet) -> None:
    name = signed_fleet.names[0]
    coming = generate_zsk(name, timing=KeyTiming(created=NOW, publish=NOW, activate=NOW + DAY))
    write_key(coming, signed_fleet.keys)
    outcomes = signed_fleet.sign()
    assert {zone for zone, outcome in outcomes.items() if outcome.result is ZoneResult.DONE} == {name}
    zone = read_zone(signed_fleet.signed / f"{name}.zone", origin=name)
    assert coming.dnskey_rdata in zone.apex_rrset(48).rdatas
    signers = {rrset.rdatas[0][16:18] for rrset in zone.rrsets() if rrset.type_text == "RRSIG"}
    assert coming.key_tag.to_bytes(2, "big") not in signers


def test_no_keys_are_made_for_what_was_signed_elsewhere(signed_fleet: Fleet) -> None:
    replaced, already, *others = signed_fleet.names
    elsewhere = signed_fleet.signed / f"{replaced}.zone"
    write_zone(read_zone(elsewhere, origin=replaced), elsewhere)  # without a recipe
    (signed_fleet.signed / f"{already}.zone").rename(signed_fleet.zones / f"{already}.zone")
    for name in (replaced, already):
        for path in signed_fleet.keys.glob(f"K{name}.*"):
            path.unlink()
    before = signed_fleet.octets(signed_fleet.signed)
    problems = failed(signed_fleet.sign())
    assert set(problems) == {replaced, already}
    assert "stands in the output directory already" in problems[replaced]
    assert "it has DNSKEYs already" in problems[already]
    assert signed_fleet.octets(signed_fleet.signed) == before
    assert len(list(signed_fleet.keys.iterdir())) == 4 * len(others)


def codes(outcome: ZoneOutcome) -> list[str]:
    return [finding.code for finding in outcome.findings]


def test_a_zone_that_gets_other_keys_than_it_had_is_told_of(signed_fleet: Fleet) -> None:
    name = signed_fleet.names[0]
    added = generate_zsk(name, avoid=key_tags(signed_fleet.keys_of(name), Algorithm.ECDSAP256SHA256))
    write_key(added, signed_fleet.keys)
    assert "keys-replaced" not in codes(signed_fleet.sign()[name])
    for path in signed_fleet.keys.glob(f"K{name}.*"):
        path.unlink()
    tags: list[int] = []
    for key in (generate_ksk(name), generate_zsk(name)):
        tags.append(key.key_tag)
        write_key(key, signed_fleet.keys)
    outcome = signed_fleet.sign()[name]
    assert outcome.result is ZoneResult.DONE and "keys-replaced" in codes(outcome)
    assert f", key tags {tags[0]}, " in (signed_fleet.signed / f"{name}.zone").read_text().partition("\n")[0]


def test_a_zone_of_classless_delegation_is_named_with_its_slash_escaped(fleet_of: Fleet) -> None:
    text = (fleet_of.zones / f"{fleet_of.names[0]}.zone").read_text()
    name = r"0\04725.2.0.192.in-addr.arpa"
    (fleet_of.zones / f"{name}.zone").write_text(text)
    assert results(fleet_of.sign()) == {ZoneResult.DONE}
    assert read_zone(fleet_of.signed / f"{name}.zone").apex == b"\x040/25\x012\x010\x03192\x07in-addr\x04arpa\x00"
    assert len(list(fleet_of.keys.glob("K0%2F25.2.0.192.in-addr.arpa.*"))) == 4
    assert results(fleet_of.sign()) == {ZoneResult.CURRENT}


# ---- what is done stays done ----------------------------------------------------------------------------------------


def test_a_second_run_changes_nothing(signed_fleet: Fleet) -> None:
    before = inodes(signed_fleet.signed) | inodes(signed_fleet.keys)
    later = signed_fleet.sign(now=NOW + DAY)
    assert results(later) == {ZoneResult.CURRENT}
    assert inodes(signed_fleet.signed) | inodes(signed_fleet.keys) == before


def test_only_the_zone_that_changed_is_made_anew(signed_fleet: Fleet) -> None:
    name = signed_fleet.names[0]
    keys = signed_fleet.keys_of(name)
    with (signed_fleet.zones / f"{name}.zone").open("a") as file:
        file.write("more 300 IN A 192.0.2.99\n")
    outcomes = signed_fleet.sign()
    assert {zone for zone, outcome in outcomes.items() if outcome.result is ZoneResult.DONE} == {name}
    assert read_zone(signed_fleet.signed / f"{name}.zone").get("more", "A") is not None
    assert signed_fleet.keys_of(name) == keys
    assert_whole(signed_fleet)


@pytest.mark.parametrize(
    ("now", "rules"),
    [
        (NOW, replace(GENERATE, denial=Nsec3())),
        (NOW, replace(GENERATE, signatures_validity=20 * DAY)),
        (NOW + 9 * DAY, GENERATE),
    ],
)
def test_other_rules_and_signatures_that_expire_soon_make_every_zone_anew(
    signed_fleet: Fleet, now: datetime, rules: SigningRules
) -> None:
    keys = signed_fleet.octets(signed_fleet.keys)
    assert results(signed_fleet.sign(now=now, rules=rules)) == {ZoneResult.DONE}
    assert signed_fleet.octets(signed_fleet.keys) == keys
    assert results(signed_fleet.sign(now=now, rules=rules)) == {ZoneResult.CURRENT}


def test_a_signature_is_kept_until_the_second_in_which_it_is_to_be_refreshed(signed_fleet: Fleet) -> None:
    refresh_at = NOW + GENERATE.signatures_validity - GENERATE.signatures_refresh
    assert results(signed_fleet.sign(now=refresh_at - timedelta(seconds=1))) == {ZoneResult.CURRENT}
    assert results(signed_fleet.sign(now=refresh_at)) == {ZoneResult.DONE}


def test_the_serial_is_after_the_one_signed_before(fleet_of: Fleet) -> None:
    rules = replace(GENERATE, serial=SerialPolicy.INCREMENT)
    name = fleet_of.names[0]
    serials = []
    for days in (0, 10, 20):
        assert results(fleet_of.sign(now=NOW + days * DAY, rules=rules)) == {ZoneResult.DONE}
        serials.append(read_zone(fleet_of.signed / f"{name}.zone").serial)
    assert serials == [serials[0], serials[0] + 1, serials[0] + 2]


def test_a_serial_by_which_no_secondary_takes_the_new_zone_is_told_of(fleet_of: Fleet) -> None:
    name = fleet_of.names[0]
    raised = replace(GENERATE, serial=SerialPolicy.INCREMENT)
    assert codes(fleet_of.sign(rules=raised)[name]) == []
    assert codes(fleet_of.sign(now=NOW + 10 * DAY, rules=raised)[name]) == []
    back = fleet_of.sign(now=NOW + 20 * DAY)[name]  # the serial of the zone file again
    assert codes(back) == ["serial-not-raised"] and back.result is ZoneResult.DONE
    same = fleet_of.sign(now=NOW + 30 * DAY)[name]
    assert codes(same) == ["serial-not-raised"] and same.findings[0].severity is Severity.WARNING
    assert codes(fleet_of.sign(now=NOW + 30 * DAY)[name]) == []  # up to date
    assert codes(fleet_of.sign(now=NOW + 40 * DAY, rules=replace(GENERATE, serial=SerialPolicy.INCREMENT))[name]) == []


def test_a_serial_that_is_not_what_the_policy_says_is_told_of(fleet_of: Fleet) -> None:
    rules = replace(GENERATE, serial=SerialPolicy.UNIXTIME)
    fleet_of.sign(rules=rules)
    outcomes = fleet_of.sign(rules=replace(rules, dnskey_ttl=60))  # in the same second
    assert {tuple(codes(each)) for each in outcomes.values()} == {("serial-ahead",)}


def test_rules_that_make_no_other_zone_make_none_anew(signed_fleet: Fleet) -> None:
    rules = replace(GENERATE, generate=None, signatures_refresh=4 * DAY)
    assert results(signed_fleet.sign(rules=rules)) == {ZoneResult.CURRENT}


def test_what_a_wrong_clock_signed_is_made_anew(signed_fleet: Fleet) -> None:
    ahead = NOW + 3650 * DAY
    assert results(signed_fleet.sign(now=ahead)) == {ZoneResult.DONE}
    assert results(signed_fleet.sign(now=ahead - timedelta(hours=1))) == {ZoneResult.CURRENT}  # it is valid already
    assert results(signed_fleet.sign(now=NOW)) == {ZoneResult.DONE}
    assert results(signed_fleet.sign(now=NOW)) == {ZoneResult.CURRENT}
    assert {outcome.findings for outcome in signed_fleet.verify(signed_fleet.signed).values()} == {()}


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (r"\Z", "more 300 IN A 192.0.2.1\n"),  # by hand
        (r"(?s).{40}\Z", ""),  # cut off
        (r"until \d{4}-\d\d", "until 2026-13"),
        (r"serial \d+", "serial 9999999999"),
        (r"recipe [0-9a-f]+", "recipe 0"),
    ],
)
def test_a_file_that_is_not_what_its_recipe_says_is_made_anew(signed_fleet: Fleet, pattern: str, text: str) -> None:
    name = signed_fleet.names[0]
    path = signed_fleet.signed / f"{name}.zone"
    before = path.read_text()
    path.write_text(re.sub(pattern, text, before, count=1))
    assert path.read_text() != before
    outcomes = signed_fleet.sign()
    assert {zone for zone, each in outcomes.items() if each.result is ZoneResult.DONE} == {name}
    assert path.read_text() == before


def test_a_file_that_no_fleet_made_is_not_replaced_without_a_word(signed_fleet: Fleet) -> None:
    foreign, *others = signed_fleet.names
    path = signed_fleet.signed / f"{foreign}.zone"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[1:]))
    outcomes = signed_fleet.sign()
    assert outcomes[foreign].result is ZoneResult.DONE and codes(outcomes[foreign]) == ["not-made-here"]
    assert not any(codes(outcomes[name]) for name in others)
    assert not any(map(codes, signed_fleet.sign().values()))


def test_what_was_made_of_a_zone_that_is_gone_stays_and_is_told_of(signed_fleet: Fleet) -> None:
    gone, *others = signed_fleet.names
    (signed_fleet.zones / f"{gone}.zone").unlink()
    (signed_fleet.signed / "other.example.zone").write_text("somebody else's\n")
    outcomes = signed_fleet.sign()
    assert set(outcomes) == {gone, *others}
    assert outcomes[gone].result is ZoneResult.LEFT_ALONE and codes(outcomes[gone]) == ["source-gone"]
    assert (signed_fleet.signed / f"{gone}.zone").exists()


def test_a_new_zone_keeps_the_mode_of_the_one_that_it_replaces(signed_fleet: Fleet) -> None:
    path = signed_fleet.signed / f"{signed_fleet.names[0]}.zone"
    path.chmod(0o640)
    assert results(signed_fleet.sign(now=NOW + 10 * DAY)) == {ZoneResult.DONE}
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


# ---- one bad zone ---------------------------------------------------------------------------------------------------


def failed(outcomes: dict[str, ZoneOutcome]) -> dict[str, str]:
    assert {outcome.result for outcome in outcomes.values() if not outcome.problem} <= {
        ZoneResult.DONE,
        ZoneResult.CURRENT,
    }
    problems = {zone: outcome.problem for zone, outcome in outcomes.items() if outcome.result is ZoneResult.FAILED}
    assert all(problems.values()) and not any("\n" in problem for problem in problems.values())
    return problems


def test_one_bad_zone_is_told_and_the_others_go_on(fleet_of: Fleet) -> None:
    (fleet_of.zones / "broken.example.zone").write_text("@ IN SOA what is this\n")
    (fleet_of.zones / "Upper.example.zone").write_text("")
    (fleet_of.zones / "no..name.zone").write_text("")
    (fleet_of.zones / "gone.example.zone").symlink_to("nowhere")
    (fleet_of.zones / "including.example.zone").write_text("$INCLUDE other\n")
    (fleet_of.zones / "looping.example.zone").symlink_to("looping.example.zone")
    os.mkfifo(fleet_of.zones / "pipe.example.zone")
    (fleet_of.zones / "directory.example.zone").mkdir()
    (fleet_of.zones / ".hidden.example.zone").write_text("")
    (fleet_of.zones / "readme.txt").write_text("")
    problems = failed(fleet_of.sign())
    assert set(problems) == {
        *("broken.example", "Upper.example", "no..name", "gone.example", "including.example"),
        *("looping.example", "pipe.example"),
    }
    assert "is not a plain file" in problems["pipe.example"]
    assert "broken.example.zone:1" in problems["broken.example"]
    assert "rename it to upper.example" in problems["Upper.example"]
    assert "no such file" in problems["gone.example"]
    assert count_zones(fleet_of.zones) == ZONES + 7
    assert len(list(fleet_of.signed.iterdir())) == ZONES
    assert len(list(fleet_of.keys.iterdir())) == 4 * ZONES  # none for a zone that failed


def test_an_error_of_zonekit_itself_is_told_without_what_was_read(
    fleet_of: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = fleet_of.names[0]

    def parse(octets: bytes, origin: str, **settings: object) -> object:
        if origin == name:
            raise RuntimeError("a secret")
        return original(octets, origin, **settings)  # type: ignore[arg-type]

    original = zonework.parse_zone_with_findings
    monkeypatch.setattr(zonework, "parse_zone_with_findings", parse)
    problems = failed(fleet_of.sign())
    assert set(problems) == {name}
    assert problems[name].startswith("internal error: RuntimeError at test_fleet.py line ")
    assert "secret" not in problems[name]


def test_a_zone_without_keys_fails_where_none_are_to_be_made(fleet_of: Fleet) -> None:
    fleet_of.keys.mkdir()
    name = fleet_of.names[0]
    for key in (generate_ksk(name), generate_zsk(name)):
        write_key(key, fleet_of.keys)
    problems = failed(fleet_of.sign(rules=SigningRules()))
    assert set(problems) == {*fleet_of.names} - {name}
    assert "generate some" in problems[fleet_of.names[1]]


def test_no_key_is_made_for_a_zone_that_has_a_public_one(fleet_of: Fleet) -> None:
    fleet_of.keys.mkdir()
    name = fleet_of.names[0]
    paths = write_key(generate_csk(name), fleet_of.keys)
    paths.private.unlink()
    assert set(failed(fleet_of.sign())) == {name}
    assert [path.name for path in fleet_of.keys.glob(f"K{name}.*")] == [paths.key.name]


def test_a_zone_that_was_signed_before_gets_no_other_keys(signed_fleet: Fleet) -> None:
    for path in signed_fleet.keys.iterdir():
        path.unlink()
    before = signed_fleet.octets(signed_fleet.signed)
    problems = failed(signed_fleet.sign())
    assert set(problems) == set(signed_fleet.names)
    assert "it was signed here before" in problems[signed_fleet.names[0]]
    assert signed_fleet.octets(signed_fleet.signed) == before
    assert not list(signed_fleet.keys.iterdir())


def test_what_is_no_plain_file_or_a_private_key_is_never_replaced(fleet_of: Fleet) -> None:
    fleet_of.signed.mkdir()
    linked, directory, key, *_ = fleet_of.names
    (fleet_of.signed / f"{linked}.zone").symlink_to(fleet_of.root / "elsewhere")
    (fleet_of.signed / f"{directory}.zone").mkdir()
    (fleet_of.signed / f"{key}.zone").write_text("Private-key-format: v1.3\n")
    problems = failed(fleet_of.sign())
    assert set(problems) == {linked, directory, key}
    assert "keys are never replaced" in problems[key]
    assert not (fleet_of.root / "elsewhere").exists()
    assert (fleet_of.signed / f"{key}.zone").read_text() == "Private-key-format: v1.3\n"


def test_a_key_whose_name_is_taken_meanwhile_is_not_replaced(fleet_of: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    name = fleet_of.names[0]
    original = staging.Staging.seal

    def seal(self: staging.Staging) -> None:
        original(self)
        for staged in fleet_of.keys.glob(f"{WORKPLACE}/*.sealed/K{name}.*.private"):
            (fleet_of.keys / staged.name).write_text("somebody else's")

    monkeypatch.setattr(staging.Staging, "seal", seal)
    problems = failed(fleet_of.sign())
    assert set(problems) == {name} and "keys are never replaced" in problems[name]
    assert {path.read_text() for path in fleet_of.keys.glob(f"K{name}.*")} == {"somebody else's"}
    assert not (fleet_of.signed / f"{name}.zone").exists()
    assert not list(fleet_of.keys.glob(".*"))


# ---- a run that is killed -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("step", "call"),
    [
        ("__enter__", 2),
        ("write", 1),
        ("write", 12),  # all keys and zones of the first batch but for a few
        ("sync", 1),
        ("sync", 2),
        ("seal", 1),
        ("move_new", 1),
        ("move_new", 3),
        ("sync_names", 1),
        ("move", 1),
        ("move", 3),
        ("sync_names", 2),
        ("seal", 2),
    ],
)
def test_a_run_that_is_killed_leaves_whole_files_and_the_next_one_goes_on(
    fleet_of: Fleet, step: str, call: int
) -> None:
    command = [
        sys.executable,
        "-m",
        "tests.fleet_worker",
        str(fleet_of.zones),
        str(fleet_of.signed),
        str(fleet_of.keys),
    ]
    killed = subprocess.run([*command, step, str(call)], capture_output=True, timeout=BOUND_SECONDS, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    published = {path.name: path.read_bytes() for path in fleet_of.keys.glob("K*")}
    served = {path.name: path.read_bytes() for path in fleet_of.signed.glob("*.zone")}
    for name in served:
        origin = name.removesuffix(".zone")
        zone = read_zone(fleet_of.signed / name, origin=origin)
        assert zone.apex_rrset(48).rdatas == tuple(sorted(key.dnskey_rdata for key in fleet_of.keys_of(origin)))
    outcomes = fleet_of.sign()
    assert results(outcomes) <= {ZoneResult.DONE, ZoneResult.CURRENT}
    assert {f"{zone}.zone" for zone, each in outcomes.items() if each.result is ZoneResult.CURRENT} == set(served)
    assert published.items() <= fleet_of.octets(fleet_of.keys).items()
    assert served.items() <= fleet_of.octets(fleet_of.signed).items()
    assert_whole(fleet_of, sample=1)


def kill_workers(monkeypatch: pytest.MonkeyPatch, marks: Path, *steps: tuple[str, int]) -> None:
    """Let a worker process be killed when it has done a step of staging so often; when one was, another at the next step."""
    marks.mkdir()
    runner = os.getpid()
    monkeypatch.setattr(crews, "_process_context", lambda module: get_context("fork"))
    for number, (step, call) in enumerate(steps):
        original = getattr(staging.Staging, step)
        calls: list[int] = []

        def killing(
            *arguments: object,
            number: int = number,
            call: int = call,
            original: Callable[..., object] = original,
            calls: list[int] = calls,
        ) -> object:
            done = original(*arguments)
            calls.append(number)
            is_next = number == 0 or (marks / str(number - 1)).exists()
            if os.getpid() != runner and is_next and len(calls) >= call and not (marks / str(number)).exists():
                (marks / str(number)).touch()
                os.kill(os.getpid(), signal.SIGKILL)
            return done

        monkeypatch.setattr(staging.Staging, step, killing)


@forking
@pytest.mark.parametrize(
    "steps",
    [
        [("__enter__", 2)],
        [("sync", 2)],
        [("seal", 1)],
        [("move_new", 1)],
        [("move_new", ZONES)],
        [("sync_names", 1)],
        [("move", 1)],
        [("move", ZONES)],
        [("__exit__", 1)],
        [("seal", 1), ("__enter__", 1)],  # so that each zone is done alone, and the keys are sealed
        [("move", 2), ("__enter__", 1)],
    ],
)
def test_a_batch_whose_worker_died_is_done_again_with_the_same_keys(
    fleet_of: Fleet, monkeypatch: pytest.MonkeyPatch, steps: list[tuple[str, int]]
) -> None:
    marks = fleet_of.root / "marks"
    kill_workers(monkeypatch, marks, *steps)
    outcomes = fleet_of.sign(processes=2, batch_zones=100)
    assert len(list(marks.iterdir())) == len(steps)
    assert results(outcomes) <= {ZoneResult.DONE, ZoneResult.CURRENT}
    assert_whole(fleet_of, sample=1)
    assert not list(fleet_of.keys.glob(".*")) and not list(fleet_of.signed.glob(".*"))


class Twice(Executor):
    """Does all work twice, as a scheduler does that has lost sight of a worker, and gives back what came of the second."""

    def submit(self, fn: Callable[..., Any], /, *arguments: Any, **settings: Any) -> Future[Any]:
        fn(*arguments)
        future: Future[Any] = Future()
        future.set_result(fn(*arguments))
        return future


def test_a_batch_that_is_done_twice_makes_its_keys_once(fleet_of: Fleet) -> None:
    assert results(fleet_of.sign(executor=Twice())) == {ZoneResult.CURRENT}
    assert_whole(fleet_of, sample=1)


def test_a_batch_is_not_done_twice_at_once(fleet_of: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    original = staging.Staging.seal
    problems: set[str] = set()

    class Overtaking(Executor):
        """Begins a batch once more when the keys of the first are sealed."""

        def submit(self, fn: Callable[..., Any], /, *arguments: Any, **settings: Any) -> Future[Any]:
            def seal(staged: staging.Staging) -> None:
                original(staged)
                problems.update(outcome.problem for outcome in fn(*arguments))

            monkeypatch.setattr(staging.Staging, "seal", seal)
            future: Future[Any] = Future()
            future.set_result(fn(*arguments))
            return future

    assert results(fleet_of.sign(executor=Overtaking())) == {ZoneResult.DONE}
    assert all("another worker is at batch" in problem for problem in problems) and len(problems) == 3
    assert_whole(fleet_of, sample=1)


def interrupt_second_key(fleet_of: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sign, and be interrupted as soon as the second file of a key has its name."""
    original = os.link
    links: list[str] = []

    def link(source: str, target: str, **settings: Any) -> None:
        original(source, target, **settings)
        links.append(target)
        if len(links) == 2:
            raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(os, "link", link)
        fleet_of.sign()
    assert len(list(fleet_of.keys.glob("K*"))) == 2


def test_keys_that_an_interrupt_left_without_names_get_them_by_the_next_run(
    fleet_of: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupt_second_key(fleet_of, monkeypatch)
    assert results(fleet_of.sign()) == {ZoneResult.DONE}
    assert_whole(fleet_of, sample=1)


def test_keys_that_are_settled_are_found_by_a_run_that_makes_none(
    fleet_of: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupt_second_key(fleet_of, monkeypatch)
    assert len(failed(fleet_of.sign(rules=SigningRules()))) == ZONES - 3  # one batch has its keys
    assert not list(fleet_of.keys.glob(".*"))
    assert results(fleet_of.sign()) == {ZoneResult.DONE, ZoneResult.CURRENT}
    assert_whole(fleet_of, sample=1)


def test_a_workplace_that_is_a_link_is_refused_and_nothing_is_removed(fleet_of: Fleet) -> None:
    elsewhere = fleet_of.root / "elsewhere"
    (elsewhere / "0.zones").mkdir(parents=True)
    (elsewhere / "precious").write_text("kept")
    fleet_of.signed.mkdir()
    (fleet_of.signed / WORKPLACE).symlink_to(elsewhere)
    with pytest.raises(FileError, match="is not a directory; remove it"):
        fleet_of.sign()
    assert {path.name for path in elsewhere.iterdir()} == {"0.zones", "precious"}


def test_directories_may_be_links(fleet_of: Fleet) -> None:
    for directory in (fleet_of.signed, fleet_of.keys):
        (fleet_of.root / "elsewhere" / directory.name).mkdir(parents=True)
        directory.symlink_to(fleet_of.root / "elsewhere" / directory.name)
    assert results(fleet_of.sign()) == {ZoneResult.DONE}
    assert_whole(fleet_of, sample=1)


def test_what_no_run_put_into_the_workplace_stays_there(fleet_of: Fleet) -> None:
    workplace = fleet_of.signed / WORKPLACE
    (workplace / "0.zones").mkdir(parents=True)
    (workplace / "0.zones" / "half").write_text("")
    (workplace / ".nfs0001").write_text("")
    (workplace / "directory").mkdir()
    assert results(fleet_of.sign()) == {ZoneResult.DONE}
    assert {path.name for path in workplace.iterdir()} == {".nfs0001", "directory"}


def command_line(made: Fleet, *more: str) -> list[str]:
    return [
        *(sys.executable, "-m", "zonekit.cli", "fleet", "sign", str(made.zones), "-f", str(made.signed)),
        *("-K", str(made.keys), "--generate-keys", "--now", "20261121120000", *more),
    ]


def signed_files(made: Fleet) -> int:
    return len(list(made.signed.glob("*.zone"))) if made.signed.exists() else 0


@pytest.mark.parametrize("least", [1, 150])
def test_a_command_that_is_killed_among_its_processes_is_taken_up_again(tmp_path: Path, least: int) -> None:
    made = Fleet(tmp_path)
    write_hosting_zones(300, made.zones)
    running = subprocess.Popen(command_line(made, "-n", "2"), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    with running:
        deadline = time.monotonic() + BOUND_SECONDS
        while signed_files(made) < least:
            assert running.poll() is None and time.monotonic() < deadline
            time.sleep(0.002)
        running.kill()
    published = {path.name: path.read_bytes() for path in made.keys.glob("K*.private")}
    outcomes = made.sign(processes=2, batch_zones=50)  # waits for the processes of the one that was killed
    assert results(outcomes) == {ZoneResult.DONE, ZoneResult.CURRENT} or results(outcomes) == {ZoneResult.CURRENT}
    assert len(outcomes) == 300
    assert published.items() <= made.octets(made.keys).items()
    assert not list(made.keys.glob(".*")) and not list(made.signed.glob(".*"))
    assert len(list(made.keys.iterdir())) == 4 * 300
    assert len({path.read_bytes() for path in made.keys.glob("K*.private")}) == 2 * 300  # whoever made them
    assert {outcome.findings for outcome in made.verify(made.signed).values()} == {()}


def test_an_interrupt_ends_a_command_in_one_line(tmp_path: Path) -> None:
    made = Fleet(tmp_path)
    write_hosting_zones(1500, made.zones)  # seconds of work, of which most is left when the first is seen
    running = subprocess.Popen(
        command_line(made, "-n", "2"),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    with running:
        deadline = time.monotonic() + BOUND_SECONDS
        while not signed_files(made):
            assert running.poll() is None and time.monotonic() < deadline
            time.sleep(0.002)
        os.killpg(running.pid, signal.SIGINT)  # as a terminal does: to the processes too
        _, errors = running.communicate(timeout=BOUND_SECONDS)
    assert (running.returncode, errors.strip()) == (130, b"zonekit: interrupted")
    assert not list(made.keys.glob(".*")) and not list(made.signed.glob(".*"))
    assert results(made.sign(processes=2, batch_zones=100)) <= {ZoneResult.DONE, ZoneResult.CURRENT}


def test_two_runs_are_never_at_work_in_one_directory(fleet_of: Fleet) -> None:
    fleet_of.signed.mkdir()
    with claimed(fleet_of.signed), pytest.raises(FileError, match="another run is at work here"):
        fleet_of.sign()
    fleet_of.keys.mkdir(exist_ok=True)
    with claimed(fleet_of.keys):
        with pytest.raises(FileError, match="another run is at work here"):
            fleet_of.sign()
        # Where no keys are made, nothing is written there.
        assert results(fleet_of.sign(rules=SigningRules())) == {ZoneResult.FAILED}
    assert results(fleet_of.sign()) == {ZoneResult.DONE}
    assert_whole(fleet_of)


def test_a_process_of_a_run_that_is_over_begins_no_batch(fleet_of: Fleet) -> None:
    fleet_of.signed.mkdir()
    with claimed(fleet_of.signed) as first, staging.joined(fleet_of.signed, first):
        pass
    with pytest.raises(FileError, match="has ended"), staging.joined(fleet_of.signed, first):
        pass
    with claimed(fleet_of.signed), pytest.raises(FileError, match="has ended"), staging.joined(fleet_of.signed, first):
        pass


def test_a_run_waits_for_the_processes_of_one_that_was_killed(fleet_of: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    fleet_of.signed.mkdir()
    monkeypatch.setattr(staging, "_PATIENCE_SECONDS", 0.0)
    with claimed(fleet_of.signed) as run, staging.joined(fleet_of.signed, run):
        workers = os.open(fleet_of.signed / WORKPLACE / "workers", os.O_RDWR)
        try:
            with pytest.raises(FileError, match="still at work"):
                staging._wait_for_workers(workers, fleet_of.signed)
        finally:
            os.close(workers)


def test_a_workplace_stays_as_long_as_somebody_works_in_it(fleet_of: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    fleet_of.signed.mkdir()
    monkeypatch.setattr(staging, "_PATIENCE_SECONDS", 0.0)
    workplace = fleet_of.signed / WORKPLACE
    with contextlib.ExitStack() as working:
        with claimed(fleet_of.signed) as run:
            working.enter_context(staging.joined(fleet_of.signed, run))
        with pytest.raises(FileError, match="has ended"), staging.joined(fleet_of.signed, run):
            pass
        with pytest.raises(FileError, match="still at work"), claimed(fleet_of.signed):
            pass
        assert workplace.exists()
    with claimed(fleet_of.signed):
        pass
    assert not workplace.exists()


# ---- a disk that fails, a process that dies -------------------------------------------------------------------------


def test_a_zone_that_does_not_fit_fails_alone_and_leaves_nothing(fleet_of: Fleet) -> None:
    name = fleet_of.names[0]
    with (fleet_of.zones / f"{name}.zone").open("a") as file:
        file.writelines(f"host{number} IN A 192.0.2.1\n" for number in range(500))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**16, limits[1]))
    try:
        problems = failed(fleet_of.sign())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert set(problems) == {name} and "cannot be written" in problems[name]
    assert not (fleet_of.signed / f"{name}.zone").exists()
    assert not list(fleet_of.keys.glob(f"K{name}.*"))
    assert results(fleet_of.sign()) == {ZoneResult.DONE, ZoneResult.CURRENT}
    assert_whole(fleet_of)


@pytest.mark.parametrize("step", ["_sync_file_system", "sync_directory"])
def test_a_batch_that_cannot_be_flushed_fails_as_a_whole(
    fleet_of: Fleet, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    calls = 0
    original = getattr(staging, step)

    def fail_first(subject: object) -> None:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        original(subject)

    monkeypatch.setattr(staging, step, fail_first)
    outcomes = fleet_of.sign()
    problems = failed(outcomes)
    assert len(problems) == 3  # one batch
    assert all("input/output error" in problem for problem in problems.values())
    assert {path.name for path in fleet_of.signed.iterdir()} == {
        f"{name}.zone" for name in fleet_of.names if name not in problems
    }
    monkeypatch.undo()
    assert results(fleet_of.sign()) == {ZoneResult.DONE, ZoneResult.CURRENT}
    assert_whole(fleet_of)


def test_files_are_flushed_one_by_one_where_the_system_has_no_syncfs(
    fleet_of: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    flushed = []
    original = os.fsync

    def fsync(descriptor: int) -> None:
        flushed.append(descriptor)
        original(descriptor)

    monkeypatch.setattr(staging, "_SYNCS_FILE_SYSTEMS", False)
    monkeypatch.setattr(os, "fsync", fsync)
    assert results(fleet_of.sign()) == {ZoneResult.DONE}
    assert len(flushed) > 5 * ZONES
    assert_whole(fleet_of)


@pytest.mark.parametrize("number", [errno.ENOSYS, errno.EPERM])
def test_files_are_flushed_one_by_one_where_syncfs_is_not_allowed(
    fleet_of: Fleet, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    flushed: set[str] = set()
    original = os.fsync

    def refuse(descriptor: int) -> None:
        raise OSError(number, os.strerror(number))

    def fsync(descriptor: int) -> None:
        flushed.add(os.path.basename(os.readlink(f"/proc/self/fd/{descriptor}")))
        original(descriptor)

    monkeypatch.setattr(staging, "_sync_file_system", refuse)
    monkeypatch.setattr(os, "fsync", fsync)
    assert results(fleet_of.sign()) == {ZoneResult.DONE}
    assert {path.name for path in [*fleet_of.keys.iterdir(), *fleet_of.signed.iterdir()]} <= flushed
    assert_whole(fleet_of)


def test_a_worker_that_may_not_work_in_a_directory_says_so(fleet_of: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    original = os.open

    def refuse(path: Any, flags: int, *arguments: Any, **settings: Any) -> int:
        if path == "workers" and not flags & os.O_CREAT:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return original(path, flags, *arguments, **settings)

    monkeypatch.setattr(os, "open", refuse)
    problems = failed(fleet_of.sign())
    assert len(problems) == ZONES
    assert all("cannot be worked in: permission denied" in problem for problem in problems.values())


def test_keys_come_where_there_are_no_hard_links(fleet_of: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    def link(*_arguments: object, **_settings: object) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "link", link)
    assert results(fleet_of.sign()) == {ZoneResult.DONE}
    assert_whole(fleet_of)
    with staging.claimed(fleet_of.keys), staging.Staging(fleet_of.keys, "0") as staged:
        taken = next(path.name for path in fleet_of.keys.glob("K*"))
        staged.write(taken, b"another")
        with pytest.raises(KeyFileExists):
            staged.move_new([taken])


def work_of(zones: list[str], size: int) -> list[crews.Batch]:
    return [
        crews.Batch(number=str(at), zones=tuple((zone, ()) for zone in zones[at : at + size]))
        for at in range(0, len(zones), size)
    ]


def test_a_zone_that_ends_its_process_fails_alone() -> None:
    zones = [f"{number}.example" for number in range(12)]
    work = Deadly(frozenset({"5.example"}))
    outcomes = {each.zone: each for each in crews.carried_out(work, work_of(zones, 3), None, 2)}
    assert sorted(outcomes) == sorted(zones)
    assert set(failed(outcomes)) == {"5.example"}
    assert "was ended" in outcomes["5.example"].problem


def test_processes_that_always_end_end_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crews, "_MOST_RENEWALS", 1)
    zones = [f"{number}.example" for number in range(4)]
    with pytest.raises(FleetError, match="ended from outside 2 times"):
        list(crews.carried_out(Deadly(frozenset(zones)), work_of(zones, 1), None, 2))


def test_a_given_executor_that_breaks_ends_the_run() -> None:
    zones = [f"{number}.example" for number in range(4)]
    with (
        ProcessPoolExecutor(1, mp_context=get_context("forkserver")) as executor,
        pytest.raises(FleetError, match="the executor is broken"),
    ):
        list(crews.carried_out(Deadly(frozenset(zones)), work_of(zones, 1), executor, None))


class Refusing(Executor):
    """Fails: when it is given work, or when the work is to be done."""

    def __init__(self, *, takes: bool) -> None:
        self.takes = takes

    def submit(self, fn: Callable[..., Any], /, *arguments: Any, **settings: Any) -> Future[Any]:
        if not self.takes:
            raise ConnectionError("a secret")
        future: Future[Any] = Future()
        future.set_exception(ConnectionError("a secret"))
        return future


def test_an_executor_that_fails_is_told_of_as_what_it_is() -> None:
    zones = ["1.example", "2.example"]
    outcomes = crews.carried_out(Deadly(frozenset()), work_of(zones, 1), Refusing(takes=True), None)
    assert {each.problem for each in outcomes} == {"the executor did not do it: ConnectionError; run this again"}
    with pytest.raises(FleetError, match="the executor takes no work: ConnectionError"):
        list(crews.carried_out(Deadly(frozenset()), work_of(zones, 1), Refusing(takes=False), None))


def test_a_pool_that_is_broken_when_a_lost_batch_is_begun_again_is_renewed(monkeypatch: pytest.MonkeyPatch) -> None:
    original = ProcessPoolExecutor.submit
    calls = 0

    def submit(self: ProcessPoolExecutor, *arguments: Any) -> Future[Any]:
        nonlocal calls
        calls += 1
        if calls <= 2:
            raise BrokenProcessPool
        return original(self, *arguments)

    monkeypatch.setattr(ProcessPoolExecutor, "submit", submit)
    outcomes = crews.carried_out(Deadly(frozenset()), work_of(["1.example", "2.example"], 1), None, 2)
    assert sorted(each.zone for each in outcomes if each.result is ZoneResult.DONE) == ["1.example", "2.example"]


@forking
def test_a_copy_of_the_process_lets_go_of_what_it_claimed(fleet_of: Fleet) -> None:
    fleet_of.signed.mkdir()
    with claimed(fleet_of.signed) as run:
        joining = get_context("fork").Process(target=_join_and_see, args=(fleet_of.signed, run))
        joining.start()
        joining.join(BOUND_SECONDS)
        assert joining.exitcode == 0
        with pytest.raises(FileError, match="another run"), claimed(fleet_of.signed):
            pass


def _join_and_see(directory: Path, run: str) -> None:
    """End with 0 when a copy holds no descriptor of the lock, and none either once it has joined the run."""

    def locks() -> int:
        held = (f"/proc/self/fd/{each}" for each in os.listdir("/proc/self/fd"))
        return sum(os.readlink(each).endswith(f"{WORKPLACE}/lock") for each in held if os.path.lexists(each))

    inherited = locks()
    with staging.joined(directory, run):
        pass
    os._exit(0 if (inherited, locks()) == (0, 0) else 1)


def test_zones_that_have_come_to_their_end_hold_nothing(signed_fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    (signed_fleet.zones / "broken.example.zone").write_text("@ what\n")
    seen: list[tuple[bytes, bytes, object]] = []

    def outcome(self: zonework._Draft) -> ZoneOutcome:
        seen.append((self.octets, self.text, self.made))
        return outcome_of(self)

    outcome_of = zonework._Draft.outcome
    monkeypatch.setattr(zonework._Draft, "outcome", outcome)
    assert results(signed_fleet.sign()) == {ZoneResult.CURRENT, ZoneResult.FAILED}
    assert set(seen) == {(b"", b"", None)}


def test_a_run_that_is_left_early_leaves_nothing_behind(fleet_of: Fleet) -> None:
    with ThreadPoolExecutor(1) as executor:
        outcomes = sign_fleet(
            fleet_of.zones,
            fleet_of.signed,
            key_directory=fleet_of.keys,
            now=NOW,
            rules=GENERATE,
            executor=executor,
            batch_zones=1,
        )
        next(outcomes)
        outcomes.close()
        assert not list(fleet_of.keys.glob(".*")) and not list(fleet_of.signed.glob(".*"))
    assert results(fleet_of.sign()) == {ZoneResult.DONE, ZoneResult.CURRENT}
    assert_whole(fleet_of)


def test_no_more_than_some_batches_are_under_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crews, "_MOST_BATCHES", 4)
    handed_out = 0

    def handing_out() -> Iterator[crews.Batch]:
        nonlocal handed_out
        for batch in work_of([f"{number}.example" for number in range(50)], 1):
            handed_out += 1
            yield batch

    with ThreadPoolExecutor(2) as executor:
        for told, _ in enumerate(crews.carried_out(Deadly(frozenset()), handing_out(), executor, None), start=1):
            assert handed_out <= told + 4
    assert told == handed_out == 50


# ---- a cluster ------------------------------------------------------------------------------------------------------


def test_a_worker_that_stands_elsewhere_finds_the_same_directories(
    fleet_of: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Elsewhere(Executor):
        """Does the work in another directory."""

        def submit(self, fn: Callable[..., Any], /, *arguments: Any, **settings: Any) -> Future[Any]:
            future: Future[Any] = Future()
            with contextlib.chdir("/"):
                future.set_result(fn(*arguments))
            return future

    monkeypatch.chdir(fleet_of.root)
    relative = Fleet(Path())
    assert results(relative.sign(executor=Elsewhere())) == {ZoneResult.DONE}
    assert_whole(fleet_of, sample=1)
    (fleet_of.root / "foreign").mkdir()
    assert results(relative.merge()) == {ZoneResult.LEFT_ALONE}
    with contextlib.chdir("/"):
        assert results(fleet_of.verify(fleet_of.signed, ds=fleet_of.foreign)) == {ZoneResult.DONE}


@pytest.mark.filterwarnings("default")
def test_a_cluster_makes_the_keys_and_the_files(
    fleet_of: Fleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if os.environ.get(REQUIRED) != "1" or sys.version_info >= (3, 12):
        pytest.importorskip("distributed", reason="the extra cluster is not installed")
    distributed = importlib.import_module("distributed")
    with (
        distributed.LocalCluster(
            n_workers=2,
            processes=True,
            threads_per_worker=1,
            dashboard_address=None,
            local_directory=str(tmp_path / "cluster"),
        ) as cluster,
        distributed.Client(cluster, timeout=BOUND_SECONDS) as client,
    ):
        monkeypatch.chdir(tmp_path)  # the workers stay where they are
        relative = Fleet(Path())
        outcomes = relative.sign(executor=client.get_executor(), processes=None, batch_zones=2)
    assert results(outcomes) == {ZoneResult.DONE}
    assert_whole(fleet_of)


# ---- merging and verifying ------------------------------------------------------------------------------------------


@pytest.fixture
def two_operators(signed_fleet: Fleet) -> Fleet:
    """A signed fleet, and for all its zones but the last the DNSKEYs of another operator."""
    signed_fleet.foreign.mkdir()
    for name in signed_fleet.names[:-1]:
        tags = key_tags(signed_fleet.keys_of(name), Algorithm.ECDSAP256SHA256)
        ksk = generate_ksk(name, avoid=tags)
        zsk = generate_zsk(name, avoid=[*tags, ksk.key_tag])
        validity = SignatureValidity.starting(NOW, 14 * DAY)
        theirs = sign_zone(read_zone(signed_fleet.zones / f"{name}.zone", origin=name), [ksk, zsk], validity=validity)
        lines = [key.text() for key in keys_to_take(theirs)]
        (signed_fleet.foreign / f"{name}.dnskeys").write_text("\n".join(lines) + "\n")
    return signed_fleet


def test_foreign_keys_are_merged_into_each_zone_that_has_some(two_operators: Fleet) -> None:
    *moving, staying = two_operators.names
    outcomes = two_operators.merge()
    assert outcomes[staying].result is ZoneResult.LEFT_ALONE
    assert {outcomes[name].result for name in moving} == {ZoneResult.DONE}
    assert {path.name for path in two_operators.merged.iterdir()} == {f"{name}.zone" for name in moving}
    for name in moving:
        merged = read_zone(two_operators.merged / f"{name}.zone", origin=name)
        signed = read_zone(two_operators.signed / f"{name}.zone", origin=name)
        assert len(merged.apex_rrset(48).rdatas) == 3
        assert merged.serial == signed.serial + 1
    assert_dnssec_verify_accepts(two_operators.merged / f"{moving[0]}.zone", moving[0], NOW)
    assert {each.findings for each in two_operators.verify(two_operators.merged).values()} == {()}
    assert FleetSummary.of(two_operators.merge().values()) == FleetSummary(current=len(moving), left_alone=1)


def test_a_merge_is_made_anew_when_the_zone_is_signed_anew(two_operators: Fleet) -> None:
    *moving, _ = two_operators.names
    two_operators.merge()
    before = read_zone(two_operators.merged / f"{moving[0]}.zone").serial
    two_operators.sign(now=NOW + 10 * DAY)
    assert {each.result for name, each in two_operators.merge(now=NOW + 10 * DAY).items() if name in moving} == {
        ZoneResult.DONE
    }
    assert read_zone(two_operators.merged / f"{moving[0]}.zone").serial == before + 1


def test_a_merge_lasts_no_longer_than_the_first_signature_in_the_zone(two_operators: Fleet) -> None:
    name = two_operators.names[0]
    assert codes(two_operators.merge()[name]) == []
    # The zone is not signed anew: what was merged is not up to date when the signatures in it are about to expire.
    late = NOW + 10 * DAY
    told = two_operators.merge(now=late)[name]
    assert told.result is ZoneResult.DONE and codes(told) == ["signatures-expire"]
    again = two_operators.merge(now=late)[name]
    assert again.result is ZoneResult.DONE and again.findings[0].severity is Severity.WARNING
    expired = two_operators.merge(now=NOW + 15 * DAY)[name]
    assert expired.findings[0].severity is Severity.ERROR
    line = (two_operators.merged / f"{name}.zone").read_text().partition("\n")[0]
    assert f"signed until {(NOW + 14 * DAY).strftime('%Y-%m-%dT%H:%M:%SZ')}" in line


def test_a_merged_zone_whose_foreign_keys_are_gone_is_told_of(two_operators: Fleet) -> None:
    name, *_, never = two_operators.names
    two_operators.merge()
    (two_operators.foreign / f"{name}.dnskeys").unlink()
    outcomes = two_operators.merge()
    assert outcomes[name].result is ZoneResult.LEFT_ALONE and codes(outcomes[name]) == ["foreign-keys-gone"]
    assert outcomes[never].result is ZoneResult.LEFT_ALONE and codes(outcomes[never]) == []
    assert (two_operators.merged / f"{name}.zone").exists()


def test_a_directory_that_a_worker_does_not_have_is_not_an_empty_one(
    two_operators: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = crews._do

    def without_it(work: crews.Work, batch: crews.Batch) -> list[ZoneOutcome]:
        two_operators.foreign.rename(two_operators.root / "away")
        try:
            return original(work, batch)
        finally:
            (two_operators.root / "away").rename(two_operators.foreign)

    with monkeypatch.context() as patched:
        patched.setattr(crews, "_do", without_it)
        outcomes = two_operators.merge()
    assert results(outcomes) == {ZoneResult.FAILED}
    assert all("no such file" in outcome.problem for outcome in outcomes.values())
    outcomes = two_operators.verify(two_operators.signed, ds=two_operators.root / "nowhere")
    assert results(outcomes) == {ZoneResult.FAILED}


def test_a_foreign_key_that_is_refused_fails_its_zone_alone(two_operators: Fleet) -> None:
    first, second, third, *_ = two_operators.names
    other_zone = (two_operators.foreign / f"{second}.dnskeys").read_text()
    (two_operators.foreign / f"{first}.dnskeys").write_text(other_zone)
    (two_operators.foreign / f"{third}.dnskeys").write_text("no key\n")
    problems = {zone: each.problem for zone, each in two_operators.merge().items() if each.result is ZoneResult.FAILED}
    assert set(problems) == {first, third}
    assert second in problems[first]
    assert f"{third}.dnskeys" in problems[third]
    assert not (two_operators.merged / f"{first}.zone").exists()


def test_only_what_is_wrong_is_found(signed_fleet: Fleet) -> None:
    broken, unread, *others = signed_fleet.names
    path = signed_fleet.signed / f"{broken}.zone"
    zone = read_zone(path, origin=broken)
    write_zone(zone.remove("www", "RRSIG", "CNAME"), path)
    (signed_fleet.signed / f"{unread}.zone").write_text("nothing\n")
    outcomes = signed_fleet.verify(signed_fleet.signed)
    assert outcomes[unread].result is ZoneResult.FAILED
    assert {outcomes[name].findings for name in others} == {()}
    assert {finding.owner for finding in outcomes[broken].findings} == {f"www.{broken}."}
    late = signed_fleet.verify(signed_fleet.signed, now=NOW + 15 * DAY)
    assert all(late[name].findings for name in others)


def test_the_ds_at_the_parent_is_looked_at_where_it_is_known(signed_fleet: Fleet) -> None:
    right, wrong, empty, *others = signed_fleet.names
    sets = signed_fleet.root / "ds"
    sets.mkdir()
    for name, keys in ((right, signed_fleet.keys_of(right)), (wrong, (generate_ksk(wrong),))):
        ds = make_ds([key for key in keys if key.role is KeyRole.KSK])
        (sets / f"dsset-{name}.").write_text(dsset_text(ds))
    (sets / f"dsset-{empty}.").write_text("; none\n")
    outcomes = signed_fleet.verify(signed_fleet.signed, ds=sets)
    assert outcomes[wrong].findings and outcomes[empty].result is ZoneResult.FAILED
    assert {outcomes[name].findings for name in (right, *others)} == {()}


# ---- refusals -------------------------------------------------------------------------------------------------------


def test_what_makes_no_sense_is_refused_before_anything_is_done(fleet_of: Fleet) -> None:
    with pytest.raises(FleetError, match="would take the place of what it is made from"):
        fleet_of.sign(output=fleet_of.zones)
    with pytest.raises(FleetError, match=r"files named \*\.key are keys"):
        list(sign_fleet(fleet_of.zones, fleet_of.signed, key_directory=fleet_of.keys, now=NOW, suffix=".key"))
    with pytest.raises(TimeError):
        fleet_of.sign(now=NOW.replace(tzinfo=None))
    with pytest.raises(FileError, match="cannot be read"):
        list(sign_fleet(fleet_of.root / "no", fleet_of.signed, key_directory=fleet_of.zones, now=NOW, processes=1))
    with pytest.raises(FileError, match="cannot be read"):
        fleet_of.sign(rules=SigningRules())  # there is no key directory
    with pytest.raises(FleetError, match="a batch of 0 zones"):
        fleet_of.sign(batch_zones=0)
    with pytest.raises(FleetError, match="0 processes"):
        fleet_of.sign(processes=0)
    with pytest.raises(FleetError, match="always"):
        SigningRules(signatures_validity=3 * DAY, signatures_refresh=5 * DAY)
    with pytest.raises(FleetError, match="no ZSK"):
        SigningRules(flagged_keys=KeyRole.ZSK)
    assert not fleet_of.signed.exists() or not list(fleet_of.signed.iterdir())


@forking
def test_a_copy_that_ends_leaves_the_run_to_the_process_that_it_is_a_copy_of(fleet_of: Fleet) -> None:
    fleet_of.signed.mkdir()
    with contextlib.ExitStack() as held:
        run = held.enter_context(claimed(fleet_of.signed))
        copy = os.fork()
        if copy == 0:
            held.close()
            os._exit(0)
        assert os.waitpid(copy, 0)[1] == 0
        with pytest.raises(FileError, match="another run"), claimed(fleet_of.signed):
            pass
        with staging.joined(fleet_of.signed, run):
            pass


def test_a_caller_may_go_elsewhere_between_two_outcomes(fleet_of: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(fleet_of.root)
    outcomes = sign_fleet("zones", "signed", key_directory="keys", now=NOW, rules=GENERATE, processes=1, batch_zones=1)
    first = next(outcomes)
    monkeypatch.chdir("/")
    assert {each.result for each in (first, *outcomes)} == {ZoneResult.DONE}
    assert not (fleet_of.signed / WORKPLACE).exists() and not (fleet_of.keys / WORKPLACE).exists()


def test_what_is_merged_is_what_the_recipe_was_made_of(two_operators: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file of foreign keys is read once, so that nobody can change it in between."""
    read: list[str] = []

    def read_and_note(path: str) -> str:
        read.append(os.path.basename(path))
        return read_text(path)

    *moving, _ = two_operators.names
    monkeypatch.setattr(zonework, "read_text", read_and_note)
    outcomes = two_operators.merge()
    assert {outcomes[name].result for name in moving} == {ZoneResult.DONE}
    assert sorted(read) == [f"{name}.dnskeys" for name in moving]
