"""The steps of a transfer on a signed zone: each changes RRsets at the apex, re-signs those, and shares all the rest.

A step takes the zone, the operator's own keys (``signers``) and a validity, and returns a new zone in which only the
RRsets that the step is about, their RRSIGs, the SOA with its next serial and its RRSIGs differ. A ZONEMD RRset, where
there is one, is recomputed (RFC 8976), and the apex NSEC or NSEC3 follows when a type comes or goes. Everything else is
the same bytes.

``signers`` holds the KSK (or CSK) for the DNSKEY, CDS and CDNSKEY RRsets and the ZSK (or CSK) for every other.
``serial`` is the new SOA serial: the next one when not given, ``zone.serial`` to leave the SOA alone. No step takes or
gives a private key of another operator.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

from zonekit import rdata as rd
from zonekit.denial import Nsec3, hashed_owner, nsec3_bitmap, types_to_list
from zonekit.dnskeys import (
    MAX_RESPONSE_OCTETS,
    NO_ROLES,
    Dnskey,
    check_intake,
    difference,
)
from zonekit.ds import make_cdnskey, make_cds
from zonekit.errors import SerialError, SigningError, ZoneError
from zonekit.instants import SignatureValidity
from zonekit.keys import SEP_FLAG, KeyRole, SigningKey, key_tag
from zonekit.names import WireName, from_wire_name, is_subdomain, name_end, name_text, order_key, to_wire_name
from zonekit.nodes import rdata_of, split_node
from zonekit.serials import SerialPolicy, next_serial, serial_gt
from zonekit.signing import KSK_SIGNED_TYPES, check_signers, is_signed_here, rrset_signer
from zonekit.ttl import Ttl, to_ttl
from zonekit.zonemd import current_zonemd
from zonekit.zones import NameStatus, RRset, Zone

if TYPE_CHECKING:
    import dns.name

DEFAULT_LOWERED_TTL: Final = Ttl(600)
LOWERED_TYPES: Final = ("NS", "DNSKEY")


class ParentRecords(enum.Enum):
    """Whether a step keeps the CDS and CDNSKEY RRsets in step with the DNSKEY RRset (RFC 7344)."""

    LEAVE = "leave"
    PUBLISH = "publish"


class TtlScope(enum.Enum):
    """Which RRsets a TTL is lowered on."""

    APEX = "apex"
    ZONE = "zone"


# ---- DNSKEYs --------------------------------------------------------------------------------------------------------


def resign_dnskeys(
    zone: Zone, *, signers: Iterable[SigningKey], validity: SignatureValidity, serial: int | None = None
) -> Zone:
    """Return the zone with new signatures over its DNSKEY RRset, and over CDS and CDNSKEY where they are there.

    Raises:
        SigningError: the zone is not signed, or ``signers`` cannot make all the signatures that would be needed.
        SerialError: ``serial`` is before the present one.
    """
    step = _Step(zone, signers, validity, serial).on_signed_zone()
    touched = [rrset for rdtype in sorted(KSK_SIGNED_TYPES) if (rrset := zone.get("@", rdtype)) is not None]
    return step.apply(touched)


def merge_dnskeys(
    zone: Zone,
    foreign: Iterable[Dnskey],
    *,
    signers: Iterable[SigningKey],
    validity: SignatureValidity,
    serial: int | None = None,
    parent_records: ParentRecords = ParentRecords.LEAVE,
    roles: Mapping[Dnskey, KeyRole] = NO_ROLES,
    max_response_octets: int | None = MAX_RESPONSE_OCTETS,
) -> Zone:
    """Return the zone with the DNSKEYs of another operator in its DNSKEY RRset, re-signed (RFC 6781 section 4.3.5.1).

    Every key goes through the intake checks first (:func:`zonekit.check_intake`, which also reports what is worth
    knowing and no reason to refuse); one refused key refuses the merge. Keys that are there already stay one.

    Args:
        zone: the signed zone.
        foreign: the DNSKEYs to publish, from :func:`zonekit.parse_dnskeys`.
        signers: the operator's own keys.
        validity: of the new signatures.
        serial: the new serial.
        parent_records: with ``PUBLISH``, CDS and CDNSKEY for every SEP key of the merged RRset.
        roles: what the other operator says a key is, for those of which it says anything.
        max_response_octets: what the DNSKEY response may at most come to; None for no limit.

    Raises:
        DnskeyRefused: an intake check fails; each check has a subclass of its own.
        SigningError: the zone is not signed, or ``signers`` cannot make all the signatures that would be needed.
        SerialError: ``serial`` is before the present one.
    """
    step = _Step(zone, signers, validity, serial).on_signed_zone()
    intake = check_intake(
        zone, foreign, signers=step.dnskey_signers, roles=roles, max_response_octets=max_response_octets
    )
    if intake.refused:
        raise intake.refused[0]
    return step.with_dnskeys(intake.dnskeys, parent_records)


def withdraw_dnskeys(
    zone: Zone,
    keys: Iterable[Dnskey],
    *,
    signers: Iterable[SigningKey],
    validity: SignatureValidity,
    serial: int | None = None,
    parent_records: ParentRecords = ParentRecords.LEAVE,
) -> Zone:
    """Return the zone without these DNSKEYs, the DNSKEY RRset re-signed; it undoes :func:`merge_dnskeys`.

    Raises:
        SigningError: the zone is not signed; a key is not there to withdraw; a key is one of ``signers`` or still signs
            data anywhere in the zone, so that withdrawing it would make that bogus; or ``signers`` cannot make all the
            signatures that would be needed.
        SerialError: ``serial`` is before the present one.
    """
    step = _Step(zone, signers, validity, serial).on_signed_zone()
    present = zone.apex_rrset(rd.DNSKEY)
    leaving = tuple(keys)
    still_signing = _keys_signing_data(zone, leaving)
    for key in leaving:
        place = f"{name_text(zone.apex)}: DNSKEY {key.key_tag} (algorithm {key.algorithm})"
        if key.dnskey_rdata not in present.rdatas:
            raise SigningError(f"{place} is not in the zone", remedy="look at the DNSKEY RRset for the right one")
        if key.dnskey_rdata in step.own_rdatas or (key.algorithm, key.key_tag) in still_signing:
            raise SigningError(
                f"{place} signs this zone; without it the zone is bogus",
                remedy="sign the zone with other keys first, with foreign_signatures=ForeignSignatures.DROP",
                rule="RFC 6781 section 4.1.1",
            )
    # What a leaving KSK signed beside the DNSKEY RRset must not be left with its signature alone.
    gone = {(key.algorithm, key.key_tag) for key in leaving}
    orphaned = [
        rrset
        for rdtype in (rd.CDS, rd.CDNSKEY)
        if (rrset := zone.get("@", rdtype)) is not None and _signing_keys(zone.signatures("@", rdtype)) & gone
    ]
    return step.with_dnskeys(difference(present, leaving), parent_records, also=orphaned)


# ---- TTLs -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class TtlChange:
    """An RRset whose TTL changed.

    Attributes:
        owner: its owner in presentation form.
        rdtype: its type in presentation form.
        old_ttl: the TTL before, in seconds: what caches may go on holding it for.
        new_ttl: the TTL since, in seconds.
    """

    owner: str
    rdtype: str
    old_ttl: Ttl
    new_ttl: Ttl


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedTtls:
    """A zone with other TTLs, and what was changed to get there."""

    zone: Zone
    changes: tuple[TtlChange, ...]


def lower_ttls(
    zone: Zone,
    ttl: int = DEFAULT_LOWERED_TTL,
    *,
    types: Collection[str | int] | None = LOWERED_TYPES,
    scope: TtlScope = TtlScope.APEX,
    signers: Iterable[SigningKey] = (),
    validity: SignatureValidity | None = None,
    serial: int | None = None,
) -> ChangedTtls:
    """Return the zone with no TTL above ``ttl`` on the RRsets chosen, each one that was touched re-signed.

    A TTL is never raised. An RRSIG's Original TTL is the TTL of what it covers (RFC 4035 section 2.2), so whatever is
    lowered is re-signed, and nothing else is. Where the SOA is among it, NSEC and NSEC3 follow (RFC 9077). Delegations
    and glue have no signatures and are simply lowered. When nothing is above ``ttl`` the zone comes back as it was.

    Args:
        zone: the zone, signed or not.
        ttl: the cap, in seconds.
        types: the types to lower, by default NS and DNSKEY; None for all.
        scope: the RRsets at the apex, or in the whole zone.
        signers: the operator's own keys; none for an unsigned zone.
        validity: of the new signatures; needed for a signed zone.
        serial: the new serial.

    Raises:
        TtlError: ``ttl`` is not a TTL.
        RdataError: an unknown type.
        SigningError: RRSIG is among ``types``, or ``signers`` cannot make all the signatures that would be needed.
        SerialError: ``serial`` is before the present one.
    """
    cap = to_ttl(ttl)
    chosen = None if types is None else {rd.parse_type(kind) if isinstance(kind, str) else kind for kind in types}
    if chosen is not None and rd.RRSIG in chosen:
        raise SigningError(
            "the TTL of an RRSIG is that of what it covers",
            remedy="name the types that are signed",
            rule="RFC 4034 section 3",
        )
    soa = zone.soa
    lowers_soa = soa.ttl > cap and (chosen is None or rd.SOA in chosen)
    negative_ttl = min(zone.negative_ttl, cap) if lowers_soa else zone.negative_ttl

    def new_ttl(rrset: RRset) -> int:
        if rrset.rdtype in (rd.NSEC, rd.NSEC3) and lowers_soa:
            return min(rrset.ttl, negative_ttl)
        return min(rrset.ttl, cap) if chosen is None or rrset.rdtype in chosen else rrset.ttl

    whole_zone = scope is TtlScope.ZONE or lowers_soa
    found = zone.statuses() if whole_zone else ((NameStatus.APEX, rrset) for rrset in zone.rrsets_at("@"))
    touched = [
        (status, rrset, rrset.with_ttl(new_ttl(rrset)))
        for status, rrset in found
        if rrset.rdtype != rd.RRSIG
        and (scope is TtlScope.ZONE or status is NameStatus.APEX or rrset.rdtype in (rd.NSEC, rd.NSEC3))
        and new_ttl(rrset) < rrset.ttl
    ]
    return _with_ttls(zone, touched, signers, validity, serial)


def restore_ttls(
    zone: Zone,
    changes: Iterable[TtlChange],
    *,
    signers: Iterable[SigningKey] = (),
    validity: SignatureValidity | None = None,
    serial: int | None = None,
) -> ChangedTtls:
    """Return the zone with the TTLs that it had before :func:`lower_ttls`, each RRset touched re-signed.

    An RRset that is gone, or whose TTL is no longer the one that lowering gave it, stays as it is; what was restored is
    in the answer.

    Raises:
        SigningError: ``signers`` cannot make all the signatures that would be needed.
        SerialError: ``serial`` is before the present one.
    """
    wanted = tuple(changes)
    negative_ttl = _negative_ttl_after(zone, wanted)
    touched = []
    for change in wanted:
        rrset = zone.get(change.owner, change.rdtype)
        if rrset is not None and rrset.ttl == change.new_ttl:
            # NSEC and NSEC3 stay within what the SOA says now (RFC 9077 section 3).
            ttl = min(change.old_ttl, negative_ttl) if rrset.rdtype in (rd.NSEC, rd.NSEC3) else change.old_ttl
            if ttl != rrset.ttl:
                touched.append((zone.status(change.owner), rrset, rrset.with_ttl(ttl)))
    return _with_ttls(zone, touched, signers, validity, serial)


def _negative_ttl_after(zone: Zone, changes: Iterable[TtlChange]) -> int:
    """The negative TTL that the zone has once the SOA's TTL is restored, if that is among the changes."""
    soa = zone.soa
    soa_ttl = next(
        (change.old_ttl for change in changes if change.rdtype == "SOA" and change.new_ttl == soa.ttl), soa.ttl
    )
    return min(soa_ttl, int.from_bytes(soa.rdatas[0][-4:], "big"))


