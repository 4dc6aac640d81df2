"""What the gaining registrar decides in the registry-facilitated flow: its offer, its request, and the end of the losing DS.

Each is a pure function that gives the command to send, or refuses it with every reason. What the registry tells in between
goes into the :class:`~zonekit.epp.progress.Progress` of this side by :meth:`~zonekit.epp.progress.Progress.heard`, and what
its own looks show by :meth:`~zonekit.epp.progress.Progress.seen`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from zonekit import rdata as rd
from zonekit.algorithms import DigestType
from zonekit.dnskeys import Dnskey, check_intake, dnskey_signers, dnskeys_of
from zonekit.ds import KeyData, make_ds, matches_ds, registry_ds
from zonekit.epp.domains import (
    AuthInfo,
    DomainTransfer,
    DomainUpdate,
    NameServer,
    NameServers,
    NsForm,
    TransferOperation,
)
from zonekit.epp.frames import Command
from zonekit.epp.keyrelay import Expiry, KeyRelayCreate, RelayedKey
from zonekit.epp.materials import name_servers_of
from zonekit.epp.offers import AuthInfoNotice, Offer, RemovalNotice
from zonekit.epp.progress import Progress, withhold
from zonekit.epp.secdns import RegistryDs, Removal, SecDnsUpdate
from zonekit.findings import Severity
from zonekit.instants import instant_text, utc
from zonekit.names import name_text
from zonekit.ttl import to_ttl
from zonekit.verifying.zone import verify_zone
from zonekit.zones import RRset, Zone


def make_offer(
    zone: Zone,
    losing_zone: Zone,
    *,
    auth_info: AuthInfo,
    form: NsForm,
    ttl: int,
    now: datetime,
    digest_types: Iterable[DigestType] = (DigestType.SHA256,),
    expiry: Expiry | None = None,
    client_transaction: str | None = None,
) -> Command:
    """Return the key relay with the offer: the keys of the gaining zone, the DS of those that sign them, its name servers.

    Args:
        zone: the gaining zone as it is going to be served, signed.
        losing_zone: the losing zone as it is now, validated.
        auth_info: the code by which the registrant permits the transfer.
        form: how the registry takes name servers.
        ttl: what the losing side is asked to lower its TTLs to, in seconds.
        now: the instant that signatures are held against.
        digest_types: of the DS records.
        expiry: until when the keys are to be published at the losing side; without, until the transfer is done.
        client_transaction: the identifier of the command.

    Raises:
        FrameWithheld: the gaining zone does not verify, a key fails the intake of the losing zone, the two are signed with
            different algorithms, or nothing signs the DNSKEY RRset that a DS could be made of.
        ZoneError: one of the two has no DNSKEY or NS RRset at its apex.
        EppError: a field is none that EPP can carry.
        TtlError: ``ttl`` is not a TTL.
        TimeError: ``now`` is naive.
    """
    name = name_text(zone.apex)
    taken = set(dnskeys_of(losing_zone.apex_rrset(rd.DNSKEY)))
    keys = tuple(key for key in dnskeys_of(zone.apex_rrset(rd.DNSKEY)) if key not in taken)
    signers = tuple(key for key in dnskey_signers(zone) if key.is_sep and key not in taken)
    withhold(f"{name}: an offer", _faults(zone, losing_zone, keys, signers, utc(now)))
    offer = Offer(
        name_servers=_name_servers(zone, form),
        ds=registry_ds(make_ds(signers, digest_types=digest_types)),
        ttl=to_ttl(ttl),
    )
    relayed = tuple(RelayedKey(key=KeyData.from_rdata(key.dnskey_rdata), expiry=expiry) for key in keys)
    return Command(
        action=KeyRelayCreate(name=name, auth_info=auth_info, keys=relayed),
        extensions=(offer,),
        client_transaction=client_transaction,
    )


def _faults(
    zone: Zone, losing_zone: Zone, keys: tuple[Dnskey, ...], signers: tuple[Dnskey, ...], now: datetime
) -> Iterator[str]:
    verdict = verify_zone(zone, now=now)
    yield from (str(finding) for finding in verdict.findings if finding.severity >= Severity.ERROR)
    yield from (str(refused) for refused in check_intake(losing_zone, keys).refused)
    if not signers:
        yield "no key of its own with the SEP flag signs its DNSKEY RRset; sign it with a KSK or CSK (RFC 4034 section 2.1.1)"
    algorithms = [{key.algorithm for key in dnskey_signers(each)} for each in (zone, losing_zone)]
    if algorithms[0] != algorithms[1]:
        own, theirs = (", ".join(map(str, sorted(each))) or "none" for each in algorithms)
        yield f"it is signed with algorithm {own} and the losing zone with {theirs}; sign with the same (RFC 6840 section 5.11)"


def _name_servers(zone: Zone, form: NsForm) -> NameServers:
    servers = name_servers_of(zone)
    if form is NsForm.HOST_OBJECTS:
        servers = tuple(NameServer(name=each.name) for each in servers)
    return NameServers(form=form, servers=servers)


def request_transfer(
    progress: Progress, notice: AuthInfoNotice, *, now: datetime, client_transaction: str | None = None
) -> Command:
    """Return the request for the transfer with the code that the losing registrar gave.

    Raises:
        FrameWithheld: the domain is not seen to validate from the gaining servers, or something before that lacks.
        EppError: the notice is of another domain, or a field is none that EPP can carry.
        TimeError: ``now`` is naive.
    """
    progress.check_name(notice.name)
    progress.withhold("domain-transferred", now)
    transfer = DomainTransfer(operation=TransferOperation.REQUEST, name=notice.name, auth_info=notice.auth_info)
    return Command(action=transfer, client_transaction=client_transaction)


def remove_losing_ds(
    progress: Progress,
    notice: RemovalNotice,
    *,
    zone: Zone,
    parent_ds: RRset,
    now: datetime,
    client_transaction: str | None = None,
) -> Command:
    """Return the update that removes the losing DS: the registry allows it, and the plan of this side says so too.

    It names the DS records to be removed, also at a registry that takes keys: the notice of the registry has DS records alone,
    and :func:`~zonekit.epp.facilitated.take_removal` takes either.

    Args:
        progress: what this side knows.
        notice: the registry's permission.
        zone: the gaining zone as it is now.
        parent_ds: the DS RRset at the parent as it is now.
        now: the instant of the decision.
        client_transaction: the identifier of the command.

    Raises:
        FrameWithheld: it comes too early by the notice or the plan, a DS to be removed is not at the parent or is of a key
            that signs the gaining DNSKEY RRset, or none that leads to such a key would be left.
        EppError: the notice is of another domain, or a field is none that EPP can carry.
        TimeError: ``now`` is naive.
    """
    progress.check_name(notice.name)
    progress.withhold("losing-ds-removed", now, *_removal_faults(notice, zone, parent_ds, utc(now)))
    removal = Removal(ds=tuple(RegistryDs(ds=ds) for ds in notice.ds))
    return Command(
        action=DomainUpdate(name=notice.name),
        extensions=(SecDnsUpdate(remove=removal),),
        client_transaction=client_transaction,
    )


def _removal_faults(notice: RemovalNotice, zone: Zone, parent_ds: RRset, now: datetime) -> Iterator[str]:
    if now < notice.not_before:
        yield f"the registry allows it from {instant_text(notice.not_before)} on"
    leaving = {ds.rdata for ds in notice.ds}
    own = dnskey_signers(zone)
    for ds in notice.ds:
        if ds.rdata not in parent_ds.rdatas:
            yield f"the parent has no DS of key {ds.key_tag} that is such"
        if _leads_to(ds.rdata, own):
            yield f"the DS of key {ds.key_tag} leads to a key that signs the gaining DNSKEY RRset"
    if not any(_leads_to(rdata, own) for rdata in parent_ds.rdatas if rdata not in leaving):
        yield "no DS that leads to a key of the gaining zone would be left"


def _leads_to(ds: bytes, keys: Iterable[Dnskey]) -> bool:
    return any(matches_ds(ds, key.owner, key.dnskey_rdata) for key in keys)
