"""What the registry decides in the registry-facilitated flow: each decision a pure function, from a case to a ruling.

The registry stands between the two registrars, and it has the last word on DS and NS. In this order:

1.  :func:`check_permission`, :func:`take_offer`: the gaining registrar relays keys with an offer. Is the registrant's
    permission there, can the losing zone take the keys, and is there a plan that is proven safe? Then they go to the losing
    registrar as a poll message.
2.  :func:`take_receipt`: the losing side accepts them and says when it publishes them, or refuses some and says why.
3.  :func:`look`, again and again: what the servers of both sides and the parent give, seen by the registry itself.
4.  :func:`take_report`: the losing side says that its zone is merged and its TTLs are low; the registry holds that against
    what it sees.
5.  :func:`add_ds`: the gaining DS joins the losing one; where the losing keys have weaker DS alone, stronger ones of theirs
    join with it.
6.  :func:`announce_wait`: every server gives both; which record stays in caches the longest, and until when that keeps the NS
    from being changed, goes to both sides.
7.  :func:`ask_auth_info`, :func:`take_auth_info`: the losing registrar gives the code, and the gaining one is told.
8.  :func:`change_ns`: the wait is over, and every combination of what is served validates. Both sides get notice of it.
9.  :func:`take_transfer`: the gaining registrar asks for the domain; the losing one approves or rejects it, or else
    :func:`complete_transfer` does it when the registry's delay is over, where it has one.
10. :func:`allow_removal`, :func:`take_removal`: the losing DS may go, and goes when nobody needs it any more.

The registry keeps the :class:`~zonekit.epp.cases.Case` in between, for example with :func:`~zonekit.epp.casefile.case_json`,
and drops it when it is over (:attr:`~zonekit.epp.cases.Case.is_over`) or given up. :func:`take_acknowledgement` notes that a
registrar has taken a message, which is what some steps are confirmed by.

What a client asks for comes back with result codes (RFC 5730 section 3): 2002 where it comes too early or twice, 2201 from the
wrong client. What the registry does by itself is refused with :class:`~zonekit.errors.FrameWithheld` and every reason. Neither
has an override: a registry that overrides takes the step without asking here, and records it in the plan.

Each step that the registry takes by itself takes the case and, by name:

``sighting``
    what all servers give, seen within :data:`SEEN_WITHIN` before ``now``, where the step changes the delegation or the sponsor
    or tells what was seen;
``domain``
    the domain as the registry has it now, whose statuses may stop the step;
``now``
    when it is taken;
``registry``
    the registry, for the statuses that its profile has besides those of RFC 5731; without it, these alone count.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final, TypeGuard, TypeVar

from zonekit import rdata as rd
from zonekit.algorithms import DigestType, digest
from zonekit.dnskeys import Dnskey, check_intake, dnskeys_of
from zonekit.ds import DsData, matches_ds, registry_ds
from zonekit.epp.cases import Case, Message, Ruling, refusals
from zonekit.epp.domains import (
    AuthInfo,
    DomainInfoData,
    DomainTransfer,
    DomainTransferData,
    DomainUpdate,
    NoAuthInfo,
    TransferOperation,
    TransferStatus,
)
from zonekit.epp.frames import Command
from zonekit.epp.joining import beside_gaining, ds_differences, held_differences, key_differences
from zonekit.epp.keyrelay import KeyRelayCreate, KeyRelayData
from zonekit.epp.notices import relayed_keys
from zonekit.epp.offers import (
    AuthInfoNotice,
    AuthInfoRequest,
    NsNotice,
    Offer,
    RemovalNotice,
    Report,
    WaitNotice,
)
from zonekit.epp.progress import Progress, withhold
from zonekit.epp.registries import MADE_DIGESTS, OnTransfer, RegistryProfile
from zonekit.epp.results import Result, ResultCode, result
from zonekit.epp.secdns import RegistryDs, Removal, SecDns, SecDnsUpdate
from zonekit.epp.statuses import DomainStatus, Operation, Party, StatusRule, locks_against
from zonekit.errors import FrameWithheld, PlanError, TimeError
from zonekit.instants import instant_text, utc
from zonekit.names import order_key, parse_origin
from zonekit.serials import serial_gt
from zonekit.transfer.facts import Facts
from zonekit.transfer.plan import Plan, plan_transfer, prove
from zonekit.transfer.proof import Safe
from zonekit.transfer.receipts import Receipt
from zonekit.transfer.sightings import Sighting, Unseen
from zonekit.transfer.steps import Flow
from zonekit.transfer.versions import Source
from zonekit.ttl import Ttl, duration_text
from zonekit.zones import RRset, Zone

_Extension = TypeVar("_Extension", Offer, Receipt, Report, SecDnsUpdate)
_REGISTRY: Final = "the registry"
MAX_REFUSALS: Final = 16
"""How many reasons a receipt may have for refusing a key; the intake has fewer."""
MAX_TEXT: Final = 1000
"""How long a text of a receipt may be."""
_RELAY_RULE: Final = "RFC 8063 section 3.2.1"
_PENDING_TRANSFER: Final = DomainStatus.PENDING_TRANSFER.value
_NOT_AGAINST_APPROVAL: Final = frozenset((_PENDING_TRANSFER, "clientTransferProhibited"))
SEEN_WITHIN: Final = timedelta(hours=1)
"""How old what was seen may be when something is decided on it."""


# ---- the offer ------------------------------------------------------------------------------------------------------


def take_offer(
    command: Command,
    *,
    client: str,
    domain: DomainInfoData | None,
    sighting: Sighting,
    facts: Facts,
    now: datetime,
    case: Case | None = None,
    registry: RegistryProfile | None = None,
) -> Ruling:
    """Return the ruling on a key relay with an offer: a case and the poll message for the losing registrar, or refusals.

    What is wrong with the permission is told alone, and only with it all that is wrong with keys, DS and the transfer as a
    whole: 2102 the registry does not carry such transfers; 2303 the domain is not there; 2202 the authinfo code is not its
    own; 2002 the client is its sponsor already; 2300 and 2304 a transfer is under way, or a status forbids one; 2003 there is
    no offer; 2306 a key fails the intake of the losing zone, is to be published for too short a time, keys, DS or name servers
    are not those of the gaining side, or the profile of the registry does not take them; 2308 the losing zone has no DNSKEYs
    of its own, the DS at the parent are others than the facts have, or no safe plan can be made.

    Args:
        command: the ``create``.
        client: who sent it.
        domain: the domain as the registry has it, with its code; None where there is none of that name.
        sighting: the losing zone and the DS RRset at the parent as they are now.
        facts: what is known about both sides and the parent; the TTL asked for takes the place of ``timing.lowered_ttl``, and
            the servers offered that of the gaining ones where it has none.
        now: when it came.
        case: a case of the domain that is there already.
        registry: what the registry takes; without it, anything.

    Raises:
        PlanError: no key relay, the losing zone or the DS RRset was not looked at, what was seen or the facts are of another
            domain, what was seen is not of the last hour, or a registry that drops the DS records of a domain that is
            transferred.
        TimeError: ``now`` is naive or not in whole seconds.
    """
    refused = check_permission(command, client=client, domain=domain, case=case, registry=registry)
    relay, offer = command.action, _extension(command, Offer)
    if refused or offer is None or domain is None or not isinstance(relay, KeyRelayCreate):
        return Ruling(case=case, results=refused)
    at = utc(now)
    losing, held = _seen_of(relay.name, sighting, at)
    _check_facts(relay.name, facts)
    keys = relayed_keys(relay)
    losing_keys = _losing_keys(losing, keys)
    if not losing_keys:
        return Ruling(
            case=case, results=refusals(ResultCode.DATA_POLICY, ["the losing zone has no DNSKEYs of its own"])
        )
    try:
        agreed = _agreed(facts, offer, registry)
    except PlanError as error:
        return Ruling(case=case, results=refusals(ResultCode.DATA_POLICY, [str(error)]))
    wrong = [
        *_key_faults(relay, keys, losing, at),
        *_ds_faults(offer, keys),
        *_server_faults(agreed, offer),
        *key_differences(agreed, keys),
    ]
    if not wrong:
        wrong += ds_differences(agreed, offer.ds, keys)
    unlike = () if wrong else tuple(held_differences(agreed, held, losing_keys))
    if registry is not None:
        beside = () if wrong or unlike else beside_gaining(agreed, held, losing_keys)
        wrong += _policy_faults(registry, offer, keys, (*held, *beside))
    if wrong:
        return Ruling(case=case, results=refusals(ResultCode.PARAMETER_POLICY, wrong))
    planned = unlike or _planned(agreed, at)
    if not isinstance(planned, Plan):
        return Ruling(case=case, results=refusals(ResultCode.DATA_POLICY, planned))
    short = tuple(_too_short(relay, keys, planned, at))
    if short:
        return Ruling(case=case, results=refusals(ResultCode.PARAMETER_POLICY, short))
    data = KeyRelayData(
        name=relay.name,
        auth_info=relay.auth_info,
        keys=relay.keys,
        created=now,
        requester=client,
        actor=domain.sponsor,
    )
    by = f"the offer of {client}"
    progress = Progress(plan=planned).said("requested", "keys-made", "keys-offered", at=now, by=by)
    text = f"{relay.name}: keys, DS and name servers of the gaining side"
    return Ruling(
        case=Case(relay=data, offer=offer, losing_ds=held, progress=progress),
        messages=(Message(client=domain.sponsor, text=text, data=data, extensions=(offer,)),),
    )


def check_permission(
    command: Command,
    *,
    client: str,
    domain: DomainInfoData | None,
    case: Case | None = None,
    registry: RegistryProfile | None = None,
) -> tuple[Result, ...]:
    """Return why an offer is refused before anybody looks at a server; nothing where it is permitted.

    :func:`take_offer` asks this first; a registry asks it by itself so that who has no permission makes it ask no server. The
    arguments are those of ``take_offer``.

    Raises:
        PlanError: no key relay, or a registry that drops the DS records of a domain that is transferred.
    """
    relay = command.action
    if not isinstance(relay, KeyRelayCreate):
        raise PlanError("an offer goes along with a key relay", remedy="give a KeyRelayCreate")
    _check_keeps_ds(registry)
    if registry is not None and not registry.transfer.facilitated:
        return (result(ResultCode.UNIMPLEMENTED_OPTION, f"{registry.name} does not carry the transfer of a domain"),)
    if domain is None or domain.name != relay.name:
        return (result(ResultCode.OBJECT_MISSING, f"there is no domain {relay.name}"),)
    refused = tuple(_not_permitted(relay, client, domain, case, _rules(registry)))
    if not refused and _extension(command, Offer) is None:
        return (result(ResultCode.MISSING_PARAMETER, "name servers, DS and a TTL have to go along with the keys"),)
    return refused


def _seen_of(name: str, sighting: Sighting, now: datetime) -> tuple[Zone, tuple[DsData, ...]]:
    """The losing zone and the DS records that were seen.

    Raises:
        PlanError: one of them was not, or is of another domain, or not of now.
    """
    losing, ds = sighting.losing, sighting.parent_ds
    if not isinstance(losing, Zone) or not isinstance(ds, RRset):
        raise PlanError(f"{name}: the losing zone or the DS at the parent was not seen", remedy="look at both first")
    if order_key(losing.apex) != order_key(parse_origin(name)):
        raise PlanError(f"{name}: what was seen is of {sighting.domain}", remedy="look at this domain")
    _check_of_now(name, sighting, now)
    return losing, registry_ds(ds)


def _check_of_now(name: str, sighting: Sighting, now: datetime) -> None:
    for reason in _not_of_now(sighting, now):
        raise PlanError(f"{name}: {reason}", remedy="look again, at the time of the command")


def _check_facts(name: str, facts: Facts) -> None:
    if order_key(parse_origin(facts.domain)) != order_key(parse_origin(name)):
        raise PlanError(f"{name}: the facts are of {facts.domain}", remedy="give the facts of this domain")


def _losing_keys(losing: Zone, gaining_keys: Iterable[Dnskey]) -> tuple[Dnskey, ...]:
    """The keys of the losing zone but for the gaining ones."""
    dnskeys = losing.find(losing.apex, rd.DNSKEY)
    taken = set(gaining_keys)
    return () if dnskeys is None else tuple(key for key in dnskeys_of(dnskeys) if key not in taken)


def _planned(facts: Facts, now: datetime) -> Plan | tuple[str]:
    """The plan of the transfer, or why there is no safe one."""
    try:
        plan = plan_transfer(facts, flow=Flow.REGISTRY_FACILITATED, start=now)
    except PlanError as error:
        return (str(error),)
    verdict = prove(plan)
    return plan if isinstance(verdict, Safe) else (" ".join(verdict.story.split()),)


def _agreed(facts: Facts, offer: Offer, registry: RegistryProfile | None) -> Facts:
    """The facts with the TTL asked for, what the registry says, and the offered name servers where nobody named any."""
    timing = facts.timing if registry is None else registry.timing(facts.timing)
    gaining = facts.gaining
    if not gaining.name_servers:
        gaining = replace(gaining, name_servers=_offered_servers(offer))
    return replace(facts, gaining=gaining, timing=replace(timing, lowered_ttl=offer.ttl))


def _offered_servers(offer: Offer) -> frozenset[str]:
    return frozenset(each.name for each in offer.name_servers.servers)


def _server_faults(facts: Facts, offer: Offer) -> Iterator[str]:
    """In what the servers that are offered are not those that are asked before the NS is changed to them."""
    planned, offered = facts.gaining.name_servers, _offered_servers(offer)
    for name in sorted(planned - offered):
        yield f"{name} is a name server of the gaining side and is not offered; offer it as well"
    for name in sorted(offered - planned):
        yield f"{name} is offered and is no name server of the gaining side; leave it out"


def _too_short(relay: KeyRelayCreate, keys: Iterable[Dnskey], plan: Plan, now: datetime) -> Iterator[str]:
    """The keys that are to be published until before the losing side may stop."""
    needed = plan.step("losing-stopped").not_before
    for relayed, key in zip(relay.keys, keys, strict=True):
        expires = relayed.expires(now)
        if expires is not None and expires < needed:
            yield (
                f"key {key.key_tag} is to be published until {instant_text(expires)}, and the transfer needs it until"
                f" {instant_text(needed)} at least ({_RELAY_RULE})"
            )


def _not_permitted(
    relay: KeyRelayCreate, client: str, domain: DomainInfoData, case: Case | None, rules: tuple[StatusRule, ...]
) -> Iterator[Result]:
    code = relay.auth_info
    if domain.auth_info is None or not isinstance(code, AuthInfo) or not is_same_code(code, domain.auth_info):
        yield result(ResultCode.INVALID_AUTH_INFO, "the authinfo code is not that of the domain")
        return
    if client == domain.sponsor:
        yield result(
            ResultCode.COMMAND_USE, f"{client} is the sponsor of {domain.name}: there is nobody to relay keys to"
        )
    if case is not None and not case.is_over:
        yield result(ResultCode.PENDING_TRANSFER, f"a transfer of {domain.name} to {case.gaining} is under way")
    for operation in (Operation.UPDATE, Operation.REQUEST):
        yield from _locked(domain, operation, Party.OTHER, rules)


def is_same_code(given: AuthInfo, own: AuthInfo) -> bool:
    """Return whether two authinfo codes are the same, in a time that does not depend on where they differ."""
    same = hmac.compare_digest(given.password.encode(), own.password.encode())
    return same and given.roid == own.roid


def _locked(
    domain: DomainInfoData, operation: Operation, by: Party, rules: Iterable[StatusRule] = ()
) -> Iterator[Result]:
    for lock in locks_against(domain.statuses, operation, by=by, rules=rules):
        is_pending = lock.status.value == _PENDING_TRANSFER
        yield result(ResultCode.PENDING_TRANSFER if is_pending else ResultCode.STATUS_PROHIBITS, str(lock))


def _key_faults(relay: KeyRelayCreate, keys: tuple[Dnskey, ...], losing: Zone, now: datetime) -> Iterator[str]:
    yield from (str(refused) for refused in check_intake(losing, keys).refused)
    for relayed, key in zip(relay.keys, keys, strict=True):
        try:
            expires = relayed.expires(now)
        except TimeError as error:
            yield f"key {key.key_tag}: {error}"
            continue
        if expires is not None and expires <= now:
            yield f"key {key.key_tag} is to be published until {instant_text(expires)}, which is over ({_RELAY_RULE})"


def _ds_faults(offer: Offer, keys: tuple[Dnskey, ...]) -> Iterator[str]:
    for ds in offer.ds:
        if ds.digest_type not in MADE_DIGESTS:
            yield f"the DS of key {ds.key_tag} has digest type {ds.digest_type}; make one of type 2 or 4 (RFC 9904)"
        elif not _is_of(ds, keys):
            yield f"the DS of key {ds.key_tag} is of none of the keys; relay its key as well (RFC 4034 section 5.1.4)"


def _check_keeps_ds(registry: RegistryProfile | None) -> None:
    """Check that the domain stays secure in the transfer."""
    if registry is not None and registry.dnssec.on_transfer is OnTransfer.DROP:
        raise PlanError(
            f"{registry.name} drops the DS records of a domain that is transferred, and this flow keeps it secure",
            remedy="have it keep them in this flow, and say so in its profile",
        )


def _policy_faults(
    registry: RegistryProfile, offer: Offer, keys: Iterable[Dnskey], losing_ds: Iterable[DsData]
) -> Iterator[str]:
    dnssec, servers, count = registry.dnssec, registry.name_servers, len(offer.name_servers.servers)
    if offer.name_servers.form is not servers.form:
        yield f"name servers are taken as {servers.form.value} (RFC 5731 section 1.1)"
    if not servers.least <= count <= servers.most:
        yield f"{count} name servers are offered, and {servers.least} to {servers.most} are taken"
    both = len({*losing_ds, *offer.ds})
    if both > dnssec.most:
        yield f"with the losing ones there would be {both} DS, and {dnssec.most} are taken"
    if dnssec.digest_types is not None:
        for digest_type in sorted({ds.digest_type for ds in offer.ds} - dnssec.digest_types):
            yield f"no DS of digest type {digest_type} is taken"
    if dnssec.algorithms is not None:
        for algorithm in sorted({key.algorithm for key in keys} - dnssec.algorithms):
            yield f"no key of algorithm {algorithm} is taken"


def _is_of(ds: DsData, keys: Iterable[Dnskey]) -> bool:
    return any(key.is_sep and matches_ds(ds.rdata, key.owner, key.dnskey_rdata) for key in keys)


# ---- the losing side ------------------------------------------------------------------------------------------------


def take_receipt(
    case: Case,
    command: Command,
    *,
    client: str,
    domain: DomainInfoData,
    now: datetime,
    registry: RegistryProfile | None = None,
) -> Ruling:
    """Return the ruling on a receipt: the gaining registrar is handed it as it came.

    A receipt that refuses a key ends the case; the gaining side may offer anew. Refused are, with 2303 an update of another
    domain, with 2201 one from somebody else, with 2304 one for a domain that may not be updated, with 2002 a second receipt,
    with 2003 none, and with 2306 an update that changes something else as well, or a receipt that is not about the relayed
    keys, is of an instant after ``now`` or before they were relayed, or has longer or more texts than anybody reads.

    Raises:
        PlanError: ``domain`` is another than that of the case.
        TimeError: ``now`` is naive or not in whole seconds.
    """
    receipt = _extension(command, Receipt)
    refused = [*_not_from(case.losing, client, case, domain, command, rules=_rules(registry))]
    if receipt is None:
        refused.append(result(ResultCode.MISSING_PARAMETER, "no receipt goes along with it"))
    if case.receipt is not None:
        refused.append(result(ResultCode.COMMAND_USE, "a receipt for these keys is there already"))
    if refused or receipt is None:
        return Ruling(case=case, results=tuple(refused))
    wrong = tuple(_receipt_faults(case, receipt, utc(now)))
    if wrong:
        return Ruling(case=case, results=refusals(ResultCode.PARAMETER_POLICY, wrong))
    known = replace(case, receipt=receipt)
    by = f"the receipt of {client}"
    if receipt.refused:
        progress = case.progress.said("keys-relayed", at=now, by=by)
        text = f"{case.name}: the losing side refuses keys"
    else:
        progress = case.progress.said("frozen", "keys-relayed", "keys-exchanged", at=now, by=by)
        text = f"{case.name}: the losing side accepts the keys"
    message = Message(client=case.gaining, text=text, data=receipt)
    return Ruling(case=known.with_progress(progress), messages=(message,))


def _receipt_faults(case: Case, receipt: Receipt, now: datetime) -> Iterator[str]:
    if order_key(parse_origin(receipt.domain)) != order_key(parse_origin(case.name)):
        yield f"the receipt is for {receipt.domain}"
    if receipt.at > now:
        yield f"the receipt is of {instant_text(receipt.at)}, and it is {instant_text(now)}"
    if receipt.at < case.relay.created:
        yield f"the receipt is of {instant_text(receipt.at)}, and the keys were relayed at {instant_text(case.relay.created)}"
    relayed = [(order_key(key.owner), key.key_tag, key.algorithm, key.flags, _digest(key)) for key in case.offered_keys]
    answered = [
        (order_key(parse_origin(key.owner)), key.key_tag, key.algorithm, key.flags, key.digest) for key in receipt.keys
    ]
    if sorted(relayed) != sorted(answered):
        yield "the receipt is not for the keys that were relayed, each of them once"
    for key in receipt.accepted:
        if key.publication is None:
            yield f"the receipt does not say when key {key.key_tag} is published"
    if len(receipt.by) > MAX_TEXT:
        yield f"the receipt names who received the keys in {len(receipt.by)} characters, more than {MAX_TEXT}"
    for key in receipt.refused:
        if len(key.refusals) > MAX_REFUSALS:
            yield f"the receipt refuses key {key.key_tag} for {len(key.refusals)} reasons, more than {MAX_REFUSALS}"
        texts = [text for each in key.refusals for text in (each.code, each.reason, each.rule, each.remedy)]
        longest = max(map(len, texts))
        if longest > MAX_TEXT:
            yield f"the receipt refuses key {key.key_tag} in a text of {longest} characters, more than {MAX_TEXT}"


def _digest(key: Dnskey) -> str:
    return digest(DigestType.SHA256, key.owner.lower() + key.dnskey_rdata).hex().upper()


def take_report(
    case: Case,
    command: Command,
    *,
    client: str,
    domain: DomainInfoData,
    sighting: Sighting,
    now: datetime,
    registry: RegistryProfile | None = None,
) -> Ruling:
    """Return the ruling on a report: does the losing zone have the gaining keys, low TTLs, and does it verify?

    What the registry sees counts, on every losing server, and when it saw it; what is not so is refused with 2308, each
    claim by itself, and the losing side may report again. Refused are, besides, with 2303 an update of another domain, with
    2201 one from somebody else, with 2304 one for a domain that may not be updated, with 2002 a report before the keys were
    accepted or after a report that was taken, with 2003 none, and with 2306 an update that changes something else as well, or
    a report of another domain, of what is still to come, or with a serial, TTLs or dates that what is seen does not bear out.

    Args:
        case: the case.
        command: the update.
        client: who sent it.
        domain: the domain as the registry has it.
        sighting: what all losing servers give now.
        now: when it came.
        registry: the registry, for the statuses that its profile has; without it, those of RFC 5731 alone count.

    Raises:
        PlanError: what was seen is of another domain, or not of the last hour, or ``domain`` is another than that of the case.
        TimeError: ``now`` is naive or not in whole seconds.
    """
    report = _extension(command, Report)
    refused = [*_not_from(case.losing, client, case, domain, command, rules=_rules(registry))]
    if report is None:
        refused.append(result(ResultCode.MISSING_PARAMETER, "no report goes along with it"))
    if case.receipt is None or case.is_refused:
        refused.append(result(ResultCode.COMMAND_USE, "a report comes after a receipt that accepts the keys"))
    if case.report is not None:
        refused.append(result(ResultCode.COMMAND_USE, "a report is there already"))
    if refused or report is None:
        return Ruling(case=case, results=tuple(refused))
    wrong = tuple(_report_faults(case, report, utc(now)))
    if wrong:
        return Ruling(case=case, results=refusals(ResultCode.PARAMETER_POLICY, wrong))
    _check_of_now(case.name, sighting, utc(now))
    seen = look(case, sighting)
    untrue = (*_untrue(seen, sighting, *_BY_LOSING), *_not_confirmed(seen, *_BY_LOSING))
    if untrue:
        return Ruling(case=seen, results=refusals(ResultCode.DATA_POLICY, untrue))
    belied = (*_belied_by_zone(report, sighting.losing), *_belied_by_looks(seen, report))
    if belied:
        return Ruling(case=seen, results=refusals(ResultCode.PARAMETER_POLICY, belied))
    return Ruling(case=replace(seen, report=report))


_BY_LOSING: Final = ("losing-merged", "ttls-lowered")


def _report_faults(case: Case, report: Report, now: datetime) -> Iterator[str]:
    if report.name != case.name:
        yield f"the report is of {report.name}"
    for what, at in (("merged", report.merged), ("lowered", report.lowered)):
        if at > now:
            yield f"the report says that it will be {what} at {instant_text(at)}, and it is {instant_text(now)}"
    for record, ttl in (("NS", report.ns_ttl), ("DNSKEY", report.dnskey_ttl)):
        if ttl > case.offer.ttl:
            yield f"the report says that the TTL of {record} is {ttl}, more than {case.offer.ttl}"


def _belied_by_zone(report: Report, zone: Zone | Unseen) -> Iterator[str]:
    """What a report says otherwise than the losing servers give it; a serial that went up since says nothing."""
    if not isinstance(zone, Zone):
        return
    if serial_gt(report.serial, zone.serial):
        yield f"the report says serial {report.serial}, and the losing servers give {zone.serial}"
    for rdtype, told in ((rd.NS, report.ns_ttl), (rd.DNSKEY, report.dnskey_ttl)):
        ttl = zone.apex_rrset(rdtype).ttl
        if ttl != told:
            yield f"the report says that the TTL of {rd.type_text(rdtype)} is {told}, and the losing servers give {ttl}"


def _belied_by_looks(case: Case, report: Report) -> Iterator[str]:
    """What a report says to have been done before it was seen not to be, or before the keys were there."""
    if report.merged < case.relay.created:
        relayed = instant_text(case.relay.created)
        yield f"the report says merged at {instant_text(report.merged)}, and the keys were relayed at {relayed}"
    for step_id, at in zip(_BY_LOSING, (report.merged, report.lowered), strict=True):
        lacking = [each.seen for each in case.progress.evidence if each.step_id == step_id and each.lacking]
        if lacking and at < max(lacking):
            seen = instant_text(max(lacking))
            yield f"the report says {step_id} at {instant_text(at)}, and not every losing server gave it at {seen}"


def _untrue(case: Case, sighting: Sighting, *step_ids: str) -> tuple[str, ...]:
    return case.progress.untrue(_with_keys(case, sighting), *step_ids)


def _not_confirmed(case: Case, *step_ids: str) -> Iterator[str]:
    """The steps that not every server was seen to have taken."""
    for step_id in step_ids:
        if step_id not in case.progress.plan.events:
            lacking = [each for each in case.progress.evidence if each.step_id == step_id and each.lacking]
            servers = ", ".join(sorted(lacking[-1].lacking)) if lacking else "any server"
            yield f"{step_id}: {case.progress.plan.step(step_id).step.confirmed_by}; not seen at {servers}"


# ---- looking --------------------------------------------------------------------------------------------------------


def look(case: Case, sighting: Sighting) -> Case:
    """Return the case with what the registry saw itself: evidence, and on record each step that shows to be done.

    An announced wait that is too short by what was seen is void, and :func:`announce_wait` has to announce it anew: the losing
    zone or the DS at the parent came undone after it, or a TTL is larger than it was.

    Raises:
        PlanError: what was seen is of another domain.
    """
    seen = case.with_progress(case.progress.seen(_with_keys(case, sighting), by=_REGISTRY))
    return _without_wait(seen) if _is_too_short(seen) else seen


def _is_too_short(case: Case) -> bool:
    """Whether the announced wait ends before what has to be waited for until the NS is changed."""
    changed = case.progress.plan.step("ns-changed")
    if case.wait is None or case.progress.is_begun(changed.id):
        return False
    return any(wait.until > case.wait.until for wait in changed.waits)


def _without_wait(case: Case) -> Case:
    return replace(case, wait=None, takers=frozenset(), progress=case.progress.without("wait-announced"))


def _with_keys(case: Case, sighting: Sighting) -> Sighting:
    """What was seen, with the gaining keys as they were relayed: the gaining zone may not be served yet."""
    return replace(sighting, keys={**sighting.keys, Source.GAINING: case.offered_keys})


def take_acknowledgement(case: Case, message: Message, *, client: str, now: datetime) -> Ruling:
    """Return the ruling on the acknowledgement of a message: a step that is confirmed by that is done.

    The keys are relayed when the losing registrar has taken them, the wait is announced when both have taken the notice, the
    code is given and the removal allowed when the gaining registrar has. A message that this case did not send confirms
    nothing in it, such as one left over from an earlier case. 2201 where the message is for another client, 2002 before the
    case begins.

    Raises:
        TimeError: ``now`` is naive or not in whole seconds.
    """
    if client != message.client:
        return Ruling(case=case, results=(result(ResultCode.AUTHORIZATION, "the message is for another client"),))
    begun = case.progress.plan.start
    if utc(now) < begun:
        early = f"the case begins at {instant_text(begun)}, and it is {instant_text(now)}"
        return Ruling(case=case, results=(result(ResultCode.COMMAND_USE, early),))
    if not _is_sent_by(case, message):
        return Ruling(case=case)
    by = f"the acknowledgement of {client}"
    match message.data:
        case KeyRelayData():
            return Ruling(case=case.with_progress(case.progress.said("keys-relayed", at=now, by=by)))
        case WaitNotice():
            took = replace(case, takers=case.takers | {client})
            if took.takers.issuperset(case.registrars):
                took = took.with_progress(case.progress.said("wait-announced", at=now, by="both acknowledgements"))
            return Ruling(case=took)
        case AuthInfoNotice():
            return Ruling(case=case.with_progress(case.progress.said("authinfo-given", at=now, by=by)))
        case RemovalNotice():
            return Ruling(case=case.with_progress(case.progress.said("removal-allowed", at=now, by=by)))
        case _:
            return Ruling(case=case)


def _is_sent_by(case: Case, message: Message) -> bool:
    """Whether a message that confirms a step says what was sent in this case."""
    data = message.data
    match data:
        case KeyRelayData():
            return message.client == case.losing and data == case.relay
        case WaitNotice():
            return message.client in case.registrars and data == case.wait
        case AuthInfoNotice():
            return message.client == case.gaining and data.name == case.name and data.auth_info == case.auth_info
        case RemovalNotice():
            is_of_case = data.name == case.name and data.ds == case.losing_ds
            is_sent = case.progress.is_begun("removal-allowed") and data.not_before >= case.progress.plan.start
            return message.client == case.gaining and is_of_case and is_sent
        case _:
            return False


# ---- the registry's own steps ---------------------------------------------------------------------------------------


def add_ds(
    case: Case, *, sighting: Sighting, domain: DomainInfoData, now: datetime, registry: RegistryProfile | None = None
) -> Ruling:
    """Return the ruling that the gaining DS joins the losing one, with the change.

    :func:`look` tells when every server has it. The losing zone is verified once more. Where the losing keys have weaker DS
    alone, stronger ones join too (RFC 4509 section 3), and count as losing DS from then on.

    Raises:
        FrameWithheld: it is added already, the losing side has not reported, the losing zone or the DS at the parent is not
            seen to be as it has to, a status stops it, or the gate says no.
        PlanError: what was seen or the domain is another.
        TimeError: ``now`` is naive or not in whole seconds.
    """
    at = utc(now)
    seen = look(case, sighting)
    _withhold(
        case,
        "ds-added",
        _once(seen, "ds-added"),
        ["the losing side has not reported its zone as merged"] if case.report is None else [],
        _stopped(case, domain, registry),
        _not_of_now(sighting, at),
        _untrue(seen, sighting, *_BY_LOSING, "losing-verified"),
        _held_differences(case, sighting),
        seen.progress.lacks("ds-added", at),
    )
    beside = _beside_gaining(case, sighting)
    losing_ds = tuple(dict.fromkeys((*case.losing_ds, *beside)))
    change = SecDnsUpdate(add=SecDns(ds=tuple(RegistryDs(ds=each) for each in (*beside, *case.offer.ds))))
    return Ruling(
        case=replace(seen, losing_ds=losing_ds, progress=seen.progress.begin("ds-added", at)),
        change=change,
    )


def _held_differences(case: Case, sighting: Sighting) -> Iterator[str]:
    """In what the DS records at the parent are not those that were there when the keys were offered."""
    if not isinstance(sighting.losing, Zone) or not isinstance(sighting.parent_ds, RRset):
        yield "the losing zone or the DS at the parent was not seen"
        return
    losing_keys = _losing_keys(sighting.losing, case.offered_keys)
    yield from held_differences(case.progress.plan.facts, registry_ds(sighting.parent_ds), losing_keys)


def _beside_gaining(case: Case, sighting: Sighting) -> tuple[DsData, ...]:
    """The losing DS records that join with the gaining ones."""
    if not isinstance(sighting.losing, Zone):
        return ()
    losing_keys = _losing_keys(sighting.losing, case.offered_keys)
    return beside_gaining(case.progress.plan.facts, case.losing_ds, losing_keys)


def announce_wait(
    case: Case, *, sighting: Sighting, domain: DomainInfoData, now: datetime, registry: RegistryProfile | None = None
) -> Ruling:
    """Return the ruling that announces to both sides until when the NS may not be changed, and which record keeps it.

    The losing zone is verified once more, and every server has to give both DS.

    Raises:
        FrameWithheld: it is announced already, the losing zone is not seen to be as it has to, a status stops it, or the gate
            says no.
        PlanError: what was seen or the domain is another.
        TimeError: ``now`` is naive or not in whole seconds.
    """
    at = utc(now)
    seen = look(case, sighting)
    _withhold(
        case,
        "wait-announced",
        ["it is announced already"] if case.wait is not None else [],
        ["the losing side has not reported its zone as merged"] if case.report is None else [],
        _stopped(case, domain, registry),
        _not_of_now(sighting, at),
        _untrue(seen, sighting, "losing-verified"),
        seen.progress.lacks("wait-announced", at),
    )
    plan = seen.progress.plan
    binding = plan.by_longest_ttl.because
    notice = WaitNotice(name=case.name, until=plan.switchover, record=binding.record, ttl=Ttl(binding.ttl))
    text = f"{case.name}: the NS is not changed before {instant_text(plan.switchover)}"
    return Ruling(
        case=replace(seen, wait=notice),
        messages=tuple(Message(client=each, text=text, data=notice) for each in case.registrars),
    )


def ask_auth_info(
    case: Case, *, domain: DomainInfoData, now: datetime, registry: RegistryProfile | None = None
) -> Ruling:
    """Return the ruling that asks the losing registrar for the authinfo code.

    Raises:
        FrameWithheld: it was asked already, the announcement has not reached both sides, or a status stops it.
        PlanError: the domain is another.
        TimeError: ``now`` is naive or not in whole seconds.
    """
    _withhold_telling(case, "authinfo-given", domain, registry, now)
    text = f"{case.name}: the authinfo code is asked for"
    data = AuthInfoRequest(name=case.name, requester=case.gaining)
    return Ruling(
        case=case.with_progress(case.progress.begin("authinfo-given", now)),
        messages=(Message(client=case.losing, text=text, data=data),),
    )


def take_auth_info(
    case: Case,
    command: Command,
    *,
    client: str,
    domain: DomainInfoData,
    now: datetime,
    registry: RegistryProfile | None = None,
) -> Ruling:
    """Return the ruling on a domain update with the authinfo code that was asked for: it goes to the gaining registrar.

    Refused are, with 2303 an update of another domain, with 2201 one from somebody else, with 2304 one for a domain that may
    not be updated, with 2002 a code that was not asked for or is there already, with 2003 none, and with 2306 one beside other
    changes.

    Raises:
        PlanError: ``domain`` is another than that of the case.
        TimeError: ``now`` is naive or not in whole seconds.
    """
    utc(now)
    action = command.action
    code = _code_in(action.auth_info) if isinstance(action, DomainUpdate) else None
    refused = [*_not_from(case.losing, client, case, domain, command, code, _rules(registry))]
    if code is None:
        refused.append(result(ResultCode.MISSING_PARAMETER, "no authinfo code goes along with it"))
    if not case.progress.is_begun("authinfo-given"):
        refused.append(result(ResultCode.COMMAND_USE, "nobody has asked for the authinfo code yet"))
    if case.auth_info is not None:
        refused.append(result(ResultCode.COMMAND_USE, "the authinfo code is there already"))
    if refused or code is None:
        return Ruling(case=case, results=tuple(refused))
    text = f"{case.name}: the authinfo code"
    message = Message(client=case.gaining, text=text, data=AuthInfoNotice(name=case.name, auth_info=code))
    return Ruling(case=replace(case, auth_info=code), messages=(message,), change=code)


def change_ns(
    case: Case, *, sighting: Sighting, domain: DomainInfoData, now: datetime, registry: RegistryProfile | None = None
) -> Ruling:
    """Return the ruling that the delegation names the gaining servers, with the change, and the notice of it to both sides.

    Raises:
        FrameWithheld: it is changed already, the announced wait is not over, something would break, a status stops it, or the
            gate says no.
        PlanError: what was seen or the domain is another.
        TimeError: ``now`` is naive or not in whole seconds.
    """
    at = utc(now)
    seen = look(case, sighting)
    early = case.wait is None or at < case.wait.until
    _withhold(
        case,
        "ns-changed",
        _once(seen, "ns-changed"),
        ["the wait that keeps it is not announced, or not over"] if early else [],
        _stopped(case, domain, registry),
        _not_of_now(sighting, at),
        seen.progress.lacks("ns-changed", at),
        seen.progress.lacks_by_sight("ns-changed", _with_keys(case, sighting)),
    )
    text = f"{case.name}: the NS names the gaining servers from now on"
    notice = NsNotice(name=case.name, at=at, name_servers=case.offer.name_servers)
    return Ruling(
        case=seen.with_progress(seen.progress.begin("ns-changed", at)),
        messages=tuple(Message(client=each, text=text, data=notice) for each in case.registrars),
        change=case.offer.name_servers,
    )


# ---- the transfer of the sponsorship --------------------------------------------------------------------------------


def take_transfer(
    case: Case,
    command: Command,
    *,
    client: str,
    domain: DomainInfoData,
    now: datetime,
    registry: RegistryProfile | None = None,
) -> Ruling:
    """Return the ruling on a domain transfer: request and cancel by the gaining side, approve and reject by the losing, query.

    A request is pending until the losing registrar answers or the approval delay of the plan is over: that instant is the
    ``acDate`` of its ``trnData``. At a registry that never approves by itself nothing happens then: it is the instant until
    which the plan counts on an answer, and a later answer is taken as well.

    Refused are, with 2303 what is of another domain, with 2201 what is not for this client to ask or of a domain that has
    another sponsor than in this case, with 2202 a request with another code, with 2002 one before the domain is seen to
    validate from the gaining servers, with 2106 one for a domain that is transferred already, with 2300 one while another is
    pending, with 2304 one for a locked domain or the approval of one, and with 2301 an answer where nothing is pending, or its
    time is over. An answer dated before its request is refused with 2002. A query is refused with 2201 where it is from
    neither registrar, and with 2301 where no transfer was asked for.

    Raises:
        PlanError: no domain transfer, or ``domain`` is another than that of the case.
        TimeError: ``now`` is naive or not in whole seconds.
    """
    transfer = command.action
    if not isinstance(transfer, DomainTransfer):
        raise PlanError("a domain transfer is asked for", remedy="give a DomainTransfer")
    _check_domain(case, domain)
    if transfer.name != case.name:
        return Ruling(case=case, results=(result(ResultCode.OBJECT_MISSING, f"there is no case of {transfer.name}"),))
    if domain.sponsor != case.sponsor:
        other = f"{domain.name} is of {domain.sponsor} by now, and in this case of {case.sponsor}"
        return Ruling(case=case, results=(result(ResultCode.AUTHORIZATION, other),))
    match transfer.operation:
        case TransferOperation.REQUEST:
            return _requested(case, transfer, client, domain, utc(now), _rules(registry))
        case TransferOperation.QUERY:
            return _queried(case, client)
        case TransferOperation.APPROVE:
            ruling = _answered(case, client, case.losing, TransferStatus.CLIENT_APPROVED, utc(now), registry)
            locked = tuple(_locked_against_approval(domain, registry)) if ruling.is_success else ()
            return Ruling(case=case, results=locked) if locked else ruling
        case TransferOperation.REJECT:
            return _answered(case, client, case.losing, TransferStatus.CLIENT_REJECTED, utc(now), registry)
        case TransferOperation.CANCEL:
            return _answered(case, client, case.gaining, TransferStatus.CLIENT_CANCELLED, utc(now), registry)


def _requested(
    case: Case,
    transfer: DomainTransfer,
    client: str,
    domain: DomainInfoData,
    now: datetime,
    rules: Iterable[StatusRule],
) -> Ruling:
    refused = []
    if client != case.gaining:
        refused.append(result(ResultCode.AUTHORIZATION, f"{case.name} is under way to another registrar"))
    code = case.auth_info
    if code is None or transfer.auth_info is None or not is_same_code(transfer.auth_info, code):
        refused.append(result(ResultCode.INVALID_AUTH_INFO, "the authinfo code is not the one that was given"))
    if case.is_pending:
        refused.append(result(ResultCode.PENDING_TRANSFER, "a transfer is pending"))
    elif case.sponsor == case.gaining:
        refused.append(result(ResultCode.NOT_TRANSFERABLE, f"{case.gaining} is the sponsor already"))
    else:
        refused += _locked(domain, Operation.REQUEST, Party.OTHER, rules)
        refused += refusals(ResultCode.COMMAND_USE, case.progress.lacks("domain-transferred", now))
    if refused:
        return Ruling(case=case, results=tuple(refused))
    data = DomainTransferData(
        name=case.name,
        status=TransferStatus.PENDING,
        requester=case.gaining,
        requested=now,
        actor=case.losing,
        acted=now + case.progress.plan.facts.timing.approval_delay,
        expires=domain.expires,
    )
    text = f"{case.name}: a transfer is asked for"
    progress = case.progress if case.progress.is_begun("domain-transferred") else case.progress.begin(_TRANSFERRED, now)
    return Ruling(
        case=replace(case, transfer=data, progress=progress),
        results=(result(ResultCode.COMPLETED_PENDING),),
        data=(data,),
        messages=(Message(client=case.losing, text=text, data=data),),
    )


_TRANSFERRED: Final = "domain-transferred"


def _queried(case: Case, client: str) -> Ruling:
    if client not in case.registrars:
        return Ruling(case=case, results=(result(ResultCode.AUTHORIZATION, "the transfer is of other registrars"),))
    if case.transfer is None:
        return Ruling(case=case, results=(result(ResultCode.NOT_PENDING_TRANSFER, "no transfer was asked for"),))
    return Ruling(case=case, data=(case.transfer,))


def _answered(
    case: Case, client: str, expected: str, status: TransferStatus, now: datetime, registry: RegistryProfile | None
) -> Ruling:
    if client != expected:
        return Ruling(case=case, results=(result(ResultCode.AUTHORIZATION, "this is for another registrar to say"),))
    if case.transfer is None or not case.is_pending:
        return Ruling(case=case, results=(result(ResultCode.NOT_PENDING_TRANSFER, "no transfer is pending"),))
    if now >= case.transfer.acted and not _never_approves(registry):
        over = f"it could be answered until {instant_text(case.transfer.acted)}; the registry approves it"
        return Ruling(case=case, results=(result(ResultCode.NOT_PENDING_TRANSFER, over),))
    if now < case.transfer.requested:
        early = f"it was asked for at {instant_text(case.transfer.requested)}, and it is {instant_text(now)}"
        return Ruling(case=case, results=(result(ResultCode.COMMAND_USE, early),))
    others = tuple(each for each in case.registrars if each != client)
    return _ended(case, case.transfer, status, now, others, f"{status.value} by {client}")


def _never_approves(registry: RegistryProfile | None) -> TypeGuard[RegistryProfile]:
    """Whether the registry leaves a transfer that nobody answers pending."""
    return registry is not None and registry.transfer.automatic_approval is None


def complete_transfer(
    case: Case, *, sighting: Sighting, domain: DomainInfoData, now: datetime, registry: RegistryProfile | None = None
) -> Ruling:
    """Return the ruling that a transfer which nobody answered is approved by the registry, with messages to both.

    Raises:
        FrameWithheld: the registry never approves by itself, none is pending, its time is not over, the domain does not
            validate from the gaining servers any more, a status stops it, or the gate says no.
        PlanError: what was seen or the domain is another.
        TimeError: ``now`` is naive or not in whole seconds.
    """
    at = utc(now)
    pending = case.transfer
    if pending is None or not case.is_pending:
        raise FrameWithheld(f"{case.name}: no transfer is pending", remedy="have the gaining registrar ask for it")
    seen = look(case, sighting)
    _check_domain(case, domain)
    _withhold(
        case,
        _TRANSFERRED,
        _not_for_the_registry(pending, at, registry),
        [each.message for each in _locked_against_approval(domain, registry)],
        _not_of_now(sighting, at),
        seen.progress.lacks(_TRANSFERRED, at),
    )
    return _ended(seen, pending, TransferStatus.SERVER_APPROVED, at, case.registrars, "the registry's own approval")


def _not_for_the_registry(
    pending: DomainTransferData, now: datetime, registry: RegistryProfile | None
) -> Iterator[str]:
    """Why a pending transfer is for the losing registrar alone to approve."""
    if _never_approves(registry):
        yield f"{registry.name} never approves by itself: the losing registrar has to answer, or the gaining one to cancel"
    elif now < pending.acted:
        yield f"the losing registrar may answer until {instant_text(pending.acted)}"


def _locked_against_approval(domain: DomainInfoData, registry: RegistryProfile | None) -> Iterator[Result]:
    """The statuses that stop a transfer that is pending from being approved.

    All that stop one, but that it is pending, and the sponsor's own lock: that keeps requests off, and who has not answered in
    time is not to hold up what was requested before (RFC 5731 section 2.3).
    """
    others = replace(
        domain, statuses=tuple(each for each in domain.statuses if each.value not in _NOT_AGAINST_APPROVAL)
    )
    for operation in (Operation.REQUEST, Operation.ANSWER):
        yield from _locked(others, operation, Party.REGISTRY, _rules(registry))


def _ended(
    case: Case, pending: DomainTransferData, status: TransferStatus, now: datetime, told: Iterable[str], by: str
) -> Ruling:
    data = replace(pending, status=status, acted=now)
    progress = case.progress.said(_TRANSFERRED, at=now, by=by) if status.is_approved else case.progress
    text = f"{case.name}: the transfer is {status.value}"
    return Ruling(
        case=replace(case, transfer=data, progress=progress),
        data=(data,),
        messages=tuple(Message(client=each, text=text, data=data) for each in told),
    )


# ---- the losing DS --------------------------------------------------------------------------------------------------


def allow_removal(
    case: Case, *, domain: DomainInfoData, now: datetime, registry: RegistryProfile | None = None
) -> Ruling:
    """Return the ruling that allows the gaining registrar to remove the losing DS, from when nobody needs it any more.

    Raises:
        FrameWithheld: it is allowed already, the domain is not transferred, a status stops it, or the gate says no.
        PlanError: the domain is another.
        TimeError: ``now`` is naive or not in whole seconds.
    """
    _withhold_telling(case, "removal-allowed", domain, registry, now)
    not_before = case.progress.plan.step("losing-ds-removed").not_before
    data = RemovalNotice(name=case.name, not_before=not_before, ds=case.losing_ds)
    text = f"{case.name}: the losing DS may go, not before {instant_text(not_before)}"
    return Ruling(
        case=case.with_progress(case.progress.begin("removal-allowed", now)),
        messages=(Message(client=case.gaining, text=text, data=data),),
    )


def take_removal(
    case: Case,
    command: Command,
    *,
    client: str,
    domain: DomainInfoData,
    now: datetime,
    registry: RegistryProfile | None = None,
) -> Ruling:
    """Return the ruling on the update that removes the losing DS, with the change.

    Refused are, with 2303 an update of another domain, with 2201 one from anybody but the new sponsor, with 2304 one for a
    domain that may not be updated, with 2002 one that comes too early or twice, with 2003 none, and with 2306 one that removes
    less or more than every losing DS, or changes something else too.

    Raises:
        PlanError: ``domain`` is another than that of the case.
        TimeError: ``now`` is naive or not in whole seconds.
    """
    update = _extension(command, SecDnsUpdate)
    refused = [*_not_from(case.gaining, client, case, domain, command, rules=_rules(registry))]
    if update is None or update.remove is None:
        refused.append(result(ResultCode.MISSING_PARAMETER, "no DS is removed"))
    elif not _is_of_losing(case, update.remove) or update.add is not None or update.max_sig_life is not None:
        refused.append(result(ResultCode.PARAMETER_POLICY, "every losing DS has to go, and nothing else"))
    lacking = (*_once(case, "losing-ds-removed"), *case.progress.lacks("losing-ds-removed", now))
    refused += refusals(ResultCode.COMMAND_USE, lacking)
    if refused:
        return Ruling(case=case, results=tuple(refused))
    change = SecDnsUpdate(remove=Removal(ds=tuple(RegistryDs(ds=each) for each in case.losing_ds)))
    return Ruling(case=case.with_progress(case.progress.begin("losing-ds-removed", now)), change=change)


def _is_of_losing(case: Case, removal: Removal) -> bool:
    """Whether a removal names every losing DS, or the key of every one, and nothing else."""
    owner = parse_origin(case.name)
    by_key = [{ds for ds in case.losing_ds if matches_ds(ds.rdata, owner, key.rdata)} for key in removal.keys]
    named = {each.ds for each in removal.ds}.union(*by_key)
    return not removal.everything and all(by_key) and named == set(case.losing_ds)


# ---- what they share ------------------------------------------------------------------------------------------------


def _extension(command: Command, kind: type[_Extension]) -> _Extension | None:
    return next((each for each in command.extensions if isinstance(each, kind)), None)


def _not_from(
    expected: str,
    client: str,
    case: Case,
    domain: DomainInfoData,
    command: Command,
    code: AuthInfo | None = None,
    rules: Iterable[StatusRule] = (),
) -> Iterator[Result]:
    """Why an update is not for this client to make, or not of this domain, or has more than a code or one extension."""
    _check_domain(case, domain)
    action = command.action
    most = 1 if code is None else 0
    if not isinstance(action, DomainUpdate) or action.name != case.name:
        yield result(ResultCode.OBJECT_MISSING, f"it is no update of {case.name}")
    elif action != DomainUpdate(name=case.name, auth_info=code) or len(command.extensions) > most:
        yield result(ResultCode.PARAMETER_POLICY, "it changes something else as well; send that by itself")
    if client != expected or expected != case.sponsor or expected != domain.sponsor:
        yield result(ResultCode.AUTHORIZATION, f"this is not for {client} to say now")
    else:
        yield from _locked(domain, Operation.UPDATE, Party.SPONSOR, rules)


def _rules(registry: RegistryProfile | None) -> tuple[StatusRule, ...]:
    return () if registry is None else registry.statuses


def _stopped(case: Case, domain: DomainInfoData, registry: RegistryProfile | None) -> Iterator[str]:
    """The statuses that stop what the registry changes or is going to change by itself.

    Raises:
        PlanError: it is another domain.
    """
    _check_domain(case, domain)
    yield from (each.message for each in _locked(domain, Operation.UPDATE, Party.REGISTRY, _rules(registry)))


def _code_in(auth_info: AuthInfo | NoAuthInfo | None) -> AuthInfo | None:
    """The code that an update gives, where it gives one to ask for a transfer with."""
    return auth_info if isinstance(auth_info, AuthInfo) and auth_info.password else None


def _check_domain(case: Case, domain: DomainInfoData) -> None:
    """Check that the domain is that of the case.

    Raises:
        PlanError: it is another.
    """
    if domain.name != case.name:
        raise PlanError(f"the case is of {case.name}, and the domain is {domain.name}", remedy="give that of the case")


def _withhold_telling(
    case: Case, step_id: str, domain: DomainInfoData, registry: RegistryProfile | None, now: datetime
) -> None:
    """Withhold what the registry tells where it is told already, a status stops the domain, or the gate says no.

    Raises:
        FrameWithheld: one of these.
        PlanError: it is another domain.
        TimeError: ``now`` is naive.
    """
    _withhold(
        case,
        step_id,
        _once(case, step_id),
        _stopped(case, domain, registry),
        case.progress.lacks(step_id, now),
    )


def _once(case: Case, step_id: str) -> list[str]:
    return [f"{step_id} is begun already"] if case.progress.is_begun(step_id) else []


def _withhold(case: Case, step_id: str, *reasons: Iterable[str]) -> None:
    withhold(f"{case.name}: {step_id}", [reason for some in reasons for reason in some])


def _not_of_now(sighting: Sighting, now: datetime) -> Iterator[str]:
    """Why what was seen says nothing of now."""
    seen = f"what was seen is of {instant_text(sighting.at)}, and it is {instant_text(now)}"
    if sighting.at > now:
        yield f"{seen}, which is before that"
    elif now - sighting.at > SEEN_WITHIN:
        yield f"{seen}, which is more than {duration_text(SEEN_WITHIN)} later"
