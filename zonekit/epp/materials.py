"""What the frames of a transfer are made of: what the registry shows, both sides' keys, the gaining servers, the codes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from zonekit import rdata as rd
from zonekit.dnskeys import Dnskey
from zonekit.epp import checks
from zonekit.epp.checks import check_fields
from zonekit.epp.domains import AUTH_INFO, AuthInfo, DomainInfoData, NameServer, TransferOperation, require_code
from zonekit.epp.frames import Response
from zonekit.epp.keyrelay import Duration, Expiry
from zonekit.epp.offers import Report
from zonekit.epp.secdns import MAX_SIG_LIFE, SecDns
from zonekit.errors import EppError
from zonekit.names import WireName, is_subdomain, name_text, order_key, parse_origin
from zonekit.rdata import print_rdata
from zonekit.transfer import values
from zonekit.transfer.parties import OperatorFacts
from zonekit.transfer.receipts import Receipt
from zonekit.transfer.values import Fields
from zonekit.transfer.versions import Key
from zonekit.zones import Zone

_NO_HOSTS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType({})
_TAG_IN_NAME: Final = re.compile(r"[KZC]SK (\d{1,5}) of the ")
"""How :meth:`zonekit.transfer.facts.Facts.from_zones` names keys."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """What a registry has of a domain, as an answer to ``info`` shows it.

    Attributes:
        info: the domain.
        dnssec: its DNSSEC data; None where it has none.

    Raises:
        EppError: a field has the wrong type.
    """

    info: DomainInfoData
    dnssec: SecDns | None = None

    def __post_init__(self) -> None:
        check_fields(_REGISTERED, self, "what a registry shows")

    @classmethod
    def of(cls, response: Response) -> Registered:
        """Return what an answer shows.

        Raises:
            EppError: it is no answer to a domain info.
        """
        info = next((each for each in response.data if isinstance(each, DomainInfoData)), None)
        if info is None:
            raise EppError(
                "this answer does not show a domain",
                remedy="give the answer to a domain info",
                rule="RFC 5731 section 3.1.2",
            )
        return cls(info=info, dnssec=next((each for each in response.extensions if isinstance(each, SecDns)), None))


_REGISTERED: Final = Fields(needed={"info": values.a(DomainInfoData)}, optional={"dnssec": values.a(SecDns)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """What the frames of a transfer are made of; a step needs some of it, and says what it lacks.

    Attributes:
        registered: what the registry shows now. Without, what it has is taken from the plan, and its statuses are not known.
        gaining_keys: the DNSKEYs of the gaining operator, all of them.
        losing_keys: those of the losing operator.
        gaining_servers: the name servers of the gaining operator, with the addresses of those in the domain.
        hosts: the host objects that are known to be at the registry, by name, with their addresses.
        auth_info: the code: the new one to be set, or the one that a transfer or a key relay is asked for with.
        relay_expiry: until when relayed keys are to be published; until the plan is done where it is not said.
        max_sig_life: the longest validity in seconds that the child wants for the parent's signatures of its DS.
        urgent: whether the registry is asked to change the DS at once.
        operation: what the registrar answers or asks in a transfer: ``APPROVE`` and ``REQUEST`` where it is not said.
        receipt: what the losing side answers to relayed keys in the registry-facilitated flow.
        report: what it says it has done there.
        because: why a transfer is rejected or cancelled, for the record; EPP carries no reason.

    Raises:
        EppError: a field has the wrong type.
        DomainNameError: a host has no domain name.
    """

    registered: Registered | None = None
    gaining_keys: tuple[Dnskey, ...] = ()
    losing_keys: tuple[Dnskey, ...] = ()
    gaining_servers: tuple[NameServer, ...] = ()
    hosts: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: _NO_HOSTS)
    auth_info: AuthInfo | None = None
    relay_expiry: Expiry | None = None
    max_sig_life: int | None = None
    urgent: bool = False
    operation: TransferOperation | None = None
    receipt: Receipt | None = None
    report: Report | None = None
    because: str = ""

    def __post_init__(self) -> None:
        check_fields(_MATERIAL, self, "the material of frames")
        if self.auth_info is not None:
            require_code(self.auth_info, "the material of frames")


def _hosts(value: object, where: str) -> object:
    if not isinstance(value, Mapping):
        raise EppError(f"{where} is no mapping", remedy="give the addresses of each host by its name")
    addresses = values.tuple_of(values.address)
    return MappingProxyType(
        {checks.domain_name(name, where): addresses(found, f"{where}: {name}") for name, found in value.items()}
    )


def _expiry(value: object, where: str) -> object:
    return value if isinstance(value, Duration) else values.instant(value, where)


_DNSKEYS: Final = values.tuple_of(values.a(Dnskey))
_MATERIAL: Final = Fields(
    needed={
        "gaining_keys": _DNSKEYS,
        "losing_keys": _DNSKEYS,
        "gaining_servers": values.tuple_of(values.a(NameServer)),
        "hosts": _hosts,
        "urgent": values.flag,
        "because": checks.token(0, 200),
    },
    optional={
        "registered": values.a(Registered),
        "auth_info": AUTH_INFO,
        "relay_expiry": _expiry,
        "max_sig_life": values.number(1, MAX_SIG_LIFE),
        "operation": values.a(TransferOperation),
        "receipt": values.a(Receipt),
        "report": values.a(Report),
    },
)


# ---- what a zone says -----------------------------------------------------------------------------------------------


def name_servers_of(zone: Zone) -> tuple[NameServer, ...]:
    """Return the name servers that a zone names at its apex, those in the domain with their addresses, for glue.

    Raises:
        ZoneError: it names none.
    """
    return tuple(
        NameServer(name=name_text(name), addresses=_addresses(zone, name)) for name in zone.apex_rrset(rd.NS).rdatas
    )


def _addresses(zone: Zone, server: WireName) -> tuple[str, ...]:
    if not is_subdomain(server, zone.apex):
        return ()
    found = [zone.find(server, rdtype) for rdtype in (rd.A, rd.AAAA)]
    return tuple(print_rdata(rrset.rdtype, rdata) for rrset in found if rrset is not None for rdata in rrset.rdatas)


# ---- the keys that a plan counts on ---------------------------------------------------------------------------------


def signers_of(operator: OperatorFacts, keys: Iterable[Dnskey], domain: str, whose: str) -> dict[Key, Dnskey]:
    """Return the DNSKEYs that sign the DNSKEY RRset of an operator, by the keys that a plan counts on.

    They are told by algorithm and key tag; where the plan does not say the tag, by algorithm and SEP flag.

    Args:
        operator: what the plan says of the operator.
        keys: the DNSKEYs that are given.
        domain: the domain.
        whose: ``gaining`` or ``losing``, for the messages.

    Raises:
        EppError: one that the plan counts on is not given, or two fit where it counts on one.
        DomainNameError: the domain is none.
    """
    apex = order_key(parse_origin(domain))
    given = list(dict.fromkeys(keys))
    for each in given:
        if order_key(each.owner) != apex:
            raise EppError(
                f"{domain}: key {each.key_tag} is of {name_text(each.owner)}", remedy="give the keys of this domain"
            )
    wanted = sorted(operator.dnskey_signers, key=lambda key: tag_of(key) is None)
    found: dict[Key, Dnskey] = {}
    for place, key in enumerate(wanted):
        fitting = [each for each in given if each not in found.values() and _fits(key, each)]
        like_it = [other for other in wanted[place:] if tag_of(other) is None and other.algorithm == key.algorithm]
        if not fitting:
            raise EppError(
                f"{domain}: the plan counts on {key.name}, and no DNSKEY that is given is it",
                remedy=f"give the {whose} DNSKEYs, or plan again with the keys that there are",
            )
        if tag_of(key) is None and len(fitting) > len(like_it):
            tags = ", ".join(str(each.key_tag) for each in fitting)
            raise EppError(
                f"{domain}: the plan counts on {key.name}, and keys {tags} could be it",
                remedy=f"give the {whose} DNSKEYs that sign now, or say the key_tag in the facts",
            )
        found[key] = fitting[0]
    return found


def tag_of(key: Key) -> int | None:
    """Return the key tag that a plan has of a key, as a field of its own or in its name; None where it says none."""
    if key.key_tag is not None:
        return key.key_tag
    named = _TAG_IN_NAME.match(key.name)
    return int(named[1]) if named else None


def _fits(key: Key, dnskey: Dnskey) -> bool:
    if dnskey.algorithm != key.algorithm or dnskey.is_revoked or not dnskey.is_zone_key:
        return False
    tag = tag_of(key)
    return dnskey.is_sep if tag is None else dnskey.key_tag == tag
