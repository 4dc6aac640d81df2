"""The receipt for DNSKEYs: what the losing side hands back to the gaining one, as a value and as JSON.

Which keys were received, which of them were refused and why, when the others are published, and until when caches may hold
the DNSKEY RRset without them. It holds public facts alone, and each key by its tag and digest.

**A receipt** (JSON, ``"format": "zonekit-receipt", "version": 1``)::

    domain                       the domain
    by                           who received the keys
    at                           when they were received and checked
    keys                         a list, in the order in which they were offered, of
                                 owner, key_tag, algorithm, flags
                                 digest       its SHA-256 digest, as in a DS record, in hexadecimal
                                 accepted     true or false
                                 refusals     the reasons, all of them: a list of {code, reason, rule, remedy}; empty where
                                              it was accepted
                                 publication  may be left out where nothing is known of it: {state, at, ttl, cached_until}:
                                              "published" or "planned"; since when it has been seen or when it is going to
                                              be begun; the TTL of the DNSKEY RRset that caches may hold without it; and
                                              until when they may
                                 ds           "published", "missing", "not needed" or "not looked at"

Instants are ISO 8601 with a zone, a TTL is seconds or a text such as ``1d12h``.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from zonekit import rdata as rd
from zonekit.algorithms import DigestType, digest
from zonekit.dnskeys import (
    MAX_RESPONSE_OCTETS,
    NO_ROLES,
    Dnskey,
    check_intake,
    dnskeys_of,
)
from zonekit.ds import matches_ds
from zonekit.errors import DnskeyRefused, PlanError, ResponseTooLarge
from zonekit.instants import instant_text, utc
from zonekit.keys import KeyRole
from zonekit.names import name_text
from zonekit.transfer import fields, values
from zonekit.transfer.fields import Shape
from zonekit.transfer.ledger import Record
from zonekit.transfer.plan import Plan, PlannedStep
from zonekit.transfer.sightings import NOT_LOOKED_AT, Unseen
from zonekit.transfer.steps import Effect
from zonekit.transfer.versions import Source
from zonekit.ttl import Ttl
from zonekit.zones import RRset, Zone

RECEIPT_FORMAT: Final = "zonekit-receipt"
VERSION: Final = 1
MAX_KEYS: Final = 64
"""How many keys are taken at a time; no zone has so many, and each is held against those before it."""
_DIGEST: Final = re.compile(r"[0-9A-F]{64}", re.ASCII)
_NOTHING: Final = timedelta(0)


class PublicationState(enum.Enum):
    """How far the publication of a key has come."""

    PUBLISHED = "published"
    PLANNED = "planned"


class DsState(enum.Enum):
    """Whether the parent has the DS of a key."""

    PUBLISHED = "published"
    MISSING = "missing"
    NOT_NEEDED = "not needed"
    """It has no SEP flag, and the parent has no DS of it."""
    NOT_LOOKED_AT = "not looked at"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why a key was refused.

    Attributes:
        code: the check that it failed, a stable word such as ``key-tag-collision``: the name of the exception.
        reason: what is wrong.
        rule: the clause that decides; empty when none does.
        remedy: what to do about it; empty when the reason says it all.

    Raises:
        PlanError: the code is no word, there is no reason, or a text is not of one line.
    """

    code: str
    reason: str
    rule: str = ""
    remedy: str = ""

    def __post_init__(self) -> None:
        _REFUSAL_FIELDS.check(self, "a refusal")

    @classmethod
    def of(cls, refused: DnskeyRefused) -> Refusal:
        """Return the refusal that an intake check raised.

        >>> from zonekit.errors import RevokedKey
        >>> Refusal.of(RevokedKey("key 4711 is revoked", owner="example.nl.")).code
        'revoked-key'
        """
        word = re.sub(r"(?<!^)(?=[A-Z])", "-", type(refused).__name__).lower()
        return cls(code=word, reason=refused.problem, rule=refused.rule, remedy=refused.remedy)


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """When a key is published, and what caches may hold without it.

    Attributes:
        state: whether it is published or going to be.
        at: since when it has been, as far as is known, or when that is going to be begun.
        ttl: the TTL of the DNSKEY RRset without it, in seconds.
        cached_until: until when caches may hold that, at the latest.

    Raises:
        PlanError: caches are rid of it before the key is published, or a field has the wrong type.
        TtlError: ``ttl`` is not a TTL.
        TimeError: an instant is naive.
    """

    state: PublicationState
    at: datetime
    ttl: Ttl
    cached_until: datetime

    def __post_init__(self) -> None:
        _PUBLICATION_FIELDS.check(self, "a publication")
        if self.cached_until < self.at:
            raise PlanError(
                f"a key is published at {instant_text(self.at)}, and caches hold nothing without it after"
                f" {instant_text(self.cached_until)}, which is before",
                remedy="check the two instants",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedKey:
    """A key that was received.

    Attributes:
        owner: its owner in presentation form.
        key_tag: its key tag (RFC 4034 appendix B).
        algorithm: its algorithm number.
        flags: its flags field.
        digest: its SHA-256 digest as in a DS record, in upper-case hexadecimal, also where no DS is made of it.
        refusals: why it was refused: every reason; none where it was accepted.
        publication: when it is published; None where nothing is known of that, or it was refused.
        ds: whether the parent has its DS.

    Raises:
        PlanError: a field has the wrong type or is out of bounds, or a refused key is to be published.
        DomainNameError: the owner is no domain name.
    """

    owner: str
    key_tag: int
    algorithm: int
    flags: int
    digest: str
    refusals: tuple[Refusal, ...] = ()
    publication: Publication | None = None
    ds: DsState = DsState.NOT_LOOKED_AT

    def __post_init__(self) -> None:
        _KEY_FIELDS.check(self, "a received key")
        if self.refusals and self.publication is not None and self.publication.state is PublicationState.PLANNED:
            raise PlanError(
                f"key {self.key_tag} of {self.owner} was refused and is to be published",
                remedy="leave out the publication, or the refusals",
            )

    @property
    def is_accepted(self) -> bool:
        """Whether it was accepted."""
        return not self.refusals


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What became of the keys that the losing side received.

    Attributes:
        domain: the domain, in presentation form.
        by: who received them.
        at: when they were received and checked.
        keys: the keys, in the order in which they were offered.

    Raises:
        PlanError: no key, nobody is named, or a field has the wrong type.
        TimeError: ``at`` is naive.
        DomainNameError: the domain is none.
    """

    domain: str
    by: str
    at: datetime
    keys: tuple[ReceivedKey, ...]

    def __post_init__(self) -> None:
        _RECEIPT_FIELDS.check(self, "a receipt")
        if not self.keys:
            raise PlanError(f"{self.domain}: a receipt for no key", remedy="say which keys were received")

    @property
    def accepted(self) -> tuple[ReceivedKey, ...]:
        """The keys that were accepted."""
        return tuple(key for key in self.keys if key.is_accepted)

    @property
    def refused(self) -> tuple[ReceivedKey, ...]:
        """The keys that were not."""
        return tuple(key for key in self.keys if not key.is_accepted)

    @property
    def cached_until(self) -> datetime | None:
        """Until when caches may hold a DNSKEY RRset without one of the accepted keys; None where that is not known."""
        known = [key.publication for key in self.accepted]
        dates = [each.cached_until for each in known if each is not None]
        return max(dates) if dates and len(dates) == len(known) else None

    def as_json(self) -> str:
        """Return it as JSON, with a final newline; :meth:`from_json` gives back an equal receipt.

        Raises:
            TimeError: a date lies beyond 2106.
        """
        return fields.json_text(
            {
                "format": RECEIPT_FORMAT,
                "version": VERSION,
                "domain": self.domain,
                "by": self.by,
                "at": instant_text(self.at),
                "keys": [_key_object(key) for key in self.keys],
            }
        )

    @classmethod
    def from_json(cls, text: str) -> Receipt:
        """Return the receipt that a JSON text holds.

        Raises:
            PlanError: it is not a receipt in this format; the message begins with the path of the field at fault.

        >>> Receipt.from_json('{"format": "zonekit-receipt", "version": 1, "domain": "example.nl"}')
        Traceback (most recent call last):
        zonekit.errors.PlanError: by: is missing; say what it is
        """
        found = fields.parse_json(text, remedy="give what the losing side handed back as a receipt")
        return _RECEIPT(fields.headed(found, RECEIPT_FORMAT, version=VERSION), "")


# ---- making one -----------------------------------------------------------------------------------------------------


def make_receipt(
    zone: Zone,
    offered: Iterable[Dnskey] | RRset | Zone,
    *,
    by: str,
    at: datetime,
    plan: Plan | None = None,
    publish_at: datetime | None = None,
    propagation_delay: timedelta = _NOTHING,
    parent_ds: RRset | Unseen = NOT_LOOKED_AT,
    roles: Mapping[Dnskey, KeyRole] = NO_ROLES,
    max_response_octets: int | None = MAX_RESPONSE_OCTETS,
) -> Receipt:
    """Return the receipt for keys that another operator offers to a zone.

    Each goes through the intake checks (:func:`zonekit.dnskeys.check_intake`) with all those before it. When the accepted ones are
    published is what the plan says, or ``publish_at``; without either, and where they are there already, it is known only
    that caches hold nothing older for longer than a TTL from now.

    Args:
        zone: the zone as it is now.
        offered: the keys; or a DNSKEY RRset or a zone, of which all keys are meant.
        by: who received them.
        at: when they were received and checked.
        plan: the plan of the transfer, if there is one.
        publish_at: when the accepted keys are going to be published, where no plan says so.
        propagation_delay: how long that takes until the last server gives them, likewise.
        parent_ds: the DS RRset at the parent.
        roles: what the other operator says a key is, for those of which it says anything.
        max_response_octets: what the DNSKEY response may at most come to; None for no limit.

    Raises:
        ZoneError: there is no DNSKEY RRset at the apex of the zone, or of the one offered.
        RdataError: an RRset was given and is no DNSKEY RRset.
        PlanError: no keys or too many, a plan of another domain, a plan and ``publish_at`` as well, or nobody is named.
        TimeError: an instant is naive.
        AlgorithmError, SigningKeyError: a signer of the zone whose signatures' length cannot be told.
    """
    if isinstance(offered, Zone):
        offered = offered.apex_rrset(rd.DNSKEY)
    keys = dnskeys_of(offered) if isinstance(offered, RRset) else tuple(offered)
    domain = name_text(zone.apex)
    if len(keys) > MAX_KEYS:
        raise PlanError(f"{domain}: {len(keys)} keys are offered", remedy=f"offer at most {MAX_KEYS} at a time")
    if plan is not None and plan.facts.domain.lower() != domain.lower():
        raise PlanError(
            f"the plan is for {plan.facts.domain}, and the zone is {domain}", remedy="give the plan of this domain"
        )
    if plan is not None and publish_at is not None:
        raise PlanError(f"{domain}: a plan and publish_at are given", remedy="give one of the two")
    received = utc(at)
    refusals = _refusals(zone, keys, roles, max_response_octets)
    published = frozenset(dnskeys_of(zone.apex_rrset(rd.DNSKEY)))
    there = _already(zone, plan, received)
    coming = _planned(plan) if plan is not None else _said(zone, publish_at, propagation_delay)
    return Receipt(
        domain=domain,
        by=by,
        at=received,
        keys=tuple(
            ReceivedKey(
                owner=name_text(key.owner),
                key_tag=key.key_tag,
                algorithm=key.algorithm,
                flags=key.flags,
                digest=digest(DigestType.SHA256, key.owner.lower() + key.dnskey_rdata).hex().upper(),
                refusals=reasons,
                publication=there if key in published else None if reasons else coming,
                ds=_ds_state(key, parent_ds),
            )
            for key, reasons in zip(keys, refusals, strict=True)
        ),
    )


def _refusals(
    zone: Zone, keys: tuple[Dnskey, ...], roles: Mapping[Dnskey, KeyRole], max_response_octets: int | None
) -> list[tuple[Refusal, ...]]:
    """For each key, every reason why it may not go into the zone after those before it."""
    found = []
    before = 0
    for count in range(1, len(keys) + 1):
        refused = check_intake(zone, keys[:count], roles=roles, max_response_octets=None).refused
        found.append(tuple(map(Refusal.of, refused[before:])))
        before = len(refused)
    whole = check_intake(zone, keys, roles=roles, max_response_octets=max_response_octets)
    for refusal in whole.refused:
        if isinstance(refusal, ResponseTooLarge):
            taken = set(whole.accepted)
            found = [
                (Refusal.of(refusal),) if not reasons and key not in taken else reasons
                for key, reasons in zip(keys, found, strict=True)
            ]
    return found


def _already(zone: Zone, plan: Plan | None, at: datetime) -> Publication:
    """What is known of keys that are in the zone: by the record of the plan, or else that they are now."""
    merged = None if plan is None else _merging(plan)
    if plan is not None and merged is not None and merged.recorded:
        ttl = _dnskey_ttl(plan)
        until = merged.completed + timedelta(seconds=ttl)
        return Publication(state=PublicationState.PUBLISHED, at=merged.completed, ttl=ttl, cached_until=until)
    ttl = zone.apex_rrset(rd.DNSKEY).ttl if plan is None else max(_dnskey_ttl(plan), zone.apex_rrset(rd.DNSKEY).ttl)
    return Publication(state=PublicationState.PUBLISHED, at=at, ttl=ttl, cached_until=at + timedelta(seconds=int(ttl)))


def _planned(plan: Plan) -> Publication | None:
    merged = _merging(plan)
    if merged is None:
        return None
    ttl = _dnskey_ttl(plan)
    return Publication(
        state=PublicationState.PLANNED,
        at=merged.started,
        ttl=ttl,
        cached_until=merged.completed + timedelta(seconds=int(ttl)),
    )


def _merging(plan: Plan) -> PlannedStep | None:
    """The step that publishes the keys; None in a flow that merges nothing."""
    return next((each for each in plan.steps if each.step.effect is Effect.GAINING_KEYS_AT_LOSING), None)


def _dnskey_ttl(plan: Plan) -> Ttl:
    """The TTL that counts: the largest with which the losing DNSKEY RRset was served before the merge."""
    earlier = [ttl for ttl, _ in plan.facts.ledger.of(Source.LOSING, Record.DNSKEY)]
    return max([plan.facts.losing.dnskey_ttl, *earlier])


def _said(zone: Zone, publish_at: datetime | None, propagation_delay: timedelta) -> Publication | None:
    if publish_at is None:
        return None
    at, ttl = utc(publish_at), zone.apex_rrset(rd.DNSKEY).ttl
    values.delay(propagation_delay, "propagation_delay")
    until = at + propagation_delay + timedelta(seconds=int(ttl))
    return Publication(state=PublicationState.PLANNED, at=at, ttl=ttl, cached_until=until)


def _ds_state(key: Dnskey, parent_ds: RRset | Unseen) -> DsState:
    if parent_ds is NOT_LOOKED_AT:
        return DsState.NOT_LOOKED_AT
    rdatas = parent_ds.rdatas if isinstance(parent_ds, RRset) else ()
    if any(matches_ds(rdata, key.owner, key.dnskey_rdata) for rdata in rdatas):
        return DsState.PUBLISHED
    return DsState.MISSING if key.is_sep else DsState.NOT_NEEDED


# ---- as text --------------------------------------------------------------------------------------------------------


def _key_object(key: ReceivedKey) -> dict[str, Any]:
    publication = key.publication
    return {
        "owner": key.owner,
        "key_tag": key.key_tag,
        "algorithm": key.algorithm,
        "flags": key.flags,
        "digest": key.digest,
        "accepted": key.is_accepted,
        "refusals": [
            {"code": each.code, "reason": each.reason, "rule": each.rule, "remedy": each.remedy}
            for each in key.refusals
        ],
        "publication": None
        if publication is None
        else {
            "state": publication.state.value,
            "at": instant_text(publication.at),
            "ttl": publication.ttl,
            "cached_until": instant_text(publication.cached_until),
        },
        "ds": key.ds.value,
    }


def _read_key(*, accepted: bool, **read: Any) -> ReceivedKey:
    key = ReceivedKey(**read)
    if accepted is not key.is_accepted:
        said = "accepted" if accepted else "refused"
        raise PlanError(
            f"key {key.key_tag} is said to be {said} and has {len(key.refusals)} refusals",
            remedy="a key is refused where there is a reason, and accepted where there is none",
        )
    return key


def _line(value: object, where: str) -> object:
    if not isinstance(value, str) or not value.isprintable():
        raise PlanError(f"{where} is not one line of printable characters", remedy="write it in one line")
    return value


def _some_line(value: object, where: str) -> object:
    if not str(value).strip():
        raise PlanError(f"{where} is empty", remedy="say what it is")
    return _line(value, where)


def _digest(value: object, where: str) -> object:
    if not isinstance(value, str) or not _DIGEST.fullmatch(value.upper()):
        raise PlanError(f"{where} is no SHA-256 digest", remedy="give 64 hexadecimal digits", rule="RFC 4509 section 2")
    return value.upper()


_REFUSAL_FIELDS: Final = values.Fields(
    needed={"code": _some_line, "reason": _some_line, "rule": _line, "remedy": _line}
)
_PUBLICATION_FIELDS: Final = values.Fields(
    needed={
        "state": values.a(PublicationState),
        "at": values.instant,
        "ttl": values.ttl,
        "cached_until": values.instant,
    }
)
_KEY_FIELDS: Final = values.Fields(
    needed={
        "owner": values.origin,
        "key_tag": values.number(0, 65535),
        "algorithm": values.number(0, 255),
        "flags": values.number(0, 65535),
        "digest": _digest,
        "refusals": values.tuple_of(values.a(Refusal)),
        "ds": values.a(DsState),
    },
    optional={"publication": values.a(Publication)},
)
_RECEIPT_FIELDS: Final = values.Fields(
    needed={
        "domain": values.origin,
        "by": _some_line,
        "at": values.instant,
        "keys": values.tuple_of(values.a(ReceivedKey)),
    }
)

_KEY: Final = Shape(
    make=_read_key,
    needed={
        "owner": fields.line,
        "key_tag": fields.number(0, 65535),
        "algorithm": fields.number(0, 255),
        "flags": fields.number(0, 65535),
        "digest": fields.line,
        "accepted": fields.flag,
        "refusals": fields.list_of(
            Shape(
                make=Refusal,
                needed={"code": fields.text, "reason": fields.line},
                optional={"rule": fields.line, "remedy": fields.line},
            )
        ),
        "ds": fields.one_of(DsState),
    },
    optional={
        "publication": Shape(
            make=Publication,
            needed={
                "state": fields.one_of(PublicationState),
                "at": fields.instant,
                "ttl": fields.ttl,
                "cached_until": fields.instant,
            },
        )
    },
)
_RECEIPT: Final = Shape(
    make=Receipt,
    needed={"domain": fields.line, "by": fields.text, "at": fields.instant, "keys": fields.list_of(_KEY)},
)
