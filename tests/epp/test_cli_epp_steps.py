"""``zonekit epp STEP`` prints the frames of a step, from the state of a transfer or a plan, and withholds them with reasons."""

from __future__ import annotations

import json
import stat
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests.epp.records import DOMAIN, Record
from tests.epp.step_worlds import GAINING_KEYS, LOSING_KEYS, Desk, a_plan, a_registry, ds_data, entries_as_ds
from tests.test_cli import refuse, run, succeed
from tests.test_transfer_plan import ds_of
from tests.transfer_worlds import GAINING, LOSING, World
from tests.transfer_worlds import GAINING_KEYS as GAINING_KEYS_TEXT
from tests.transfer_worlds import LOSING_KEYS as LOSING_KEYS_TEXT
from zonekit import rdata as rd
from zonekit.cli.epp_steps import AUTH_INFO_VARIABLE
from zonekit.cli.exits import BAD_INPUT, REFUSED
from zonekit.dnskeys import Dnskey
from zonekit.epp.domains import DomainInfo, DomainTransfer, DomainUpdate
from zonekit.epp.frames import Command
from zonekit.epp.keyrelay import Duration, KeyRelayCreate
from zonekit.epp.offers import Report
from zonekit.epp.parts import Part
from zonekit.epp.reading import read_frame
from zonekit.epp.secdns import SecDnsUpdate
from zonekit.epp.sessions import PollRequest
from zonekit.epp.writing import write_frame
from zonekit.files import write_text, write_zone
from zonekit.instants import instant_text
from zonekit.state import State
from zonekit.transfer.course import Course, KeySeen
from zonekit.transfer.planfile import plan_json
from zonekit.transfer.receipts import make_receipt
from zonekit.transfer.steps import Flow
from zonekit.transfer.versions import Source

FIXTURES = Path(__file__).parent.parent.parent / "fixtures" / "registries"
TRANSFER = """\
domain = "example.nl"

[servers.losing]
"ns1.losing.example" = ["192.0.2.1"]
[servers.gaining]
"ns1.gaining.example" = ["192.0.2.2"]
[servers.parent]
"ns1.dns.nl" = ["192.0.2.3"]

[files]
gaining_keys = ["gaining.dnskeys"]
losing_keys = ["losing.dnskeys"]
"""


def lines_of(keys: tuple[Dnskey, ...]) -> str:
    return "".join(f"{key.text()}\n" for key in keys)


class Office:
    """A directory with the file of a transfer, its keys, the profile of the registry and a plan that has come to a step."""

    def __init__(self, directory: Path, step_id: str = "ds-added", flow: Flow = Flow.OPERATOR_CHANGE) -> None:
        self.directory = directory
        self.desk = Desk.of(a_plan(flow), a_registry()).until(step_id)
        self.step_id = step_id
        self.now = instant_text(self.desk.plan.step(step_id).not_before)
        profile = (
            (FIXTURES / "ds-data.toml")
            .read_text()
            .replace('zone = "example"', 'zone = "nl"')
            .replace("least = 2", "least = 1")
        )
        for name, text in (
            ("transfer.toml", TRANSFER),
            ("gaining.dnskeys", lines_of(GAINING_KEYS)),
            ("losing.dnskeys", lines_of(LOSING_KEYS)),
            ("registry.toml", profile),
            ("plan.json", plan_json(self.desk.plan)),
        ):
            write_text(str(directory / name), text)
        self.show(self.desk.record)

    def path(self, name: str) -> Path:
        return self.directory / name

    def show(self, record: Record) -> None:
        self.path("info.xml").write_bytes(write_frame(record.response()))

    def words(self, *more: object, step_id: str | None = None, plan: bool = True) -> list[object]:
        return [
            *("epp", step_id or self.step_id, self.path("transfer.toml"), "--registry", self.path("registry.toml")),
            *(("--plan", self.path("plan.json")) if plan else ()),
            *("--now", self.now, "--transaction", "ABC", *more),
        ]

    def frames(self, *more: object, **others: object) -> list[Command]:
        result = succeed(*self.words(*more, **others))  # type: ignore[arg-type]
        return [command_in(each) for each in result.stdout_bytes.split(b"\0")]


def command_in(octets: bytes) -> Command:
    found = read_frame(octets)
    assert isinstance(found, Command) and not isinstance(found.action, Part)
    return found


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path)


def test_the_frame_of_a_step_is_printed_as_the_library_writes_it(office: Office) -> None:
    (command,) = office.frames("--info", office.path("info.xml"))
    (update,) = command.extensions
    assert command.client_transaction == "ABC-1" and isinstance(update, SecDnsUpdate) and update.add is not None
    assert [each.ds for each in update.add.ds] == [ds_data(GAINING_KEYS[0], 2)]
    assert office.frames("--urgent")[0].extensions != command.extensions


