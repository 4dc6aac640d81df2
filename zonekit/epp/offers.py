"""What the registry-facilitated flow says and no RFC has a frame for: zonekit's own extension, :data:`namespaces.TRANSFER`.

**Along with other frames.** An :class:`Offer` goes along with a key relay (RFC 8063): as an extension of the ``create`` of the
gaining registrar, and of the poll message that hands the keys to the losing one. A :class:`~zonekit.transfer.receipts.Receipt`
and a :class:`Report` go along with a domain ``update`` that has nothing else: the losing registrar sends it, which is the
sponsor (RFC 5730 section 2.7.3).

**Notices.** What the registry tells of itself is a poll message with one element of this namespace as its data: the receipt, as
it came, to the gaining registrar; :class:`WaitNotice` and :class:`NsNotice` to both; :class:`AuthInfoRequest` to the losing
registrar; :class:`AuthInfoNotice` and :class:`RemovalNotice` to the gaining one.

Elements, in this order, ``?`` where one may be left out and ``*`` where there may be several::

    offer            ttl, domain:ns, secDNS:dsData*
    receipt          name, by, at, key*
      key            owner, keyTag, alg, flags, digest, refusal*, publication?, ds
      refusal        code, reason, rule?, remedy?
      publication    state, at, (ttl, cachedUntil)?
    report           name, serial, merged, lowered, nsTTL, dnskeyTTL
    wait             name, until, record, ttl
    authInfoRequest  name, requester
    authInfoNotice   name, domain:authInfo
    nsNotice         name, at, domain:ns
    removalNotice    name, notBefore, secDNS:dsData*

``domain:ns`` and ``domain:authInfo`` are those of RFC 5731, ``secDNS:dsData`` that of RFC 5910 without a key in it. Names are
written without the last dot, instants in UTC, TTLs in seconds. What a receipt says is said in
:mod:`zonekit.transfer.receipts`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeAlias

from zonekit.ds import DsData
from zonekit.epp import checks
from zonekit.epp.checks import check_fields
from zonekit.epp.domains import AUTH_INFO, AuthInfo, NameServers
from zonekit.errors import EppError
from zonekit.transfer import values
from zonekit.transfer.values import Fields
from zonekit.ttl import Ttl


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What the gaining side offers beside its keys, and asks for.

    Attributes:
        name_servers: the name servers that the delegation is to name.
        ds: the DS records that are to join those at the parent, each of a relayed key; at least one.
        ttl: what the losing side is asked to lower the TTLs of its apex NS and DNSKEY RRsets to, in seconds.

    Raises:
        EppError: no DS, or one twice, or a field of the wrong type.
        TtlError: ``ttl`` is not a TTL.
    """

    name_servers: NameServers
    ds: tuple[DsData, ...]
    ttl: Ttl

    def __post_init__(self) -> None:
        check_fields(_OFFER, self, "an offer")
        _check_ds(self.ds, "an offer")


_DS: Final = values.tuple_of(values.a(DsData))
_OFFER: Final = Fields(needed={"name_servers": values.a(NameServers), "ds": _DS, "ttl": values.ttl})


