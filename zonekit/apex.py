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
import ipaddress
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

from zonekit import rdata as rd
from zonekit.denial import apex_nsec3, nsec3_bitmap, types_to_list
from zonekit.dnskeys import (
    MAX_RESPONSE_OCTETS,
    NO_ROLES,
    Dnskey,
    check_intake,
    difference,
    dnskeys_of,
    signer_of,
)
from zonekit.ds import DnskeyHolder, asks_for, make_cdnskey, make_cds
from zonekit.errors import SigningError, ZoneError
from zonekit.instants import SignatureValidity, epoch_seconds
from zonekit.keys import KeyRole, SigningKey, key_tag
from zonekit.names import (
    ROOT,
    WILDCARD_LABEL,
    WireName,
    ancestors_of,
    is_subdomain,
    labels_of,
    name_end,
    name_text,
    order_key,
    to_wire_name,
)
from zonekit.nodes import rdata_of, split_node
from zonekit.serials import SerialPolicy, next_serial, soa_with_serial
from zonekit.signatures import PublishedKeys, Signer, has_expired, signers_of
from zonekit.signing import (
    check_signers,
    is_signed_here,
    rrset_signer,
)
from zonekit.ttl import Ttl, to_ttl
from zonekit.zonemd import current_zonemd
from zonekit.zones import NameStatus, RRset, Zone

if TYPE_CHECKING:
    import dns.name

DEFAULT_LOWERED_TTL: Final = Ttl(600)
LOWERED_TYPES: Final = ("NS", "DNSKEY")
# The types whose TTL is that of something else, what that is, and who says so.
_TTLS_THAT_FOLLOW: Final = {
    rd.RRSIG: ("what it covers", "RFC 4034 section 3"),
    rd.NSEC: ("the SOA", "RFC 9077 section 3"),
    rd.NSEC3: ("the SOA", "RFC 9077 section 3"),
}


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
    zone: Zone,
    *,
    signers: Iterable[SigningKey],
    validity: SignatureValidity,
    serial: int | None = None,
    parent_records: ParentRecords = ParentRecords.LEAVE,
) -> Zone:
    """Return the zone with new signatures over its DNSKEY RRset; one by a ZSK beside the KSK's goes.

    Args:
        zone: the signed zone.
        signers: the operator's own keys.
        validity: of the new signatures.
        serial: the new serial.
        parent_records: with ``PUBLISH``, CDS and CDNSKEY for every SEP key of the RRset, newly signed as well.

    Raises:
        SigningError: the zone is not signed, or ``signers`` cannot make all the signatures that would be needed.
        DsError: ``PUBLISH``, and a SEP key that no DS is made of.
        SerialError: ``serial`` is before the present one.
    """
    step = _Step(zone, signers, validity, serial).on_signed_zone()
    return step.with_dnskeys(zone.apex_rrset(rd.DNSKEY), parent_records)


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

    A signature over the RRset by a ZSK, as some signers make it beside the KSK's, goes.

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
        DnskeyRefused: an intake check fails; each check has a subclass of its own, and ``others`` holds what else was
            refused.
        SigningError: the zone is not signed, or ``signers`` cannot make all the signatures that would be needed.
        DsError: ``PUBLISH``, and a SEP key that no DS is made of.
        SerialError: ``serial`` is before the present one.
    """
    step = _Step(zone, signers, validity, serial).on_signed_zone()
    intake = check_intake(
        zone, foreign, signers=step.dnskey_signers, roles=roles, max_response_octets=max_response_octets
    )
    intake.raise_if_refused()
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

    Args:
        zone: the signed zone.
        keys: the DNSKEYs to take out.
        signers: the operator's own keys.
        validity: of the new signatures.
        serial: the new serial.
        parent_records: with ``PUBLISH``, CDS and CDNSKEY for every SEP key that is left.

    Raises:
        SigningError: the zone is not signed; a key is not there to withdraw; none would be left; a key signs data that no
            staying key signs (by a signature that has not expired when the validity begins); it is one of ``signers``,
            and another key of its algorithm stays; CDS or CDNSKEY would still ask the parent for its DS; or
            ``signers`` cannot make all the signatures that would be needed.
        DsError: ``PUBLISH``, and a SEP key that no DS is made of.
        SerialError: ``serial`` is before the present one.
    """
    step = _Step(zone, signers, validity, serial).on_signed_zone()
    present = zone.apex_rrset(rd.DNSKEY)
    leaving = tuple(keys)
    for key in leaving:
        if key.dnskey_rdata not in present.rdatas:
            raise SigningError(
                f"{_place(key)} is not in the zone",
                remedy="look at the DNSKEY RRset for the right one; it may have been withdrawn already",
            )
    gone = [key.dnskey_rdata for key in leaving]
    if set(present.rdatas) <= set(gone):
        raise SigningError(
            f"{name_text(zone.apex)} DNSKEY: no key would be left",
            remedy="publish the keys first that are to sign the zone; for one that is to go unsigned, remove the DS first",
            rule="RFC 6781 section 4.1.1",
        )
    left = difference(present, leaving)
    signing_alone = _signing_alone(zone, leaving, PublishedKeys.of(left), epoch_seconds(validity.inception))
    for key in leaving:
        # The last keys of an algorithm go before their signatures do (RFC 6781 section 4.1.4).
        goes_on_signing = key.dnskey_rdata in step.own_rdatas and any(
            rdata[3] == key.algorithm for rdata in left.rdatas
        )
        if goes_on_signing or _signer(key) in signing_alone:
            raise SigningError(
                f"{_place(key)} signs this zone",
                remedy="sign the zone with other keys first, with foreign_records=ForeignRecords.DROP_SIGNATURES, and"
                " wait until the old signatures are gone from caches",
                rule="RFC 6781 section 4.1.1",
            )
    asking = [rrset for rdtype in (rd.CDS, rd.CDNSKEY) if (rrset := zone.get("@", rdtype)) is not None]
    for rrset in asking if parent_records is ParentRecords.LEAVE else ():
        if any(asks_for(rrset.rdtype, rdata, zone.apex, gone) for rdata in rrset.rdatas):
            raise SigningError(
                f"{name_text(zone.apex)} {rrset.type_text}: it would still ask the parent for the DS of a key withdrawn",
                remedy="give parent_records=ParentRecords.PUBLISH, or change that RRset first",
                rule="RFC 7344 section 4.1",
            )
    # What a leaving KSK signed beside the DNSKEY RRset must not be left with its signature alone.
    signed_by_leaving = [
        rrset for rrset in asking if signers_of(zone.signatures("@", rrset.rdtype)) & {_signer(key) for key in leaving}
    ]
    return step.with_dnskeys(left, parent_records, also=signed_by_leaving)