def test_what_the_last_look_confirmed_counts_where_no_plan_is_given(office: Office) -> None:
    message = refuse(BAD_INPUT, *office.words(plan=False))
    assert message.endswith("nothing is known of this transfer yet; look with zonekit status, or give --plan")
    at = office.desk.plan.start
    seen = tuple(KeySeen(source=Source.GAINING, key=key, first_seen=at) for key in GAINING_KEYS)
    course = replace(Course.begun(office.desk.plan), keys=seen)
    State(office.path("transfer.state")).begin(course, at=at)
    write_text(str(office.path("transfer.toml")), TRANSFER.replace('["gaining.dnskeys"]', "[]"))
    (command,) = office.frames("--info", office.path("info.xml"), plan=False)
    assert isinstance(command.action, DomainUpdate)
    reasons = run(*office.words(step_id="ns-changed", plan=False))
    assert reasons.exit_code == REFUSED and not reasons.stdout


def test_frames_are_withheld_with_a_line_for_each_reason_and_an_override_is_told(office: Office) -> None:
    withheld = run(*office.words("--info", office.path("info.xml"), step_id="ns-changed"))
    assert withheld.exit_code == REFUSED and withheld.stdout == ""
    lines = withheld.stderr.splitlines()
    assert len(lines) > 2 and any(line.startswith("zonekit: ds-added: ") for line in lines)
    told = succeed(*office.words("--override", "the duty officer", "--why", "a drill", step_id="ns-changed"))
    assert "the duty officer" in told.stderr and "was missing: ds-added: " in told.stderr
    quiet = succeed(*office.words("--override", "the duty officer", "--why", "a drill", "-q", step_id="ns-changed"))
    lines = quiet.stderr.splitlines()
    assert "is taken from the plan" in lines[0] and "by the duty officer" in lines[1]
    assert lines[2:] and all(line.startswith("was missing: ") for line in lines[2:])
    message = refuse(BAD_INPUT, *office.words("--override", "somebody"))
    assert message.startswith("--override and --why go together")


def test_a_lock_withholds_and_is_lifted_by_a_frame_before(office: Office) -> None:
    office.show(replace(office.desk.record, statuses=("clientUpdateProhibited",)))
    withheld = run(*office.words("--info", office.path("info.xml")))
    assert withheld.exit_code == REFUSED and "clientUpdateProhibited stands in the way" in withheld.stderr
    lifted, changed = office.frames("--info", office.path("info.xml"), "--lift-locks")
    assert isinstance(lifted.action, DomainUpdate) and lifted.action.remove is not None
    assert [lifted.client_transaction, changed.client_transaction] == ["ABC-1", "ABC-2"]
    told = succeed(*office.words("--info", office.path("info.xml"), "--lift-locks", "-q")).stderr
    assert "clientUpdateProhibited is lifted for this step" in told and len(told.splitlines()) == 1


def test_several_frames_go_to_files_of_their_own_and_none_is_written_over(tmp_path: Path) -> None:
    office = Office(tmp_path, "ns-changed")
    target = tmp_path / "frames"
    words = office.words("--info", office.path("info.xml"), "-f", target)
    succeed(*words)
    assert sorted(path.name for path in target.iterdir()) == ["1-host-create.xml", "2-domain-update.xml"]
    assert all(stat.S_IMODE(path.stat().st_mode) & 0o077 == 0 for path in target.iterdir())
    printed = succeed(*office.words("--info", office.path("info.xml"))).stdout_bytes.split(b"\0")
    assert printed == [path.read_bytes() for path in sorted(target.iterdir())]
    before = [path.read_bytes() for path in sorted(target.iterdir())]
    assert "there already; give -f another directory" in refuse(BAD_INPUT, *words[:-1], target)
    assert before == [path.read_bytes() for path in sorted(target.iterdir())]


