"""The demo's files are what its account says, and the peers agree."""

from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.keyring import NOW
from tests.peers import assert_accepted, assert_every_verifier_accepts, named_checkzone, run_peer
from tests.test_cli import secrets_in
from zonekit import rdata as rd
from zonekit.cli.account import Account
from zonekit.cli.demo_files import MARK
from zonekit.cli.move import (
    Clock,
    departure,
    ended,
    exchanged,
    gaining_prepared,
    losing_today,
    mixture,
    planned,
    switched,
    wait_for_switch,
)
from zonekit.cli.tables import Column
from zonekit.cli.telling import ALONE, EXCHANGED, HANDOVER, ORIGIN, PLANNED, PREPARED, SENT, SWITCHED, TODAY
from zonekit.cli.verdicts import HOW_TO_GET_THEM, Judges
from zonekit.dnskeys import dnskeys_of
from zonekit.ds import matches_ds
from zonekit.epp.reading import read_frame
from zonekit.files import read_keys, read_zone
from zonekit.instants import SignatureValidity, instant_text
from zonekit.keys import KeyRole
from zonekit.transfer.plan import prove
from zonekit.transfer.planfile import read_plan
from zonekit.transfer.proof import Safe
from zonekit.transfer.wayback import prove_way_back, way_back
from zonekit.ttl import Ttl
from zonekit.zones import Zone

ROOT = Path(__file__).parent.parent
FIXTURES = ROOT / "fixtures" / "zones"
ZONE_FILES = (
    f"{TODAY}/losing",
    f"{PREPARED}/gaining",
    f"{EXCHANGED}/losing",
    f"{EXCHANGED}/gaining",
    f"{SWITCHED}/losing",
    f"{ALONE}/gaining",
)