def _with_ttls(
    zone: Zone,
    touched: Sequence[tuple[NameStatus, RRset, RRset]],
    signers: Iterable[SigningKey],
    validity: SignatureValidity | None,
    serial: int | None,
) -> ChangedTtls:
    if not touched:
        return ChangedTtls(zone=zone, changes=())
    step = _Step(zone, signers, validity, serial)
    changed = step.apply(
        [after for _, _, after in touched], {order_key(after.owner): status for status, _, after in touched}
    )
    changes = tuple(
        TtlChange(owner=name_text(before.owner), rdtype=before.type_text, old_ttl=before.ttl, new_ttl=after.ttl)
        for _, before, after in touched
    )
    return ChangedTtls(zone=changed, changes=changes)


# ---- NS and SOA -----------------------------------------------------------------------------------------------------


def change_ns(
    zone: Zone,
    name_servers: Iterable[str | dns.name.Name],
    *,
    ttl: int | None = None,
    signers: Iterable[SigningKey] = (),
    validity: SignatureValidity | None = None,
    serial: int | None = None,
) -> Zone:
    """Return the zone with another apex NS RRset, re-signed.

    Args:
        zone: the zone, signed or not.
        name_servers: the names of the servers, absolute or relative to the zone.
        ttl: the TTL of the NS RRset, in seconds; the one it has when not given.
        signers: the operator's own keys; none for an unsigned zone.
        validity: of the new signatures; needed for a signed zone.
        serial: the new serial.

    Raises:
        ZoneError: no name servers, or one inside the zone without an address there.
        SigningError: ``signers`` cannot make all the signatures that would be needed.
        SerialError: ``serial`` is before the present one.
    """
    servers = tuple(to_wire_name(name, zone.apex) for name in name_servers)
    if not servers:
        raise ZoneError(f"{name_text(zone.apex)}: there are no name servers to change to")
    for server in servers:
        has_address = any(zone.get(from_wire_name(server), rdtype) is not None for rdtype in (rd.A, rd.AAAA))
        if is_subdomain(server, zone.apex) and not has_address:
            raise ZoneError(
                f"{name_text(zone.apex)}: the name server {name_text(server)} lies in the zone and has no address there",
                remedy="add its A or AAAA RRset first",
                rule="RFC 1912 section 2.8",
            )
    new_ttl = zone.apex_rrset(rd.NS).ttl if ttl is None else to_ttl(ttl)
    ns = RRset(owner=zone.apex, rdtype=rd.NS, ttl=new_ttl, rdatas=servers)
    return _Step(zone, signers, validity, serial).apply([ns])


