"""What is known about a domain before its transfer is planned."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from zonekit.errors import PlanError
from zonekit.names import is_subdomain, name_text, parse_origin
from zonekit.transfer import values
from zonekit.transfer.ledger import Ledger, Record
from zonekit.transfer.parties import OperatorFacts, ParentFacts, begun_already
from zonekit.transfer.values import OPERATOR_HOW_TO_FIND, PARENT_HOW_TO_FIND
from zonekit.transfer.versions import Overlap, Source
from zonekit.ttl import Ttl

if TYPE_CHECKING:
    from zonekit.zones import RRset, Zone

_SHARED: Final = Overlap(asked=Source.LOSING, answers=Source.GAINING)
"""A server that both operators name answers from the gaining zone as soon as it has loaded that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """What the parties settle on, in ``dnssec-policy``'s terms where it has them.

    Attributes:
        lowered_ttl: what the losing operator lowers the TTLs of NS and DNSKEY to, and the gaining one keeps its own at until
            the end is confirmed, in seconds.
        publish_safety: added where something new has to reach every cache.
        retire_safety: added where something old has to leave every cache.
        stale_margin: how long resolvers may go on using what has run out (RFC 8767).
        approval_delay: how long the transfer to another registrar takes at most: the losing one approves it, or the registry
            does when this has passed (RFC 5730 section 2.9.3.4).

    Raises:
        TtlError: ``lowered_ttl`` is not a TTL.
        PlanError: a delay is negative or absurd, or none.
    """

    lowered_ttl: Ttl = Ttl(600)
    publish_safety: timedelta = timedelta(0)
    retire_safety: timedelta = timedelta(0)
    stale_margin: timedelta = timedelta(0)
    approval_delay: timedelta = timedelta(days=5)

    def __post_init__(self) -> None:
        _TIMING_FIELDS.check(self, "the timing")