def test_files_of_frames_sort_in_the_order_of_sending(tmp_path: Path) -> None:
    office = Office(tmp_path, "ns-changed")
    servers = [f"n{number}.gaining.example" for number in range(12)]
    facts = office.desk.plan.facts
    named = replace(facts, gaining=replace(facts.gaining, name_servers=frozenset(f"{each}." for each in servers)))
    office.desk = Desk.of(a_plan(facts=named), a_registry()).until("ns-changed")
    write_text(str(office.path("plan.json")), plan_json(office.desk.plan))
    office.show(office.desk.record)
    target = tmp_path / "frames"
    words = office.words("--info", office.path("info.xml"))
    succeed(*words, "-f", target)
    printed = succeed(*words).stdout_bytes.split(b"\0")
    assert len(printed) == 13 and printed == [path.read_bytes() for path in sorted(target.iterdir())]
    there = refuse(BAD_INPUT, *words, "-f", office.path("info.xml"))
    assert there.endswith("info.xml: is no directory; give -f one, for a file for each frame")
    below = refuse(BAD_INPUT, *words, "-f", office.path("info.xml") / "frames")
    assert below.endswith("info.xml/frames: Not a directory; give -f a directory that can be made")


@pytest.mark.parametrize(
    ("option", "value"), [("--reason", "two\nlines"), ("--reason", "x" * 201), ("--max-sig-life", "0")]
)
def test_an_option_that_is_out_of_bounds_is_named(office: Office, option: str, value: str) -> None:
    assert option in refuse(BAD_INPUT, *office.words(option, value))


def test_a_server_that_stays_is_asked_about_and_not_dropped(tmp_path: Path) -> None:
    office = Office(tmp_path, "ns-changed")
    record = office.desk.record
    office.show(replace(record, servers={**record.servers, "ns.example.nl.": ()}))
    stays = ("--host", "ns.example.nl=192.0.2.9", "--info", office.path("info.xml"))
    withheld = run(*office.words(*stays))
    assert (
        withheld.exit_code == REFUSED
        and "it shows ns.example.nl., which the plan has of neither side" in withheld.stderr
    )
    given = [f"--name-server={name}" for name in sorted(office.desk.plan.facts.gaining.name_servers)]
    given.append("--name-server=ns.example.nl=192.0.2.9")
    last = office.frames(*stays, *given)[-1].action
    assert isinstance(last, DomainUpdate) and last.remove is not None and last.remove.name_servers is not None
    assert "ns.example.nl." not in {each.name for each in last.remove.name_servers.servers}
    assert "give the answer to a domain info" in refuse(BAD_INPUT, *office.words(*given))


def test_the_servers_come_from_the_gaining_zone_with_their_addresses(tmp_path: Path) -> None:
    office = Office(tmp_path, "ns-changed")
    write_zone(GAINING, office.path("gaining.zone"))
    text = TRANSFER + 'gaining_zone = "gaining.zone"\n'
    write_text(str(office.path("transfer.toml")), text)
    message = run(*office.words("--info", office.path("info.xml")))
    assert message.exit_code == BAD_INPUT and "counts on other gaining name servers" in message.stderr
    commands = office.frames(
        *("--info", office.path("info.xml"), "--name-server", "ns.both.example", "--name-server", "ns1.gaining.example")
    )
    assert len(commands) == 2


def test_the_code_is_in_the_frame_it_belongs_to_and_nowhere_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    office = Office(tmp_path, "domain-transferred", Flow.REGISTRAR_CHANGE)
    code = "s3cret-code-of-transfer"
    write_text(str(office.path("code")), f"{code}\n", mode=0o600)
    assert refuse(BAD_INPUT, *office.words()).startswith("--actor is needed: gaining registrar and losing registrar")
    actor = ("--actor", "gaining registrar")
    given = succeed(*office.words(*actor, "--auth-info-file", office.path("code")))
    command = command_in(given.stdout_bytes)
    assert isinstance(command.action, DomainTransfer) and command.action.auth_info is not None
    assert command.action.auth_info.password == code and code not in given.stderr
    monkeypatch.setenv(AUTH_INFO_VARIABLE, code)
    assert succeed(*office.words(*actor)).stdout_bytes == given.stdout_bytes
    write_text(str(office.path("code")), f"{code}\r\n", mode=0o600)
    of_file = ("--auth-info-file", office.path("code"))
    assert succeed(*office.words(*actor, *of_file)).stdout_bytes == given.stdout_bytes
    write_text(str(office.path("code")), f"{code}\nmore", mode=0o600)
    monkeypatch.setenv(AUTH_INFO_VARIABLE, f"{code}\nmore")
    for words, where in ((of_file, f"{office.path('code')}: "), ((), f"{AUTH_INFO_VARIABLE}: ")):
        wrong = run(*office.words(*actor, *words), secrets=[code])
        assert (
            wrong.exit_code == BAD_INPUT and f"zonekit: {where}" in wrong.stderr and "not of one line" in wrong.stderr
        )
    monkeypatch.setenv(AUTH_INFO_VARIABLE, "")
    assert "needs the authinfo code, and it is not given" in refuse(BAD_INPUT, *office.words(*actor))