def _place(key: Dnskey) -> str:
    return f"{name_text(key.owner)}: DNSKEY {key.key_tag} (algorithm {key.algorithm})"


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
        SigningError: RRSIG, NSEC or NSEC3 is among ``types``, or ``signers`` cannot make all the signatures that would be needed.
        SerialError: ``serial`` is before the present one.
    """
    cap = to_ttl(ttl)
    chosen = None if types is None else {rd.parse_type(kind) if isinstance(kind, str) else kind for kind in types}
    for rdtype in sorted(_TTLS_THAT_FOLLOW.keys() & (chosen or ())):
        raise SigningError(
            f"the TTL of an {rd.type_text(rdtype)} RRset is not chosen: it is that of {_TTLS_THAT_FOLLOW[rdtype][0]}",
            remedy=f"lower {_TTLS_THAT_FOLLOW[rdtype][0]} instead",
            rule=_TTLS_THAT_FOLLOW[rdtype][1],
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
        ZoneError: no name servers, one that is no host name, or one inside the zone without an address there.
        SigningError: ``signers`` cannot make all the signatures that would be needed.
        SerialError: ``serial`` is before the present one.
    """
    named = tuple(name_servers)
    for name in named:
        _refuse_address(zone, name)
    servers = tuple(to_wire_name(name, zone.apex) for name in named)
    if not servers:
        raise ZoneError(
            f"{name_text(zone.apex)}: there are no name servers to change to",
            remedy="name at least two",
            rule="RFC 1034 section 4.1",
        )
    for server in servers:
        _check_name_server(zone, server)
    new_ttl = zone.apex_rrset(rd.NS).ttl if ttl is None else to_ttl(ttl)
    ns = RRset(owner=zone.apex, rdtype=rd.NS, ttl=new_ttl, rdatas=servers)
    return _Step(zone, signers, validity, serial).apply([ns])


