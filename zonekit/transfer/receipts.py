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
                                 publication  {state, at, ttl, cached_until}: "published" or "planned"; since when it has
                                              been seen or when it is going to be begun, which is not before the receipt;
                                              the largest TTL of the DNSKEY RRset that caches may hold without it; and until
                                              when they may. null or left out where nothing is known of it, as for a key
                                              that is published by the record of the plan and that the zone does not have.
                                              ttl and cached_until are null or left out, both, where nobody says which TTLs
                                              the RRset had before: do not take the TTL that it has now in their place
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
from zonekit.names import name_text, order_key, parse_origin
from zonekit.transfer import fields, values
from zonekit.transfer.facts import Facts
from zonekit.transfer.fields import Shape
from zonekit.transfer.intervals import zsk_publication_interval
from zonekit.transfer.ledger import Record
from zonekit.transfer.plan import Plan, PlannedStep
from zonekit.transfer.sightings import NOT_LOOKED_AT, Unseen
from zonekit.transfer.steps import Effect
from zonekit.transfer.versions import Source
from zonekit.ttl import Ttl, to_ttl
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
        ttl: the largest TTL of the DNSKEY RRset without it that caches may hold, in seconds; None where that is not known.
        cached_until: until when they may, at the latest; None where that is not known.

    Raises:
        PlanError: caches are rid of it before the TTL has run out from ``at``, one of the two is known without the other, or a
            field has the wrong type.
        TtlError: ``ttl`` is not a TTL.
        TimeError: an instant is naive.
    """

    state: PublicationState
    at: datetime
    ttl: Ttl | None = None
    cached_until: datetime | None = None

    def __post_init__(self) -> None:
        _PUBLICATION_FIELDS.check(self, "a publication")
        if self.ttl is None or self.cached_until is None:
            if self.ttl is not None or self.cached_until is not None:
                raise PlanError(
                    "of ttl and cached_until of a publication one is known and the other is not",
                    remedy="give both or neither",
                )
        elif self.cached_until < self.at + timedelta(seconds=self.ttl):
            raise PlanError(
                f"a key is published at {instant_text(self.at)}, and caches hold nothing without it after"
                f" {instant_text(self.cached_until)}, which is before a TTL of {self.ttl} has run out",
                remedy="check the two instants and the TTL",
                rule="RFC 7583 section 3.2.1",
            )

    def goes_with(self, instant: datetime) -> bool:
        """Return whether it can be told at an instant: what is published has been by then, what is planned lies ahead."""
        return self.at <= instant if self.state is PublicationState.PUBLISHED else instant <= self.at


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
        PlanError: no key, an accepted key of another owner, a key published after the receipt or planned for before it, nobody
            is named, or a field has the wrong type.
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
        apex = order_key(parse_origin(self.domain))
        for key in self.accepted:
            if order_key(parse_origin(key.owner)) != apex:
                raise PlanError(
                    f"{self.domain}: key {key.key_tag} of {key.owner} is said to be accepted, and is of another zone",
                    remedy="refuse it, or give the receipt of its domain",
                    rule="RFC 4035 section 2.1",
                )
        for key in self.keys:
            if key.publication is not None and not key.publication.goes_with(self.at):
                raise PlanError(
                    f"{self.domain}: key {key.key_tag} is {key.publication.state.value} at"
                    f" {instant_text(key.publication.at)}, and the receipt is of {instant_text(self.at)}",
                    remedy="what is published has been by the time of the receipt, and what is planned comes after it",
                )

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
        dates = [None if key.publication is None else key.publication.cached_until for key in self.accepted]
        known = [date for date in dates if date is not None]
        return max(known) if known and len(known) == len(dates) else None

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
    facts: Facts | None = None,
    publish_at: datetime | None = None,
    propagation_delay: timedelta = _NOTHING,
    dnskey_ttl_before: int | None = None,
    parent_ds: RRset | Unseen = NOT_LOOKED_AT,
    roles: Mapping[Dnskey, KeyRole] = NO_ROLES,
    max_response_octets: int | None = MAX_RESPONSE_OCTETS,
) -> Receipt:
    """Return the receipt for keys that another operator offers to a zone.

    Each goes through the intake checks (:func:`zonekit.dnskeys.check_intake`) with all those before it. When the accepted ones are
    published is what the plan says, or ``publish_at``, and no sooner than now; of those that are there already it is known
    that they are now, or since when by the record of the plan. A key that is not there although the plan has it on record
    has no publication.

    Until when caches lack them is told where the TTLs of before are known: of a plan or facts, or ``dnskey_ttl_before``.
    The TTL that the zone has now may be a lowered one, and caches keep the old RRset for as long as its own TTL.

    Args:
        zone: the zone as it is now.
        offered: the keys; or a DNSKEY RRset or a zone, of which all keys are meant.
        by: who received them.
        at: when they were received and checked.
        plan: the plan of the transfer, if there is one.
        facts: what is known about the domain, where there is no plan.
        publish_at: when the accepted keys are going to be published, where no plan says so.
        propagation_delay: how long that takes until the last server gives them, where neither plan nor facts say that it
            takes longer.
        dnskey_ttl_before: the largest TTL with which the DNSKEY RRset was served lately, in seconds, where neither plan nor
            facts have a larger one.
        parent_ds: the DS RRset at the parent.
        roles: what the other operator says a key is, for those of which it says anything.
        max_response_octets: what the DNSKEY response may at most come to; None for no limit.

    Raises:
        ZoneError: there is no DNSKEY RRset at the apex of the zone, or of the one offered.
        RdataError: an RRset was given and is no DNSKEY RRset.
        PlanError: no keys or too many, a plan or facts of another domain, a plan and facts or ``publish_at`` as well, a
            ``publish_at`` before ``at``, or nobody is named.
        TtlError: ``dnskey_ttl_before`` is not a TTL.
        TimeError: an instant is naive.
        AlgorithmError, SigningKeyError: a signer of the zone whose signatures' length cannot be told.
    """
    if isinstance(offered, Zone):
        offered = offered.apex_rrset(rd.DNSKEY)
    keys = dnskeys_of(offered) if isinstance(offered, RRset) else tuple(offered)
    domain = name_text(zone.apex)
    if len(keys) > MAX_KEYS:
        raise PlanError(f"{domain}: {len(keys)} keys are offered", remedy=f"offer at most {MAX_KEYS} at a time")
    if plan is not None and (facts is not None or publish_at is not None):
        raise PlanError(
            f"{domain}: a plan and {'facts' if facts is not None else 'publish_at'} are given",
            remedy="give the plan alone, which says both",
        )
    known = facts if plan is None else plan.facts
    if known is not None and order_key(parse_origin(known.domain)) != order_key(zone.apex):
        what = "the facts are" if plan is None else "the plan is"
        raise PlanError(f"{what} for {known.domain}, and the zone is {domain}", remedy="give those of this domain")
    received = utc(at)
    values.delay(propagation_delay, "propagation_delay")
    delay = propagation_delay if known is None else max(propagation_delay, known.losing.propagation_delay)
    cached = _Cached.of(zone, known, dnskey_ttl_before)
    refusals = _refusals(zone, keys, roles, max_response_octets)
    published = frozenset(dnskeys_of(zone.apex_rrset(rd.DNSKEY)))
    there = _already(plan, received, delay, cached)
    coming = _said(publish_at, received, delay, cached) if plan is None else _planned(plan, received, cached)
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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cached:
    """The TTLs of the DNSKEY RRset without the keys that caches may hold.

    Attributes:
        ttl: the largest with which it is served to the last; None where nobody says what it was before.
        earlier: those with which it was served before that, and until when each.
    """

    ttl: Ttl | None
    earlier: tuple[tuple[Ttl, datetime], ...] = ()

    @classmethod
    def of(cls, zone: Zone, known: Facts | None, before: int | None) -> _Cached:
        ttls = [zone.apex_rrset(rd.DNSKEY).ttl]
        if before is not None:
            ttls.append(to_ttl(before))
        if known is None:
            return cls(ttl=None if before is None else max(ttls))
        return cls(ttl=max(*ttls, known.losing.dnskey_ttl), earlier=known.ledger.of(Source.LOSING, Record.DNSKEY))

    def without(self, state: PublicationState, at: datetime, completed: datetime) -> Publication:
        """A publication that is begun at one instant and on the last server at another, and until when caches lack the key."""
        if self.ttl is None:
            return Publication(state=state, at=at)
        ordinary = completed + timedelta(seconds=self.ttl)
        longer = [ttl for ttl, until in self.earlier if min(until, completed) + timedelta(seconds=ttl) > ordinary]
        ttl = max([self.ttl, *longer])
        cached_until = completed + zsk_publication_interval(_NOTHING, ttl)
        return Publication(state=state, at=at, ttl=ttl, cached_until=cached_until)


def _already(plan: Plan | None, received: datetime, delay: timedelta, cached: _Cached) -> Publication:
    """What is known of keys that are in the zone: by the record of the plan, or else that they are now."""
    merged = None if plan is None else _merging(plan)
    if merged is not None and merged.recorded and merged.completed <= received:
        return cached.without(PublicationState.PUBLISHED, merged.completed, merged.completed)
    # One server was seen to have them; the last has them when a change has reached it.
    return cached.without(PublicationState.PUBLISHED, received, received + delay)


def _planned(plan: Plan, received: datetime, cached: _Cached) -> Publication | None:
    """What the plan says of keys that are not in the zone; it cannot be begun before now, whatever it says."""
    merged = _merging(plan)
    if merged is None or (merged.recorded and merged.completed <= received):
        return None
    start = max(merged.started, received)
    return cached.without(PublicationState.PLANNED, start, start + (merged.completed - merged.started))


def _merging(plan: Plan) -> PlannedStep | None:
    """The step that publishes the keys; None in a flow that merges nothing."""
    return next((each for each in plan.steps if each.step.effect is Effect.GAINING_KEYS_AT_LOSING), None)


def _said(publish_at: datetime | None, received: datetime, delay: timedelta, cached: _Cached) -> Publication | None:
    if publish_at is None:
        return None
    start = utc(publish_at)
    if start < received:
        raise PlanError(
            f"publish_at is {instant_text(start)}, before the keys were received at {instant_text(received)}",
            remedy="give the instant at which they are going to be published",
        )
    return cached.without(PublicationState.PLANNED, start, start + delay)


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
            "cached_until": None if publication.cached_until is None else instant_text(publication.cached_until),
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
    needed={"state": values.a(PublicationState), "at": values.instant},
    optional={"ttl": values.ttl, "cached_until": values.instant},
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
            needed={"state": fields.one_of(PublicationState), "at": fields.instant},
            optional={"ttl": fields.ttl, "cached_until": fields.instant},
        )
    },
)
_RECEIPT: Final = Shape(
    make=Receipt,
    needed={"domain": fields.line, "by": fields.text, "at": fields.instant, "keys": fields.list_of(_KEY)},
)
