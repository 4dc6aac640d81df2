"""What a round of questions comes to: who gives what, and every combination of that as something that was seen.

Servers that give the same are looked at as one, so that a step is judged once for each form in which its records are served.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from zonekit import rdata as rd
from zonekit.dnskeys import Dnskey
from zonekit.errors import PlanError, ZonekitError
from zonekit.transfer.answers import ADDRESS_TYPES, APEX_TYPES, Answer, Outcome, Round, ServerAnswers
from zonekit.transfer.sightings import NOT_LOOKED_AT, THERE_IS_NONE, Sighting, Unseen
from zonekit.transfer.versions import Source
from zonekit.transfer.views import Look
from zonekit.ttl import Ttl
from zonekit.zones import RRset, Zone

_OPERATORS: Final = (Source.LOSING, Source.GAINING)
_MOST_COMBINATIONS: Final = 64
"""Beyond that, one party at a time is looked at in every form, beside what most servers of the others give."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Elsewhere:
    """What is known of both operators without asking their servers.

    Attributes:
        losing: the losing zone from a file, where its servers are not asked.
        gaining: the gaining zone as it is going to be served; it counts where none of its servers gives one, until all have served it.
        keys: DNSKEYs of each operator that are known to be its own.
    """

    losing: Zone | None = None
    gaining: Zone | None = None
    keys: Mapping[Source, tuple[Dnskey, ...]] = field(default_factory=dict)

    def zone(self, source: Source) -> Zone | None:
        """Return the zone of one of the two operators."""
        return self.losing if source is Source.LOSING else self.gaining


NOTHING_ELSE: Final = Elsewhere()


