"""The registry-facilitated flow from end to end over TLS: every frame valid, every gate held, and the whole proven safe."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest

from tests.epp import net_epp, registrars
from tests.epp.grammar import problems
from tests.epp.operators import (
    DAY,
    GAINING_DS,
    LONG,
    LOSING,
    LOSING_DS,
    LOSING_SHA1,
    MINUTE,
    colliding_keys,
    losing_with,
    servers_with,
    the_facts,
)
from tests.epp.operators import GAINING as GAINING_ZONE
from tests.epp.registry import CODE, GAINING, PASSWORD, STRANGER, Registry
from tests.epp.registry import LOSING as LOSING_CLIENT
from tests.epp.serving import Connection, serving
from tests.epp.stages import STAGES, Course, say
from tests.simulation import simulate
from tests.transfer_worlds import GAINING_KEYS, LOSING_KEYS
from zonekit.apex import merge_dnskeys
from zonekit.dnskeys import Dnskey, parse_dnskeys
from zonekit.ds import KeyData, registry_ds
from zonekit.epp import facilitated, losing, namespaces
from zonekit.epp.casefile import case_json, read_case
from zonekit.epp.domains import (
    AuthInfo,
    DomainInfo,
    DomainInfoData,
    DomainTransfer,
    DomainTransferData,
    DomainUpdate,
    Status,
    TransferOperation,
    TransferStatus,
)
from zonekit.epp.frames import Command, Response
from zonekit.epp.keyrelay import KeyRelayCreate, RelayedKey
from zonekit.epp.offers import AuthInfoNotice, RemovalNotice, Report, WaitNotice
from zonekit.epp.reading import read_frame
from zonekit.epp.secdns import RegistryDs, Removal, SecDns, SecDnsUpdate
from zonekit.epp.sessions import Greeting, Login, Logout, PollAcknowledge, PollRequest
from zonekit.epp.writing import write_frame
from zonekit.errors import FrameWithheld
from zonekit.transfer.plan import prove
from zonekit.transfer.proof import Safe
from zonekit.transfer.receipts import Receipt
from zonekit.transfer.steps import STEPS, Actor, Flow
from zonekit.transfer.versions import Source
from zonekit.verifying.zone import verify_zone
from zonekit.zones import Zone

CLIENTS: Final = (LOSING_CLIENT, GAINING, STRANGER)
OFFERED: Final = (namespaces.SECDNS, namespaces.TRANSFER)


def exchanged(connection: Connection, command: Command) -> Response:
    """The answer to a command over the wire."""
    answer = read_frame(connection.request(write_frame(command)))
    assert isinstance(answer, Response)
    return answer


@pytest.fixture
def course(tmp_path: Path) -> Iterator[Course]:
    """A transfer about to begin, each registrar logged in over a connection of its own."""
    registry = Registry()
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(serving(registry.handle, registry.greeting, clients=CLIENTS, directory=tmp_path))
        connections = {client: stack.enter_context(server.connect(client)) for client in CLIENTS}
        for client, connection in connections.items():
            greeting = read_frame(connection.greeting)
            assert isinstance(greeting, Greeting) and all(map(greeting.offers, (namespaces.KEYRELAY, *OFFERED)))
            login = Login(client=client, password=PASSWORD, objects=greeting.objects, extensions=OFFERED)
            assert exchanged(connections[client], Command(action=login)).is_success
        yield Course.begun(registry, lambda client, command: exchanged(connections[client], command))


def codes(response: Response) -> list[int]:
    """The result codes of an answer."""
    return [each.code for each in response.results]


def told(response: Response) -> str:
    """All that a refusal says."""
    return "\n".join(each.message for each in response.results)


# ---- the whole flow -------------------------------------------------------------------------------------------------


def test_the_whole_flow(course: Course) -> None:
    assert list(course.stages()) == list(STAGES)
    registry = course.registry
    assert registry.domain.sponsor == GAINING
    assert registry.servers.delegation().ds.rdatas == GAINING_DS.rdatas
    case = registry.case
    assert case is not None
    plan = case.progress.plan
    left = {step.id for step in STEPS[Flow.REGISTRY_FACILITATED] if step.actor is not Actor.NOBODY} - plan.events.keys()
    assert left == {"thawed"}, "which the gaining operator says to nobody"
    assert isinstance(prove(plan), Safe), "by what the registry has on record"
    true = plan.with_events({**plan.events, **registry.servers.events})
    assert isinstance(prove(true), Safe), "by what really happened"
    for side in (course.losing, course.gaining):
        assert isinstance(prove(side.progress.plan), Safe)
    assert len(registry.wire) > 80
    assert [octets for octets in registry.wire if problems(octets)] == []


def test_resolvers_see_nothing_of_it() -> None:
    registry = Registry()
    course = Course.begun(registry)
    course.run("ended")
    assert registry.case is not None
    plan = registry.case.progress.plan
    true = plan.with_events({**plan.events, **registry.servers.events})
    for seed, profile in enumerate(true.resolvers):
        log = simulate(true.schedule, profile, seed)
        assert log.validations and not log.bogus and not log.outages


def test_a_losing_key_with_a_sha1_ds_gets_a_stronger_one_with_the_gaining_ds() -> None:
    """Validators may not go by the SHA-1 DS any more as soon as the gaining DS is beside it (RFC 4509 section 3)."""
    registry = Registry(servers=servers_with(LOSING_SHA1), facts=the_facts(LOSING_SHA1))
    course = Course.begun(registry)
    (weak,), (strong,), (gaining,) = map(registry_ds, (LOSING_SHA1, LOSING_DS, GAINING_DS))
    for name in course.stages():
        zone, ds = registry.servers.last(Source.LOSING), registry.servers.delegation().ds
        if isinstance(zone, Zone) and name not in ("ds-removed", "ended"):
            assert verify_zone(zone, now=course.now, ds=ds).is_clean, name
        if name == "ds-added":
            assert set(registry_ds(ds)) == {weak, strong, gaining}
            assert registry.case is not None and read_case(case_json(registry.case)) == registry.case
        if name == "removal-allowed":
            notice = course.gaining.told(RemovalNotice)
            assert isinstance(notice, RemovalNotice) and set(notice.ds) == {weak, strong}
    case = registry.case
    assert case is not None and case.is_over
    assert registry.servers.delegation().ds.rdatas == GAINING_DS.rdatas
    true = case.progress.plan.with_events({**case.progress.plan.events, **registry.servers.events})
    assert isinstance(prove(true), Safe)


def test_the_registry_counts_from_what_it_saw_itself(course: Course) -> None:
    """Whatever a report says, a step is done when every server was seen to have taken it."""
    course.run("merged")
    command = registrars.report(course.losing)
    (report,) = command.extensions
    assert isinstance(report, Report)
    early = course.now - timedelta(minutes=5)
    say(course.losing, replace(command, extensions=(replace(report, merged=early, lowered=early),)))
    case = course.registry.case
    assert case is not None and case.report is not None and case.report.merged == early
    assert case.progress.plan.step("losing-merged").completed == course.now


def test_both_sides_are_told_the_same_wait(course: Course) -> None:
    course.run("announced")
    case = course.registry.case
    assert case is not None and case.wait is not None
    for side in (course.losing, course.gaining):
        assert side.told(WaitNotice) == case.wait
    added = case.progress.plan.step("ds-added").completed
    assert case.wait.record == "DS at the parent"
    assert case.wait.until == added + timedelta(seconds=case.wait.ttl)


def test_the_gaining_side_is_handed_the_receipt_as_it_came(course: Course) -> None:
    course.run("accepted")
    case = course.registry.case
    assert case is not None
    receipt = course.gaining.told(Receipt)
    assert receipt == case.receipt
    assert isinstance(receipt, Receipt) and [key.key_tag for key in receipt.accepted] == [
        key.key_tag for key in case.offered_keys
    ]


# ---- every gate holds -----------------------------------------------------------------------------------------------

OWN_STEPS: Final[dict[str, Callable[[Registry], object]]] = {
    "ds-added": lambda registry: registry.decide_by_sight(facilitated.add_ds),
    "announced": lambda registry: registry.decide_by_sight(facilitated.announce_wait),
    "asked": lambda registry: registry.decide(facilitated.ask_auth_info),
    "ns-changed": lambda registry: registry.decide_by_sight(facilitated.change_ns),
    "removal-allowed": lambda registry: registry.decide(facilitated.allow_removal),
}


def test_the_registry_takes_no_step_of_its_own_too_early_or_twice() -> None:
    course = Course.begun(Registry())
    registry = course.registry
    done: list[str] = []
    for name in course.stages():
        done.append(name)
        for own, decide in OWN_STEPS.items():
            following = list(STAGES)[len(done)] if len(done) < len(STAGES) else ""
            if own == following and own != "ns-changed":
                continue  # its time has come
            before = registry.case
            with pytest.raises(FrameWithheld) as caught:
                decide(registry)
            assert caught.value.reasons and registry.case is before, (name, own)
    assert done == list(STAGES)


def test_the_ns_does_not_change_a_second_before_the_wait_is_over() -> None:
    course = Course.begun(Registry())
    course.run("given")
    registry = course.registry
    assert registry.case is not None and registry.case.wait is not None
    registry.now = registry.case.wait.until - timedelta(seconds=1)
    with pytest.raises(FrameWithheld, match="not announced, or not over"):
        registry.decide_by_sight(facilitated.change_ns)
    registry.now += timedelta(seconds=1)
    registry.decide_by_sight(facilitated.change_ns)


def test_the_ns_does_not_change_to_servers_that_are_not_ready() -> None:
    course = Course.begun(Registry())
    course.run("given")
    registry = course.registry
    assert registry.case is not None and registry.case.wait is not None
    registry.now = registry.case.wait.until + DAY
    whole = registry.servers.zone(Source.GAINING)
    registry.servers.give(Source.GAINING, GAINING_ZONE, registry.now - MINUTE, delay=MINUTE)
    with pytest.raises(FrameWithheld, match="gives the merged DNSKEY RRset") as caught:
        registry.decide_by_sight(facilitated.change_ns)
    assert any("would not" in each for each in caught.value.reasons), caught.value.reasons
    registry.servers.give(Source.GAINING, whole, registry.now, delay=MINUTE)
    registry.now += MINUTE
    registry.decide_by_sight(facilitated.change_ns)


def transfer(operation: TransferOperation, code: AuthInfo | None = CODE) -> Command:
    """A command of the transfer of the sponsorship."""
    given = code if operation is TransferOperation.REQUEST else None
    return Command(action=DomainTransfer(operation=operation, name="example.nl", auth_info=given))


def test_every_command_that_comes_too_early_is_refused_on_the_wire(course: Course) -> None:
    """What the registrars are going to send, kept from a course that went well, before its time."""
    rehearsal = Course.begun(Registry())
    sent: dict[str, tuple[str, Command]] = {}
    for side in (rehearsal.losing, rehearsal.gaining):
        send = side.send

        def keep(command: Command, client: str = side.client, send: Callable[[Command], Response] = send) -> Response:
            if not isinstance(command.action, PollRequest | PollAcknowledge):
                sent[rehearsing[0]] = (client, command)
            return send(command)

        side.send = keep
    for name, stage in STAGES.items():
        rehearsing = [name]
        stage(rehearsal)
    assert list(sent) == ["offered", "accepted", "reported", "given", "requested", "approved", "ds-removed"]
    too_early = {
        "accepted": 2303,
        "reported": 2303,
        "given": 2303,
        "requested": 2303,
        "approved": 2303,
        "ds-removed": 2303,
    }
    sides = {LOSING_CLIENT: course.losing, GAINING: course.gaining}
    for name in too_early:
        client, command = sent[name]
        assert codes(sides[client].send(command)) == [2303], "there is no case yet"
    course.run("offered")
    expected = {
        "reported": {2002},
        "given": {2002},
        "requested": {2202, 2002},
        "approved": {2301},
        "ds-removed": {2201, 2002},
    }
    for name, found in expected.items():
        client, command = sent[name]
        answer = sides[client].send(command)
        assert set(codes(answer)) == found, (name, told(answer))
    assert all(message for message in told(answer).splitlines())


def test_every_command_that_comes_twice_is_refused_on_the_wire(course: Course) -> None:
    twice = {"offered": 2300, "accepted": 2002, "reported": 2002, "given": 2002, "requested": 2300, "approved": 2301}
    last: list[tuple[Callable[[Command], Response], Command]] = []
    for side in (course.losing, course.gaining):
        send = side.send

        def keep(command: Command, send: Callable[[Command], Response] = send) -> Response:
            if not isinstance(command.action, PollRequest | PollAcknowledge):
                last.append((send, command))
            return send(command)

        side.send = keep
    for name in course.stages():
        if name in twice:
            send, command = last[-1]
            answer = send(command)
            assert codes(answer)[0] == twice[name], (name, told(answer))
        if name == "approved":
            assert codes(course.gaining.send(transfer(TransferOperation.REQUEST, registrars.HANDED_OUT))) == [2106]
            return


def test_a_stranger_is_let_do_nothing(course: Course) -> None:
    course.run("announced")
    stranger = replace_client(course, STRANGER)
    receipt = registrars.receipt(course.losing)
    report = registrars.report(course.losing)
    code = Command(action=DomainUpdate(name="example.nl", auth_info=AuthInfo(password="mine now")))
    for command in (receipt, report, code):
        assert 2201 in codes(stranger(command))
    for operation in TransferOperation:
        assert 2201 in codes(stranger(transfer(operation)))
    assert course.registry.domain.auth_info == CODE


def replace_client(course: Course, client: str) -> Callable[[Command], Response]:
    """A way to speak to the registry as another client."""
    return lambda command: course.registry.answer(client, command)


# ---- the paths that end otherwise -----------------------------------------------------------------------------------


def test_a_wrong_code_relays_nothing(course: Course) -> None:
    answer = course.gaining.send(registrars.offer(course.gaining, AuthInfo(password="guessed")))
    assert codes(answer) == [2202]
    assert "guessed" not in told(answer) and CODE.password not in told(answer)
    assert course.registry.case is None and course.losing.poll() is None


def test_a_locked_domain_is_left_where_it_is(course: Course) -> None:
    locks = ("clientTransferProhibited", "serverUpdateProhibited", "clientDeleteProhibited")
    statuses = tuple(Status(value=each) for each in locks)
    course.registry.domain = replace(course.registry.domain, statuses=statuses)
    answer = course.gaining.send(registrars.offer(course.gaining))
    assert codes(answer) == [2304, 2304]
    assert all(each in told(answer) for each in locks[:2]) and locks[2] not in told(answer)
    assert course.losing.poll() is None


def test_a_domain_that_is_locked_on_the_way_is_not_transferred(course: Course) -> None:
    course.run("ns-changed")
    course.registry.domain = replace(course.registry.domain, statuses=(Status(value="clientTransferProhibited"),))
    assert codes(course.gaining.send(registrars.request(course.gaining))) == [2304]
    course.registry.domain = replace(course.registry.domain, statuses=(Status(value="ok"),))
    assert course.gaining.send(registrars.request(course.gaining)).is_success


def test_keys_of_a_domain_that_is_not_there_go_nowhere(course: Course) -> None:
    command = registrars.offer(course.gaining)
    assert isinstance(command.action, KeyRelayCreate)
    foreign = replace(command, action=replace(command.action, name="example.com"))
    assert codes(course.gaining.send(foreign)) == [2303]


def offer_with(course: Course, *more: Dnskey) -> Command:
    """The offer of the gaining side with more keys."""
    command = registrars.offer(course.gaining)
    assert isinstance(command.action, KeyRelayCreate)
    relayed = [RelayedKey(key=KeyData.from_rdata(key.dnskey_rdata)) for key in more]
    return replace(command, action=replace(command.action, keys=(*command.action.keys, *relayed)))


def test_a_key_that_collides_is_refused_by_the_registry(course: Course) -> None:
    first, twin = colliding_keys()
    course.registry.servers.give(Source.LOSING, losing_with(first), course.now - DAY)
    answer = course.gaining.send(offer_with(course, twin))
    assert codes(answer) == [2306]
    assert f"key tag {twin.key_tag}" in told(answer)
    assert course.registry.case is None and course.losing.poll() is None


def test_the_losing_side_refuses_a_key_and_the_gaining_side_learns_why(course: Course) -> None:
    """Between the relay and the poll the losing operator began to publish a key with the tag of a relayed one."""
    first, twin = colliding_keys()
    say(course.gaining, offer_with(course, twin))
    course.losing.poll_all()
    course.registry.servers.give(Source.LOSING, losing_with(first), course.now)
    say(course.losing, registrars.receipt(course.losing))
    case = course.registry.case
    assert case is not None and case.is_refused
    course.gaining.poll_all()
    heard = course.gaining.told(Receipt)
    assert isinstance(heard, Receipt) and len(heard.accepted) == 2
    (refused,) = heard.refused
    assert refused.key_tag == twin.key_tag
    assert [(each.code, each.rule) for each in refused.refusals] == [("key-tag-collision", "RFC 4034 appendix B")]
    with pytest.raises(FrameWithheld):
        course.registry.decide_by_sight(facilitated.add_ds)
    assert codes(course.losing.send(registrars.receipt(course.losing))) == [2002]
    say(course.gaining, registrars.offer(course.gaining))
    assert course.registry.case is not None and not course.registry.case.is_refused, "a new offer makes a new case"


def test_a_receipt_for_other_keys_is_refused(course: Course) -> None:
    course.run("offered")
    course.losing.poll_all()
    command = registrars.receipt(course.losing)
    (receipt,) = command.extensions
    assert isinstance(receipt, Receipt)
    for keys in (receipt.keys[:1], (*receipt.keys, receipt.keys[0]), (replace(receipt.keys[0], key_tag=1),)):
        other = replace(command, extensions=(replace(receipt, keys=keys),))
        answer = course.losing.send(other)
        assert codes(answer) == [2306] and "relayed" in told(answer)
    later = replace(command, extensions=(replace(receipt, at=course.now + MINUTE),))
    assert codes(course.losing.send(later)) == [2306]
    say(course.losing, command)


def test_ttls_that_are_not_lowered_are_seen(course: Course) -> None:
    course.run("accepted")
    now = course.now
    relay, offer = registrars.relayed(course.losing)
    keys = parse_dnskeys(GAINING_KEYS)
    merged = merge_dnskeys(LOSING, keys, signers=LOSING_KEYS, validity=LONG)
    course.registry.servers.give(Source.LOSING, merged, now, delay=MINUTE)
    course.registry.now = now + MINUTE
    with pytest.raises(FrameWithheld, match="TTL of the NS RRset"):
        losing.make_report(merged, relay, offer, merged=now, lowered=now, now=course.now)
    honest = Report(name="example.nl", serial=1, merged=now, lowered=now, ns_ttl=86400, dnskey_ttl=86400)
    pretended = replace(honest, ns_ttl=600, dnskey_ttl=600)
    assert codes(course.losing.send(report_of(honest))) == [2306, 2306]
    answer = course.losing.send(report_of(pretended))
    assert 2308 in codes(answer) and "TTL" in told(answer)
    with pytest.raises(FrameWithheld, match="has not reported"):
        course.registry.decide_by_sight(facilitated.add_ds)


def report_of(report: Report) -> Command:
    """The update that carries a report."""
    return Command(action=DomainUpdate(name="example.nl"), extensions=(report,))


def test_a_report_before_the_last_server_has_it_is_refused(course: Course) -> None:
    course.run("accepted")
    course.registry.now += MINUTE
    registrars.merge(course.losing)
    now = course.now
    early = Report(name="example.nl", serial=1, merged=now, lowered=now, ns_ttl=600, dnskey_ttl=600)
    answer = course.losing.send(report_of(early))
    assert set(codes(answer)) == {2308} and "gaining keys" in told(answer)
    course.settle()
    say(course.losing, registrars.report(course.losing))


def test_nobody_approves_and_after_five_days_the_registry_does(course: Course) -> None:
    course.run("requested")
    registry = course.registry
    asked = course.now
    registry.now = asked + 5 * DAY - timedelta(seconds=1)
    with pytest.raises(FrameWithheld, match="may answer until"):
        registry.decide_by_sight(facilitated.complete_transfer)
    registry.now = asked + 5 * DAY
    registry.decide_by_sight(facilitated.complete_transfer)
    assert registry.domain.sponsor == GAINING
    course.poll()
    for side in (course.losing, course.gaining):
        data = side.told(DomainTransferData)
        assert isinstance(data, DomainTransferData) and data.status is TransferStatus.SERVER_APPROVED
    assert codes(course.losing.send(transfer(TransferOperation.REJECT))) == [2301]


def test_a_rejection_keeps_the_domain_and_it_can_be_asked_for_again(course: Course) -> None:
    course.run("requested")
    pending = course.losing.told(DomainTransferData)
    assert isinstance(pending, DomainTransferData)
    say(course.losing, losing.reject_transfer(pending))
    registry = course.registry
    assert registry.domain.sponsor == LOSING_CLIENT
    course.poll()
    heard = course.gaining.told(DomainTransferData)
    assert isinstance(heard, DomainTransferData) and heard.status is TransferStatus.CLIENT_REJECTED
    with pytest.raises(FrameWithheld):
        registry.decide(facilitated.allow_removal)
    say(course.gaining, registrars.request(course.gaining))
    course.poll()
    say(course.losing, registrars.approval(course.losing))
    assert registry.domain.sponsor == GAINING


def test_who_asked_may_cancel_and_both_may_ask_how_far_it_is(course: Course) -> None:
    course.run("given")
    assert codes(course.gaining.send(transfer(TransferOperation.QUERY))) == [2301]
    course.registry.queues[LOSING_CLIENT].clear()
    STAGES["ns-changed"](course)
    STAGES["requested"](course)
    for side in (course.losing, course.gaining):
        (data,) = side.send(transfer(TransferOperation.QUERY)).data
        assert isinstance(data, DomainTransferData) and data.status is TransferStatus.PENDING
    assert codes(course.losing.send(transfer(TransferOperation.CANCEL))) == [2201]
    assert codes(course.gaining.send(transfer(TransferOperation.APPROVE))) == [2201]
    assert course.gaining.send(transfer(TransferOperation.CANCEL)).is_success
    course.poll()
    heard = course.losing.told(DomainTransferData)
    assert isinstance(heard, DomainTransferData) and heard.status is TransferStatus.CLIENT_CANCELLED


def test_a_message_is_acknowledged_once(course: Course) -> None:
    course.run("offered")
    polled = course.losing.send(Command(action=PollRequest()))
    assert codes(polled) == [1301] and polled.queue is not None
    again = course.losing.send(Command(action=PollRequest()))
    assert again.queue == polled.queue and again.data == polled.data, "what is not acknowledged stays"
    acknowledge = Command(action=PollAcknowledge(message_id=polled.queue.message_id))
    assert codes(course.gaining.send(acknowledge)) == [2303], "in the queue of another"
    assert codes(course.losing.send(acknowledge)) == [1000]
    case = course.registry.case
    assert case is not None and "keys-relayed" in case.progress.plan.events
    assert codes(course.losing.send(acknowledge)) == [2303]
    assert codes(course.losing.send(Command(action=PollRequest()))) == [1300]
    assert course.registry.case is case


def test_the_code_is_told_to_the_gaining_side_alone(course: Course) -> None:
    course.run("given")
    given = course.gaining.told(AuthInfoNotice)
    assert isinstance(given, AuthInfoNotice) and given.auth_info == registrars.HANDED_OUT
    assert not any(isinstance(data, AuthInfoNotice) for each in course.losing.heard for data in each.data)
    assert registrars.HANDED_OUT.password not in repr(course.registry.case)
    info = Command(action=DomainInfo(name="example.nl"))
    (seen,) = course.gaining.send(info).data
    (own,) = course.losing.send(info).data
    assert isinstance(seen, DomainInfoData) and seen.auth_info is None
    assert isinstance(own, DomainInfoData) and own.auth_info == registrars.HANDED_OUT
    course.run_from("given", "ns-changed")
    wrong = transfer(TransferOperation.REQUEST, CODE)
    assert codes(course.gaining.send(wrong)) == [2202], "the code of before"


def test_the_losing_ds_goes_when_nobody_needs_it_and_no_sooner(course: Course) -> None:
    course.run("removal-allowed")
    notice = course.gaining.told(RemovalNotice)
    assert isinstance(notice, RemovalNotice)
    with pytest.raises(FrameWithheld, match="from 2026"):
        registrars.removal(course.gaining)
    early = Command(action=DomainUpdate(name="example.nl"), extensions=(removal_of(notice),))
    assert set(codes(course.gaining.send(early))) == {2002}
    course.wait_until(notice.not_before)
    assert codes(course.losing.send(early))[0] == 2201, "it is not the sponsor any more"
    say(course.gaining, registrars.removal(course.gaining))
    assert 2002 in codes(course.gaining.send(early)), "twice"
    (told_ds,) = course.gaining.send(Command(action=DomainInfo(name="example.nl"))).extensions
    assert isinstance(told_ds, SecDns) and [each.ds.rdata for each in told_ds.ds] == list(GAINING_DS.rdatas)


def removal_of(notice: RemovalNotice) -> SecDnsUpdate:
    """The removal of the DS of a notice."""
    ds = tuple(RegistryDs(ds=each) for each in notice.ds)
    return SecDnsUpdate(remove=Removal(ds=ds))


# ---- the wire -------------------------------------------------------------------------------------------------------


def test_what_is_no_frame_gets_an_answer_and_changes_nothing(tmp_path: Path) -> None:
    registry = Registry()
    with (
        serving(registry.handle, registry.greeting, clients=CLIENTS, directory=tmp_path) as server,
        server.connect(GAINING) as connection,
    ):
        for octets in (b"<epp/>", b"no XML", b'<!DOCTYPE a [<!ENTITY b "c">]><epp>&b;</epp>'):
            answer = read_frame(connection.request(octets))
            assert isinstance(answer, Response) and codes(answer) == [2001]
        assert codes(exchanged(connection, Command(action=PollRequest()))) == [2002], "nobody is logged in"
        wrong = Login(client=LOSING_CLIENT, password=PASSWORD, extensions=OFFERED)
        assert codes(exchanged(connection, Command(action=wrong))) == [2200], "not the one of its certificate"
        login = Login(client=GAINING, password=PASSWORD, extensions=OFFERED)
        assert codes(exchanged(connection, Command(action=login))) == [1000]
        assert codes(exchanged(connection, Command(action=Logout()))) == [1500]
    assert registry.case is None


def test_a_registrars_own_client_carries_the_frames(tmp_path: Path) -> None:
    """Net::EPP sends the offer, takes the relayed keys and hands back the receipt, each in a session of its own."""
    registry = Registry()
    course = Course.begun(registry)

    with serving(registry.handle, registry.greeting, clients=CLIENTS, directory=tmp_path) as server:

        def converse(client: str, *commands: Command) -> list[Response]:
            login = Login(client=client, password=PASSWORD, extensions=OFFERED)
            frames = [Command(action=login), *commands, Command(action=Logout())]
            received = net_epp.converse(server, client, [write_frame(each) for each in frames], tmp_path)
            answers = [read_frame(each) for each in received[2:-1]]
            return [each for each in answers if isinstance(each, Response)]

        (offered,) = converse(GAINING, registrars.offer(course.gaining))
        assert codes(offered) == [1000]
        (polled,) = converse(LOSING_CLIENT, Command(action=PollRequest()))
        assert polled.queue is not None
        course.losing.heard.append(polled)
        acknowledge = Command(action=PollAcknowledge(message_id=polled.queue.message_id))
        answered = converse(LOSING_CLIENT, acknowledge, registrars.receipt(course.losing))
        assert [codes(each) for each in answered] == [[1000], [1000]]
        (told_receipt,) = converse(GAINING, Command(action=PollRequest()))
    assert registry.case is not None and told_receipt.data == (registry.case.receipt,)