def _check_name_server(zone: Zone, server: WireName) -> None:
    place = f"{name_text(zone.apex)}: the name server {name_text(server)}"
    if server == ROOT or not all(map(_HOST_LABEL.fullmatch, labels_of(server))):
        raise ZoneError(f"{place} is not the name of a host", rule=_HOST_NAME_RULE)
    if is_subdomain(server, zone.apex) and not _has_address(zone, server):
        raise ZoneError(
            f"{place} lies in the zone and has no address there",
            remedy="add its A or AAAA RRset first, or give the name with a final dot",
            rule="RFC 1912 section 2.8",
        )


def _refuse_address(zone: Zone, server: str | dns.name.Name) -> None:
    """Refuse an address where a name belongs; as a name it would be one, and nobody would find a server there."""
    try:
        ipaddress.ip_address(str(server).rstrip("."))
    except ValueError:
        return
    raise ZoneError(
        f"{name_text(zone.apex)}: the name server {str(server)[:64]} is an address",
        remedy="give the server's name",
        rule=_HOST_NAME_RULE,
    )


_HOST_LABEL: Final = re.compile(rb"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?", re.IGNORECASE)
_HOST_NAME_RULE: Final = "RFC 1035 section 3.3.11, RFC 1123 section 2.1"


def _has_address(zone: Zone, server: WireName) -> bool:
    """Whether the zone answers for this name with an address: its own, glue, or a wildcard's (RFC 4592 section 3.3)."""
    source = server
    if zone.status_of(server) is NameStatus.ABSENT:
        above = (*ancestors_of(server, zone.apex), zone.apex)
        encloser = next(name for name in above if zone.status_of(name) is not NameStatus.ABSENT)
        source = WILDCARD_LABEL + encloser
        if zone.status_of(source) is not NameStatus.AUTHORITATIVE:
            return False
    elif zone.status_of(server) is NameStatus.OCCLUDED:
        cut = zone.cut_above(server)
        if cut is None or zone.find(cut, rd.NS) is None or cut == zone.apex:
            return False  # below a DNAME nothing is found
    return any(zone.find(source, rdtype) is not None for rdtype in (rd.A, rd.AAAA))


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
        soa_with_serial(zone.soa, self._serial)  # or it is refused before anything is done
        if self._signed and (not self._signers or validity is None):
            raise SigningError(f"{self._place}: the zone is signed", remedy="give its keys as signers, and a validity")
        if any(order_key(key.owner) != order_key(zone.apex) for key in self._signers):
            raise SigningError(
                f"{self._place}: a signer belongs to another zone", remedy="give the keys of this zone alone"
            )
        if self._signed and zone.find(zone.apex, rd.DNSKEY) is None:
            raise SigningError(
                f"{self._place}: the zone has signatures and no DNSKEY RRset", remedy="sign it with sign_zone"
            )
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
                if (made := sign(rrset, found.get(order_key(rrset.owner)) or changed.status_of(rrset.owner)))
                is not None
            ]
            changed = changed.replace(*signatures)
        zonemd = current_zonemd(changed)
        if zonemd is None or (not replaced and zonemd == changed.get("@", rd.ZONEMD)):
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
        return [*others, soa_with_serial(soa, self._serial)]

    def _signer_for(self, changed: Zone) -> Callable[[RRset, NameStatus], RRset | None]:
        """What makes the RRSIGs of an RRset in the changed zone, checking that no signature goes missing."""
        assert self._validity is not None  # checked when the step was made
        dnskeys = changed.apex_rrset(rd.DNSKEY)
        published, before = PublishedKeys.of(dnskeys), PublishedKeys.of(self._zone.apex_rrset(rd.DNSKEY))
        key_signers = signers_of(self._zone.signatures("@", rd.DNSKEY))
        data_signers = signers_of(self._zone.signatures("@", rd.SOA))
        gone = before.signers - published.signers
        for key in self._signers:
            # In an algorithm rollover signatures come before their DNSKEY and go after it (RFC 6781 section 4.1.4).
            signs_ahead_or_still = _signer(key) in data_signers - published.signers
            if key.dnskey_rdata not in dnskeys.rdatas and not signs_ahead_or_still:
                raise SigningError(
                    f"{self._place}: the DNSKEY RRset lacks the signer {key.key_tag} (algorithm {int(key.algorithm)})",
                    remedy="sign with keys that the zone publishes",
                    rule="RFC 4035 section 2.2",
                )
        by_ksk = [key for key in self._signers if key.signs_dnskey and key.dnskey_rdata in dnskeys.rdatas]
        by_zsk = [key for key in self._signers if key.signs_zone]
        sign_by_ksk = rrset_signer(by_ksk, validity=self._validity) if by_ksk else None
        sign_by_zsk = rrset_signer(by_zsk, validity=self._validity) if by_zsk else None
        since = epoch_seconds(self._validity.inception)

        def sign(rrset: RRset, status: NameStatus) -> RRset | None:
            if not is_signed_here(status, rrset.rdtype):
                return None
            at_ksk = status is NameStatus.APEX and rrset.rdtype in rd.KSK_SIGNED_TYPES
            chosen, make = (by_ksk, sign_by_ksk) if at_ksk else (by_zsk, sign_by_zsk)
            was = self._zone.find(rrset.owner, rrset.rdtype)
            old = self._zone.find(rrset.owner, rd.RRSIG, rrset.rdtype)
            # A signer signs by its role: what else it signed, as a CSK that is now a KSK did, is not made again.
            made_again = {_signer(key) for key in chosen} | gone
            foreign = [rdata for rdata in (old.rdatas if old else ()) if signer_of(rdata) not in made_again]
            is_same = was is not None and was.same_data(rrset)
            kept = [rdata for rdata in foreign if is_same and published.may_stay(rdata, rrset, since)]
            lost = {
                signer_of(rdata)
                for rdata in foreign
                if rdata not in kept and was is not None and before.prove(rdata, was, since)
            }
            lost &= _needed(published, data_signers, signers_of(old) if at_ksk else None)
            if lost and make is not None:
                raise self._voided(rrset, lost, published)
            present = signers_of(old) or (key_signers if at_ksk else data_signers)
            missing = {algorithm for algorithm, _ in (present - gone if at_ksk else present)}
            missing -= {key.algorithm.value for key in chosen} | {rdata[2] for rdata in kept}
            proving = [key for key in chosen if key.dnskey_rdata in dnskeys.rdatas]
            proving_kept = [rdata for rdata in kept if signer_of(rdata) in published.signers]
            if make is None or missing or not (proving or proving_kept):
                raise self._unsigned(rrset, "KSK" if at_ksk else "ZSK", missing)
            made = make(rrset)
            return RRset(
                owner=made.owner, rdtype=rd.RRSIG, ttl=made.ttl, rdatas=(*made.rdatas, *kept), covers=made.covers
            )

        return sign

    def _voided(self, rrset: RRset, lost: set[Signer], published: PublishedKeys) -> SigningError:
        """The refusal to change what another published key signed as well."""
        keys = ", ".join(f"{tag} (algorithm {algorithm})" for algorithm, tag in sorted(lost))
        subject = f"{name_text(rrset.owner)} {rrset.type_text}: it is signed by {keys} too, and this step voids that"
        if lost & published.revoked:
            return SigningError(
                f"{subject} revocation",
                remedy="withdraw the revoked key, or wait with this step until its revocation is over",
                rule="RFC 5011 section 2.1",
            )
        remedy = (
            "add that key to the signers, with the role to sign this; or, where it is to sign no more, sign the zone without"
            " it first, with foreign_records=ForeignRecords.DROP_SIGNATURES"
        )
        if rrset.rdtype in rd.KSK_SIGNED_TYPES and not lost & published.sep_keys:
            remedy = "leave this RRset as it is, or withdraw that key once no DS is of it"
        return SigningError(
            f"{subject} signature",
            remedy=remedy,
            rule="RFC 4035 section 2.2",
        )

    def _unsigned(self, rrset: RRset, role: str, missing: set[int]) -> SigningError:
        """The refusal to leave an RRset without a signature that it needs."""
        lacking = f"of algorithm {', '.join(map(str, sorted(missing)))}" if missing else "that the zone publishes"
        remedy = f"add the {role} or CSK to the signers"
        if rrset.rdtype == rd.SOA:
            remedy += ", or give serial=zone.serial to leave the SOA alone"
        if missing and missing.isdisjoint(key.algorithm for key in dnskeys_of(self._zone.apex_rrset(rd.DNSKEY))):
            remedy += "; once no cache has a DNSKEY of it any more, drop its signatures with sign_zone"
        return SigningError(
            f"{name_text(rrset.owner)} {rrset.type_text}: no {role} {lacking} is among the signers",
            remedy=remedy,
            rule="RFC 4035 section 2.2",
        )