def test_a_step_without_a_code_reads_none(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    for value in ("", "two\nlines"):
        monkeypatch.setenv(AUTH_INFO_VARIABLE, value)
        assert office.frames()


def test_the_receipt_and_the_expiry_are_given(tmp_path: Path) -> None:
    office = Office(tmp_path, "keys-exchanged", Flow.REGISTRY_FACILITATED)
    receipt = make_receipt(LOSING, GAINING_KEYS, by="the losing operator", at=office.desk.plan.start)
    write_text(str(office.path("receipt.json")), receipt.as_json())
    (command,) = office.frames("--receipt", office.path("receipt.json"))
    assert command.extensions == (receipt,)
    write_text(str(office.path("receipt.json")), "{}")
    assert "receipt.json: format: is missing" in refuse(
        BAD_INPUT, *office.words("--receipt", office.path("receipt.json"))
    )
    relay = Office(tmp_path, "keys-exchanged", Flow.REGISTRAR_CHANGE)
    write_text(str(relay.path("code")), "s3cret-code-of-transfer")
    (sent,) = relay.frames("--auth-info-file", relay.path("code"), "--expiry", "P30D")
    assert isinstance(sent.action, KeyRelayCreate) and sent.action.keys[0].expiry == Duration(days=30)


def test_the_report_of_the_losing_side_is_of_its_zone_and_of_what_is_on_record(tmp_path: Path) -> None:
    office = Office(tmp_path, "losing-merged", Flow.REGISTRY_FACILITATED)
    write_zone(LOSING, office.path("losing.zone"))
    write_text(str(office.path("transfer.toml")), TRANSFER + 'losing_zone = "losing.zone"\n')
    assert (
        "the report of the losing side is not given; record since when"
        in refuse(BAD_INPUT, *office.words("--override", "me", "--why", "a drill")).splitlines()[-1]
    )
    desk = office.desk
    for step_id in desk.in_order():
        if step_id not in desk.plan.events and step_id in ("losing-merged", "ttls-lowered"):
            desk.done(step_id)
    merged, lowered = desk.plan.events["losing-merged"], desk.plan.events["ttls-lowered"]
    write_text(str(office.path("plan.json")), plan_json(desk.plan))
    office.now = instant_text(max(merged.completed, lowered.completed))
    for step_id in ("losing-merged", "ttls-lowered"):
        (command,) = office.frames(step_id=step_id)
        assert command.extensions == (
            Report(
                name=DOMAIN,
                serial=LOSING.serial,
                merged=merged.completed,
                lowered=lowered.completed,
                ns_ttl=LOSING.apex_rrset(rd.NS).ttl,
                dnskey_ttl=LOSING.apex_rrset(rd.DNSKEY).ttl,
            ),
        )


def test_who_is_not_the_sponsor_is_told_by_the_answer_to_info(office: Office) -> None:
    office.frames("--info", office.path("info.xml"), "--client", "losing")
    withheld = run(*office.words("--info", office.path("info.xml"), "--client", "gaining"))
    assert withheld.exit_code == REFUSED and "to be the sponsor of the domain" in withheld.stderr


def test_the_keys_come_from_the_gaining_zone_where_nothing_else_has_them(office: Office) -> None:
    write_zone(GAINING, office.path("gaining.zone"))
    for keys in ('["gaining.dnskeys"]', "[]"):
        text = TRANSFER.replace('["gaining.dnskeys"]', keys) + 'gaining_zone = "gaining.zone"\n'
        write_text(str(office.path("transfer.toml")), text)
        (command,) = office.frames()
        (update,) = command.extensions
        assert isinstance(update, SecDnsUpdate) and update.add is not None
        assert [each.ds for each in update.add.ds] == [ds_data(GAINING_KEYS[0], 2)]
    write_text(str(office.path("transfer.toml")), TRANSFER)
    write_text(str(office.path("gaining.dnskeys")), "no key\n")
    assert "gaining.dnskeys: " in refuse(BAD_INPUT, *office.words())


@pytest.mark.parametrize("is_merged", [False, True])
@pytest.mark.parametrize("of_zone", [("losing", "gaining"), ("losing",), ("gaining",)])
def test_the_keys_of_a_zone_are_its_own_whatever_is_merged_into_it(
    office: Office, is_merged: bool, of_zone: tuple[str, ...]
) -> None:
    world = World()
    for name, zone, own, foreign in (
        ("losing", LOSING, LOSING_KEYS_TEXT, GAINING_KEYS_TEXT),
        ("gaining", GAINING, GAINING_KEYS_TEXT, LOSING_KEYS_TEXT),
    ):
        write_zone(world.merged_into(zone, own, foreign) if is_merged else zone, office.path(f"{name}.zone"))
    facts = office.desk.plan.facts
    facts = replace(facts, parent=replace(facts.parent, ds=ds_of(facts.losing, 1)))
    desk = Desk.of(a_plan(facts=facts), a_registry()).until("ds-added")
    write_text(str(office.path("plan.json")), plan_json(desk.plan))
    text = TRANSFER + 'losing_zone = "losing.zone"\ngaining_zone = "gaining.zone"\n'
    for name in of_zone:
        text = text.replace(f'["{name}.dnskeys"]', "[]")
    write_text(str(office.path("transfer.toml")), text)
    (command,) = office.frames()
    (update,) = command.extensions
    assert isinstance(update, SecDnsUpdate) and update.add is not None
    assert {each.ds for each in update.add.ds} == {ds_data(LOSING_KEYS[0], 2), ds_data(GAINING_KEYS[0], 2)}


def test_files_and_json_do_not_go_together(office: Office) -> None:
    assert "leave -f out" in refuse(BAD_INPUT, *office.words("--json", "-f", office.path("frames")))


def test_frames_that_ask_need_nothing_confirmed(office: Office) -> None:
    info, poll = office.frames("--ask", step_id="ns-changed")
    assert info.action == DomainInfo(name=DOMAIN) and poll.action == PollRequest()


def test_json_has_all_there_is(office: Office) -> None:
    found = json.loads(succeed(*office.words("--json")).stdout)
    assert found["step"] == "ds-added" and found["sender"] == "registrar"
    assert found["decision"] == {"decision": "confirmed", "at": office.now}
    (frame,) = found["frames"]
    assert frame["transaction"] == "ABC-1" and frame["accepts"] == [] and frame["waits_for"] == ""
    assert isinstance(read_frame(frame["xml"]), Command)
    assert [each["code"] for each in found["findings"]] == ["registry-not-shown", "plan-too-quick"]
    forced = succeed(*office.words("--json", "--override", "me", "--why", "a drill", step_id="ns-changed"))
    decision = json.loads(forced.stdout)["decision"]
    assert decision["decision"] == "overridden" and (decision["who"], decision["why"]) == ("me", "a drill")
    assert any(each.startswith("ds-added: ") for each in decision["missing"])


def test_a_step_that_no_frame_carries_says_by_what_it_is_done(office: Office) -> None:
    message = refuse(BAD_INPUT, *office.words(step_id="losing-merged"))
    assert "no frame carries it: it takes place at the servers of the operator" in message
    other = refuse(BAD_INPUT, *office.words(step_id="domain-transferred"))
    assert "operator-change has no step domain-transferred" in other
    assert refuse(BAD_INPUT, "epp", "raed", "message.xml").startswith(
        "raed is neither a step of any flow nor a command (read); see zonekit epp --help"
    )


def test_the_usage_of_a_step_names_it_once() -> None:
    shown = succeed("epp", "ds-added", "--help").stdout
    assert shown.startswith("Usage: zonekit epp ds-added [OPTIONS] TRANSFER\n")


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("registry.toml", 'name = "x"', "registry.toml: zone: is missing"),
        ("info.xml", "<no>", "info.xml: "),
        ("info.xml", write_frame(Command(action=PollRequest())).decode(), "info.xml: this is no answer of a registry"),
        ("plan.json", "{}", "plan.json: format: is missing"),
    ],
)
def test_what_cannot_be_used_is_named_by_its_file(office: Office, name: str, text: str, message: str) -> None:
    write_text(str(office.path(name)), text)
    result = run(*office.words("--info", office.path("info.xml")))
    assert result.exit_code == BAD_INPUT and message in result.stderr and result.stdout == ""


def test_a_plan_of_another_domain_is_refused(office: Office) -> None:
    write_text(str(office.path("transfer.toml")), TRANSFER.replace('"example.nl"', '"example.com"'))
    assert "give the plan of this domain" in refuse(BAD_INPUT, *office.words())


def test_what_is_waited_for_is_not_over_before_its_time(office: Office) -> None:
    office = Office(office.directory, "losing-ds-removed")
    early = office.desk.plan.step("losing-ds-removed").not_before - timedelta(seconds=1)
    office.now = instant_text(early)
    withheld = run(*office.words("--info", office.path("info.xml")))
    assert withheld.exit_code == REFUSED and "that is not over before" in withheld.stderr
    assert office.desk.record.ds == entries_as_ds(office.desk.plan.facts.parent.ds, office.desk.plan) | {
        ds_data(GAINING_KEYS[0], 2)
    }
