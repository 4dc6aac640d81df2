"""What is known of a registry: what it takes over EPP, what it does by itself, and how long that takes.

One file of it serves plans and frames alike: :meth:`RegistryProfile.parent_facts` gives the facts of the parent that a plan
rests on, and :mod:`zonekit.epp.steps` writes no frame that the registry would refuse.

**A profile** (TOML)::

    name                         what it is called in messages
    zone                         the zone that it keeps
    [dnssec]
      interface                  "ds-data": it takes DS records; "ds-data-with-key": DS records, each with the key that it is of;
                                 "key-data": keys, of which it makes the DS records itself (RFC 5910 section 4)
      most                       how many DS records, or keys, a domain may have
      on_transfer                "keep" or "drop": what becomes of them when the domain goes to another registrar
      digest_types               may be left out: the digest types that it takes or makes; 2 or 4 is among them
      algorithms                 may be left out: the algorithms of the keys that it takes
      urgent                     may be left out: whether it takes urgent changes (RFC 5910 section 5.2.5); false
      max_sig_life               may be left out: whether it takes maxSigLife (RFC 5910 section 3.3); false
    [name_servers]
      form                       "hostObj": host objects; "hostAttr": names with addresses (RFC 5731 section 1.1)
      least, most                how many a domain may have
    [transfer]                   may be left out, and each of its fields
      automatic_approval         after how long it approves a transfer that nobody answered, or "never"; 5 days
      key_relay                  whether it relays keys (RFC 8063); false
      facilitated                whether it carries the registry-facilitated flow; false
    [times]
      ds_ttl, ns_ttl             the TTLs of DS and NS in its zone
      negative_ttl               how long a cache may hold that there is no DS
      propagation_delay          until a change is on its last server
      registration_delay         until a request has reached the first
      glue_ttl                   may be left out: the TTL of addresses in its zone
      scan_delay                 may be left out where it does not scan: until its scanner has taken a change, at most
      check_delay                may be left out where it checks nothing: how long each of its checks takes, at most
    [[statuses]]                 may be left out: statuses that stand in the way by its policy, where no RFC says so
      status                     the word
      stops                      a list of "update", "transfer request" and "transfer answer"
      reason, remedy             what it means, and what to do about it

TTLs and delays are seconds, or texts such as ``1d12h``. Nothing that is needed is guessed.
"""

from __future__ import annotations

import enum
import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from zonekit.epp import checks
from zonekit.epp.checks import check_fields
from zonekit.epp.domains import NsForm
from zonekit.epp.statuses import Operation, StatusRule
from zonekit.errors import EppError, PlanError
from zonekit.names import is_subdomain, parse_origin
from zonekit.transfer import fields, values
from zonekit.transfer.facts import Timing
from zonekit.transfer.fields import Shape
from zonekit.transfer.parties import Channel, ParentFacts
from zonekit.transfer.values import PARENT_HOW_TO_FIND, Fields
from zonekit.transfer.versions import SIGNING_ALGORITHMS, DsEntry
from zonekit.ttl import Ttl

MADE_DIGESTS: Final = (2, 4)
"""The digest types that a DS may be added with: SHA-256 and SHA-384 (RFC 9904)."""
_FIVE_DAYS: Final = timedelta(days=5)
_OCTETS: Final = values.set_of(values.number(0, 255))
_LABEL: Final = re.compile(r"[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?")


class Interface(enum.Enum):
    """What a registry takes of DNSSEC (RFC 5910 section 4)."""

    DS_DATA = "ds-data"
    """DS records."""
    DS_DATA_WITH_KEY = "ds-data-with-key"
    """DS records, each with the key that it is of, for the registry to check (section 4.1)."""
    KEY_DATA = "key-data"
    """Keys, of which it makes the DS records itself (section 4.2)."""

    @property
    def takes_keys(self) -> bool:
        """Whether it takes keys in place of DS records."""
        return self is Interface.KEY_DATA


class OnTransfer(enum.Enum):
    """What becomes of the DS of a domain when that goes to another registrar; no RFC says."""

    KEEP = "keep"
    DROP = "drop"