_TIMING_FIELDS: Final = values.Fields(
    needed={
        "lowered_ttl": values.ttl,
        "publish_safety": values.delay,
        "retire_safety": values.delay,
        "stale_margin": values.delay,
        "approval_delay": values.delay,
    },
    how_to_find={"approval_delay": PARENT_HOW_TO_FIND["scan_delay"]},
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """All that a plan rests on.

    Attributes:
        domain: the domain, in presentation form.
        losing: the operator that has it.
        gaining: the operator that gets it.
        parent: the parent zone.
        timing: what the parties settle on.
        ledger: the TTLs that were served before those of now.
        overlaps: servers that answer for more than one of the parties, beside those that both operators name.
        servers_that_stay: the names of the name servers in the domain that both operators have: their addresses change, not
            they. It follows from the others, and is worked out once.

    Raises:
        PlanError: a field has the wrong type, two keys of one name, a DS of a key that the losing operator does not have, or
            addresses of name servers in the domain without their TTLs.
    """

    domain: str
    losing: OperatorFacts
    gaining: OperatorFacts
    parent: ParentFacts
    timing: Timing = Timing()
    ledger: Ledger = field(default_factory=Ledger)
    overlaps: tuple[Overlap, ...] = ()
    servers_that_stay: frozenset[str] = field(init=False, compare=False, repr=False)

    @classmethod
    def from_zones(
        cls,
        losing_zone: Zone,
        gaining_zone: Zone,
        parent_ds: RRset | None,
        *,
        ds_ttl: int | None,
        ns_ttl: int,
        negative_ttl: int,
        losing_delay: timedelta,
        gaining_delay: timedelta,
        parent_delay: timedelta,
        registration_delay: timedelta,
        glue_ttl: int | None = None,
        expiring: Iterable[Source] = (),
        timing: Timing | None = None,
        ledger: Ledger | None = None,
        overlaps: Iterable[Overlap] = (),
    ) -> Facts:
        """Return the facts of a transfer from the zones of both operators and what the parent serves.

        A key belongs to the zone that it signs; one that signs nothing, to the only zone that has it. What it signs is told
        by the signatures, and its name is made of that and its key tag: ``KSK 4711 of the losing operator``. Of what the
        parties can do and settle on the zones say nothing: :func:`dataclasses.replace` changes it.

        Args:
            losing_zone: the losing operator's zone with the largest TTLs that it was served with lately.
            gaining_zone: the gaining operator's zone, signed with its keys, with the TTLs that it will be served with.
            parent_ds: the DS RRset at the parent; None where it has none.
            ds_ttl: the TTL of the DS RRset as the parent's own servers give it, in seconds.
            ns_ttl: the TTL of the NS RRset at the parent, likewise.
            negative_ttl: how long a cache may hold that there is no DS, in seconds.
            losing_delay: how long a change takes to reach the losing operator's last server.
            gaining_delay: the same for the gaining operator.
            parent_delay: the same for the parent.
            registration_delay: how long a request takes until the parent's first server has it.
            glue_ttl: the TTL of the addresses at the delegation; None where no name server lies in the domain.
            expiring: the operators that do not renew their signatures, which then end with the first that expires.
            timing: what the parties settle on.
            ledger: TTLs that were served before.
            overlaps: servers that answer for another party, beside those that both NS RRsets name.

        Raises:
            PlanError: the zones are of different names, a key signs both, a DS is of no key of the losing zone that signs
                its DNSKEY RRset, or a name server in the domain has no address.
            TtlError: a TTL is not known, or is none.
        """
        from zonekit.transfer.zonefacts import facts_of  # which brings the signing half of the package with it

        losing, gaining, ds, shared = facts_of(
            losing_zone,
            gaining_zone,
            parent_ds,
            losing_delay=losing_delay,
            gaining_delay=gaining_delay,
            expiring=expiring,
        )
        return cls(
            domain=name_text(losing_zone.apex),
            losing=losing,
            gaining=gaining,
            parent=ParentFacts(
                ds=ds,
                ds_ttl=ds_ttl,  # type: ignore[arg-type]  # which refuses None with the way to find it
                ns_ttl=Ttl(ns_ttl),
                negative_ttl=Ttl(negative_ttl),
                propagation_delay=parent_delay,
                registration_delay=registration_delay,
                glue_ttl=None if glue_ttl is None else Ttl(glue_ttl),
            ),
            timing=timing or Timing(),
            ledger=ledger or Ledger(),
            overlaps=(*shared, *overlaps),
        )

    def __post_init__(self) -> None:
        _FIELDS.check(self, "the facts")
        names = [each.key.name for each in (*self.losing.keys, *self.gaining.keys)]
        for name in names:
            if names.count(name) > 1:
                raise PlanError(f"{self.domain}: two keys are named {name}", remedy="give each key its own name")
        for entry in self.parent.ds:
            if entry.key in self.gaining.dnskey_signers:
                raise begun_already(self.domain, entry.key.name)
            if entry.key not in self.losing.dnskey_signers:
                raise PlanError(
                    f"{self.domain}: the DS at the parent is of {entry.key.name}, which does not sign the losing DNSKEY RRset",
                    remedy="have the losing operator mend its DS or DNSKEY RRset before a transfer",
                    rule="RFC 4035 section 5.2",
                )
        if any((overlap.start, overlap.end) != (None, None) for overlap in self.overlaps):
            raise PlanError(
                f"{self.domain}: an overlap has a start or an end",
                remedy="leave them out: the plan says when it begins",
            )
        stay = self.servers_in_domain(self.losing) & self.servers_in_domain(self.gaining)
        object.__setattr__(self, "servers_that_stay", stay)
        self._check_ledger()
        if self.servers_that_stay:
            for name, ttl, how_to_find in (
                ("losing.address_ttl", self.losing.address_ttl, OPERATOR_HOW_TO_FIND["address_ttl"]),
                ("gaining.address_ttl", self.gaining.address_ttl, OPERATOR_HOW_TO_FIND["address_ttl"]),
                ("parent.glue_ttl", self.parent.glue_ttl, PARENT_HOW_TO_FIND["glue_ttl"]),
            ):
                if ttl is None:
                    raise PlanError(
                        f"{self.domain}: {min(self.servers_that_stay)} stays a name server and {name} is not known",
                        remedy=how_to_find,
                    )

    @property
    def may_be_secure(self) -> bool:
        """Whether some cache may hold a DS of the domain: the parent has one, or had one that the ledger knows of."""
        return bool(self.parent.ds) or bool(self.ledger.of(Source.PARENT, Record.DS))

    def servers_in_domain(self, operator: OperatorFacts) -> frozenset[str]:
        """Return the names of an operator's name servers that lie in the domain (RFC 9499 section 7)."""
        apex = parse_origin(self.domain)
        return frozenset(name for name in operator.name_servers if is_subdomain(parse_origin(name), apex))

    def _check_ledger(self) -> None:
        """What the ledger says is still served has to be among the TTLs of now."""
        operator = {Source.LOSING: self.losing, Source.GAINING: self.gaining}
        for seen in self.ledger.observations:
            if seen.until is not None:
                continue
            match seen.source, seen.record:
                case Source.PARENT, Record.DS:
                    known = self.parent.ds_ttl if self.parent.ds else self.parent.negative_ttl
                case Source.PARENT, Record.NS:
                    known = self.parent.ns_ttl
                case Source.PARENT, _:
                    known = self.parent.glue_ttl or seen.ttl
                case source, Record.NS:
                    known = operator[source].ns_ttl
                case source, Record.DNSKEY:
                    known = operator[source].dnskey_ttl
                case source, _:
                    known = operator[source].largest_ttl
            if seen.ttl > known:
                raise PlanError(
                    f"{self.domain}: the ledger has a {seen.record.value} TTL of {seen.ttl} of the {seen.source.value} side"
                    f" that is served still, and the facts have {known}",
                    remedy="say until when it was served, or give it as the TTL of now",
                )

    @property
    def shared_servers(self) -> tuple[Overlap, ...]:
        """The servers that answer for more than one of the parties: those said, and those that both operators name."""
        outside = (self.losing.name_servers & self.gaining.name_servers) - self.servers_that_stay
        return (_SHARED, *self.overlaps) if outside and _SHARED not in self.overlaps else self.overlaps

    def lowered(self, ttl: Ttl) -> Ttl:
        """Return what lowering makes of a TTL, which it never raises."""
        return min(ttl, self.timing.lowered_ttl)


_FIELDS: Final = values.Fields(
    needed={
        "domain": values.origin,
        "losing": values.a(OperatorFacts),
        "gaining": values.a(OperatorFacts),
        "parent": values.a(ParentFacts),
        "timing": values.a(Timing),
        "ledger": values.a(Ledger),
        "overlaps": values.tuple_of(values.a(Overlap)),
    },
)