def run_demo(
    directory: Path, *options: str, path: str | None = None, cwd: Path = ROOT
) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    if path is not None:
        environment["PATH"] = path
    return subprocess.run(
        [sys.executable, "-m", "zonekit.cli.demo", str(directory), *options],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Where the demo of this run is, and what it printed."""
    directory = tmp_path_factory.mktemp("demo") / "build" / "demo"
    done = run_demo(directory)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    return directory, done.stdout


def zone_in(directory: Path, place: str) -> Zone:
    return read_zone(directory / place / f"{ORIGIN}.zone")


def tags(zone: Zone) -> set[int]:
    return {key.key_tag for key in dnskeys_of(zone.apex_rrset(rd.DNSKEY))}


def delegated(directory: Path, stage: str) -> tuple[set[str], set[int]]:
    """The name servers and the key tags of the DS records that the parent publishes at a stage."""
    lines = [line.split() for line in (directory / stage / "parent" / f"{ORIGIN}.delegation").read_text().splitlines()]
    dsset = [line.split() for line in (directory / stage / "parent" / f"dsset-{ORIGIN}.").read_text().splitlines()]
    servers = {line[4] for line in lines if line[3] == "NS"}
    ds = {int(line[4]) for line in lines if line[3] == "DS"}
    assert ds == {int(line[3]) for line in dsset}
    return servers, ds


def name_servers(zone: Zone) -> set[str]:
    return {line.split()[-1] for line in zone.apex_rrset(rd.NS).text().split("\n")}


@pytest.mark.parametrize("place", ZONE_FILES)
def test_every_zone_file_satisfies_every_verifier(made: tuple[Path, str], place: str) -> None:
    file = made[0] / place / f"{ORIGIN}.zone"
    assert_accepted(named_checkzone(file, ORIGIN))
    assert_every_verifier_accepts(file, ORIGIN, datetime.now(UTC).replace(microsecond=0))


@pytest.mark.parametrize("place", ZONE_FILES)
def test_named_takes_every_stanza_and_loads_the_zone_under_it(made: tuple[Path, str], place: str) -> None:
    checked = run_peer(["named-checkconf", "-z", "named.conf"], cwd=made[0] / place)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "(DNSSEC signed)" in checked.stdout


def test_each_stage_holds_the_keys_that_the_transfer_asks_for(made: tuple[Path, str]) -> None:
    directory, _ = made
    losing = {key.role: key.key_tag for key in read_keys(directory / TODAY / "losing" / "keys", ORIGIN)}
    gaining = {key.role: key.key_tag for key in read_keys(directory / PREPARED / "gaining" / "keys", ORIGIN)}
    both = {*losing.values(), *gaining.values()}
    assert len(both) == 4
    zones = {place: tags(zone_in(directory, place)) for place in ZONE_FILES}
    assert zones == {
        f"{TODAY}/losing": set(losing.values()),
        f"{PREPARED}/gaining": set(gaining.values()),
        f"{EXCHANGED}/losing": both,
        f"{EXCHANGED}/gaining": {*gaining.values(), losing[KeyRole.ZSK]},
        f"{SWITCHED}/losing": both,
        f"{ALONE}/gaining": set(gaining.values()),
    }
    old, new = name_servers(zone_in(directory, ZONE_FILES[0])), name_servers(zone_in(directory, ZONE_FILES[1]))
    assert not old & new
    assert delegated(directory, TODAY) == (old, {losing[KeyRole.KSK]})
    assert delegated(directory, EXCHANGED) == (old, {losing[KeyRole.KSK], gaining[KeyRole.KSK]})
    assert delegated(directory, SWITCHED) == (new, {losing[KeyRole.KSK], gaining[KeyRole.KSK]})
    assert delegated(directory, ALONE) == (new, {gaining[KeyRole.KSK]})
    assert name_servers(zone_in(directory, f"{SWITCHED}/losing")) == new


def test_ttls_go_down_with_the_exchange_and_come_back_at_the_end(made: tuple[Path, str]) -> None:
    directory, _ = made

    def apex_ttls(place: str) -> tuple[int, int]:
        zone = zone_in(directory, place)
        return zone.apex_rrset(rd.NS).ttl, zone.apex_rrset(rd.DNSKEY).ttl

    assert [apex_ttls(place) for place in ZONE_FILES] == [
        (86400, 86400),
        (86400, 3600),
        (600, 600),
        (600, 600),
        (600, 600),
        (86400, 3600),
    ]


def test_every_serial_is_after_the_one_before(made: tuple[Path, str]) -> None:
    serials = [zone_in(made[0], place).serial for place in ZONE_FILES]
    losing, gaining = [serials[0], serials[2], serials[4]], [serials[1], serials[3], serials[5]]
    for own in (losing, gaining):
        assert own == sorted(set(own))


def test_the_end_is_what_was_prepared_but_for_the_serial(made: tuple[Path, str]) -> None:
    diff = zone_in(made[0], f"{PREPARED}/gaining").diff(zone_in(made[0], f"{ALONE}/gaining"))
    assert not diff.added
    assert not diff.removed
    assert {(older.type_text, older.covers) for older, _ in diff.changed} == {("SOA", 0), ("RRSIG", rd.SOA)}


def test_no_mixture_of_the_two_operators_goes_bogus_while_both_are_served(made: tuple[Path, str]) -> None:
    directory, _ = made
    now = datetime.now(UTC).replace(microsecond=0)
    zones = [
        zone_in(directory, place) for place in (f"{EXCHANGED}/losing", f"{EXCHANGED}/gaining", f"{SWITCHED}/losing")
    ]
    originals = [zone_in(directory, place) for place in (f"{TODAY}/losing", f"{PREPARED}/gaining")]
    for data in (*zones, *originals):
        for dnskeys in zones:
            mixed = mixture(data, dnskeys, now)
            assert mixed.good == mixed.total > 30
    alone = mixture(originals[0], originals[1], now)
    assert alone.good == 0, "without the exchange there is nothing to show"


def test_private_keys_are_their_owners_alone_and_in_no_other_file(made: tuple[Path, str]) -> None:
    directory, printed = made
    files = [path for path in directory.rglob("*") if path.is_file()]
    private = [path for path in files if path.suffix == ".private"]
    assert len(private) == 4
    assert {stat.S_IMODE(path.stat().st_mode) for path in private} == {0o600}
    secrets = secrets_in(directory)
    assert len(secrets) == 4
    for text in (printed, *(path.read_text() for path in files if path not in private)):
        assert not any(secret in text for secret in secrets)


def test_the_hand_over_sheet_has_the_gaining_keys_and_ds(made: tuple[Path, str]) -> None:
    sheet = (made[0] / PREPARED / HANDOVER).read_text()
    for key in read_keys(made[0] / PREPARED / "gaining" / "keys", ORIGIN):
        assert f"key id = {key.key_tag}" in sheet
    (ds,) = (made[0] / PREPARED / "gaining" / f"dsset-{ORIGIN}.").read_text().splitlines()
    tag_and_types, digest = ds.split()[3:6], "".join(ds.split()[6:])
    assert f"{ORIGIN}. IN DS {' '.join(tag_and_types)} {digest}" in sheet
    for server in name_servers(zone_in(made[0], ZONE_FILES[0])):
        assert f"dig @{server}" in sheet


def test_the_account_is_kept_and_says_when_the_switch_is_safe_and_why(made: tuple[Path, str]) -> None:
    directory, printed = made
    assert (directory / "ACCOUNT.txt").read_text() == printed
    (now,) = re.findall(r"^now +(\S+)$", printed, re.MULTILINE)
    start = datetime.fromisoformat(now)
    safe = instant_text(start + timedelta(days=2, hours=1))
    assert f"safe from    {safe} (now + 2d1h)" in printed
    assert re.search(r"^what binds +DS at the parent.*\n.*172800 s \(2d\)", printed, re.MULTILINE)
    assert re.search(rf"^simple rule +{safe}", printed, re.MULTILINE)
    assert "All 12 verdicts of BIND's tools are good." in printed
    for line in printed.splitlines():
        assert line.isprintable()
        assert line == line.rstrip()
    for stage in (TODAY, PREPARED, EXCHANGED, SWITCHED, ALONE):
        assert f"{directory / stage}/" in printed


def test_every_file_that_the_account_names_is_there_and_every_file_is_named(made: tuple[Path, str]) -> None:
    directory, printed = made
    named: set[Path] = set()
    stage: Path | None = None
    for line in printed.splitlines():
        if line.endswith("/") and Path(line).is_absolute():
            stage = Path(line)
        elif stage is not None and line.startswith("  "):
            for pattern in line.split("  ")[1].split(", "):
                found = [stage / pattern] if (stage / pattern).exists() else list(stage.glob(pattern))
                assert found or pattern == "gaining/", line
                named.update(found)
        else:
            stage = None
    unnamed = {path for path in directory.rglob("*") if path.is_file()} - named
    assert sorted(path.name for path in unnamed) == sorted([MARK, "ACCOUNT.txt"])


def test_an_earlier_demo_is_replaced_and_nothing_else_is(tmp_path: Path) -> None:
    directory = tmp_path / "demo"
    directory.mkdir()
    assert run_demo(directory).returncode == 0, "an empty directory will do"
    (directory / "left-over").touch()
    before = (directory / "ACCOUNT.txt").read_text()
    assert run_demo(directory).returncode == 0
    assert not (directory / "left-over").exists()
    assert (directory / "ACCOUNT.txt").read_text() != before
    assert [path.name for path in tmp_path.iterdir()] == ["demo"]

    (tmp_path / "link").symlink_to(directory)
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file").write_text("mine")
    (tmp_path / "file").write_text("mine")
    for place in (precious, tmp_path / "file", tmp_path / "link", tmp_path):
        done = run_demo(place)
        assert done.returncode == 2
        assert done.stderr.startswith("zonekit: ")
        assert done.stderr.count("\n") == 1
        assert "not an earlier demo's" in done.stderr
    assert (precious / "file").read_text() == (tmp_path / "file").read_text() == "mine"
    assert (tmp_path / "link").is_symlink()


def test_a_demo_that_fails_leaves_the_earlier_one(tmp_path: Path) -> None:
    directory = tmp_path / "demo"
    assert run_demo(directory).returncode == 0
    before = (directory / "ACCOUNT.txt").read_text()
    fixtures = tmp_path / "fixtures"
    fixtures.mkdir()
    (fixtures / f"{ORIGIN}.zone").write_text("nonsense")
    done = run_demo(directory, "--fixtures", str(fixtures))
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert (directory / "ACCOUNT.txt").read_text() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["demo", "fixtures"]


def test_another_now_is_taken_at_its_word_and_not_judged_by_the_clock(tmp_path: Path) -> None:
    done = run_demo(tmp_path / "demo", "--now", "2031-05-04T03:02:01Z", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "safe from    2031-05-06T04:02:01Z (now + 2d1h)" in done.stdout
    assert "not asked" in done.stdout
    file = tmp_path / "demo" / ALONE / "gaining" / f"{ORIGIN}.zone"
    assert_every_verifier_accepts(file, ORIGIN, datetime(2031, 5, 4, 3, 2, 1, tzinfo=UTC))


def test_a_fault_that_a_tool_finds_is_shown_and_ends_in_1(tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    for name, exit_code in (("named-checkzone", 0), ("dnssec-verify", 1)):
        (tools / name).write_text(f"#!/bin/sh\necho I say {exit_code}\nexit {exit_code}\n")
        (tools / name).chmod(0o755)
    done = run_demo(tmp_path / "demo", path=f"{tools}:{os.environ['PATH']}")
    assert done.returncode == 1
    assert "    I say 1" in done.stdout
    assert "FOUND FAULT" in done.stdout
    assert (tmp_path / "demo" / ALONE).is_dir(), "the files are there to be looked at"


def test_tools_that_are_missing_are_named_with_the_way_to_get_them(tmp_path: Path) -> None:
    judges = Judges(SignatureValidity.starting(NOW, timedelta(days=14)), search_path=str(tmp_path))
    ((what, words),) = judges.introduction()
    assert what == "missing"
    assert "named-checkzone and dnssec-verify" in words
    assert HOW_TO_GET_THEM in words
    assert list(judges.verdicts(tmp_path / "zone", ORIGIN)) == []
    assert judges.all_good
    assert "No tool" in judges.conclusion()


# ---- the waits ------------------------------------------------------------------------------------------------------


def test_each_wait_is_the_one_that_the_transfer_model_states() -> None:
    clock = Clock.starting(NOW)
    losing = losing_today(read_zone(FIXTURES / "example.nl.zone", origin=ORIGIN), clock)
    gaining = gaining_prepared(read_zone(FIXTURES / "example.nl.gaining.zone", origin=ORIGIN), losing, clock)
    exchange = exchanged(losing, gaining, clock)
    hour, day, five = timedelta(hours=1), timedelta(days=1), timedelta(minutes=5)

    wait = wait_for_switch(losing, clock)
    assert wait.switchover.at == NOW + hour + 2 * day
    leave = departure(switched(losing, gaining, exchange, wait, clock), wait, clock)
    unreachable = wait.switchover.at + hour + 2 * day
    assert leave.unreachable.gone_from_caches == unreachable
    assert leave.ds.gone_from_caches == unreachable + timedelta(seconds=600)
    assert leave.data.gone_from_caches == unreachable + day

    short_ds = replace(clock, assumed=replace(clock.assumed, parent_ds_ttl=Ttl(600), parent_ns_ttl=Ttl(60)))
    wait = wait_for_switch(losing, short_ds)
    assert wait.switchover.at == NOW + five + day, "then the old DNSKEY RRset binds, and the TTL that it had"
    assert wait.switchover.because.record == "DNSKEY of the losing operator"
    leave = departure(switched(losing, gaining, exchange, wait, short_ds), wait, short_ds)
    assert leave.unreachable.gone_from_caches == wait.switchover.at + hour + timedelta(seconds=60)


def test_the_end_of_the_move_has_the_gaining_ds_alone_and_it_reaches_the_zone() -> None:
    clock = Clock.starting(NOW)
    losing = losing_today(read_zone(FIXTURES / "example.nl.zone", origin=ORIGIN), clock)
    gaining = gaining_prepared(read_zone(FIXTURES / "example.nl.gaining.zone", origin=ORIGIN), losing, clock)
    exchange = exchanged(losing, gaining, clock)
    switch = switched(losing, gaining, exchange, wait_for_switch(losing, clock), clock)
    end = ended(gaining, exchange, switch, clock)
    (ds,) = end.delegation.ds.rdatas
    assert matches_ds(ds, gaining.zone.apex, gaining.ksk.dnskey_rdata)
    assert {change.new_ttl for change in end.gaining.changes} == {86400, 3600}
    assert end.delegation.ns.same_data(gaining.zone.apex_rrset(rd.NS))


def test_the_plan_of_the_move_has_the_dates_of_the_move_and_is_proven() -> None:
    clock = Clock.starting(NOW)
    losing = losing_today(read_zone(FIXTURES / "example.nl.zone", origin=ORIGIN), clock)
    gaining = gaining_prepared(read_zone(FIXTURES / "example.nl.gaining.zone", origin=ORIGIN), losing, clock)
    exchange = exchanged(losing, gaining, clock)
    wait = wait_for_switch(losing, clock)
    leave = departure(switched(losing, gaining, exchange, wait, clock), wait, clock)
    plan = planned(losing, exchange, clock)
    assert isinstance(prove(plan), Safe)
    assert plan.switchover == wait.switchover.at
    assert plan.step("losing-unreachable").started == leave.unreachable.gone_from_caches
    assert plan.step("losing-ds-removed").started == leave.ds.gone_from_caches
    assert plan.step("losing-keys-withdrawn").started == leave.data.gone_from_caches
    assert {each.key.name for each in plan.facts.losing.keys} == {
        f"KSK {losing.ksk.key_tag} of the losing operator",
        f"ZSK {losing.zsk.key_tag} of the losing operator",
    }


def test_the_plan_that_the_demo_leaves_can_be_checked(made: tuple[Path, str]) -> None:
    directory, printed = made
    place = directory / PLANNED
    plan = read_plan((place / f"{ORIGIN}.plan.json").read_text())
    assert isinstance(prove(plan), Safe)
    assert "Safe: no resolver can see the domain bogus" in printed
    for step in plan.steps:
        assert re.search(rf"{instant_text(step.started)}  now .*{step.id}", printed), step.id
    page = (place / f"{ORIGIN}.plan.html").read_text()
    assert "Proven safe" in page
    assert (place / f"{ORIGIN}.plan.ics").read_bytes().count(b"BEGIN:VEVENT\r\n") == len(plan.steps)
    for step in plan.steps:
        assert isinstance(prove_way_back(way_back(plan, at=step.id)), Safe), step.id


def test_the_frames_that_the_demo_leaves_lead_the_registry_to_the_end(made: tuple[Path, str]) -> None:
    directory, printed = made
    frames = {path.stem: read_frame(path.read_bytes()) for path in (directory / SENT).iterdir()}
    assert all(f"{name}.xml" in printed for name in frames)
    (added,), (removed,) = frames["ds-added-1"].extensions, frames["losing-ds-removed-1"].extensions
    tags = {stage: delegated(directory, stage)[1] for stage in (TODAY, EXCHANGED, ALONE)}
    assert added.remove is None and {each.ds.key_tag for each in added.add.ds} == tags[EXCHANGED] - tags[TODAY]
    assert removed.add is None and {each.ds.key_tag for each in removed.remove.ds} == tags[EXCHANGED] - tags[ALONE]
    *hosts, switch = [frames[name].action for name in sorted(frames) if name.startswith("ns-changed")]
    assert {each.name for each in hosts} == {each.name for each in switch.add.name_servers.servers}
    assert {each.name for each in switch.add.name_servers.servers} == delegated(directory, SWITCHED)[0]
    assert {each.name for each in switch.remove.name_servers.servers} == delegated(directory, TODAY)[0]


# ---- the account ----------------------------------------------------------------------------------------------------


def test_an_account_is_kept_as_it_was_printed(capsys: pytest.CaptureFixture[str]) -> None:
    account = Account()
    account.heading("One")
    account.say("word " * 60)
    account.facts([("what", "it is")])
    account.table([Column(title="a"), Column(title="b", numbers=True)], [["x", "1"], ["y", "22"]])
    account.heading("Two")
    printed = capsys.readouterr().out
    assert account.text() == printed
    assert printed.startswith("One\n---\nword")
    assert max(map(len, printed.splitlines())) <= 100
    assert "\n\n  a   b\n  x   1\n  y  22\n\nTwo\n" in printed