@dataclass(frozen=True, slots=True, kw_only=True)
class DnssecPolicy:
    """What a registry takes of DNSSEC.

    Attributes:
        interface: DS records, DS records with keys, or keys.
        most: how many of them a domain may have.
        on_transfer: what becomes of them when the domain goes to another registrar.
        digest_types: the digest types of DS records that it takes, or makes of keys; None where it takes any.
        algorithms: the algorithms that it takes; None where it takes any.
        urgent: whether it takes urgent changes.
        max_sig_life: whether it takes a longest validity of its signatures.

    Raises:
        EppError: a field has the wrong type or is out of bounds, or it takes no digest type that a DS is to be added with, no
            algorithm, or one that no zone is signed with.
    """

    interface: Interface
    most: int
    on_transfer: OnTransfer
    digest_types: frozenset[int] | None = None
    algorithms: frozenset[int] | None = None
    urgent: bool = False
    max_sig_life: bool = False

    def __post_init__(self) -> None:
        check_fields(_DNSSEC_FIELDS, self, "the DNSSEC policy of a registry")
        if self.digest_types is not None and self.digest_types.isdisjoint(MADE_DIGESTS):
            raise EppError(
                "digest_types has neither 2 (SHA-256) nor 4 (SHA-384), and no DS record is to be added with another",
                remedy="ask the registry, or leave it out where it takes any",
                rule="RFC 9904",
            )
        if self.algorithms is None:
            return
        unknown = sorted(self.algorithms - SIGNING_ALGORITHMS)
        if unknown or not self.algorithms:
            found = f"has {', '.join(map(str, unknown))}, with which no zone is signed" if unknown else "is empty"
            raise EppError(
                f"algorithms {found}",
                remedy="give the algorithm numbers that it takes, or leave it out where it takes any",
                rule="RFC 4034 appendix A.1",
            )

    @property
    def digest_type(self) -> int:
        """The digest type that DS records are added with: SHA-256 where it takes that."""
        return next(each for each in MADE_DIGESTS if self.digest_types is None or each in self.digest_types)


