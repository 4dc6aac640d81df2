"""What the losing registrar decides in the registry-facilitated flow: receipt, merge, report, code and approval.

Each is a pure function that gives the command to send or the zone to serve, or refuses with every reason. What the registry
tells goes into the :class:`~zonekit.epp.progress.Progress` of this side by :meth:`~zonekit.epp.progress.Progress.heard`, and
what its own looks show by :meth:`~zonekit.epp.progress.Progress.seen`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final

from zonekit import rdata as rd
from zonekit.apex import change_ns, lower_ttls, merge_dnskeys
from zonekit.dnskeys import dnskeys_of
from zonekit.epp.domains import (
    AuthInfo,
    DomainTransfer,
    DomainTransferData,
    DomainUpdate,
    TransferOperation,
    TransferStatus,
    require_code,
)
from zonekit.epp.frames import Command, Response
from zonekit.epp.keyrelay import KeyRelayData, RelayedKey
from zonekit.epp.notices import relayed_keys
from zonekit.epp.offers import AuthInfoRequest, NsNotice, Offer, Report
from zonekit.epp.progress import Progress, withhold
from zonekit.errors import EppError, TimeError
from zonekit.findings import Severity
from zonekit.instants import SignatureValidity, instant_text, utc
from zonekit.keys import SigningKey
from zonekit.names import name_text
from zonekit.transfer.facts import Facts
from zonekit.transfer.receipts import ReceivedKey, Refusal, make_receipt
from zonekit.transfer.sightings import NOT_LOOKED_AT
from zonekit.verifying.zone import verify_zone
from zonekit.zones import RRset, Zone


def offer_in(response: Response) -> tuple[KeyRelayData, Offer]:
    """Return the relayed keys of a poll message, and the offer that goes along with them.

    Raises:
        EppError: it has no relayed keys, or no offer.
    """
    relays = [each for each in response.data if isinstance(each, KeyRelayData)]
    offers = [each for each in response.extensions if isinstance(each, Offer)]
    if not relays or not offers:
        raise EppError(
            f"the message has no {'offer' if relays else 'relayed keys'}",
            remedy="answer by another way: it belongs to no registry-facilitated flow",
        )
    return relays[0], offers[0]


def answer_relay(
    zone: Zone,
    relay: KeyRelayData,
    *,
    by: str,
    now: datetime,
    publish_at: datetime,
    facts: Facts | None = None,
    parent_ds: RRset | None = None,
    client_transaction: str | None = None,
) -> Command:
    """Return the update that carries the receipt: each key accepted, with when it is published, or refused with every reason.

    The keys go through the intake checks of the losing zone, so that keys of another domain, revoked, colliding and duplicate
    ones are refused by name; so is a key that is to be published no longer by the time it would be (RFC 8063 section 2.1).

    Args:
        zone: the losing zone as it is now.
        relay: the keys that were relayed.
        by: who received them.
        now: when they were received.
        publish_at: when the accepted ones are going to be published.
        facts: what is known about the domain, for until when caches lack them.
        parent_ds: the DS RRset at the parent.
        client_transaction: the identifier of the command.

    Raises:
        PlanError: ``publish_at`` lies before ``now``, facts of another domain, too many keys, or nobody is named.
        ZoneError: there is no DNSKEY RRset at the apex of the zone.
        TimeError: an instant is naive.
    """
    receipt = make_receipt(
        zone,
        relayed_keys(relay),
        by=by,
        at=now,
        facts=facts,
        publish_at=publish_at,
        parent_ds=NOT_LOOKED_AT if parent_ds is None else parent_ds,
    )
    answered = zip(receipt.keys, relay.keys, strict=True)
    keys = tuple(_with_expiry(received, relayed, relay, publish_at) for received, relayed in answered)
    return Command(
        action=DomainUpdate(name=name_text(zone.apex)),
        extensions=(replace(receipt, keys=keys),),
        client_transaction=client_transaction,
    )


def _with_expiry(received: ReceivedKey, relayed: RelayedKey, relay: KeyRelayData, at: datetime) -> ReceivedKey:
    """What became of a key, with a refusal more where it is to be published no longer at an instant."""
    reason = _expired(relayed, relay, at)
    if not reason:
        return received
    refusal = Refusal(code="expired-key", reason=reason, rule=_EXPIRY_RULE, remedy="relay it with a later expiry")
    return replace(received, refusals=(*received.refusals, refusal), publication=None)


def _expired(relayed: RelayedKey, relay: KeyRelayData, at: datetime) -> str:
    """Why a key is to be published no longer at an instant; empty where it is."""
    try:
        expires = relayed.expires(relay.created)
    except TimeError as error:
        return error.problem
    if expires is None or expires > utc(at):
        return ""
    return f"the key is to be published until {instant_text(expires)} and would be from {instant_text(at)} on"


_EXPIRY_RULE: Final = "RFC 8063 section 2.1"


def merge_offer(
    zone: Zone,
    relay: KeyRelayData,
    offer: Offer,
    *,
    signers: Iterable[SigningKey],
    validity: SignatureValidity,
    now: datetime,
    serial: int | None = None,
) -> Zone:
    """Return the losing zone with the relayed keys in its DNSKEY RRset and the TTLs of its apex lowered as asked, re-signed.

    Args:
        zone: the losing zone as it is now.
        relay: the keys that were relayed.
        offer: what went along with them.
        signers: the losing operator's own keys.
        validity: of the new signatures.
        now: when they are published.
        serial: the new serial.

    Raises:
        FrameWithheld: a key is to be published no longer.
        DnskeyRefused: a key fails the intake; nothing is merged then.
        SigningError: the zone is not signed, or ``signers`` cannot make all the signatures that would be needed.
        SerialError: ``serial`` is before the present one.
        TimeError: ``now`` is naive.
    """
    reasons = [_expired(each, relay, now) for each in relay.keys]
    withhold(f"{relay.name}: the merge of the relayed keys", filter(None, reasons))
    own = tuple(signers)
    keys = relayed_keys(relay)
    merged = merge_dnskeys(zone, keys, signers=own, validity=validity, serial=serial)
    return lower_ttls(merged, offer.ttl, signers=own, validity=validity, serial=merged.serial).zone


def make_report(
    zone: Zone,
    relay: KeyRelayData,
    offer: Offer,
    *,
    merged: datetime,
    lowered: datetime,
    now: datetime,
    client_transaction: str | None = None,
) -> Command:
    """Return the update that carries the report.

    Args:
        zone: the losing zone as its servers give it.
        relay: the keys that were relayed.
        offer: what went along with them.
        merged: since when the last server gives the gaining keys.
        lowered: since when the last server gives the low TTLs.
        now: the instant that signatures are held against.
        client_transaction: the identifier of the command.

    Raises:
        FrameWithheld: the zone lacks a key, has a TTL above the one asked for, or does not verify; or one of the two instants
            is still to come.
        ZoneError: there is no DNSKEY or NS RRset at its apex.
        TimeError: an instant is naive.
    """
    name = name_text(zone.apex)
    at = utc(now)
    withhold(f"{name}: a report", _report_faults(zone, relay, offer, {"merged": merged, "lowered": lowered}, at))
    report = Report(
        name=name,
        serial=zone.serial,
        merged=merged,
        lowered=lowered,
        ns_ttl=zone.apex_rrset(rd.NS).ttl,
        dnskey_ttl=zone.apex_rrset(rd.DNSKEY).ttl,
    )
    return Command(action=DomainUpdate(name=name), extensions=(report,), client_transaction=client_transaction)


def _report_faults(
    zone: Zone, relay: KeyRelayData, offer: Offer, done: Mapping[str, datetime], now: datetime
) -> Iterator[str]:
    published = set(dnskeys_of(zone.apex_rrset(rd.DNSKEY)))
    for key in relayed_keys(relay):
        if key not in published:
            yield f"the DNSKEY RRset does not have key {key.key_tag} of the gaining side"
    for rdtype in (rd.NS, rd.DNSKEY):
        ttl = zone.apex_rrset(rdtype).ttl
        if ttl > offer.ttl:
            yield f"the TTL of the {rd.type_text(rdtype)} RRset is {ttl}, more than {offer.ttl}"
    for what, instant in done.items():
        if utc(instant) > now:
            yield f"it is {what} at {instant_text(instant)}, and it is {instant_text(now)}"
    verdict = verify_zone(zone, now=now)
    yield from (str(finding) for finding in verdict.findings if finding.severity >= Severity.ERROR)


def give_auth_info(
    progress: Progress,
    relay: KeyRelayData,
    request: AuthInfoRequest,
    auth_info: AuthInfo,
    *,
    now: datetime,
    client_transaction: str | None = None,
) -> Command:
    """Return the domain update that gives the authinfo code for which the registry asks.

    Args:
        progress: what this side knows.
        relay: the keys that were relayed, by the registrar that the code is for.
        request: what the registry asks.
        auth_info: the code.
        now: the instant of the decision.
        client_transaction: the identifier of the command.

    Raises:
        FrameWithheld: it is asked for another registrar, or something that goes before is not confirmed.
        EppError: the request is of another domain, or the code is empty.
        TimeError: ``now`` is naive.
    """
    progress.check_name(relay.name)
    progress.check_name(request.name)
    require_code(auth_info, f"the answer about {request.name}")
    progress.withhold("authinfo-given", now, *_not_of(relay, request.requester))
    return Command(action=DomainUpdate(name=request.name, auth_info=auth_info), client_transaction=client_transaction)


def follow_ns(
    progress: Progress,
    zone: Zone,
    notice: NsNotice,
    *,
    signers: Iterable[SigningKey],
    validity: SignatureValidity,
    now: datetime,
    serial: int | None = None,
) -> Zone:
    """Return the losing zone with the gaining name servers in its apex NS RRset, re-signed.

    Raises:
        FrameWithheld: something that goes before is not confirmed.
        EppError: the notice is of another domain.
        ZoneError, SigningError, SerialError: as :func:`zonekit.apex.change_ns`.
        TimeError: ``now`` is naive.
    """
    progress.check_name(notice.name)
    progress.withhold("losing-ns-changed", now)
    names = [server.name for server in notice.name_servers.servers]
    return change_ns(zone, names, signers=signers, validity=validity, serial=serial)


def approve_transfer(
    progress: Progress,
    relay: KeyRelayData,
    pending: DomainTransferData,
    *,
    now: datetime,
    client_transaction: str | None = None,
) -> Command:
    """Return the approval of the transfer that is asked for.

    Args:
        progress: what this side knows.
        relay: the keys that were relayed, by the registrar that the domain goes to.
        pending: the transfer.
        now: the instant of the decision.
        client_transaction: the identifier of the command.

    Raises:
        FrameWithheld: another registrar asks for it, it is not pending, the domain is not seen to validate from the gaining
            servers, or something before lacks.
        EppError: it is of another domain.
        TimeError: ``now`` is naive.
    """
    progress.check_name(relay.name)
    progress.check_name(pending.name)
    progress.withhold("domain-transferred", now, *_not_of(relay, pending.requester), *_not_pending(pending))
    return _transfer(TransferOperation.APPROVE, pending, client_transaction)


def reject_transfer(pending: DomainTransferData, *, client_transaction: str | None = None) -> Command:
    """Return the rejection of the transfer that is asked for.

    Raises:
        FrameWithheld: it is not pending.
    """
    withhold(f"{pending.name}: a rejection", _not_pending(pending))
    return _transfer(TransferOperation.REJECT, pending, client_transaction)


def _not_of(relay: KeyRelayData, requester: str) -> tuple[str, ...]:
    """Why something is not for the registrar that relayed the keys."""
    return () if requester == relay.requester else (f"{requester} asks, and {relay.requester} relayed the keys",)


def _not_pending(transfer: DomainTransferData) -> tuple[str, ...]:
    return () if transfer.status is TransferStatus.PENDING else (f"the transfer is {transfer.status.value}",)


def _transfer(operation: TransferOperation, pending: DomainTransferData, client_transaction: str | None) -> Command:
    return Command(action=DomainTransfer(operation=operation, name=pending.name), client_transaction=client_transaction)
