"""Each decision of the registry-facilitated flow by itself: what it takes, and everything that it refuses and why."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.epp import registrars
from tests.epp.operators import (
    DAY,
    DS_TTL,
    GAINING,
    GAINING_DS,
    LONG,
    LOSING,
    LOSING_DS,
    LOSING_SHA1,
    MINUTE,
    Servers,
    colliding_keys,
    losing_with,
    the_facts,
)
from tests.epp.registrars import Registrar
from tests.epp.registry import CODE, STRANGER, Registry
from tests.epp.registry import GAINING as GAINING_CLIENT
from tests.epp.registry import LOSING as LOSING_CLIENT
from tests.epp.stages import SETTLED, Course
from tests.keyring import NOW, csk, ksk, zsk
from tests.transfer_worlds import GAINING_KEYS, GAINING_SERVERS, LOSING_KEYS, LOSING_SERVERS, LOW, unsigned
from zonekit import rdata as rd
from zonekit.algorithms import Algorithm, DigestType
from zonekit.apex import merge_dnskeys
from zonekit.dnskeys import parse_dnskeys
from zonekit.ds import DsData, KeyData, ds_rdata, make_ds, registry_ds, registry_keys
from zonekit.epp import case_json, facilitated, gaining, losing, read_case
from zonekit.epp.cases import Case, Message, Ruling
from zonekit.epp.domains import (
    AuthInfo,
    DomainInfoData,
    DomainPart,
    DomainTransfer,
    DomainTransferData,
    DomainUpdate,
    NameServer,
    NoAuthInfo,
    NsForm,
    Status,
    TransferOperation,
    TransferStatus,
)
from zonekit.epp.facilitated import is_same_code
from zonekit.epp.frames import Command, Response, TransactionId
from zonekit.epp.keyrelay import Duration, Expiry, KeyRelayCreate, KeyRelayData, RelayedKey
from zonekit.epp.materials import Material, Registered
from zonekit.epp.offers import AuthInfoNotice, AuthInfoRequest, NsNotice, Offer, RemovalNotice, Report, WaitNotice
from zonekit.epp.parts import Part
from zonekit.epp.registries import (
    DnssecPolicy,
    Interface,
    NameServerPolicy,
    OnTransfer,
    RegistryProfile,
    RegistryTimes,
    TransferPolicy,
)
from zonekit.epp.results import ResultCode, result
from zonekit.epp.secdns import RegistryDs, Removal, SecDns, SecDnsUpdate
from zonekit.epp.statuses import Operation, StatusRule
from zonekit.epp.steps import Sender, numbered, step_frames
from zonekit.errors import EppError, FrameWithheld, KeyTagCollision, PlanError
from zonekit.instants import SignatureValidity
from zonekit.signing import sign_zone
from zonekit.transfer.facts import Facts
from zonekit.transfer.parties import Capability
from zonekit.transfer.receipts import Receipt, Refusal
from zonekit.transfer.sightings import NOT_LOOKED_AT, THERE_IS_NONE, Sighting
from zonekit.transfer.steps import Actor
from zonekit.transfer.versions import Key, Source
from zonekit.ttl import Ttl
from zonekit.zonefile import parse_zone
from zonekit.zones import Zone

OFFER: Final = gaining.make_offer(GAINING, LOSING, auth_info=CODE, form=NsForm.HOST_OBJECTS, ttl=LOW, now=NOW)
assert isinstance(OFFER.action, KeyRelayCreate)
RELAY: Final = OFFER.action
OFFERED: Final = OFFER.extensions[0]
assert isinstance(OFFERED, Offer)
DOMAIN: Final = Registry().domain
SEEN: Final = Servers().look(NOW)


def taken(command: Command = OFFER, **given: Any) -> Ruling:
    """The ruling on an offer."""
    known = {"client": GAINING_CLIENT, "domain": DOMAIN, "sighting": SEEN, "facts": the_facts(), "now": NOW}
    return facilitated.take_offer(command, **(known | given))


def codes(ruling: Ruling) -> list[int]:
    return [each.code for each in ruling.results]


def told(ruling: Ruling) -> str:
    return "\n".join(each.message for each in ruling.results)


def course_at(stage: str) -> Course:
    """A course in which a stage is done."""
    course = Course.begun(Registry())
    course.run(stage)
    return course


def case_of(course: Course) -> Case:
    assert course.registry.case is not None
    return course.registry.case


# ---- the registry: the offer ----------------------------------------------------------------------------------------


def test_an_offer_makes_a_case_and_a_message() -> None:
    ruling = taken()
    assert codes(ruling) == [1000] and ruling.change is None
    case = ruling.case
    assert case is not None and case.registrars == (LOSING_CLIENT, GAINING_CLIENT) and case.sponsor == LOSING_CLIENT
    assert case.losing_ds == registry_ds(LOSING_DS)
    (message,) = ruling.messages
    assert message.client == LOSING_CLIENT and message.extensions == (OFFERED,)
    assert message.data == KeyRelayData(
        name="example.nl",
        auth_info=CODE,
        keys=RELAY.keys,
        created=NOW,
        requester=GAINING_CLIENT,
        actor=LOSING_CLIENT,
    )


def test_the_ttl_that_is_asked_for_is_the_one_that_is_planned() -> None:
    case = taken(replace(OFFER, extensions=(replace(OFFERED, ttl=Ttl(300)),))).case
    assert case is not None and case.progress.plan.facts.timing.lowered_ttl == 300


def test_a_case_is_kept_whole_by_any_database() -> None:
    for stage in ("offered", "announced", "ended"):
        case = case_of(course_at(stage))
        assert pickle.loads(pickle.dumps(case)) == case


passwords: Final = st.text(st.characters(exclude_categories=("C",)), min_size=1)
auth_infos: Final = st.builds(AuthInfo, password=passwords, roid=st.sampled_from((None, "A-B", "C-D")))


@given(first=auth_infos, second=auth_infos)
def test_codes_are_the_same_where_they_are_equal(first: AuthInfo, second: AuthInfo) -> None:
    assert is_same_code(first, second) is (first == second)
    assert is_same_code(first, replace(first))


@pytest.mark.parametrize("code", ["", "x"])
def test_a_code_that_only_begins_alike_is_another(code: str) -> None:
    begun = AuthInfo(password=CODE.password[:-1] + code)
    assert codes(taken(replace(OFFER, action=replace(RELAY, auth_info=begun)))) == [2202]
    of_extension = Part(
        xml="<k:authInfo xmlns:k='urn:ietf:params:xml:ns:keyrelay-1.0' xmlns:d='urn:ietf:params:xml:ns:domain-1.0'>"
        "<d:ext><a xmlns='urn:a'/></d:ext></k:authInfo>"
    )
    assert codes(taken(replace(OFFER, action=replace(RELAY, auth_info=of_extension)))) == [2202]


def with_keys(*keys: RelayedKey) -> Command:
    return replace(OFFER, action=replace(RELAY, keys=keys))


def with_ds(*ds: DsData) -> Command:
    return replace(OFFER, extensions=(replace(OFFERED, ds=ds),))


SHA1: Final = DsData(key_tag=GAINING_KEYS[0].key_tag, alg=13, digest_type=1, digest="AB" * 20)
REVOKED: Final = KeyData(flags=385, protocol=3, alg=13, pub_key=RELAY.keys[0].key.pub_key)
REFUSED: Final[dict[str, tuple[list[int], str, Callable[[], Ruling]]]] = {
    "no domain": ([2303], "there is no domain", lambda: taken(domain=None)),
    "another domain": (
        [2303],
        "there is no domain",
        lambda: taken(domain=replace(DOMAIN, name="example.com")),
    ),
    "a domain without a code": ([2202], "authinfo", lambda: taken(domain=replace(DOMAIN, auth_info=None))),
    "the sponsor itself": ([2002], "is the sponsor", lambda: taken(client=LOSING_CLIENT)),
    "a transfer under way": (
        [2300, 2300],
        "a transfer is under way",
        lambda: taken(domain=replace(DOMAIN, statuses=(Status(value="pendingTransfer"),))),
    ),
    "the sponsor itself, and locks": (
        [2002, 2304, 2304],
        "clientTransferProhibited",
        lambda: taken(
            client=LOSING_CLIENT,
            domain=replace(
                DOMAIN,
                statuses=(Status(value="clientTransferProhibited"), Status(value="serverUpdateProhibited")),
            ),
        ),
    ),
    "keys alone": ([2003], "have to go along", lambda: taken(replace(OFFER, extensions=()))),
    "a key whose time is over": (
        [2306],
        "which is over",
        lambda: taken(with_keys(*[replace(each, expiry=NOW) for each in RELAY.keys[:1]], *RELAY.keys[1:])),
    ),
    "a key beyond the calendar": (
        [2306],
        "beyond the calendar",
        lambda: taken(with_keys(replace(RELAY.keys[0], expiry=Duration(years=999_999)), *RELAY.keys[1:])),
    ),
    "a revoked key": ([2306], "revoked", lambda: taken(with_keys(RelayedKey(key=REVOKED), *RELAY.keys))),
    "a DS of no relayed key": ([2306], "none of the keys", lambda: taken(with_ds(*registry_ds(LOSING_DS)))),
    "a DS of a ZSK": ([2306], "none of the keys", lambda: taken(with_ds(ds_of_zsk()))),
    "a DS with SHA-1": ([2306], "digest type 1", lambda: taken(with_ds(SHA1))),
    "a revoked key, and both wrong DS": (
        [2306, 2306, 2306],
        "none of the keys",
        lambda: taken(
            replace(
                with_keys(RelayedKey(key=REVOKED), *RELAY.keys),
                extensions=(replace(OFFERED, ds=(SHA1, *registry_ds(LOSING_DS))),),
            )
        ),
    ),
    "a ZSK left out": (
        [2306],
        "ZSK",
        lambda: taken(with_keys(*[each for each in RELAY.keys if each.key.flags == 257])),
    ),
    "a key of another algorithm": ([2306, 2306], "a key of algorithm 15 is offered", lambda: taken(of_algorithm_15())),
    "a key of another algorithm than is known": (
        [2306, 2306],
        "a key of algorithm 15 signs the gaining zone",
        lambda: taken(facts=with_another_algorithm()),
    ),
    "a DS with SHA-384 alone": (
        [2306, 2306],
        "no DS of key",
        lambda: taken(with_ds(*of_types(DigestType.SHA384))),
    ),
    "a DS with SHA-384 besides": (
        [2306],
        "with digest type 4 is none that is to join",
        lambda: taken(with_ds(*of_types(DigestType.SHA256, DigestType.SHA384))),
    ),
    "a DS at the parent that the facts have not": (
        [2308, 2308],
        "the parent has no DS of KSK",
        lambda: taken(sighting=replace(SEEN, parent_ds=LOSING_SHA1)),
    ),
    "a DS at the parent of nobody": (
        [2308],
        "is of no key that signs the losing DNSKEY RRset",
        lambda: taken(sighting=replace(SEEN, parent_ds=make_ds([LOSING_KEYS[0], csk()], ttl=DS_TTL))),
    ),
    "a losing zone that is not signed": (
        [2308],
        "has no DNSKEYs of its own",
        lambda: taken(sighting=replace(SEEN, losing=unsigned(LOSING_SERVERS))),
    ),
    "a name server left out": ([2306], "ns1.gaining.example. is a name server", lambda: taken(with_servers(1))),
    "a name server that is none": (
        [2306],
        "ns9.example.com. is offered",
        lambda: taken(with_servers(0, "ns9.example.com.")),
    ),
    "a key that is needed longer": (
        [2306],
        "the transfer needs it until",
        lambda: taken(with_keys(replace(RELAY.keys[0], expiry=Duration(days=2)), *RELAY.keys[1:])),
    ),
    "a losing side that cannot": (
        [2308],
        "cannot be",
        lambda: taken(facts=unable()),
    ),
    "an algorithm that some resolvers do not take beside the other": (
        [2308],
        "algorithm",
        lambda: taken(of_algorithm_15(), facts=with_another_algorithm()),
    ),
}


def of_types(*digest_types: DigestType) -> tuple[DsData, ...]:
    """The DS of the gaining KSK."""
    return registry_ds(make_ds(GAINING_KEYS[:1], digest_types=digest_types))


def with_servers(first: int, *more: str) -> Command:
    """The offer without the name servers before the first, and with more."""
    servers = (*OFFERED.name_servers.servers[first:], *[NameServer(name=name) for name in more])
    return replace(OFFER, extensions=(replace(OFFERED, name_servers=replace(OFFERED.name_servers, servers=servers)),))


def ds_of_zsk() -> DsData:
    """A DS that nobody should make."""
    zone_key = GAINING_KEYS[1]
    return DsData.from_rdata(ds_rdata(zone_key.owner, zone_key.dnskey_rdata, DigestType.SHA256))


def unable() -> Facts:
    """Facts of a losing operator that imports no keys."""
    facts = the_facts()
    return replace(facts, losing=replace(facts.losing, can=frozenset(Capability) - {Capability.IMPORT_ZSK}))


def of_algorithm_15() -> Command:
    """An offer of keys of another algorithm than the losing ones."""
    keys = [ksk(Algorithm.ED25519), zsk(Algorithm.ED25519)]
    relayed = tuple(RelayedKey(key=KeyData.from_rdata(key.dnskey_rdata)) for key in keys)
    offered = replace(OFFERED, ds=registry_ds(make_ds(keys[:1])))
    return replace(OFFER, action=replace(RELAY, keys=relayed), extensions=(offered,))


def with_another_algorithm() -> Facts:
    """Facts of a gaining zone that is signed with another algorithm."""
    facts = the_facts()
    tags = [ksk(Algorithm.ED25519).key_tag, zsk(Algorithm.ED25519).key_tag]
    keys = tuple(
        replace(each, key=Key(name=f"key {tag}", algorithm=15, key_tag=tag))
        for each, tag in zip(sorted(facts.gaining.keys, key=lambda each: not each.signs_dnskey), tags, strict=True)
    )
    return replace(facts, gaining=replace(facts.gaining, keys=keys))


@pytest.mark.parametrize("what", REFUSED)
def test_an_offer_is_refused_with_every_reason(what: str) -> None:
    expected, reason, rule = REFUSED[what]
    ruling = rule()
    assert codes(ruling) == expected, told(ruling)
    assert reason in told(ruling)
    assert ruling.case is None and not ruling.messages and ruling.change is None
    assert CODE.password not in told(ruling)
    response = ruling.response(TransactionId(server="SRV-1"))
    assert not response.is_success and response.results == ruling.results


def test_a_case_that_is_over_is_in_nobodys_way() -> None:
    course = course_at("removal-allowed")
    assert not case_of(course).is_over
    course.run_from("removal-allowed", "ds-removed")
    case = case_of(course)
    assert case.is_over
    known = {"client": STRANGER, "domain": course.registry.domain, "case": case}
    code = course.registry.domain.auth_info
    assert code is not None
    again = replace(OFFER, action=replace(RELAY, auth_info=code))
    assert facilitated.check_permission(again, **known) == ()


def test_permission_is_told_before_anybody_looks() -> None:
    known = {"client": LOSING_CLIENT, "domain": DOMAIN}
    assert [each.code for each in facilitated.check_permission(OFFER, **known)] == [2002]
    unseen = Sighting(at=NOW, parent_ds=SEEN.parent_ds)
    assert codes(taken(client=LOSING_CLIENT, sighting=unseen)) == [2002]


def test_the_servers_that_are_offered_are_those_that_are_planned_for() -> None:
    facts = the_facts()
    nameless = replace(facts, gaining=replace(facts.gaining, name_servers=frozenset()))
    case = taken(facts=nameless).case
    assert case is not None and case.progress.servers[Source.GAINING] == frozenset(GAINING_SERVERS)


def test_every_key_is_published_until_the_losing_side_may_stop() -> None:
    case = taken().case
    assert case is not None
    needed = case.progress.plan.step("losing-stopped").not_before

    def until(expiry: datetime) -> Command:
        return with_keys(*[replace(each, expiry=expiry) for each in RELAY.keys])

    assert codes(taken(until(needed - timedelta(seconds=1)))) == [2306] * len(RELAY.keys)
    assert taken(until(needed)).is_success


PROFILE: Final = RegistryProfile(
    name="the registry of nl",
    zone="nl",
    dnssec=DnssecPolicy(interface=Interface.DS_DATA, most=2, on_transfer=OnTransfer.KEEP),
    name_servers=NameServerPolicy(form=NsForm.HOST_OBJECTS, least=2, most=2),
    times=RegistryTimes(
        ds_ttl=Ttl(60),
        ns_ttl=Ttl(60),
        negative_ttl=Ttl(60),
        propagation_delay=MINUTE,
        registration_delay=MINUTE,
        check_delay=MINUTE,
    ),
    transfer=TransferPolicy(automatic_approval=3 * DAY, key_relay=True, facilitated=True),
    statuses=(
        StatusRule(status="disputed", stops=frozenset((Operation.REQUEST,)), reason="a court says so", remedy="ask it"),
    ),
)


def test_what_the_registry_takes_is_in_its_profile() -> None:
    case = taken(registry=PROFILE).case
    assert case is not None and case.progress.plan.facts.timing.approval_delay == 3 * DAY
    refused = {
        "taken as hostAttr": replace(PROFILE, name_servers=replace(PROFILE.name_servers, form=NsForm.HOST_ATTRIBUTES)),
        "2 name servers are offered": replace(PROFILE, name_servers=replace(PROFILE.name_servers, least=3, most=9)),
        "there would be 2 DS": replace(PROFILE, dnssec=replace(PROFILE.dnssec, most=1)),
        "no DS of digest type 2": replace(PROFILE, dnssec=replace(PROFILE.dnssec, digest_types=frozenset((4,)))),
        "no key of algorithm 13": replace(PROFILE, dnssec=replace(PROFILE.dnssec, algorithms=frozenset((8,)))),
    }
    for words, profile in refused.items():
        ruling = taken(registry=profile)
        assert codes(ruling) == [2306] and words in told(ruling)
    disputed = replace(DOMAIN, statuses=(Status(value="disputed"),))
    assert taken(domain=disputed).is_success, "a status of no RFC stops nothing by itself"
    ruling = taken(domain=disputed, registry=PROFILE)
    assert codes(ruling) == [2304] and "a court says so" in told(ruling)


def test_a_registry_that_does_not_carry_such_transfers_says_so() -> None:
    for relays in (False, True):
        profile = replace(PROFILE, transfer=TransferPolicy(key_relay=relays))
        ruling = taken(registry=profile)
        assert codes(ruling) == [2102] and profile.name in told(ruling) and ruling.case is None


def test_a_registry_that_drops_the_ds_carries_no_such_transfer() -> None:
    drops = replace(PROFILE, dnssec=replace(PROFILE.dnssec, on_transfer=OnTransfer.DROP))
    with pytest.raises(PlanError, match="drops the DS records"):
        taken(registry=drops)


def test_a_second_case_of_a_domain_is_refused_and_the_first_stays() -> None:
    first = taken().case
    assert first is not None
    again = taken(client=STRANGER, case=first)
    assert codes(again) == [2300] and again.case is first


def test_what_the_registry_did_not_look_at_is_its_own_fault() -> None:
    unseen = Sighting(at=NOW, parent_ds=SEEN.parent_ds, losing=NOT_LOOKED_AT)
    with pytest.raises(PlanError, match="was not seen"):
        taken(sighting=unseen)
    elsewhere = Sighting(
        at=NOW,
        losing=parse_zone("@ 60 SOA ns. h. 1 2 3 4 5\n@ 60 NS ns.\n", "example.com"),
        parent_ds=make_ds([ksk(owner="example.com")]),
    )
    with pytest.raises(PlanError, match=r"is of example\.com"):
        taken(sighting=elsewhere)
    with pytest.raises(PlanError, match="key relay"):
        taken(Command(action=DomainUpdate(name="example.nl"), extensions=(UNKNOWN,)))
    with pytest.raises(PlanError, match=r"the facts are of example\.com"):
        taken(facts=replace(the_facts(), domain="example.com"))
    for off, words in (
        (-timedelta(seconds=1), "before that"),
        (facilitated.SEEN_WITHIN + timedelta(seconds=1), "later"),
    ):
        with pytest.raises(PlanError, match=words):
            taken(now=NOW + off)
    assert taken(now=NOW + facilitated.SEEN_WITHIN).is_success


# ---- the registry: what comes later ---------------------------------------------------------------------------------


def test_a_message_is_for_one_client() -> None:
    (message,) = taken().messages
    case = taken().case
    assert case is not None
    ruling = facilitated.take_acknowledgement(case, message, client=GAINING_CLIENT, now=NOW)
    assert codes(ruling) == [2201] and ruling.case is case
    other = Message(client=LOSING_CLIENT, text="news", data=RELAYED)
    unmoved = facilitated.take_acknowledgement(case, replace(other, data=NSNOTICE), client=LOSING_CLIENT, now=NOW)
    assert unmoved.case is case


def test_a_message_that_this_case_did_not_send_confirms_nothing_in_it() -> None:
    course = course_at("removal-allowed")
    before = course_at("offered")
    new = replace(case_of(before), relay=replace(case_of(before).relay, created=NOW + MINUTE))
    old = [message for each in (course, before) for message in sent_in(each)]
    confirming = (KeyRelayData, WaitNotice, AuthInfoNotice, RemovalNotice)
    assert {type(each.data) for each in old} >= set(confirming)
    for message in old:
        ruling = facilitated.take_acknowledgement(new, message, client=message.client, now=course.now)
        assert ruling.is_success and ruling.case is new, message.data
    own = case_of(course)
    for message in sent_in(course):
        elsewhere = replace(message, client=STRANGER)
        ruling = facilitated.take_acknowledgement(own, elsewhere, client=STRANGER, now=course.now)
        assert ruling.case is own
        if isinstance(message.data, confirming):
            other = replace(message, data=replace(message.data, name="example.com"))
            ruling = facilitated.take_acknowledgement(own, other, client=message.client, now=course.now)
            assert ruling.case is own


def sent_in(course: Course) -> list[Message]:
    """What the registrars of a course took out of their queues."""
    return [
        Message(client=side.client, text="news", data=data)
        for side in (course.losing, course.gaining)
        for response in side.heard
        for data in response.data
    ] + [each.message for queue in course.registry.queues.values() for each in queue]


def test_what_is_acknowledged_again_is_so_once_and_before_the_case_it_is_refused() -> None:
    (message,) = taken().messages
    case = taken().case
    assert case is not None
    first = facilitated.take_acknowledgement(case, message, client=LOSING_CLIENT, now=NOW + MINUTE)
    assert first.case is not None and "keys-relayed" in first.case.progress.plan.events
    again = facilitated.take_acknowledgement(first.case, message, client=LOSING_CLIENT, now=NOW + DAY)
    assert again.case == first.case
    early = facilitated.take_acknowledgement(case, message, client=LOSING_CLIENT, now=NOW - MINUTE)
    assert codes(early) == [2002] and early.case is case


RELAYED: Final = KeyRelayData(
    name="example.nl", auth_info=CODE, keys=RELAY.keys, created=NOW, requester=GAINING_CLIENT, actor=LOSING_CLIENT
)
NSNOTICE: Final = NsNotice(name="example.nl", at=NOW, name_servers=OFFERED.name_servers)


def test_the_wait_is_announced_when_both_have_taken_it() -> None:
    course = course_at("ds-added")
    registry = course.registry
    registry.decide_by_sight(facilitated.announce_wait)
    for side, is_announced in ((course.gaining, False), (course.losing, True)):
        with pytest.raises(FrameWithheld, match="both sides have taken the poll message"):
            registry.decide(facilitated.ask_auth_info)
        side.poll_all()
        assert ("wait-announced" in case_of(course).progress.plan.events) is is_announced
    registry.decide(facilitated.ask_auth_info)


UPDATE: Final = DomainUpdate(name="example.nl")
UNKNOWN: Final = Part(xml="<a xmlns='urn:a'/>")
MORE: Final = replace(UPDATE, add=DomainPart(statuses=(Status(value="clientHold"),)))


def updated(course: Course, decide: Callable[..., Ruling], command: Command, client: str, **more: Any) -> Ruling:
    """The ruling on an update; whatever is refused changes nothing."""
    case = case_of(course)
    ruling = decide(case, command, client=client, domain=course.registry.domain, now=course.now, **more)
    assert ruling.is_success or (ruling.case == case and not ruling.messages and ruling.change is None)
    return ruling


def test_an_update_that_changes_something_else_too_is_refused() -> None:
    course = course_at("offered")
    course.losing.poll_all()
    receipt = registrars.receipt(course.losing)
    decide = facilitated.take_receipt
    assert codes(updated(course, decide, replace(receipt, action=MORE), LOSING_CLIENT)) == [2306]
    coded = replace(UPDATE, auth_info=CODE)
    assert codes(updated(course, decide, replace(receipt, action=coded), LOSING_CLIENT)) == [2306]
    both = (*receipt.extensions, SecDnsUpdate(max_sig_life=1))
    assert codes(updated(course, decide, replace(receipt, extensions=both), LOSING_CLIENT)) == [2306]
    other = replace(receipt, action=DomainUpdate(name="example.com"))
    assert codes(updated(course, decide, other, LOSING_CLIENT)) == [2303]
    assert codes(updated(course, decide, Command(action=UPDATE, extensions=(UNKNOWN,)), LOSING_CLIENT)) == [2003]
    assert updated(course, decide, receipt, LOSING_CLIENT).is_success


def test_a_domain_that_may_not_be_updated_takes_no_receipt() -> None:
    course = course_at("offered")
    course.losing.poll_all()
    course.registry.domain = replace(DOMAIN, statuses=(Status(value="clientUpdateProhibited"),))
    ruling = updated(course, facilitated.take_receipt, registrars.receipt(course.losing), LOSING_CLIENT)
    assert codes(ruling) == [2304] and "clientUpdateProhibited" in told(ruling)


def test_an_accepted_key_without_a_date_is_no_receipt() -> None:
    course = course_at("offered")
    course.losing.poll_all()
    (receipt,) = registrars.receipt(course.losing).extensions
    assert isinstance(receipt, Receipt)
    undated = replace(receipt, keys=tuple(replace(key, publication=None) for key in receipt.keys))
    command = Command(action=UPDATE, extensions=(undated,))
    ruling = updated(course, facilitated.take_receipt, command, LOSING_CLIENT)
    assert codes(ruling) == [2306] * len(receipt.keys) and "does not say when" in told(ruling)
    foreign = replace(
        receipt, domain="example.com", keys=tuple(replace(key, owner="example.com") for key in receipt.keys)
    )
    ruling = updated(course, facilitated.take_receipt, Command(action=UPDATE, extensions=(foreign,)), LOSING_CLIENT)
    assert "for example.com" in told(ruling)


def test_a_report_says_what_is_so() -> None:
    course = course_at("merged")
    good = Report(name="example.nl", serial=1, merged=NOW, lowered=NOW, ns_ttl=Ttl(LOW), dnskey_ttl=Ttl(LOW))
    sighting = course.registry.servers.look(course.now)
    later = course.now + MINUTE
    wrong = {
        "of example.com": replace(good, name="example.com"),
        "will be merged": replace(good, merged=later),
        "will be lowered": replace(good, lowered=later),
        "TTL of NS": replace(good, ns_ttl=Ttl(LOW + 1)),
        "TTL of DNSKEY": replace(good, dnskey_ttl=Ttl(LOW + 1)),
    }
    for words, report in wrong.items():
        command = Command(action=UPDATE, extensions=(report,))
        ruling = updated(course, facilitated.take_report, command, LOSING_CLIENT, sighting=sighting)
        assert codes(ruling) == [2306] and words in told(ruling)
    bare = updated(
        course, facilitated.take_report, Command(action=UPDATE, extensions=(UNKNOWN,)), LOSING_CLIENT, sighting=sighting
    )
    assert codes(bare) == [2003]


def test_a_report_is_held_against_what_is_seen_when_it_comes() -> None:
    course = course_at("merged")
    sighting, command = course.registry.servers.look(course.now), registrars.report(course.losing)
    decide, second = facilitated.take_report, timedelta(seconds=1)
    for at, words in ((course.now + second, "before that"), (course.now - facilitated.SEEN_WITHIN - second, "later")):
        with pytest.raises(PlanError, match=words):
            updated(course, decide, command, LOSING_CLIENT, sighting=replace(sighting, at=at))
    assert updated(course, decide, command, LOSING_CLIENT, sighting=sighting).is_success


def test_a_report_that_what_is_seen_does_not_bear_out_is_refused() -> None:
    course = course_at("merged")
    (good,) = registrars.report(course.losing).extensions
    assert isinstance(good, Report)
    sighting = course.registry.servers.look(course.now)
    wrong = {
        "serial 4000000": replace(good, serial=4_000_000),
        "TTL of NS is 1, and": replace(good, ns_ttl=Ttl(1)),
        "TTL of DNSKEY is 1, and": replace(good, dnskey_ttl=Ttl(1)),
        "the keys were relayed": replace(good, merged=NOW - 4000 * DAY),
        "losing-merged at": replace(good, merged=NOW),
        "ttls-lowered at": replace(good, lowered=NOW),
    }
    for words, report in wrong.items():
        command = Command(action=UPDATE, extensions=(report,))
        known = {"client": LOSING_CLIENT, "domain": DOMAIN, "sighting": sighting, "now": course.now}
        ruling = facilitated.take_report(case_of(course), command, **known)
        assert set(codes(ruling)) == {2306} and words in told(ruling)
        assert ruling.case is not None and ruling.case.report is None
    earlier = Command(action=UPDATE, extensions=(replace(good, serial=good.serial - 1),))
    assert updated(course, facilitated.take_report, earlier, LOSING_CLIENT, sighting=sighting).is_success


def test_a_receipt_is_of_the_keys_as_they_were_relayed_and_of_no_time_before() -> None:
    course = course_at("offered")
    course.losing.poll_all()
    (receipt,) = registrars.receipt(course.losing).extensions
    assert isinstance(receipt, Receipt)
    refusal = Refusal(code="policy", reason="no")

    def refusing(*refusals: Refusal) -> Receipt:
        return replace(receipt, keys=tuple(replace(key, publication=None, refusals=refusals) for key in receipt.keys))

    owned = tuple(replace(key, owner="example.com") for key in refusing(refusal).keys)
    wrong = {
        "the keys were relayed at": replace(receipt, at=NOW - MINUTE),
        "it is 2026-": replace(receipt, at=course.now + 30 * MINUTE),
        "not for the keys that were relayed": replace(receipt, keys=owned),
        "for 17 reasons": refusing(*[replace(refusal, code=f"policy-{number}") for number in range(17)]),
        "a text of 1001 characters": refusing(replace(refusal, reason="r" * 1001)),
        "in 1001 characters": replace(receipt, by="b" * 1001),
    }
    for words, each in wrong.items():
        command = Command(action=UPDATE, extensions=(each,))
        ruling = updated(course, facilitated.take_receipt, command, LOSING_CLIENT)
        assert set(codes(ruling)) == {2306} and words in told(ruling), words
    longest = refusing(*[Refusal(code=f"policy-{number:02}", reason="r" * 1000) for number in range(16)])
    ruling = updated(course, facilitated.take_receipt, Command(action=UPDATE, extensions=(longest,)), LOSING_CLIENT)
    assert ruling.is_success and ruling.case is not None and read_case(case_json(ruling.case)) == ruling.case


def test_a_domain_that_is_another_or_of_another_sponsor_is_in_no_case() -> None:
    offered, merged, requested = course_at("offered"), course_at("merged"), course_at("requested")
    offered.losing.poll_all()
    transfers = [
        Command(action=DomainTransfer(operation=operation, name="example.nl"))
        for operation in (TransferOperation.APPROVE, TransferOperation.REJECT, TransferOperation.QUERY)
    ]
    seen = merged.registry.servers.look(merged.now)
    tries: list[tuple[Callable[..., Ruling], Course, Command, dict[str, Any]]] = [
        (facilitated.take_receipt, offered, registrars.receipt(offered.losing), {}),
        (facilitated.take_report, merged, registrars.report(merged.losing), {"sighting": seen}),
        *[(facilitated.take_transfer, requested, each, {}) for each in transfers],
    ]
    for decide, course, command, more in tries:
        known = {"client": LOSING_CLIENT, "now": course.now} | more
        domain = course.registry.domain
        with pytest.raises(PlanError, match=r"the domain is example\.com"):
            decide(case_of(course), command, domain=replace(domain, name="example.com"), **known)
        ruling = decide(case_of(course), command, domain=replace(domain, sponsor=STRANGER), **known)
        assert codes(ruling) == [2201] and ruling.case is case_of(course)
        assert decide(case_of(course), command, domain=domain, **known).is_success


@pytest.mark.parametrize("operation", [TransferOperation.APPROVE, TransferOperation.REJECT, TransferOperation.CANCEL])
def test_a_transfer_is_answered_between_its_request_and_the_end_of_its_time(operation: TransferOperation) -> None:
    course = course_at("requested")
    case = case_of(course)
    assert case.transfer is not None
    client = GAINING_CLIENT if operation is TransferOperation.CANCEL else LOSING_CLIENT
    command = Command(action=DomainTransfer(operation=operation, name="example.nl"))
    known = {"client": client, "domain": course.registry.domain}
    requested, acted = case.transfer.requested, case.transfer.acted
    second = timedelta(seconds=1)
    expected = {
        requested - 30 * DAY: 2002,
        requested - second: 2002,
        requested: 1000,
        acted - second: 1000,
        acted: 2301,
        acted + DAY: 2301,
    }
    for now, code in expected.items():
        ruling = facilitated.take_transfer(case, command, now=now, **known)
        assert codes(ruling) == [code] and (ruling.is_success or ruling.case is case), now


def test_one_losing_server_that_lacks_behind_holds_the_report_up() -> None:
    course = course_at("accepted")
    registrars.merge(course.losing)
    course.registry.now += SETTLED
    sighting = course.registry.servers.look(course.now)
    behind = frozenset(("ns2.losing.example.",))
    lagging = replace(
        sighting,
        giving={**sighting.giving, Source.LOSING: sighting.giving[Source.LOSING] - behind},
        lacking={**sighting.lacking, Source.LOSING: behind},
    )
    fresh = case_of(course)
    command = registrars.report(course.losing)
    known = {"client": LOSING_CLIENT, "domain": DOMAIN, "now": course.now}
    ruling = facilitated.take_report(fresh, command, sighting=lagging, **known)
    assert set(codes(ruling)) == {2308} and "ns2.losing.example." in told(ruling)
    assert ruling.case is not None and ruling.case.report is None, "and what was seen is kept"
    unasked = replace(sighting, giving={**sighting.giving, Source.LOSING: sighting.giving[Source.LOSING] - behind})
    ruling = facilitated.take_report(fresh, command, sighting=unasked, **known)
    assert set(codes(ruling)) == {2308} and "losing-merged" in told(ruling)
    assert facilitated.take_report(fresh, command, sighting=sighting, **known).is_success


def test_the_code_comes_by_itself() -> None:
    course = course_at("asked")
    given = registrars.auth_info(course.losing)
    decide = facilitated.take_auth_info
    beside = replace(given, extensions=(SecDnsUpdate(max_sig_life=1),))
    assert codes(updated(course, decide, beside, LOSING_CLIENT)) == [2306]
    more = replace(given, action=replace(MORE, auth_info=CODE))
    assert codes(updated(course, decide, more, LOSING_CLIENT)) == [2306]
    assert codes(updated(course, decide, Command(action=UPDATE, extensions=(UNKNOWN,)), LOSING_CLIENT)) == [2003]
    assert codes(updated(course, decide, given, GAINING_CLIENT)) == [2201]
    for none in (NoAuthInfo(), AuthInfo(password="")):
        taken_away = Command(action=replace(UPDATE, auth_info=none))
        assert 2003 in codes(updated(course, decide, taken_away, LOSING_CLIENT))
    ruling = updated(course, decide, given, LOSING_CLIENT)
    assert ruling.is_success and ruling.change == registrars.HANDED_OUT
    assert [each.client for each in ruling.messages] == [GAINING_CLIENT]


def test_a_transfer_of_another_domain_is_of_no_case() -> None:
    course = course_at("ns-changed")
    transfer = DomainTransfer(operation=TransferOperation.QUERY, name="example.com")
    ruling = updated(course, facilitated.take_transfer, Command(action=transfer), GAINING_CLIENT)
    assert codes(ruling) == [2303]
    with pytest.raises(PlanError, match="domain transfer"):
        updated(course, facilitated.take_transfer, Command(action=UPDATE, extensions=(UNKNOWN,)), GAINING_CLIENT)


def test_a_transfer_waits_for_the_domain_to_validate_from_the_gaining_servers() -> None:
    course = course_at("given")
    registry = course.registry
    case = case_of(course)
    assert case.wait is not None
    registry.now = case.wait.until
    registry.decide_by_sight(facilitated.change_ns)
    command = Command(
        action=DomainTransfer(operation=TransferOperation.REQUEST, name="example.nl", auth_info=registrars.HANDED_OUT)
    )
    ruling = updated(course, facilitated.take_transfer, command, GAINING_CLIENT)
    assert set(codes(ruling)) == {2002} and "resolution-verified" in told(ruling)


def broken_after(stage: str, zone: Zone) -> Course:
    """A course in which a stage is done, whereupon the losing servers give this zone."""
    course = course_at(stage)
    course.registry.servers.give(Source.LOSING, zone, course.now)
    course.registry.now += SETTLED
    return course


OVER: Final = sign_zone(unsigned(LOSING_SERVERS), LOSING_KEYS, validity=SignatureValidity.starting(NOW - 3 * DAY, DAY))


def test_a_losing_zone_that_was_merged_and_is_no_more_is_not_reported() -> None:
    course = broken_after("merged", LOSING)
    report = Report(name="example.nl", serial=1, merged=NOW, lowered=NOW, ns_ttl=Ttl(LOW), dnskey_ttl=Ttl(LOW))
    case = case_of(course)
    assert {"losing-merged", "ttls-lowered"} <= case.progress.plan.events.keys()
    ruling = facilitated.take_report(
        case,
        Command(action=UPDATE, extensions=(report,)),
        client=LOSING_CLIENT,
        domain=DOMAIN,
        sighting=course.registry.servers.look(course.now),
        now=course.now,
    )
    assert set(codes(ruling)) == {2308} and "publishes the gaining keys" in told(ruling)


def test_a_losing_zone_that_does_not_verify_any_more_gets_no_ds() -> None:
    course = broken_after("reported", OVER)
    course.registry.look()
    with pytest.raises(FrameWithheld, match="keys-exchanged"):
        course.registry.decide_by_sight(facilitated.add_ds)


def test_nothing_is_announced_of_a_losing_zone_that_nobody_looked_at() -> None:
    course = course_at("ds-added")
    unseen = replace(course.registry.servers.look(course.now), losing=NOT_LOOKED_AT)
    with pytest.raises(FrameWithheld, match="the losing zone verifies"):
        course.registry.decide(facilitated.announce_wait, sighting=unseen)
    course.registry.decide_by_sight(facilitated.announce_wait)


def test_the_ns_changes_once_and_when_every_server_was_asked() -> None:
    course = course_at("given")
    registry = course.registry
    case = case_of(course)
    assert case.wait is not None
    registry.now = case.wait.until
    sighting = registry.servers.look(registry.now)
    only = {**sighting.giving, Source.GAINING: frozenset(GAINING_SERVERS[:1])}
    with pytest.raises(FrameWithheld, match=r"ns2\.gaining\.example\. was not asked"):
        registry.decide(facilitated.change_ns, sighting=replace(sighting, giving=only))
    registry.decide(facilitated.change_ns, sighting=sighting)
    with pytest.raises(FrameWithheld, match="ns-changed is begun already"):
        registry.decide(facilitated.change_ns, sighting=sighting)


def ready_for(step: str) -> tuple[Course, Callable[..., Ruling]]:
    """A course in which the registry may take a step of its own now, and the decision."""
    before, decision = OWN_STEPS[step]
    course = course_at(before)
    case = case_of(course)
    if step == "change_ns" and case.wait is not None:
        course.wait_until(case.wait.until)
    if step == "complete_transfer" and case.transfer is not None:
        course.wait_until(case.transfer.acted)
    return course, decision


OWN_STEPS: Final[dict[str, tuple[str, Callable[..., Ruling]]]] = {
    "add_ds": ("reported", facilitated.add_ds),
    "announce_wait": ("ds-added", facilitated.announce_wait),
    "ask_auth_info": ("announced", facilitated.ask_auth_info),
    "change_ns": ("given", facilitated.change_ns),
    "complete_transfer": ("requested", facilitated.complete_transfer),
    "allow_removal": ("approved", facilitated.allow_removal),
}
BY_SIGHT: Final = ("add_ds", "announce_wait", "change_ns", "complete_transfer")


def decided(step: str, **given: Any) -> Ruling:
    """The ruling of the registry on a step of its own whose time has come."""
    course, decision = ready_for(step)
    known: dict[str, Any] = {"domain": course.registry.domain, "now": course.now}
    if step in BY_SIGHT:
        known["sighting"] = course.registry.servers.look(course.now)
    return decision(case_of(course), **(known | given))


def with_status(word: str) -> DomainInfoData:
    return replace(DOMAIN, statuses=(Status(value=word),))


@pytest.mark.parametrize("step", OWN_STEPS)
def test_a_status_stops_every_step_that_the_registry_takes_by_itself(step: str) -> None:
    is_transfer = step == "complete_transfer"
    lock, other = ("Transfer", "Update") if is_transfer else ("Update", "Transfer")
    for party in ("server",) if is_transfer else ("client", "server"):
        word = f"{party}{lock}Prohibited"
        with pytest.raises(FrameWithheld, match=f"{word} stands in the way") as caught:
            decided(step, domain=with_status(word))
        assert len(caught.value.reasons) == 1
        assert decided(step, domain=with_status(f"{party}{other}Prohibited")).is_success
    operation = Operation.ANSWER if is_transfer else Operation.UPDATE
    rule = StatusRule(status="disputed", stops=frozenset((operation,)), reason="a court says so", remedy="ask it")
    disputed = with_status("disputed")
    with pytest.raises(FrameWithheld, match="a court says so"):
        decided(step, domain=disputed, registry=replace(PROFILE, statuses=(rule,)))
    assert decided(step, domain=disputed).is_success, "a status of no RFC stops nothing by itself"
    with pytest.raises(PlanError, match=r"the domain is example\.com"):
        decided(step, domain=replace(DOMAIN, name="example.com"))


@pytest.mark.parametrize("word", ["pendingTransfer", "clientTransferProhibited"])
def test_what_keeps_requests_off_does_not_stop_the_approval_of_one_that_was_taken(word: str) -> None:
    assert decided("complete_transfer", domain=with_status(word)).is_success


@pytest.mark.parametrize("step", BY_SIGHT)
def test_the_registry_takes_no_step_on_what_it_saw_too_long_ago_or_later(step: str) -> None:
    course, decision = ready_for(step)
    sighting, known = course.registry.servers.look(course.now), {"domain": course.registry.domain}

    def asked(at: datetime, now: datetime) -> Ruling:
        return decision(case_of(course), sighting=replace(sighting, at=at), now=now, **known)

    second, now = timedelta(seconds=1), course.now + DAY
    with pytest.raises(FrameWithheld, match="which is before that"):
        asked(now + second, now)
    with pytest.raises(FrameWithheld, match="which is more than 1h later"):
        asked(now - facilitated.SEEN_WITHIN - second, now)
    assert asked(now, now).is_success
    assert asked(now - facilitated.SEEN_WITHIN, now).is_success


def test_the_ds_joins_when_the_losing_zone_is_seen_to_verify_now() -> None:
    course = broken_after("reported", LOSING)
    for zone in (LOSING, OVER, NOT_LOOKED_AT):
        sighting = replace(course.registry.servers.look(course.now), losing=zone)
        with pytest.raises(FrameWithheld, match="the losing zone"):
            course.registry.decide(facilitated.add_ds, sighting=sighting)


def test_the_ds_joins_those_that_were_there_when_the_keys_were_offered() -> None:
    more = make_ds([LOSING_KEYS[0], csk()], ttl=DS_TTL)
    both_types = make_ds(LOSING_KEYS[:1], ttl=DS_TTL, digest_types=(DigestType.SHA256, DigestType.SHA384))
    for ds, words in ((more, "is of no key"), (both_types, "digest type 4, and the facts have none")):
        course = course_at("reported")
        sighting = replace(course.registry.servers.look(course.now), parent_ds=ds)
        with pytest.raises(FrameWithheld, match=words):
            course.registry.decide(facilitated.add_ds, sighting=sighting)


def test_the_ds_that_join_beside_a_weak_one_count_against_the_limit() -> None:
    weak = {"sighting": replace(SEEN, parent_ds=LOSING_SHA1), "facts": the_facts(LOSING_SHA1)}
    ruling = taken(registry=PROFILE, **weak)
    assert codes(ruling) == [2306] and "there would be 3 DS, and 2 are taken" in told(ruling)
    assert taken(registry=replace(PROFILE, dnssec=replace(PROFILE.dnssec, most=3)), **weak).is_success


def test_what_was_seen_later_than_the_sighting_counts_too() -> None:
    course, _ = ready_for("change_ns")
    registry, sighting = course.registry, course.registry.servers.look(course.now)
    registry.servers.give(Source.GAINING, GAINING, registry.now, delay=MINUTE)
    registry.now += 30 * MINUTE
    registry.look()
    with pytest.raises(FrameWithheld, match="gaining-merged"):
        registry.decide(facilitated.change_ns, sighting=sighting)


def test_nothing_is_approved_when_the_gaining_servers_have_stopped() -> None:
    course, _ = ready_for("complete_transfer")
    registry = course.registry
    whole = registry.servers.zone(Source.GAINING)
    registry.servers.give(Source.GAINING, THERE_IS_NONE, registry.now)
    registry.now += SETTLED
    before = case_of(course)
    with pytest.raises(FrameWithheld, match="domain-transferred may not be now") as caught:
        registry.decide_by_sight(facilitated.complete_transfer)
    assert caught.value.reasons and case_of(course) == before
    registry.servers.give(Source.GAINING, whole, registry.now)
    registry.now += SETTLED
    registry.decide_by_sight(facilitated.complete_transfer)


def test_a_lock_stops_the_losing_sides_approval_and_not_its_rejection() -> None:
    course = course_at("requested")
    registry = course.registry
    registry.domain = replace(DOMAIN, statuses=(Status(value="serverTransferProhibited"),))
    approval = registrars.approval(course.losing)
    ruling = updated(course, facilitated.take_transfer, approval, LOSING_CLIENT)
    assert codes(ruling) == [2304] and "serverTransferProhibited" in told(ruling)
    assert codes(updated(course, facilitated.take_transfer, approval, GAINING_CLIENT)) == [2201]
    pending = course.losing.told(DomainTransferData)
    assert isinstance(pending, DomainTransferData)
    assert updated(course, facilitated.take_transfer, losing.reject_transfer(pending), LOSING_CLIENT).is_success
    registry.domain = replace(DOMAIN, statuses=(Status(value="pendingTransfer"),))
    assert updated(course, facilitated.take_transfer, approval, LOSING_CLIENT).is_success


def test_a_status_of_the_registrys_own_stops_what_registrars_ask_for() -> None:
    everything = frozenset((Operation.UPDATE, Operation.REQUEST))
    rule = StatusRule(status="disputed", stops=everything, reason="a court says so", remedy="ask it")
    profile = replace(PROFILE, statuses=(rule,))
    asked: dict[str, tuple[Callable[..., Ruling], str, Callable[[Course], Command]]] = {
        "offered": (facilitated.take_receipt, LOSING_CLIENT, lambda course: registrars.receipt(course.losing)),
        "merged": (facilitated.take_report, LOSING_CLIENT, lambda course: registrars.report(course.losing)),
        "asked": (facilitated.take_auth_info, LOSING_CLIENT, lambda course: registrars.auth_info(course.losing)),
        "ns-changed": (facilitated.take_transfer, GAINING_CLIENT, lambda course: registrars.request(course.gaining)),
        "removal-allowed": (
            facilitated.take_removal,
            GAINING_CLIENT,
            lambda course: registrars.removal(course.gaining),
        ),
    }
    for stage, (decide, client, make) in asked.items():
        course = course_at(stage)
        notice = case_of(course).progress.plan.step("losing-ds-removed").not_before
        if stage == "removal-allowed":
            course.wait_until(notice)
        if stage == "offered":
            course.losing.poll_all()
        seen = {"sighting": course.registry.servers.look(course.now)} if stage == "merged" else {}
        command = make(course)
        course.registry.domain = replace(course.registry.domain, statuses=(Status(value="disputed"),))
        assert codes(updated(course, decide, command, client, registry=profile, **seen)) == [2304], stage
        assert updated(course, decide, command, client, **seen).is_success, stage


def test_a_report_after_a_refusal_comes_to_nothing() -> None:
    course = course_at("offered")
    course.losing.poll_all()
    (receipt,) = registrars.receipt(course.losing).extensions
    assert isinstance(receipt, Receipt)
    refusal = Refusal(code="key-tag-collision", reason="it has the tag of another")
    refused = replace(receipt, keys=tuple(replace(key, publication=None, refusals=(refusal,)) for key in receipt.keys))
    ruling = updated(course, facilitated.take_receipt, Command(action=UPDATE, extensions=(refused,)), LOSING_CLIENT)
    assert ruling.is_success and ruling.case is not None
    report = Report(name="example.nl", serial=1, merged=NOW, lowered=NOW, ns_ttl=Ttl(LOW), dnskey_ttl=Ttl(LOW))
    after = facilitated.take_report(
        ruling.case,
        Command(action=UPDATE, extensions=(report,)),
        client=LOSING_CLIENT,
        domain=DOMAIN,
        sighting=SEEN,
        now=course.now,
    )
    assert codes(after) == [2002]


def frames_of(course: Course, side: Registrar, step_id: str, actor: Actor, **made_of: Any) -> list[Command]:
    """What a registrar that is carried by its plan sends for a step."""
    found = step_frames(
        side.progress.plan,
        step_id,
        sender=Sender(actor=actor, registry=PROFILE, transactions=numbered("STEP"), client=side.client),
        material=Material(registered=Registered(info=course.registry.domain), **made_of),
        evidence=side.progress.evidence,
        now=course.now,
    )
    return [each.command for each in found.frames]


def test_the_registry_takes_the_offer_that_the_plan_makes() -> None:
    course = Course.begun(Registry())
    course.gaining.progress = course.gaining.progress.said(
        "requested", "frozen", "keys-made", at=NOW, by="the registrant and both operators"
    )
    (sent,) = frames_of(
        course,
        course.gaining,
        "keys-offered",
        Actor.GAINING_REGISTRAR,
        auth_info=CODE,
        gaining_keys=parse_dnskeys(GAINING_KEYS),
        losing_keys=parse_dnskeys(LOSING_KEYS),
        gaining_servers=tuple(NameServer(name=each) for each in GAINING_SERVERS),
        relay_expiry=Duration(days=365),
    )
    assert codes(taken(sent, registry=PROFILE)) == [1000]


def test_the_registry_takes_the_receipt_the_report_and_the_code_that_the_plan_makes() -> None:
    course = course_at("offered")
    course.losing.poll_all()
    course.losing.progress = course.losing.progress.said("frozen", at=course.now, by="both operators")
    (receipt,) = registrars.receipt(course.losing).extensions
    (sent,) = frames_of(course, course.losing, "keys-exchanged", Actor.LOSING_REGISTRAR, receipt=receipt)
    assert updated(course, facilitated.take_receipt, sent, LOSING_CLIENT).is_success
    course = course_at("merged")
    (report,) = registrars.report(course.losing).extensions
    (sent,) = frames_of(course, course.losing, "losing-merged", Actor.LOSING_REGISTRAR, report=report)
    seen = course.registry.servers.look(course.now)
    assert updated(course, facilitated.take_report, sent, LOSING_CLIENT, sighting=seen).is_success
    course = course_at("asked")
    course.registry.domain = with_status("clientTransferProhibited")
    code = registrars.HANDED_OUT
    lifted, sent = frames_of(course, course.losing, "authinfo-given", Actor.LOSING_REGISTRAR, auth_info=code)
    assert codes(updated(course, facilitated.take_auth_info, lifted, LOSING_CLIENT)) != [1000]
    ruling = updated(course, facilitated.take_auth_info, sent, LOSING_CLIENT)
    assert ruling.is_success and ruling.change == code


def removal(**fields: Any) -> Command:
    return Command(action=UPDATE, extensions=(SecDnsUpdate(**fields),))


def test_the_losing_ds_goes_whole_and_alone() -> None:
    course = course_at("removal-allowed")
    notice = course.gaining.told(RemovalNotice)
    assert isinstance(notice, RemovalNotice)
    course.wait_until(notice.not_before)
    own = tuple(RegistryDs(ds=each) for each in notice.ds)
    gained = tuple(RegistryDs(ds=each) for each in registry_ds(GAINING_DS))
    refused = {
        "everything": removal(remove=Removal(everything=True)),
        "the gaining one": removal(remove=Removal(ds=gained)),
        "both": removal(remove=Removal(ds=(*own, *gained))),
        "and a new one": removal(remove=Removal(ds=own), add=SecDns(ds=gained)),
        "and a lifetime": removal(remove=Removal(ds=own), max_sig_life=1),
        "another key": removal(remove=Removal(keys=registry_keys(GAINING_KEYS[:1]))),
        "both keys": removal(remove=Removal(keys=registry_keys([LOSING_KEYS[0], GAINING_KEYS[0]]))),
    }
    for what, command in refused.items():
        assert codes(updated(course, facilitated.take_removal, command, GAINING_CLIENT)) == [2306], what
    added = removal(add=SecDns(ds=own))
    assert codes(updated(course, facilitated.take_removal, added, GAINING_CLIENT)) == [2003]
    by_key = removal(remove=Removal(keys=registry_keys(LOSING_KEYS[:1])))
    for command in (by_key, removal(remove=Removal(ds=own))):
        ruling = updated(course, facilitated.take_removal, command, GAINING_CLIENT)
        assert ruling.is_success and ruling.change == SecDnsUpdate(remove=Removal(ds=own))
    assert ruling.case is not None
    known = {"client": GAINING_CLIENT, "domain": course.registry.domain, "now": course.now}
    assert codes(facilitated.take_removal(ruling.case, by_key, **known)) == [2002], "twice"


def test_a_case_is_of_one_domain_and_two_registrars() -> None:
    case = taken().case
    assert case is not None
    with pytest.raises(EppError, match=r"is of example\.nl"):
        replace(case, relay=replace(case.relay, name="example.com"))
    with pytest.raises(EppError, match="the losing and the gaining registrar"):
        replace(case, relay=replace(case.relay, requester=case.losing))


def test_no_automatic_approval_of_nothing() -> None:
    case = taken().case
    assert case is not None
    with pytest.raises(FrameWithheld, match="no transfer is pending"):
        facilitated.complete_transfer(case, sighting=SEEN, domain=DOMAIN, now=NOW)


@pytest.mark.parametrize("answer", [TransferOperation.APPROVE, TransferOperation.REJECT, TransferOperation.CANCEL])
def test_a_registry_that_never_approves_leaves_a_transfer_pending_until_it_is_answered(
    answer: TransferOperation,
) -> None:
    course, _ = ready_for("complete_transfer")
    never = replace(PROFILE, transfer=replace(PROFILE.transfer, automatic_approval=None))
    known = {"sighting": course.registry.servers.look(course.now), "domain": course.registry.domain, "now": course.now}
    with pytest.raises(FrameWithheld, match=r"never approves by itself") as caught:
        facilitated.complete_transfer(case_of(course), registry=never, **known)
    assert len(caught.value.reasons) == 1
    command = Command(action=DomainTransfer(operation=answer, name="example.nl"))
    client = GAINING_CLIENT if answer is TransferOperation.CANCEL else LOSING_CLIENT
    assert codes(updated(course, facilitated.take_transfer, command, client, registry=PROFILE)) == [2301]
    ruling = updated(course, facilitated.take_transfer, command, client, registry=never)
    assert ruling.is_success and ruling.case is not None and not ruling.case.is_pending
    assert facilitated.complete_transfer(case_of(course), registry=PROFILE, **known).is_success


# ---- the gaining registrar ------------------------------------------------------------------------------------------


def made(zone: Zone = GAINING, losing_zone: Zone = LOSING, **given: Any) -> Command:
    known = {"auth_info": CODE, "form": NsForm.HOST_OBJECTS, "ttl": LOW, "now": NOW}
    return gaining.make_offer(zone, losing_zone, **(known | given))


def test_an_offer_has_the_keys_their_ds_and_the_name_servers() -> None:
    assert {each.key.rdata for each in RELAY.keys} == set(GAINING.apex_rrset(rd.DNSKEY).rdatas)
    assert {each.rdata for each in OFFERED.ds} == set(make_ds(GAINING_KEYS[:1]).rdatas)
    assert [each.name for each in OFFERED.name_servers.servers] == list(GAINING_SERVERS)
    both = made(digest_types=(DigestType.SHA256, DigestType.SHA384)).extensions[0]
    assert isinstance(both, Offer) and [each.digest_type for each in both.ds] == [2, 4]
    dated = made(expiry=Duration(days=30)).action
    assert isinstance(dated, KeyRelayCreate) and {each.expiry for each in dated.keys} == {Duration(days=30)}


def test_a_merged_gaining_zone_offers_its_own_keys_alone() -> None:
    course = course_at("merged")
    assert made(course.registry.servers.zone(Source.GAINING)) == OFFER


def test_name_servers_in_the_domain_have_their_addresses_where_the_registry_takes_them() -> None:
    text = (
        "@ 600 SOA ns1 hostmaster 1 7200 3600 1209600 300\n@ 600 NS ns1\n@ 600 NS ns.elsewhere.example.\n"
        "ns1 600 A 192.0.2.53\nns1 600 AAAA 2001:db8::53\n"
    )
    zone = sign_zone(parse_zone(text, "example.nl"), GAINING_KEYS, validity=LONG, dnskey_ttl=Ttl(600))
    offer = made(zone, form=NsForm.HOST_ATTRIBUTES).extensions[0]
    assert isinstance(offer, Offer)
    assert {each.name: each.addresses for each in offer.name_servers.servers} == {
        "ns1.example.nl.": ("192.0.2.53", "2001:db8::53"),
        "ns.elsewhere.example.": (),
    }


def test_an_offer_is_withheld_with_every_reason() -> None:
    first, twin = colliding_keys()
    other = [ksk(Algorithm.ED25519), zsk(Algorithm.ED25519)]
    over = SignatureValidity.starting(NOW - 3 * DAY, DAY)
    zones = {
        "algorithm 15 and the losing zone with 13": sign_zone(unsigned(GAINING_SERVERS), other, validity=LONG),
        "expired": sign_zone(unsigned(GAINING_SERVERS), GAINING_KEYS, validity=over),
    }
    for words, zone in zones.items():
        with pytest.raises(FrameWithheld, match=words):
            made(zone)
    with pytest.raises(FrameWithheld, match="key tag"):
        made(merge_dnskeys(GAINING, [twin], signers=GAINING_KEYS, validity=LONG), losing_with(first))
    both = sign_zone(unsigned(GAINING_SERVERS), other, validity=over)
    with pytest.raises(FrameWithheld) as caught:
        made(both)
    assert len(caught.value.reasons) > 2 and CODE.password not in str(caught.value)


def test_a_zone_whose_keys_the_losing_zone_has_all_offers_nothing() -> None:
    with pytest.raises(FrameWithheld, match="no key of its own"):
        made(LOSING)


def test_a_csk_is_offered_as_well() -> None:
    zone = sign_zone(unsigned(GAINING_SERVERS), [csk()], validity=LONG)
    command = made(zone)
    assert isinstance(command.action, KeyRelayCreate) and len(command.action.keys) == 1


def test_the_gaining_side_asks_when_it_has_seen_the_domain_validate() -> None:
    course = course_at("given")
    with pytest.raises(FrameWithheld, match="resolution-verified"):
        registrars.request(course.gaining)
    notice = AuthInfoNotice(name="example.com", auth_info=CODE)
    with pytest.raises(EppError, match=r"example\.com"):
        gaining.request_transfer(course.gaining.progress, notice, now=course.now)


def test_the_losing_ds_is_asked_to_go_when_allowed_and_the_plan_says_so() -> None:
    course = course_at("removal-allowed")
    side = course.gaining
    notice = side.told(RemovalNotice)
    assert isinstance(notice, RemovalNotice)
    zone, parent_ds = side.servers.zone(Source.GAINING), side.servers.delegation().ds

    def asked(notice: RemovalNotice, **given: Any) -> Command:
        known = {"zone": zone, "parent_ds": parent_ds, "now": course.now}
        return gaining.remove_losing_ds(side.progress, notice, **(known | given))

    with pytest.raises(FrameWithheld, match=r"losing-unreachable: .*that is not over before"):
        asked(replace(notice, not_before=NOW))
    course.wait_until(max(notice.not_before, side.progress.plan.step("losing-ds-removed").not_before))
    with pytest.raises(FrameWithheld, match="allows it from"):
        asked(replace(notice, not_before=course.now + MINUTE))
    with pytest.raises(FrameWithheld) as caught:
        asked(replace(notice, ds=registry_ds(GAINING_DS)))
    assert len(caught.value.reasons) == 2, "it leads to a gaining key, and none would be left"
    with pytest.raises(FrameWithheld, match="has no DS of key"):
        asked(notice, parent_ds=GAINING_DS)
    with pytest.raises(FrameWithheld, match="would be left"):
        asked(notice, parent_ds=LOSING_DS)
    with pytest.raises(EppError, match=r"example\.com"):
        asked(replace(notice, name="example.com"))
    assert isinstance(asked(notice).extensions[0], SecDnsUpdate)


# ---- the losing registrar -------------------------------------------------------------------------------------------


def poll_message(*data: Any, extensions: tuple[Any, ...] = ()) -> Response:
    return Response(
        results=(result(ResultCode.ACK_TO_DEQUEUE),),
        transaction=TransactionId(server="SRV-1"),
        data=data,
        extensions=extensions,
    )


def test_relayed_keys_come_with_their_offer() -> None:
    assert losing.offer_in(poll_message(RELAYED, extensions=(OFFERED,))) == (RELAYED, OFFERED)
    with pytest.raises(EppError, match="no offer"):
        losing.offer_in(poll_message(RELAYED))
    with pytest.raises(EppError, match="no relayed keys"):
        losing.offer_in(poll_message(NSNOTICE))


def answered(relay: KeyRelayData, zone: Zone = LOSING) -> Receipt:
    command = losing.answer_relay(zone, relay, by="us", now=NOW, publish_at=NOW + DAY, facts=the_facts())
    (receipt,) = command.extensions
    assert isinstance(receipt, Receipt)
    return receipt


def test_a_receipt_says_which_keys_and_from_when_on() -> None:
    receipt = answered(RELAYED)
    assert not receipt.refused and len(receipt.accepted) == 2
    assert {key.publication.at for key in receipt.accepted if key.publication} == {NOW + DAY}
    assert receipt.cached_until is not None and receipt.cached_until >= NOW + 2 * DAY


def test_keys_of_another_domain_duplicates_and_collisions_are_refused_by_name() -> None:
    def refusals(receipt: Receipt) -> list[list[str]]:
        return [[each.code for each in key.refusals] for key in receipt.keys]

    assert refusals(answered(replace(RELAYED, name="example.com"))) == [["wrong-owner"], ["wrong-owner"]]
    twice = replace(RELAYED, keys=(*RELAYED.keys, RELAYED.keys[0]))
    assert refusals(answered(twice)) == [[], [], ["duplicate-key"]]
    first, twin = colliding_keys()
    colliding = replace(RELAYED, keys=(RelayedKey(key=KeyData.from_rdata(twin.dnskey_rdata)),))
    assert refusals(answered(colliding, losing_with(first))) == [["key-tag-collision"]]
    with pytest.raises(KeyTagCollision):
        losing.merge_offer(losing_with(first), colliding, OFFERED, signers=LOSING_KEYS, validity=LONG, now=NOW)


@pytest.mark.parametrize("expiry", [NOW + DAY, Duration(days=1), Duration(years=9999)])
def test_a_key_whose_time_is_over_is_refused_and_not_merged(expiry: Expiry) -> None:
    first, *others = RELAYED.keys
    dated = replace(RELAYED, keys=(replace(first, expiry=expiry), *others))
    (refused,) = answered(dated).refused
    assert [each.code for each in refused.refusals] == ["expired-key"] and refused.publication is None
    known: dict[str, Any] = {"signers": LOSING_KEYS, "validity": LONG}
    with pytest.raises(FrameWithheld, match=r"to be published until|beyond the calendar"):
        losing.merge_offer(LOSING, dated, OFFERED, now=NOW + DAY, **known)
    if expiry != Duration(years=9999):
        early = losing.answer_relay(LOSING, dated, by="us", now=NOW, publish_at=NOW + DAY - MINUTE, facts=the_facts())
        assert isinstance(early.extensions[0], Receipt) and not early.extensions[0].refused
        losing.merge_offer(LOSING, dated, OFFERED, now=NOW + DAY - MINUTE, **known)


def test_the_losing_side_answers_nobody_but_who_relayed_the_keys() -> None:
    course = course_at("requested")
    relay, _ = registrars.relayed(course.losing)
    pending = course.losing.told(DomainTransferData)
    assert isinstance(pending, DomainTransferData)
    progress, now = course.losing.progress, course.now
    with pytest.raises(FrameWithheld, match=r"stranger-rar asks") as caught:
        losing.approve_transfer(progress, relay, replace(pending, requester=STRANGER), now=now)
    assert len(caught.value.reasons) == 1
    request = AuthInfoRequest(name="example.nl", requester=STRANGER)
    with pytest.raises(FrameWithheld, match=r"stranger-rar asks") as caught:
        losing.give_auth_info(progress, relay, request, CODE, now=now)
    assert len(caught.value.reasons) == 1 and CODE.password not in str(caught.value)
    other = replace(relay, name="example.com")
    with pytest.raises(EppError, match=r"example\.com"):
        losing.approve_transfer(progress, other, pending, now=now)
    with pytest.raises(EppError, match=r"example\.com"):
        losing.give_auth_info(progress, other, replace(request, requester=GAINING_CLIENT), CODE, now=now)


def test_the_losing_zone_is_merged_lowered_and_verifies() -> None:
    merged = losing.merge_offer(LOSING, RELAYED, OFFERED, signers=LOSING_KEYS, validity=LONG, now=NOW)
    assert set(parse_dnskeys(merged.apex_rrset(rd.DNSKEY))) == set(parse_dnskeys([*LOSING_KEYS, *GAINING_KEYS]))
    assert {merged.apex_rrset(rdtype).ttl for rdtype in (rd.NS, rd.DNSKEY)} == {LOW}
    command = losing.make_report(merged, RELAYED, OFFERED, merged=NOW, lowered=NOW, now=NOW)
    (report,) = command.extensions
    assert report == Report(
        name="example.nl", serial=merged.serial, merged=NOW, lowered=NOW, ns_ttl=Ttl(LOW), dnskey_ttl=Ttl(LOW)
    )
    with pytest.raises(FrameWithheld) as caught:
        losing.make_report(LOSING, RELAYED, OFFERED, merged=NOW + DAY, lowered=NOW, now=NOW)
    assert len(caught.value.reasons) == 5, "two keys, two TTLs, one instant"
    with pytest.raises(FrameWithheld, match="expired"):
        losing.make_report(merged, RELAYED, OFFERED, merged=NOW, lowered=NOW, now=NOW + 100 * DAY)


def test_the_losing_side_gives_and_follows_when_its_own_plan_says_so() -> None:
    course = course_at("merged")
    side = course.losing
    request = AuthInfoRequest(name="example.nl", requester=GAINING_CLIENT)
    with pytest.raises(FrameWithheld, match="wait-announced"):
        losing.give_auth_info(side.progress, RELAYED, request, CODE, now=course.now)
    with pytest.raises(EppError, match=r"example\.com"):
        losing.give_auth_info(side.progress, RELAYED, replace(request, name="example.com"), CODE, now=course.now)

    def followed(notice: NsNotice) -> Zone:
        return losing.follow_ns(side.progress, LOSING, notice, signers=LOSING_KEYS, validity=LONG, now=course.now)

    with pytest.raises(FrameWithheld, match="authinfo-given"):
        followed(NSNOTICE)
    with pytest.raises(EppError, match=r"example\.com"):
        followed(replace(NSNOTICE, name="example.com"))


def test_a_transfer_is_answered_while_it_is_pending() -> None:
    course = course_at("requested")
    pending = course.losing.told(DomainTransferData)
    assert isinstance(pending, DomainTransferData)
    rejected = losing.reject_transfer(pending).action
    assert rejected == DomainTransfer(operation=TransferOperation.REJECT, name="example.nl")
    over = replace(pending, status=TransferStatus.SERVER_APPROVED)
    with pytest.raises(FrameWithheld, match="is serverApproved"):
        losing.reject_transfer(over)
    with pytest.raises(FrameWithheld, match="is serverApproved"):
        losing.approve_transfer(course.losing.progress, RELAYED, over, now=course.now)
    with pytest.raises(EppError, match=r"example\.com"):
        losing.approve_transfer(course.losing.progress, RELAYED, replace(pending, name="example.com"), now=course.now)
    early = course_at("given").losing
    with pytest.raises(FrameWithheld, match="resolution-verified"):
        losing.approve_transfer(early.progress, RELAYED, pending, now=pending.requested - timedelta(days=1))