def with_serial(
    zone: Zone,
    serial: int | None = None,
    *,
    signers: Iterable[SigningKey] = (),
    validity: SignatureValidity | None = None,
) -> Zone:
    """Return the zone with another SOA serial, the next one when not given; re-signed where the zone is signed.

    Raises:
        SerialError: ``serial`` is before the present one in the arithmetic of RFC 1982.
        SigningError: ``signers`` cannot make all the signatures that would be needed.
    """
    return _Step(zone, signers, validity, serial).apply([])


# ---- how every step is carried out ----------------------------------------------------------------------------------


class _Step:
    """One change to a zone by its operator: which keys sign, until when, and which serial comes next."""

    def __init__(
        self,
        zone: Zone,
        signers: Iterable[SigningKey],
        validity: SignatureValidity | None,
        serial: int | None,
    ) -> None:
        self._zone = zone
        self._place = name_text(zone.apex)
        self._signers = tuple(signers)
        self._validity = validity
        self._serial = next_serial(zone.serial, SerialPolicy.INCREMENT) if serial is None else serial
        self._signed = any(packed[0] == rd.RRSIG for packed in split_node(zone.apex_node))
        self.own_rdatas = frozenset(key.dnskey_rdata for key in self._signers)
        self.dnskey_signers = tuple(key for key in self._signers if key.signs_dnskey)
        if self._serial != zone.serial and not serial_gt(self._serial, zone.serial):
            raise SerialError(
                f"{self._place}: serial {self._serial} is not after {zone.serial}",
                remedy="secondaries would keep the old zone; give a later one",
                rule="RFC 1982 section 3.2",
            )
        if self._signed and (not self._signers or validity is None):
            raise SigningError(f"{self._place}: the zone is signed", remedy="give its keys as signers, and a validity")
        if any(order_key(key.owner) != order_key(zone.apex) for key in self._signers):
            raise SigningError(f"{self._place}: a signer belongs to another zone")
        check_signers(self._signers)

    def on_signed_zone(self) -> Self:
        """This step, which makes sense for a signed zone only."""
        if not self._signed:
            raise SigningError(f"{self._place}: the zone is not signed", remedy="sign it with sign_zone first")
        return self

    def with_dnskeys(self, dnskeys: RRset, parent_records: ParentRecords, also: Sequence[RRset] = ()) -> Zone:
        """The zone with this DNSKEY RRset and, if asked for, the CDS and CDNSKEY RRsets of its SEP keys."""
        touched = [dnskeys, *also]
        if parent_records is ParentRecords.PUBLISH:
            touched = [dnskeys, make_cds(dnskeys, ttl=dnskeys.ttl), make_cdnskey(dnskeys, ttl=dnskeys.ttl)]
        return self.apply(touched)

    def apply(self, touched: Sequence[RRset], statuses: Mapping[bytes, NameStatus] | None = None) -> Zone:
        """The zone with the touched RRsets in place and re-signed, the SOA with its serial, ZONEMD and apex denial."""
        replaced = self._with_soa(touched)
        changed = self._zone.replace(*replaced)
        if self._signed:
            denials = _apex_denials(changed)
            replaced += denials
            changed = changed.replace(*denials)
            sign = self._signer_for(changed)
            found = statuses or {}
            signatures = [
                made
                for rrset in replaced
                if (made := sign(rrset, found.get(order_key(rrset.owner)) or _status(changed, rrset.owner))) is not None
            ]
            changed = changed.replace(*signatures)
        zonemd = current_zonemd(changed)
        if zonemd is None:
            return changed
        changed = changed.replace(zonemd)
        made = sign(zonemd, NameStatus.APEX) if self._signed else None
        return changed if made is None else changed.replace(made)

    def _with_soa(self, touched: Sequence[RRset]) -> list[RRset]:
        """The touched RRsets, and the SOA if its serial changes."""
        soas = [rrset for rrset in touched if rrset.rdtype == rd.SOA]
        others = [rrset for rrset in touched if rrset.rdtype != rd.SOA]
        soa = soas[0] if soas else self._zone.soa
        if self._serial == self._zone.serial:
            return [*others, *soas]
        rdata = soa.rdatas[0]
        serial_at = len(rdata) - 20
        rdata = rdata[:serial_at] + self._serial.to_bytes(4, "big") + rdata[serial_at + 4 :]
        return [*others, RRset(owner=soa.owner, rdtype=rd.SOA, ttl=soa.ttl, rdatas=(rdata,))]

    def _signer_for(self, changed: Zone) -> Callable[[RRset, NameStatus], RRset | None]:
        """What makes the RRSIGs of an RRset in the changed zone, checking that no signature goes missing."""
        assert self._validity is not None  # checked when the step was made
        published = changed.apex_rrset(rd.DNSKEY).rdatas
        for key in self._signers:
            if key.dnskey_rdata not in published:
                raise SigningError(
                    f"{self._place}: the DNSKEY RRset lacks the signer {key.key_tag} (algorithm {int(key.algorithm)})",
                    remedy="sign with keys that the zone publishes",
                    rule="RFC 4035 section 2.2",
                )
        by_ksk = [key for key in self._signers if key.signs_dnskey]
        by_zsk = [key for key in self._signers if key.signs_zone]
        sign_by_ksk = rrset_signer(by_ksk, validity=self._validity) if by_ksk else None
        sign_by_zsk = rrset_signer(by_zsk, validity=self._validity) if by_zsk else None
        gone = set(self._zone.apex_rrset(rd.DNSKEY).rdatas) - set(published)
        replaced_or_gone = {(rdata[3], key_tag(rdata)) for rdata in gone | self.own_rdatas}
        sep_keys = {(rdata[3], key_tag(rdata)) for rdata in published if rdata[1] & SEP_FLAG}

        def sign(rrset: RRset, status: NameStatus) -> RRset | None:
            if not is_signed_here(status, rrset.rdtype):
                return None
            at_ksk = status is NameStatus.APEX and rrset.rdtype in KSK_SIGNED_TYPES
            chosen, make = (by_ksk, sign_by_ksk) if at_ksk else (by_zsk, sign_by_zsk)
            before = self._zone.get(from_wire_name(rrset.owner), rrset.rdtype)
            old = self._zone.signatures(from_wire_name(rrset.owner), rrset.rdtype)
            own = {(key.algorithm.value, key.key_tag) for key in chosen}
            kept, lost = _kept_and_lost(before, rrset, old, replaced_or_gone)
            reference = old or self._zone.signatures("@", rd.DNSKEY if at_ksk else rd.SOA)
            missing = {algorithm for algorithm, _ in _signing_keys(reference)}
            missing -= {algorithm for algorithm, _ in own | _signing_keys(kept)}
            orphaned = (lost & sep_keys) if at_ksk else set()
            if make is None or missing or orphaned:
                self._refuse(rrset, "KSK" if at_ksk else "ZSK", missing, orphaned if chosen else set())
            assert make is not None
            made = make(rrset)
            if kept is None:
                return made
            return RRset(
                owner=made.owner, rdtype=rd.RRSIG, ttl=made.ttl, rdatas=made.rdatas + kept.rdatas, covers=made.covers
            )

        return sign

    def _refuse(self, rrset: RRset, role: str, missing: set[int], orphaned: set[tuple[int, int]]) -> None:
        subject = f"{name_text(rrset.owner)} {rrset.type_text}"
        if orphaned:
            keys = ", ".join(f"{tag} (algorithm {algorithm})" for algorithm, tag in sorted(orphaned))
            raise SigningError(
                f"{subject}: it is signed by {keys} too, and changing it voids that signature",
                remedy="add that key to the signers, or withdraw its DNSKEY",
                rule="RFC 4035 section 2.2",
            )
        algorithms = ", ".join(map(str, sorted(missing))) or "any algorithm"
        remedy = f"add the {role} or CSK to the signers"
        if rrset.rdtype == rd.SOA:
            remedy += ", or give serial=zone.serial to leave the SOA alone"
        raise SigningError(f"{subject}: no {role} of algorithm {algorithms} is among the signers", remedy=remedy)