def _signer(key: DnskeyHolder) -> Signer:
    """What the signatures of a key name it by."""
    return key.dnskey_rdata[3], key_tag(key.dnskey_rdata)


def _needed(published: PublishedKeys, data_signers: set[Signer], key_set_signers: set[Signer] | None) -> set[Signer]:
    """The published keys whose signatures over an RRset somebody may need.

    Over data these are the keys that sign the SOA, which is signed anew whenever anything is: what else another key signed
    is left from before a rollover (RFC 7583 section 3.2.1). Over a key set, which ``key_set_signers`` signed, these are the
    keys that a DS may be of: any, since the SEP flag decides nothing (RFC 4034 section 2.1.1), save a ZSK that signed it as
    it signs everything.
    """
    everyone = set(published.signers)
    if key_set_signers is None:
        return everyone & data_signers or everyone
    zsks = data_signers - published.sep_keys if key_set_signers & published.sep_keys else set()
    return everyone - zsks


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
        nsec3 = apex_nsec3(zone, param)
        if nsec3 is not None:
            hash_at = 5 + param[4]
            bitmap_at = hash_at + 1 + nsec3.rdatas[0][hash_at]
            found.append((nsec3, bitmap_at, nsec3_bitmap(NameStatus.APEX, rrsets)))
    return [_with_bitmap(rrset, at, bitmap) for rrset, at, bitmap in found if rrset.rdatas[0][at:] != bitmap]


