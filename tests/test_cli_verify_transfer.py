"""``zonekit verify --transfer`` holds what is served against what a transfer claims, and writes the receipt for its keys."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from tests.keyring import NOW
from tests.test_cli import refuse, run, succeed
from zonekit import rdata as rd
from zonekit.cli.exits import BAD_INPUT, OK, REFUSED
from zonekit.cli.move import Clock, Delegation, delegation_today, exchanged, gaining_prepared, losing_today, planned
from zonekit.ds import dsset_text
from zonekit.files import read_zone, write_text, write_zone
from zonekit.instants import instant_text
from zonekit.transfer.planfile import plan_json
from zonekit.transfer.receipts import Receipt
from zonekit.zones import Zone

ROOT: Final = Path(__file__).parent.parent
MERGED: Final = ("losing-merged", "ttls-lowered", "ds-added", "gaining-serves")
SERVERS: Final = ("ns1.gaining-dns.example", "ns2.gaining-dns.example")
ASKED: Final = [word for server in SERVERS for word in ("--giving", f"gaining={server}")]


@dataclass(frozen=True)
class Stage:
    """The files of a stage of the example move."""

    losing: Path
    gaining: Path
    ds: Path
    ns: Path

    @classmethod
    def written(cls, directory: Path, losing: Zone, gaining: Zone, delegation: Delegation) -> Stage:
        directory.mkdir()
        made = cls(directory / "losing", directory / "gaining", directory / "ds", directory / "ns")
        write_zone(losing, made.losing)
        write_zone(gaining, made.gaining)
        write_text(made.ds, dsset_text(delegation.ds))
        write_text(made.ns, delegation.ns.text() + "\n")
        return made

    def words(self, *steps: str, at: datetime = NOW) -> list[object]:
        told: list[object] = ["verify", "--now", instant_text(at)]
        for step in steps:
            told += ["--transfer", step]
        return [*told, "--losing", self.losing, "--gaining", self.gaining, "--ds", self.ds, "--ns", self.ns]

    def answer(self, *steps: str, more: Iterable[object] = (), code: int = OK) -> dict[str, Any]:
        result = run(*self.words(*steps), *more, "--json")
        assert result.exit_code == code, result.output
        found: dict[str, Any] = json.loads(result.stdout)
        return found


@dataclass(frozen=True)
class Move:
    before: Stage
    merged: Stage
    plan: Path


@pytest.fixture(scope="module")
def move(tmp_path_factory: pytest.TempPathFactory) -> Move:
    directory = tmp_path_factory.mktemp("move")
    zones = ROOT / "fixtures" / "zones"
    clock = Clock.starting(NOW)
    losing = losing_today(read_zone(zones / "example.nl.zone", origin="example.nl"), clock)
    gaining = gaining_prepared(read_zone(zones / "example.nl.gaining.zone", origin="example.nl"), losing, clock)
    exchange = exchanged(losing, gaining, clock)
    today = delegation_today(losing, clock)
    plan = directory / "plan.json"
    plan.write_text(plan_json(planned(losing, exchange, clock)))
    return Move(
        before=Stage.written(directory / "before", losing.zone, gaining.zone, today),
        merged=Stage.written(directory / "merged", exchange.losing.zone, exchange.gaining.zone, exchange.delegation),
        plan=plan,
    )


def truths(found: dict[str, Any]) -> dict[str, str]:
    return {each["claim"]: each["truth"] for each in found["claims"]}


def dnskeys_in(path: Path) -> str:
    return read_zone(path, origin="example.nl").apex_rrset(rd.DNSKEY).text() + "\n"


# ---- what it says ---------------------------------------------------------------------------------------------------


def test_a_transfer_that_is_where_it_claims_to_be_ends_in_0(move: Move) -> None:
    found = move.merged.answer(*MERGED, more=ASKED)
    assert found["true"] and found["clean"] and set(truths(found).values()) == {"true"}
    assert found["domain"] == "example.nl." and found["now"] == instant_text(NOW)
    assert found["claimed"] == list(MERGED) and found["done"][0] == "frozen" and found["by_people"] == ["frozen"]
    assert found["breaks"] == [] and found["decision"] is None
    assert [each["found"] for each in found["missing"]] == ["not known without a plan"] * 2
    assert {each["severity"] for each in found["findings"]} == {"info"}, "what is legal here is expected"


def test_a_claim_that_is_not_true_ends_in_1_and_says_at_whose_hands_it_is(move: Move) -> None:
    found = move.before.answer("losing-merged", code=REFUSED)
    assert not found["true"] and not found["clean"]
    assert truths(found)["the losing zone publishes the gaining keys"] == "false"
    (claim,) = [each for each in found["claims"] if each["claim"] == "the losing zone publishes the gaining keys"]
    assert (claim["step"], claim["actor"]) == ("losing-merged", "losing operator")
    assert "gaining-keys-not-published" in {each["code"] for each in found["findings"]}


def test_what_is_still_missing_and_what_would_break_is_told_before_the_ns_change(move: Move) -> None:
    found = move.before.answer("keys-made")
    assert found["true"] and {each["step"] for each in found["missing"]} >= {
        "gaining-merged",
        "losing-merged",
        "ds-added",
    }
    assert {each["actor"] for each in found["missing"]} >= {"registrar", "losing operator", "gaining operator"}
    assert found["breaks"] and not any(each["is_so_already"] for each in found["breaks"])
    text = succeed(*move.before.words("keys-made")).stdout
    for words in (
        "Missing until the NS may change",
        "Would break if the NS changed now",
        "no key that signed the data is in this DNSKEY RRset",
        "the transfer is where it claims to be",
        "combinations that caches can hold now would break",
    ):
        assert words in text


def test_what_was_not_looked_at_is_neither_true_nor_false_and_ends_in_1(move: Move) -> None:
    assert truths(move.merged.answer(*MERGED, code=REFUSED))["the gaining servers answer for the zone"] == "not seen"
    result = run("verify", "--transfer", "ds-added", "--losing", move.merged.losing, "--now", instant_text(NOW))
    assert result.exit_code == REFUSED
    assert "not everything was looked at" in result.stdout and "not to be told" in result.stdout
    found = json.loads(
        run(
            *("verify", "--transfer", "ds-added", "--losing", move.merged.losing, "--now", instant_text(NOW), "--json"),
        ).stdout
    )
    assert found["breaks"] is None and set(truths(found).values()) >= {"true", "not seen"}


def test_a_server_that_lacks_it_makes_the_claim_false(move: Move) -> None:
    lacking = ["--giving", f"gaining={SERVERS[0]}", "--lacking", f"gaining={SERVERS[1]}"]
    found = move.merged.answer(*MERGED, more=lacking, code=REFUSED)
    assert truths(found)["the gaining servers answer for the zone"] == "false"


def test_a_plan_brings_its_waits_and_the_gate(move: Move) -> None:
    found = move.merged.answer(*MERGED, more=[*ASKED, "--plan", move.plan])
    assert found["decision"]["step"] == "ns-changed" and found["decision"]["decision"] == "missing"
    assert {each["step"] for each in found["decision"]["missing"]} >= {"frozen", "ns-changed"}
    assert found["waits"] and all(each["until"] > instant_text(NOW) for each in found["waits"])
    text = succeed(*move.merged.words(*MERGED), *ASKED, "--plan", move.plan).stdout
    assert "wait " in text and "ns-changed: missing" in text and "DS RRset without the gaining DS" in text


def test_one_and_several_are_told_apart(move: Move, tmp_path: Path) -> None:
    alone = ["verify", "--transfer", "frozen", "--ds", move.before.ds, "-o", "example.nl", "--now", instant_text(NOW)]
    assert "the losing and the gaining zones were not looked at" in run(*alone).stdout
    assert "the gaining zone was not looked at" in run(*alone, "--losing", move.before.losing).stdout
    bad = tmp_path / "bad"
    lines = move.before.losing.read_text().splitlines()
    lines.remove(next(line for line in lines if "RRSIG" in line and " AAAA " in line))
    bad.write_text("\n".join(lines) + "\n")
    words = [bad if word == move.before.losing else word for word in move.before.words("keys-exchanged")]
    (verifies,) = [
        each
        for each in json.loads(run(*words, "--json").stdout)["claims"]
        if each["claim"] == "the losing zone verifies"
    ]
    assert verifies["found"].startswith("1 finding of severity error: ")


def test_without_a_plan_nobody_says_what_caches_still_hold(move: Move) -> None:
    served = "nothing that is served now would break it; what caches still hold from before"
    assert f"{served} is not known without a plan" in succeed(*move.merged.words(*MERGED), *ASKED).stdout
    facts = ROOT / "fixtures" / "transfers" / "example.nl.toml"
    assert f"{served} is not known without a plan" in run(*move.merged.words(*MERGED), "--plan", facts).stdout
    assert f"{served} the waits and the gate tell" in run(*move.merged.words(*MERGED), "--plan", move.plan).stdout


def test_what_is_on_record_in_a_plan_need_not_be_said_again(move: Move, tmp_path: Path) -> None:
    plan = tmp_path / "plan.json"
    plan.write_text(move.plan.read_text())
    words: list[object] = []
    for step in json.loads(plan.read_text())["steps"]:
        if step["id"] == "ns-changed":
            break
        words += ["--record", f"{step['id']}={step['started']}/{step['completed']}"]
    at = NOW + timedelta(days=3)
    run("plan", plan, "-i", "-q", *words, "--now", instant_text(at))
    words = [*move.merged.words(*MERGED, at=at), *ASKED, "--plan", plan]
    found = json.loads(succeed(*words, "--json").stdout)
    assert found["decision"] == {"step": "ns-changed", "decision": "confirmed", "missing": []} and found["waits"] == []
    text = succeed(*words).stdout
    assert "ns-changed: confirmed" in text and "nothing that caches can hold now would break" in text
    unlike = [*move.before.words("frozen", at=at), "--plan", plan, "--json"]
    assert json.loads(run(*unlike).stdout)["decision"]["decision"] == "missing", "what is seen says otherwise"


@pytest.mark.parametrize("kind", ["plan", "facts"])
def test_the_plan_or_the_facts_say_the_domain_where_no_zone_does(move: Move, kind: str) -> None:
    known = move.plan if kind == "plan" else ROOT / "fixtures" / "transfers" / "example.nl.toml"
    words = ["verify", "--transfer", "ds-added", "--plan", known, "--ds", move.merged.ds, "--now", instant_text(NOW)]
    found = json.loads(run(*words, "--json").stdout)
    assert found["domain"] == "example.nl." and found["breaks"] is None
    assert "what it would break is not to be told" in run(*words).stdout


def test_facts_and_a_flow_serve_as_well(move: Move) -> None:
    facts = ROOT / "fixtures" / "transfers" / "example.nl.toml"
    found = move.merged.answer(*MERGED, more=[*ASKED, "--plan", facts, "--flow", "registrar-change"])
    assert found["true"] and "requested" in found["by_people"]


def test_that_there_is_none_is_something_else_than_that_nobody_looked(move: Move) -> None:
    words = ["verify", "--flow", "to-unsigned", "--transfer", "all-ds-removed", "--losing", move.before.losing]
    words += ["--now", instant_text(NOW), "--json"]
    assert truths(json.loads(run(*words).stdout))["the parent has no DS"] == "not seen"
    assert truths(json.loads(run(*words, "--absent", "ds").stdout))["the parent has no DS"] == "true"


def test_a_zone_with_misfits_is_held_against_the_claims_too(move: Move, tmp_path: Path) -> None:
    bad = tmp_path / "bad"
    bad.write_text(move.merged.gaining.read_text() + "www 60 IN TXT a\nold. 60 IN A 192.0.2.1\n")
    words = [bad if word == move.merged.gaining else word for word in move.merged.words(*MERGED)]
    result = run(*words, *ASKED, "--json")
    codes = {each["code"] for each in json.loads(result.stdout)["findings"]}
    assert result.exit_code == REFUSED and codes >= {"cname-and-other-data", "gaining-zone-faulty", "out-of-zone"}


def test_quiet_leaves_the_exit_code(move: Move) -> None:
    assert succeed(*move.merged.words(*MERGED), *ASKED, "-q").output == ""
    result = run(*move.before.words("losing-merged"), "-q")
    assert (result.exit_code, result.output) == (REFUSED, "")


def test_several_processes_say_the_same(move: Move) -> None:
    assert move.merged.answer(*MERGED, more=[*ASKED, "--jobs", "2"]) == move.merged.answer(*MERGED, more=ASKED)


def test_the_addresses_at_the_parent_come_with_the_ns_or_are_said_to_be_absent(tmp_path: Path) -> None:
    words: list[object] = ["verify", "--transfer", "ns-changed", "--now", instant_text(NOW), "--json"]
    unsigned = tmp_path / "unsigned"
    soa = "@ 60 IN SOA ns.example.nl. h.example.nl. 1 7200 3600 1209600 300\n"
    unsigned.write_text(f"{soa}@ 60 IN NS ns.example.nl.\nns 60 IN A 192.0.2.53\n")
    words += ["--flow", "from-unsigned", "--gaining", unsigned, "-o", "example.nl"]
    ns = "example.nl. 60 IN NS ns.example.nl.\n"
    claim = "the parent names the gaining servers"
    for text, more, truth in (
        (ns, [], "not seen"),
        (ns + "ns.example.nl. 60 IN A 192.0.2.53\n", [], "true"),
        (ns + "ns.example.nl. 60 IN A 192.0.2.54\n", [], "false"),
        (ns, ["--absent", "glue"], "false"),
    ):
        result = run(*words, "--ns", "-", *more, text=text)
        assert truths(json.loads(result.stdout))[claim] == truth, text


def test_a_severity_counts_beside_the_claims(move: Move) -> None:
    result = run(*move.merged.words(*MERGED), *ASKED, "--severity", "info")
    assert result.exit_code == REFUSED and "the transfer is where it claims to be" in result.stdout


def test_what_the_ttls_were_lowered_to_is_told_and_not_taken_for_600(move: Move) -> None:
    claim = "the TTLs of the losing apex NS and DNSKEY RRsets are lowered"
    before = ("ttls-lowered", "losing-merged")
    assert truths(move.before.answer(*before, code=REFUSED))[claim] == "false"
    assert truths(move.before.answer(*before, more=["--lowered-ttl", "1d"], code=REFUSED))[claim] == "true"
    facts = ["--plan", ROOT / "fixtures" / "transfers" / "example.nl.toml"]
    assert truths(move.before.answer(*before, more=[*facts, "--lowered-ttl", "1d"], code=REFUSED))[claim] == "true"
    assert truths(move.merged.answer(*MERGED, more=[*ASKED, "--lowered-ttl", "300"], code=REFUSED))[claim] == "false"
    text = "lowered TTL  600, which is assumed: --lowered-ttl or a --plan says what it is"
    assert text in run(*move.before.words(*before)).stdout
    for more in (["--lowered-ttl", "600"], facts):
        assert "assumed" not in run(*move.before.words(*before), *more).stdout
    told = (*move.before.words(*before), "--plan", move.plan, "--lowered-ttl", "900")
    assert "a plan and a lowered TTL are given" in refuse(BAD_INPUT, *told)


def test_what_only_people_can_confirm_is_said_on_the_command_line(move: Move) -> None:
    alone = ["verify", "--transfer", "frozen", "--losing", move.before.losing, "--now", instant_text(NOW)]
    result = run(*alone)
    assert result.exit_code == REFUSED and "to be said" in result.stdout
    said = succeed(*alone, "--said", "frozen").stdout
    for words in ("frozen: by the command line", "where it claims to be, as far as was looked at and said"):
        assert words in said
    assert "to be said" not in said
    found = json.loads(succeed(*alone, "--said", "frozen", "--json").stdout)
    assert found["said"] == ["frozen"] and found["by_people"] == [] and not found["true"]
    other = run(*alone, "--transfer", "keys-made", "--said", "frozen")
    assert other.exit_code == REFUSED, "that the gaining zone verifies has to be seen"
    faulty = move.before.answer("losing-merged", more=["--said", "frozen"], code=REFUSED)
    assert "false" in truths(faulty).values()


def test_what_is_said_counts_for_the_gate_and_for_what_is_missing(move: Move) -> None:
    def lacking(*more: object) -> list[set[str]]:
        found = move.merged.answer(*MERGED, more=[*ASKED, "--plan", move.plan, *more])
        return [{each["step"] for each in found["decision"]["missing"]}, set(found["by_people"])]

    assert [("frozen" in each) for each in lacking()] == [True, True]
    assert [("frozen" in each) for each in lacking("--said", "frozen")] == [False, False]
    flow = ["--flow", "registrar-change"]

    def missing(*more: object) -> set[str]:
        return {each["step"] for each in move.before.answer("keys-made", more=[*flow, *more])["missing"]}

    assert missing() - missing("--said", "authinfo-given") == {"authinfo-given"}


# ---- the receipt ----------------------------------------------------------------------------------------------------


def test_the_receipt_says_what_became_of_each_gaining_key(move: Move, tmp_path: Path) -> None:
    file = tmp_path / "receipt.json"
    succeed(*move.merged.words(*MERGED), *ASKED, "--receipt", file, "--receipt-by", "Losing DNS")
    receipt = Receipt.from_json(file.read_text())
    assert (receipt.by, receipt.at, len(receipt.accepted)) == ("Losing DNS", NOW, 2) and not receipt.refused
    shown = succeed(*move.merged.words(*MERGED), *ASKED, "--receipt", "-").stdout
    assert Receipt.from_json(shown).by == "the losing operator"
    planned_ones = run(*move.before.words("keys-made"), "--plan", move.plan, "--receipt", "-").stdout
    dates = [key.publication for key in Receipt.from_json(planned_ones).keys]
    assert all(each is not None and each.at > NOW - timedelta(seconds=1) for each in dates)


def test_a_key_that_the_losing_side_cannot_take_is_in_the_receipt_with_the_reason(move: Move, tmp_path: Path) -> None:
    offering = tmp_path / "gaining"
    offering.write_text(move.merged.gaining.read_text() + "@ 600 DNSKEY 257 3 200 AAAA\n@ 600 DNSKEY 385 3 13 AAAA\n")
    words = [offering if word == move.merged.gaining else word for word in move.merged.words("keys-made")]
    receipt = Receipt.from_json(run(*words, "--receipt", "-").stdout)
    assert sorted(key.algorithm for key in receipt.keys) == [13, 13, 13, 200]
    assert {refusal.code for key in receipt.refused for refusal in key.refusals} >= {"unsupported-key", "revoked-key"}


def test_a_zone_without_keys_gets_no_receipt(move: Move, tmp_path: Path) -> None:
    unsigned = ROOT / "fixtures" / "zones" / "example.nl.gaining.zone"
    told = ("verify", "--transfer", "keys-made", "-o", "example.nl", "--receipt", "-", "--now", instant_text(NOW))
    line = refuse(BAD_INPUT, *told, "--losing", move.before.losing, "--gaining", unsigned)
    assert line.startswith(f"{unsigned}: there is no key of the gaining operator's own for a receipt; give its zone")
    copy = tmp_path / "copy"
    copy.write_bytes(move.before.losing.read_bytes())
    line = refuse(BAD_INPUT, *told, "--losing", move.before.losing, "--gaining", copy)
    assert line.startswith(f"{copy}: there is no key of the gaining operator's own for a receipt")
    own = tmp_path / "own"
    own.write_text(dnskeys_in(move.before.losing))
    line = refuse(BAD_INPUT, *told, "--losing", move.before.losing, "--gaining-keys", own)
    assert line.startswith(f"{own}: there is no key of the gaining operator's own for a receipt")
    line = refuse(BAD_INPUT, *told, "--losing", unsigned, "--gaining-keys", own)
    assert line.startswith(f"{unsigned}: the losing zone is not signed")


def test_keys_that_came_by_mail_get_a_receipt_without_a_gaining_zone(move: Move, tmp_path: Path) -> None:
    mail = dnskeys_in(move.before.gaining)
    told = ["verify", "--transfer", "keys-exchanged", "--losing", move.before.losing, "--now", instant_text(NOW)]
    result = run(*told, "--gaining-keys", "-", "--receipt", "-", text=mail)
    receipt = Receipt.from_json(result.stdout)
    assert len(receipt.accepted) == 2 and not receipt.refused
    one, two = tmp_path / "one.key", tmp_path / "two.key"
    one.write_text(mail.splitlines()[0] + "\n")
    two.write_text(mail.splitlines()[1] + "\n")
    both = run(*told, "--gaining-keys", one, "--gaining-keys", two, "--receipt", "-").stdout
    assert Receipt.from_json(both) == receipt
    merged = tmp_path / "merged"
    merged.write_text(dnskeys_in(move.merged.gaining))
    assert len(merged.read_text().splitlines()) == 3, "a losing key among them"
    assert Receipt.from_json(run(*told, "--gaining-keys", merged, "--receipt", "-").stdout) == receipt, "not its own"
    served = Receipt.from_json(
        run(*told, "--gaining-keys", one, "--gaining", move.before.gaining, "--receipt", "-").stdout
    )
    assert sorted(key.digest for key in served.keys) == sorted(key.digest for key in receipt.keys)
    found = json.loads(run(*told, "--gaining-keys", merged, "--json").stdout)
    assert truths(found)["each zone can take the other side's keys"] == "true" and found["receipt"] is None
    assert "which is read" in refuse(BAD_INPUT, *told, "--gaining-keys", one, "--receipt", one)


def test_the_losing_keys_are_told_by_a_file_too(move: Move, tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.write_text(dnskeys_in(move.before.losing))
    told = [
        "verify",
        "--transfer",
        "gaining-merged",
        "--gaining",
        move.merged.gaining,
        "--now",
        instant_text(NOW),
        "--json",
    ]
    claim = "the gaining zone publishes the losing keys"
    assert truths(json.loads(run(*told).stdout))[claim] == "not seen"
    assert truths(json.loads(run(*told, "--losing-keys", own).stdout))[claim] == "true"


def test_a_key_of_another_zone_is_refused_in_the_receipt_and_else_at_once(move: Move, tmp_path: Path) -> None:
    mail = tmp_path / "mail"
    mail.write_text(dnskeys_in(move.before.gaining).replace("example.nl.", "example.com."))
    told = ["verify", "--transfer", "keys-exchanged", "--losing", move.before.losing, "--now", instant_text(NOW)]
    told += ["--gaining-keys", mail]
    receipt = Receipt.from_json(run(*told, "--receipt", "-").stdout)
    assert [[each.code for each in key.refusals] for key in receipt.keys] == [["wrong-owner"]] * 2
    assert "of example.com." in refuse(BAD_INPUT, *told)


def test_a_refused_key_makes_the_exit_code_1_and_is_named(move: Move, tmp_path: Path) -> None:
    mail, file = tmp_path / "mail", tmp_path / "receipt"
    mail.write_text("example.nl. IN DNSKEY 257 3 200 AAAA\n")
    told = [*move.merged.words(*MERGED), *ASKED, "--receipt", file]
    assert "2 accepted, 0 refused" in succeed(*told).stdout
    result = run(*told, "--gaining-keys", mail)
    assert result.exit_code == REFUSED
    for words in (
        "Refused in the receipt",
        "unsupported-key: example.nl.: key",
        "2 accepted, 1 refused",
        "and keys were refused",
    ):
        assert words in result.stdout
    found = json.loads(run(*told, "--gaining-keys", mail, "--json").stdout)
    assert found["receipt"] == json.loads(file.read_text())
    assert [key["accepted"] for key in found["receipt"]["keys"]] == [False, True, True]


def test_a_receipt_tells_dates_by_the_facts_or_by_what_is_said_of_before(move: Move, tmp_path: Path) -> None:
    day = NOW + timedelta(days=1)

    def until(stage: Stage, *more: object) -> datetime | None:
        return Receipt.from_json(run(*stage.words("keys-made"), "--receipt", "-", *more).stdout).cached_until

    assert until(move.merged) is None and until(move.before, "--publish-at", instant_text(day)) is None
    assert (
        "until when caches may lack"
        in run(*move.merged.words(*MERGED), *ASKED, "--receipt", tmp_path / "receipt").stdout
    )
    facts = ROOT / "fixtures" / "transfers" / "example.nl.toml"
    assert until(move.merged, "--plan", facts) == day
    assert until(move.merged, "--dnskey-ttl-before", "2d") == day + timedelta(days=1)
    coming = until(move.before, "--publish-at", instant_text(day), "--dnskey-ttl-before", "1h")
    assert coming is not None and coming >= day + timedelta(hours=1)
    told = (*move.before.words("keys-made"), "--receipt", "-", "--publish-at")
    assert "before the keys were received" in refuse(BAD_INPUT, *told, instant_text(NOW - timedelta(seconds=1)))
    assert "a plan and publish_at are given" in refuse(BAD_INPUT, *told, instant_text(day), "--plan", move.plan)
    text = "--publish-at goes with --receipt"
    assert text in refuse(BAD_INPUT, *move.before.words("keys-made"), "--publish-at", instant_text(day))
    text = "--dnskey-ttl-before goes with --receipt"
    assert text in refuse(BAD_INPUT, *move.before.words("keys-made"), "--dnskey-ttl-before", "1d")


def test_a_receipt_goes_over_nothing_that_is_read_and_over_no_key(move: Move, tmp_path: Path) -> None:
    words = move.merged.words(*MERGED)
    for path in (move.merged.losing, move.merged.gaining, move.merged.ds, move.merged.ns):
        assert "which is read; give --receipt another file" in refuse(BAD_INPUT, *words, "--receipt", path)
    outer = tmp_path / "outer"
    outer.write_text("$INCLUDE inner\n")
    inner = tmp_path / "inner"
    inner.write_text(move.merged.losing.read_text())
    words_of_outer = [outer if word == move.merged.losing else word for word in words]
    including = [*words_of_outer, "-o", "example.nl", "--include-root", tmp_path]
    assert "which is read" in refuse(BAD_INPUT, *including, "--receipt", inner)
    assert inner.read_text() == move.merged.losing.read_text()
    assert "key file" in refuse(BAD_INPUT, *words, "--receipt", tmp_path / "Kexample.nl.+013+12345.key")
    assert "--receipt is for the gaining keys" in refuse(
        BAD_INPUT, "verify", "--transfer", "keys-made", "--losing", move.before.losing, "--receipt", tmp_path / "r"
    )
    assert "--json prints to standard output" in refuse(BAD_INPUT, *words, "--json", "--receipt", "-")


# ---- what cannot be asked -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ([], "give a ZONE, or --transfer"),
        (["--losing", "x"], "--losing goes with --transfer STEP"),
        (["zone", "--flow", "operator-change"], "--flow goes with --transfer STEP"),
        (["zone", "--receipt-by", "x"], "--receipt-by goes with --transfer STEP"),
        (["zone", "--transfer", "ds-added"], "it takes no ZONE"),
        (["--transfer", "ds-added", "--previous", "x"], "it takes no ZONE"),
        (["--transfer", "ds-added"], "nothing says which domain it is"),
        (["--transfer", "ds-added", "-o", "example.nl"], "nothing was seen of any domain"),
        (
            ["--transfer", "ds-added", "-o", "example.nl", "--ds", "x", "--absent", "ds"],
            "--absent says that there is none",
        ),
        (["--transfer", "ds-added", "--giving", "registry=ns1"], "write SIDE=SERVER"),
        (["--transfer", "ds-added", "--giving", "losing"], "write SIDE=SERVER"),
        (
            ["--transfer", "ds-added", "--giving", "gaining=a b"],
            "'gaining=a b' is no server; write SIDE=SERVER, one name",
        ),
        (["--transfer", "ds-added", "--lacking", "gaining=a,b"], "write SIDE=SERVER"),
        (
            ["--transfer", "ds-added", "--ds-record", "1 2 3 4"],
            "write TAG ALGORITHM DIGEST-TYPE DIGEST, the digest whole",
        ),
        (["--transfer", "ds-added", "--ds-record", "x"], "'x': expecting an integer; write TAG ALGORITHM"),
        (
            ["--transfer", "ds-added", "--said", "ds-added"],
            "--said 'ds-added' is no step of this flow that people confirm; those are frozen, thawed",
        ),
        (["--transfer", "ds-added", "--said", "authinfo-given"], "is no step of this flow"),
        (["--transfer", "ds-added", "--losing", "-", "--gaining", "-"], "--losing and --gaining are one file"),
        (["--transfer", "ds-added", "--losing", "x", "--gaining", "./x"], "--losing and --gaining are one file"),
    ],
)
def test_what_does_not_go_together_is_one_clear_line(words: list[str], reason: str) -> None:
    assert reason in refuse(BAD_INPUT, "verify", *words)


def test_what_is_of_another_transfer_is_one_clear_line(move: Move, tmp_path: Path) -> None:
    assert "the flow has no step" in refuse(BAD_INPUT, *move.merged.words("ds-moved"))
    assert "another flow" in refuse(
        BAD_INPUT, *move.merged.words("ds-added"), "--plan", move.plan, "--flow", "to-unsigned"
    )
    other = tmp_path / "other"
    other.write_text("example.com. 60 IN DS 1 13 2 " + "AB" * 32 + "\n")
    assert "there is no DS record of example.nl." in refuse(
        BAD_INPUT, "verify", "--transfer", "ds-added", "--losing", move.merged.losing, "--ds", other
    )
    assert refuse(BAD_INPUT, *move.merged.words("ds-added"), "--plan", other).startswith(str(other))


def test_the_help_names_every_member_of_the_answer(move: Move) -> None:
    text = " ".join(succeed("verify", "--help").stdout.split())
    for found in (move.before.answer("keys-made"), move.merged.answer(*MERGED, more=[*ASKED, "--plan", move.plan])):
        for member in found:
            assert f'"{member}"' in text, member
        for name in ("claims", "missing", "breaks", "waits"):
            for each in found[name]:
                assert all(f'"{member}"' in text for member in each)