def _status(zone: Zone, owner: WireName) -> NameStatus:
    return zone.status(from_wire_name(owner))


def _signing_keys(rrsigs: RRset | None) -> set[tuple[int, int]]:
    """Algorithm and key tag of each signature."""
    if rrsigs is None:
        return set()
    return {(rdata[2], int.from_bytes(rdata[16:18], "big")) for rdata in rrsigs.rdatas}


def _kept_and_lost(
    before: RRset | None, after: RRset, old: RRset | None, own: set[tuple[int, int]]
) -> tuple[RRset | None, set[tuple[int, int]]]:
    """The signatures of others that are still good, and the keys of those that are not.

    A lower TTL does not void a signature, for it is made over the Original TTL (RFC 4034 section 3.1.8.1).
    """
    foreign = [] if old is None else [rdata for rdata in old.rdatas if not _signing_key(rdata) & own]
    still_good = [
        rdata
        for rdata in foreign
        if before is not None and before.same_data(after) and int.from_bytes(rdata[4:8], "big") >= after.ttl
    ]
    lost = {key for rdata in foreign if rdata not in still_good for key in _signing_key(rdata)}
    if not still_good or old is None:
        return None, lost
    return RRset(owner=old.owner, rdtype=rd.RRSIG, ttl=after.ttl, rdatas=tuple(still_good), covers=after.rdtype), lost


