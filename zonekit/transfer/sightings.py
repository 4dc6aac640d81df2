"""What was seen of a transfer at one instant: the zones of both operators, and what the parent gives.

Whether files were read or servers asked does not matter here. That nobody looked is not the same as that there is nothing,
and both are said: :data:`NOT_LOOKED_AT` and :data:`THERE_IS_NONE`.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from types import MappingProxyType
from typing import Final

from zonekit import rdata as rd
from zonekit.dnskeys import Dnskey
from zonekit.errors import PlanError
from zonekit.instants import utc
from zonekit.names import WireName, is_subdomain, name_text, order_key, parse_origin
from zonekit.transfer import values
from zonekit.transfer.versions import Source
from zonekit.zones import RRset, Zone


class Unseen(enum.Enum):
    """What stands in the place of something that was not seen."""

    NOT_LOOKED_AT = "not looked at"
    """Nobody looked, so that nothing is known."""
    THERE_IS_NONE = "there is none"
    """Somebody looked: the parent says that there is no such RRset, the servers do not answer for the zone."""


NOT_LOOKED_AT: Final = Unseen.NOT_LOOKED_AT
THERE_IS_NONE: Final = Unseen.THERE_IS_NONE


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """What was seen at one instant.

    Attributes:
        at: when it was seen; signatures are held against that.
        losing: the zone as the losing operator serves it; ``THERE_IS_NONE`` where its servers do not answer for it.
        gaining: the zone as the gaining operator serves it or is going to; ``THERE_IS_NONE`` likewise.
        parent_ds: the DS RRset at the parent.
        parent_ns: the NS RRset at the parent.
        parent_glue: the A and AAAA RRsets at the parent of name servers whose names lie in the domain.
        keys: DNSKEYs of an operator that are known from elsewhere, as where its zone is not to be seen yet, or any more.
        giving: the names of the servers that were asked, of the operators and the parent, and give this.
        lacking: those that were asked and give something else, or do not answer; where there is no losing zone, those that
            still give one.
        apex_only: the operators of whose zone there is no more than what servers gave of the apex.
        domain: the domain in presentation form. It follows from the others.

    Raises:
        PlanError: nothing is seen from which the domain is known, two are of different domains, a field has the wrong type, a
            server gives it and does not, or an RRset is no DS or NS RRset.
        TimeError: ``at`` is naive or not in whole seconds.
        DomainNameError: a server has no domain name.

    >>> from datetime import UTC, datetime
    >>> ns = RRset.from_text("example.nl.", 3600, "NS", "ns1.example.net.")
    >>> Sighting(at=datetime(2026, 11, 21, tzinfo=UTC), parent_ns=ns, parent_ds=THERE_IS_NONE).domain
    'example.nl.'
    """

    at: datetime
    losing: Zone | Unseen = NOT_LOOKED_AT
    gaining: Zone | Unseen = NOT_LOOKED_AT
    parent_ds: RRset | Unseen = NOT_LOOKED_AT
    parent_ns: RRset | Unseen = NOT_LOOKED_AT
    parent_glue: tuple[RRset, ...] | Unseen = NOT_LOOKED_AT
    keys: Mapping[Source, tuple[Dnskey, ...]] = field(default_factory=dict)
    giving: Mapping[Source, frozenset[str]] = field(default_factory=dict)
    lacking: Mapping[Source, frozenset[str]] = field(default_factory=dict)
    apex_only: frozenset[Source] = frozenset()
    domain: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "at", utc(self.at))
        for name, kind in (("losing", Zone), ("gaining", Zone), ("parent_ds", RRset), ("parent_ns", RRset)):
            if not isinstance(getattr(self, name), kind | Unseen):
                raise PlanError(
                    f"{name} of what was seen is of type {type(getattr(self, name)).__name__}",
                    remedy=f"give a value of type {kind.__name__}, NOT_LOOKED_AT or THERE_IS_NONE",
                )
        object.__setattr__(self, "keys", _by_source(self.keys, "keys", values.tuple_of(values.a(Dnskey))))
        for name in ("giving", "lacking"):
            object.__setattr__(self, name, _by_source(getattr(self, name), name, values.set_of(values.host)))
        object.__setattr__(
            self, "apex_only", values.set_of(values.a(Source))(self.apex_only, "apex_only of what was seen")
        )
        apexes = list(self._apexes())
        if not apexes:
            raise PlanError(
                "nothing was seen of any domain", remedy="give a zone, or the DS or NS RRset that the parent has for it"
            )
        for what, apex in apexes[1:]:
            if order_key(apex) != order_key(apexes[0][1]):
                raise PlanError(
                    f"{apexes[0][0]} is of {name_text(apexes[0][1])} and {what} of {name_text(apex)}",
                    remedy="give what was seen of one domain",
                )
        object.__setattr__(self, "domain", name_text(apexes[0][1]))
        for name, wanted in (("parent_ds", rd.DS), ("parent_ns", rd.NS)):
            rrset = getattr(self, name)
            if isinstance(rrset, RRset) and rrset.rdtype != wanted:
                raise PlanError(
                    f"{name} of what was seen of {self.domain} is of type {rrset.type_text}",
                    remedy=f"give the {rd.type_text(wanted)} RRset that the parent has for the domain",
                )
        if not isinstance(self.parent_glue, Unseen):
            glue = values.tuple_of(values.a(RRset))(self.parent_glue, f"parent_glue of what was seen of {self.domain}")
            assert isinstance(glue, tuple)
            object.__setattr__(self, "parent_glue", glue)
            for rrset in glue:
                if rrset.rdtype not in (rd.A, rd.AAAA) or not is_subdomain(rrset.owner, self.apex):
                    raise PlanError(
                        f"parent_glue of what was seen of {self.domain} has {name_text(rrset.owner)} {rrset.type_text}",
                        remedy="give the A and AAAA RRsets of name servers in the domain",
                    )
        for source, servers in self.giving.items():
            both = sorted(servers & self.lacking.get(source, frozenset()))
            if both:
                raise PlanError(
                    f"{self.domain}: it is said that {', '.join(both)} gives what was seen and does not",
                    remedy="give the later of the two answers",
                )

    def __reduce__(self) -> tuple[Callable[[dict[str, object]], Sighting], tuple[dict[str, object]]]:
        given = {each.name: getattr(self, each.name) for each in fields(self) if each.init}
        return _restore, (
            {name: dict(value) if isinstance(value, Mapping) else value for name, value in given.items()},
        )

    def _apexes(self) -> Iterable[tuple[str, WireName]]:
        for what, zone in (("the losing zone", self.losing), ("the gaining zone", self.gaining)):
            if isinstance(zone, Zone):
                yield what, zone.apex
        for what, rrset in (("the DS RRset", self.parent_ds), ("the NS RRset", self.parent_ns)):
            if isinstance(rrset, RRset):
                yield what, rrset.owner
        for source, keys in self.keys.items():
            yield from ((f"a key of the {source.value} operator", key.owner) for key in keys)

    @property
    def apex(self) -> WireName:
        """The domain in wire form."""
        return parse_origin(self.domain)

    def zone(self, source: Source) -> Zone | Unseen:
        """Return the zone of one of the two operators."""
        return self.losing if source is Source.LOSING else self.gaining


def _restore(given: dict[str, object]) -> Sighting:
    """Rebuild what was seen from its parts (for pickle)."""
    return Sighting(**given)  # type: ignore[arg-type]  # which are those of one


def _by_source(given: object, name: str, check: values.Check) -> Mapping[Source, object]:
    if not isinstance(given, Mapping):
        raise PlanError(f"{name} of what was seen is of type {type(given).__name__}", remedy="give a mapping by Source")
    found: dict[Source, object] = {}
    for source, each in given.items():
        values.a(Source)(source, f"a source of {name}")
        found[source] = check(each, f"{name} of the {source.value} side")
    return MappingProxyType(found)