_DNSSEC_FIELDS: Final = Fields(
    needed={
        "interface": values.a(Interface),
        "most": values.number(1, 99),
        "on_transfer": values.a(OnTransfer),
        "urgent": values.flag,
        "max_sig_life": values.flag,
    },
    optional={"digest_types": _OCTETS, "algorithms": _OCTETS},
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NameServerPolicy:
    """How a registry takes name servers.

    Attributes:
        form: by host objects, or by names with addresses.
        least: how many a domain needs.
        most: how many it may have.

    Raises:
        EppError: a field has the wrong type or is out of bounds, or none could be right.
    """

    form: NsForm
    least: int
    most: int

    def __post_init__(self) -> None:
        check_fields(_NS_FIELDS, self, "the name server policy of a registry")
        if self.least > self.most:
            raise EppError(
                f"a domain needs at least {self.least} name servers and may have {self.most} at most",
                remedy="ask the registry",
            )


_NS_FIELDS: Final = Fields(
    needed={"form": values.a(NsForm), "least": values.number(0, 99), "most": values.number(1, 99)}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferPolicy:
    """What a registry does in a transfer to another registrar, and what it relays.

    Attributes:
        automatic_approval: after how long it approves a transfer that the losing registrar has not answered (RFC 5730 section
            2.9.3.4); None where it never does.
        key_relay: whether it relays keys (RFC 8063).
        facilitated: whether it carries the registry-facilitated flow.

    Raises:
        EppError: a field has the wrong type or is out of bounds, or it carries the flow and relays no keys.
    """

    automatic_approval: timedelta | None = _FIVE_DAYS
    key_relay: bool = False
    facilitated: bool = False

    def __post_init__(self) -> None:
        check_fields(_TRANSFER_FIELDS, self, "the transfer policy of a registry")
        if self.facilitated and not self.key_relay:
            raise EppError(
                "a registry that carries the registry-facilitated flow relays keys, and key_relay says that it does not",
                remedy="ask the registry which of both is right",
                rule="RFC 8063",
            )


_TRANSFER_FIELDS: Final = Fields(
    needed={"key_relay": values.flag, "facilitated": values.flag}, optional={"automatic_approval": values.delay}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryTimes:
    """TTLs and delays of a registry: the fields of :class:`~zonekit.transfer.parties.ParentFacts` of the same names.

    Raises:
        EppError: a TTL or delay is not known, or none.
    """

    ds_ttl: Ttl
    ns_ttl: Ttl
    negative_ttl: Ttl
    propagation_delay: timedelta
    registration_delay: timedelta
    glue_ttl: Ttl | None = None
    scan_delay: timedelta | None = None
    check_delay: timedelta | None = None

    def __post_init__(self) -> None:
        check_fields(_TIMES_FIELDS, self, "the times of a registry")


_TIMES_FIELDS: Final = Fields(
    needed={
        "ds_ttl": values.ttl,
        "ns_ttl": values.ttl,
        "negative_ttl": values.ttl,
        "propagation_delay": values.delay,
        "registration_delay": values.delay,
    },
    optional={"glue_ttl": values.ttl, "scan_delay": values.delay, "check_delay": values.delay},
    how_to_find=PARENT_HOW_TO_FIND,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryProfile:
    """A registry.

    Attributes:
        name: what it is called in messages.
        zone: the zone that it keeps, absolute and in lower case.
        dnssec: what it takes of DNSSEC.
        name_servers: how it takes name servers.
        transfer: what it does in a transfer, and what it relays.
        times: its TTLs and delays.
        statuses: the statuses that stand in the way by its policy.

    Raises:
        EppError: a field has the wrong type, a status is there twice, or it checks zones in a transfer and nobody says how long
            that takes.
        DomainNameError: the zone is no domain name.
    """

    name: str
    zone: str
    dnssec: DnssecPolicy
    name_servers: NameServerPolicy
    times: RegistryTimes
    transfer: TransferPolicy = TransferPolicy()
    statuses: tuple[StatusRule, ...] = ()

    def __post_init__(self) -> None:
        check_fields(_PROFILE_FIELDS, self, "a registry")
        names = [rule.status for rule in self.statuses]
        if len(set(names)) < len(names):
            raise EppError("statuses: one is there twice", remedy="give each once, with all that it stops")
        if self.transfer.facilitated and self.times.check_delay is None:
            raise EppError(
                f"times.check_delay: is not known, and {self.name} carries the registry-facilitated flow",
                remedy=PARENT_HOW_TO_FIND["check_delay"],
            )

    def parent_facts(self, ds: Iterable[DsEntry]) -> ParentFacts:
        """Return the facts of the parent that a plan rests on.

        Args:
            ds: the DS records of the domain as they are before the transfer.

        Raises:
            PlanError: a DS has a digest type that validators do not know.
        """
        times = self.times
        channels = {Channel.REQUEST}
        if self.transfer.facilitated:
            channels.add(Channel.KEY_RELAY)
        if times.scan_delay is not None:
            channels.add(Channel.SCANNING)
        return ParentFacts(
            ds=frozenset(ds),
            ds_ttl=times.ds_ttl,
            ns_ttl=times.ns_ttl,
            negative_ttl=times.negative_ttl,
            propagation_delay=times.propagation_delay,
            registration_delay=times.registration_delay,
            glue_ttl=times.glue_ttl,
            scan_delay=times.scan_delay,
            check_delay=times.check_delay,
            digest_type=self.dnssec.digest_type,
            channels=frozenset(channels),
        )

    def timing(self, timing: Timing) -> Timing:
        """Return what the parties settle on with the delay after which this registry approves a transfer by itself.

        Where it never does the delay is left as it is: how long the losing registrar takes is for that to say.
        """
        delay = self.transfer.automatic_approval
        return timing if delay is None else replace(timing, approval_delay=delay)

    def keeps(self, name: str) -> bool:
        """Whether a name lies in its zone.

        Raises:
            DomainNameError: it is no domain name.
        """
        return is_subdomain(parse_origin(name), parse_origin(self.zone))


def _zone_name(value: object, where: str) -> str:
    """Return the name of a zone in which domains are registered."""
    name = checks.domain_name(value, where)
    if not all(_LABEL.fullmatch(label) for label in name.removesuffix(".").split(".")):
        raise EppError(
            f"{where} is {name}, and a zone in which domains are registered has letters, digits and hyphens",
            remedy="give its name, such as example or co.example; one in other scripts as xn--",
            rule="RFC 5730 section 4",
        )
    return name


_PROFILE_FIELDS: Final = Fields(
    needed={
        "name": checks.token(1, 200),
        "zone": _zone_name,
        "dnssec": values.a(DnssecPolicy),
        "name_servers": values.a(NameServerPolicy),
        "times": values.a(RegistryTimes),
        "transfer": values.a(TransferPolicy),
        "statuses": values.tuple_of(values.a(StatusRule)),
    }
)


# ---- reading --------------------------------------------------------------------------------------------------------


def _approval(value: object, path: str) -> timedelta | None:
    return None if value == "never" else fields.duration(value, path)


def _zone(value: object, path: str) -> str:
    name = fields.text(value, path)
    fields.within(path, parse_origin, name)
    return name


_READ_OCTETS: Final = fields.set_of(fields.number(0, 255))
_DNSSEC: Final = Shape(
    make=DnssecPolicy,
    needed={
        "interface": fields.one_of(Interface),
        "most": fields.number(1, 99),
        "on_transfer": fields.one_of(OnTransfer),
    },
    optional={
        "digest_types": _READ_OCTETS,
        "algorithms": _READ_OCTETS,
        "urgent": fields.flag,
        "max_sig_life": fields.flag,
    },
    how_to_find={
        "on_transfer": 'ask the registry whether it keeps the DS when a domain is transferred: "keep" or "drop"'
    },
)
_NAME_SERVERS: Final = Shape(
    make=NameServerPolicy,
    needed={"form": fields.one_of(NsForm), "least": fields.number(0, 99), "most": fields.number(1, 99)},
)
_TRANSFER: Final = Shape(
    make=TransferPolicy,
    needed={},
    optional={"automatic_approval": _approval, "key_relay": fields.flag, "facilitated": fields.flag},
)
_TIMES: Final = Shape(
    make=RegistryTimes,
    needed={
        "ds_ttl": fields.ttl,
        "ns_ttl": fields.ttl,
        "negative_ttl": fields.ttl,
        "propagation_delay": fields.duration,
        "registration_delay": fields.duration,
    },
    optional={"glue_ttl": fields.ttl, "scan_delay": fields.duration, "check_delay": fields.duration},
    how_to_find=PARENT_HOW_TO_FIND,
)
_STATUS: Final = Shape(
    make=StatusRule,
    needed={
        "status": fields.text,
        "stops": fields.set_of(fields.one_of(Operation)),
        "reason": fields.text,
        "remedy": fields.text,
    },
)
_PROFILE: Final = Shape(
    make=RegistryProfile,
    needed={
        "name": fields.text,
        "zone": _zone,
        "dnssec": _DNSSEC,
        "name_servers": _NAME_SERVERS,
        "times": _TIMES,
    },
    optional={"transfer": _TRANSFER, "statuses": fields.list_of(_STATUS)},
)


def read_registry(toml_text: str) -> RegistryProfile:
    """Return the profile of a registry that a TOML text holds.

    Raises:
        PlanError: it is not TOML, or a field is missing, unknown or wrong; the message begins with its path.

    >>> read_registry('name = "a registry"')
    Traceback (most recent call last):
    zonekit.errors.PlanError: zone: is missing; say what it is
    """
    try:
        found = tomllib.loads(toml_text)
    except (ValueError, RecursionError) as error:
        raise PlanError(f"is not TOML: {error}", remedy="see fixtures/registries") from None
    return _PROFILE(found, "")