def _signing_key(rrsig: bytes) -> set[tuple[int, int]]:
    return {(rrsig[2], int.from_bytes(rrsig[16:18], "big"))}


def _apex_denials(zone: Zone) -> list[RRset]:
    """The NSEC and NSEC3 records of the apex that need another bitmap, with it; a zone may be between two chains."""
    rrsets = split_node(zone.apex_node)
    found: list[tuple[RRset, int, bytes]] = []
    nsec = zone.get("@", rd.NSEC)
    if nsec is not None:
        bitmap = rd.type_bitmap((*types_to_list(NameStatus.APEX, rrsets), rd.RRSIG, rd.NSEC))
        found.append((nsec, name_end(nsec.rdatas[0]), bitmap))
    params = zone.get("@", rd.NSEC3PARAM)
    for param in () if params is None else params.rdatas:
        hash_at = 5 + param[4]
        denial = Nsec3(iterations=int.from_bytes(param[2:4], "big"), salt=param[5:hash_at])
        nsec3 = zone.get(from_wire_name(hashed_owner(denial.hash(zone.apex), zone.apex)), rd.NSEC3)
        if nsec3 is not None:
            bitmap_at = hash_at + 1 + nsec3.rdatas[0][hash_at]
            found.append((nsec3, bitmap_at, nsec3_bitmap(NameStatus.APEX, rrsets)))
    return [_with_bitmap(rrset, at, bitmap) for rrset, at, bitmap in found if rrset.rdatas[0][at:] != bitmap]


def _with_bitmap(denial: RRset, bitmap_at: int, bitmap: bytes) -> RRset:
    rdata = denial.rdatas[0][:bitmap_at] + bitmap
    return RRset(owner=denial.owner, rdtype=denial.rdtype, ttl=denial.ttl, rdatas=(rdata,))


def _keys_signing_data(zone: Zone, keys: Sequence[Dnskey]) -> set[tuple[int, int]]:
    """Algorithm and key tag of those of ``keys`` that a signature in the zone names, save over the apex key sets."""
    wanted = {(key.algorithm, key.key_tag) for key in keys}
    tags = [key_tag.to_bytes(2, "big") for _, key_tag in wanted]
    return {
        signing
        for owner, node in zone.nodes()
        if any(tag in node for tag in tags)  # cheap, and rules out nearly every node
        for rdtype, covers, records in split_node(node)
        if rdtype == rd.RRSIG and not (owner == zone.apex and covers in KSK_SIGNED_TYPES)
        for record in records
        for signing in _signing_key(rdata_of(record)) & wanted
    }