@dataclass(frozen=True, slots=True, kw_only=True)
class Delegation:
    """What a server of the parent has for the domain."""

    ds: RRset | Unseen
    ns: RRset | Unseen
    glue: tuple[RRset, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What some servers of one party give, all the same.

    Attributes:
        servers: their names.
        what: the apex of the zone, or the delegation.
    """

    servers: frozenset[str]
    what: Zone | Delegation


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """What the servers of one party gave in a round.

    Attributes:
        given: each form in which it was given, the one that most servers give first.
        refusing: the names of the servers that answer, and not for the zone.
        dead: the names of those that do not answer, or so that nothing can be told.
        partial: the names of those that answer some questions for the zone and fail at others, at one address or more: nothing
            counts as seen there, and yet they give something to whoever asks.
        unreadable: what could not be made a zone, by the name of the server.
    """

    given: tuple[Given, ...] = ()
    refusing: frozenset[str] = frozenset()
    dead: frozenset[str] = frozenset()
    partial: frozenset[str] = frozenset()
    unreadable: Mapping[str, str] = field(default_factory=dict)

    @property
    def answering(self) -> frozenset[str]:
        """The names of the servers that give it in one form or another."""
        return frozenset().union(*[each.servers for each in self.given])


def parties_of(found: Round) -> Mapping[Source, Party]:
    """Return what the servers of each party gave in a round."""
    return MappingProxyType({source: _party(found, source) for source in Source})


def _party(found: Round, source: Source) -> Party:
    forms: list[tuple[Zone | Delegation, set[str]]] = []
    refusing: set[str] = set()
    dead: set[str] = set()
    partial: set[str] = set()
    unreadable: dict[str, str] = {}
    for each in found.of(source):
        name = each.server.name
        answers = _needed(each, source)
        if any(answer is None or not answer.outcome.is_answer for answer in answers):
            spoke = [answer for answer in answers if answer is not None and answer.outcome in _SPEAKING]
            (refusing if len(spoke) == len(answers) else dead).add(name)
            if _is_partial(answers, source):
                partial.add(name)
            continue
        try:
            form = _delegation(each) if source is Source.PARENT else _apex_zone(found, each)
        except ZonekitError as error:
            unreadable[name] = error.problem
            dead.add(name)
            partial.add(name)
            continue
        held = next((names for known, names in forms if known == form), None)
        if held is None:
            forms.append((form, {name}))
        else:
            held.add(name)
    given = tuple(
        Given(servers=frozenset(names), what=form) for form, names in sorted(forms, key=lambda each: -len(each[1]))
    )
    answering = frozenset().union(*[each.servers for each in given])
    # A name with two addresses of which one is dead: its other address is what can be asked.
    return Party(
        given=given,
        refusing=frozenset(refusing),
        dead=frozenset(dead - answering - refusing),
        partial=frozenset(partial),
        unreadable=MappingProxyType(unreadable),
    )


def parent_negative_ttl(found: Round) -> Ttl | None:
    """Return how long a cache may hold that the parent has no DS: the most that any of its servers says, None where none does."""
    said = [answer.negative_ttl for each in found.of(Source.PARENT) for answer in each.answers]
    return max((ttl for ttl in said if ttl is not None), default=None)


_SPEAKING: Final = frozenset((Outcome.NO_AUTHORITY, Outcome.REFUSED))


def _needed(each: ServerAnswers, source: Source) -> list[Answer | None]:
    """The answers without which nothing can be told of a server."""
    types = (rd.NS, rd.DS) if source is Source.PARENT else APEX_TYPES
    return [each.answer(rdtype) for rdtype in types]


def _is_partial(answers: Iterable[Answer | None], source: Source) -> bool:
    """Whether some questions were answered for the zone, and others were not."""
    outcomes = {answer.outcome for answer in answers if answer is not None}
    if source is Source.PARENT:
        outcomes.discard(Outcome.NO_AUTHORITY)  # a server of both zones answers for the NS RRset from below the cut
    return len({outcome.is_answer for outcome in outcomes}) > 1


def _delegation(each: ServerAnswers) -> Delegation:
    ns, ds = each.answer(rd.NS), each.answer(rd.DS)
    assert ns is not None and ds is not None
    return Delegation(
        ds=ds.rrset or THERE_IS_NONE,
        ns=ns.rrset or THERE_IS_NONE,
        glue=tuple(rrset for rrset in ns.rrsets if rrset.rdtype in ADDRESS_TYPES),
    )


def _apex_zone(found: Round, each: ServerAnswers) -> Zone:
    """What a server gave of the apex, and of the addresses of name servers in the domain, as a zone.

    Raises:
        ZonekitError: it makes no zone.
    """
    return Zone.from_rrsets(
        found.question.domain, dict.fromkeys(rrset for answer in each.answers for rrset in answer.rrsets)
    )


# ---- what was seen, in every combination ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Glimpse:
    """One combination of what the servers of the parties give.

    Attributes:
        sighting: it, as what was seen.
        look: what follows from it.
        servers: by party, the servers that give this form of it.
    """

    sighting: Sighting
    look: Look
    servers: Mapping[Source, frozenset[str]]


def glimpses_of(
    found: Round, parties: Mapping[Source, Party], *, elsewhere: Elsewhere, may_stop: bool
) -> tuple[Glimpse, ...]:
    """Return every combination of what the servers give; the first is that of what most give.

    Args:
        found: the round.
        parties: what the servers of each party gave in it.
        elsewhere: what is known besides.
        may_stop: whether the losing operator may stop answering by now, so that dead servers of its are taken to have.
    """
    forms = {source: _forms(source, parties, elsewhere, may_stop) for source in Source}
    combined = list(itertools.islice(itertools.product(*forms.values()), _MOST_COMBINATIONS + 1))
    if len(combined) > _MOST_COMBINATIONS:
        first = {source: found[0] for source, found in forms.items()}
        combined = [tuple({**first, source: form}.values()) for source, found in forms.items() for form in found]
    made = []
    for combination in combined:
        sighting = _sighting(found, dict(zip(forms, combination, strict=True)), parties, elsewhere)
        if sighting is not None:
            servers = {source: form.servers for source, form in zip(forms, combination, strict=True)}
            made.append(Glimpse(sighting=sighting, look=Look(sighting), servers=MappingProxyType(servers)))
    return tuple(made)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Form:
    """One form of what a party gives: what, and which servers do."""

    servers: frozenset[str] = frozenset()
    what: Zone | Delegation | Unseen = NOT_LOOKED_AT


def _forms(source: Source, parties: Mapping[Source, Party], elsewhere: Elsewhere, may_stop: bool) -> tuple[_Form, ...]:
    party = parties[source]
    if party.given:
        return tuple(_Form(servers=each.servers, what=each.what) for each in party.given)
    if source is Source.PARENT:
        return (_Form(),)
    known = elsewhere.zone(source)
    if source is Source.GAINING and known is not None:
        return (_Form(what=known),)
    is_silent = source is Source.LOSING and may_stop and bool(party.dead) and _others_answer(parties)
    if is_silent or (party.refusing and (may_stop or not party.dead)):
        return (_Form(servers=party.refusing | party.dead, what=THERE_IS_NONE),)
    return (_Form(what=NOT_LOOKED_AT if known is None else known),)


def _others_answer(parties: Mapping[Source, Party]) -> bool:
    """Whether others were heard, so that it is not the network that is silent."""
    return any(party.given for source, party in parties.items() if source is not Source.LOSING)


def _sighting(
    found: Round, forms: Mapping[Source, _Form], parties: Mapping[Source, Party], elsewhere: Elsewhere
) -> Sighting | None:
    """A combination as what was seen; None where nothing in it tells of the domain."""
    parent = forms[Source.PARENT].what
    assert not isinstance(parent, Zone)
    ds, ns, glue = (parent.ds, parent.ns, parent.glue) if isinstance(parent, Delegation) else (parent, parent, parent)
    zones = {source: forms[source].what for source in _OPERATORS}
    giving = {source: party.answering for source, party in parties.items() if party.answering}
    try:
        return Sighting(
            at=found.ended,
            losing=zones[Source.LOSING],  # type: ignore[arg-type]  # an operator gives no delegation
            gaining=zones[Source.GAINING],  # type: ignore[arg-type]
            parent_ds=ds,
            parent_ns=ns,
            parent_glue=glue,
            keys=elsewhere.keys,
            giving=giving,
            apex_only=frozenset(source for source in _OPERATORS if forms[source].servers),
        )
    except PlanError:
        return None