def _with_bitmap(denial: RRset, bitmap_at: int, bitmap: bytes) -> RRset:
    rdata = denial.rdatas[0][:bitmap_at] + bitmap
    return RRset(owner=denial.owner, rdtype=denial.rdtype, ttl=denial.ttl, rdatas=(rdata,))


def _signing_alone(zone: Zone, leaving: Sequence[Dnskey], staying: PublishedKeys, since: int) -> set[Signer]:
    """Those of the leaving keys that signed anything which no staying key signed, save the apex key sets.

    A signature that has expired at ``since`` does not count; whether the others are good is not tried.
    """
    signers = {_signer(key) for key in leaving}
    tags = [key_tag.to_bytes(2, "big") for _, key_tag in signers]
    alone: set[Signer] = set()
    below_too = not zone.signature_tags().isdisjoint(key_tag for _, key_tag in signers)
    for owner, node in zone.nodes() if below_too else [(zone.apex, zone.apex_node)]:
        if not any(tag in node for tag in tags):  # cheap, and rules out nearly every node
            continue
        for rdtype, covers, records in split_node(node):
            if rdtype == rd.RRSIG and not (owner == zone.apex and covers in rd.KSK_SIGNED_TYPES):
                rdatas = [rdata_of(record) for record in records]
                lasting = {signer_of(rdata) for rdata in rdatas if not has_expired(rdata, since)}
                if lasting.isdisjoint(staying.signers):
                    alone |= {signer_of(rdata) for rdata in rdatas} & signers
    return alone