def _check_ds(ds: tuple[DsData, ...], whose: str) -> None:
    if not ds or len(set(ds)) < len(ds):
        raise EppError(f"{whose} has no DS, or one twice", remedy="give each once")


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What the losing side says it has done: its zone has the gaining keys, and the TTLs of its apex are low.

    Attributes:
        name: the domain.
        serial: the SOA serial of that zone.
        merged: since when the last of its servers gives the gaining keys.
        lowered: since when the last of them gives the low TTLs.
        ns_ttl: the TTL of its apex NS RRset now, in seconds.
        dnskey_ttl: the TTL of its DNSKEY RRset.

    Raises:
        EppError, DomainNameError, TimeError, TtlError: a field is none that EPP can carry.
    """

    name: str
    serial: int
    merged: datetime
    lowered: datetime
    ns_ttl: Ttl
    dnskey_ttl: Ttl

    def __post_init__(self) -> None:
        check_fields(_REPORT, self, "a report")


_REPORT: Final = Fields(
    needed={
        "name": checks.domain_name,
        "serial": values.number(0, 2**32 - 1),
        "merged": values.instant,
        "lowered": values.instant,
        "ns_ttl": values.ttl,
        "dnskey_ttl": values.ttl,
    }
)


# ---- what the registry tells ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitNotice:
    """Until when the NS RRset may not be changed, and which record keeps it.

    Attributes:
        name: the domain.
        until: the first instant at which it may be.
        record: the record that caches hold the longest without what was added: ``DS at the parent``.
        ttl: its TTL, in seconds.

    Raises:
        EppError, DomainNameError, TimeError, TtlError: a field is none that EPP can carry.
    """

    name: str
    until: datetime
    record: str
    ttl: Ttl

    def __post_init__(self) -> None:
        check_fields(_WAIT, self, "the notice of a wait")


_WAIT: Final = Fields(
    needed={
        "name": checks.domain_name,
        "until": values.instant,
        "record": checks.token(1, 255),
        "ttl": values.ttl,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthInfoRequest:
    """The registry asks the losing registrar for the authinfo code, which is given in a domain update.

    Attributes:
        name: the domain.
        requester: the registrar that is going to ask for the transfer.

    Raises:
        EppError, DomainNameError: a field is none that EPP can carry.
    """

    name: str
    requester: str

    def __post_init__(self) -> None:
        check_fields(_ASKED, self, "a request for authinfo")


_ASKED: Final = Fields(needed={"name": checks.domain_name, "requester": checks.client_id})


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthInfoNotice:
    """The authinfo code that the losing registrar gave, for the gaining one to ask for the transfer with.

    Attributes:
        name: the domain.
        auth_info: the code.

    Raises:
        EppError, DomainNameError: a field is none that EPP can carry.
    """

    name: str
    auth_info: AuthInfo

    def __post_init__(self) -> None:
        check_fields(_GIVEN, self, "the notice of authinfo")


_GIVEN: Final = Fields(needed={"name": checks.domain_name, "auth_info": AUTH_INFO})


@dataclass(frozen=True, slots=True, kw_only=True)
class NsNotice:
    """The registry has begun to change the NS RRset: the losing zone may follow, the gaining side verifies.

    Attributes:
        name: the domain.
        at: when the first server of the parent may give it.
        name_servers: the name servers that it names from now on.

    Raises:
        EppError, DomainNameError, TimeError: a field is none that EPP can carry.
    """

    name: str
    at: datetime
    name_servers: NameServers

    def __post_init__(self) -> None:
        check_fields(_CHANGED, self, "the notice of an NS change")


_CHANGED: Final = Fields(
    needed={"name": checks.domain_name, "at": values.instant, "name_servers": values.a(NameServers)}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RemovalNotice:
    """The gaining registrar may remove the losing DS, from an instant on.

    Attributes:
        name: the domain.
        not_before: the first instant at which nobody needs it any more, as far as is known.
        ds: the losing DS records, all of them.

    Raises:
        EppError: no DS, or one twice, or a field of the wrong type.
        DomainNameError, TimeError: a field is none that EPP can carry.
    """

    name: str
    not_before: datetime
    ds: tuple[DsData, ...]

    def __post_init__(self) -> None:
        check_fields(_REMOVAL, self, "the notice of a removal")
        _check_ds(self.ds, f"the notice of a removal for {self.name}")


_REMOVAL: Final = Fields(needed={"name": checks.domain_name, "not_before": values.instant, "ds": _DS})

Announcement: TypeAlias = WaitNotice | AuthInfoRequest | AuthInfoNotice | NsNotice | RemovalNotice
"""What the registry tells of itself."""
