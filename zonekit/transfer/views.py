"""What was seen, in the light of the steps that are claimed to be done: what the judges of a transfer check look at."""

from __future__ import annotations

import functools
from collections.abc import Callable, Hashable, Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, TypeVar

from zonekit import rdata as rd
from zonekit.findings import Finding
from zonekit.names import WireName
from zonekit.transfer.claims import steps_done
from zonekit.transfer.facts import Facts, Timing
from zonekit.transfer.sides import Side, sides_of
from zonekit.transfer.sightings import THERE_IS_NONE, Sighting
from zonekit.transfer.steps import Effect, Step
from zonekit.transfer.values import Assumed
from zonekit.transfer.versions import Source
from zonekit.ttl import Ttl
from zonekit.verifying import Extent, Verification, verify_chain, verify_zone
from zonekit.zones import RRset, Zone

if TYPE_CHECKING:
    from concurrent.futures import Executor

_T = TypeVar("_T")
_OPERATORS: Final = (Source.LOSING, Source.GAINING)


class Known:
    """What has been worked out already, so that nothing is worked out twice."""

    def __init__(self) -> None:
        self._found: dict[Hashable, Any] = {}

    def once(self, what: Hashable, work_out: Callable[[], _T]) -> _T:
        """Return what was found before, or work it out now."""
        if what not in self._found:
            self._found[what] = work_out()
        found: _T = self._found[what]
        return found


class Look:
    """What was seen, and what follows from it whatever is claimed. Whatever takes work is worked out when it is first asked for.

    Attributes:
        sighting: what was seen.
        lowered_ttl: what the TTLs were to be lowered to; None where the facts say it, or nobody does.
        known: what has been worked out of it.
    """

    def __init__(self, sighting: Sighting, executor: Executor | None = None, lowered_ttl: Ttl | None = None) -> None:
        self.sighting: Final = sighting
        self.lowered_ttl: Final = lowered_ttl
        self._executor = executor
        self.known: Final = Known()

    @functools.cached_property
    def sides(self) -> dict[Source, Side]:
        """Both sides."""
        return sides_of(self.sighting)

    @functools.cached_property
    def verifications(self) -> dict[Source, Verification]:
        """What the verifier says of each zone that was seen, with the chain from the parent where that was."""
        ds = self.sighting.parent_ds
        return {
            source: verify_zone(
                zone,
                now=self.sighting.at,
                ds=ds if isinstance(ds, RRset) else None,
                executor=self._executor,
                extent=Extent.APEX if source in self.sighting.apex_only else Extent.WHOLE,
            )
            for source in _OPERATORS
            if isinstance(zone := self.sighting.zone(source), Zone)
        }

    def chain(self, source: Source, ds: RRset | None) -> tuple[Finding, ...]:
        """Return what the verifier finds in the way from a DS RRset to a zone's keys; nothing where it has none."""
        return self.known.once(("chain", source, ds), lambda: self._chain(source, ds))

    def _chain(self, source: Source, ds: RRset | None) -> tuple[Finding, ...]:
        zone = self.sides[source].zone
        dnskeys = None if zone is None else zone.get("@", rd.DNSKEY)
        if zone is None or dnskeys is None:
            return ()
        return verify_chain(ds, dnskeys, zone.signatures("@", rd.DNSKEY), now=self.sighting.at)


class View:
    """What was seen at a step.

    Attributes:
        look: what was seen.
        steps: the steps of the flow.
        claimed: the ids of those that the transfer claims to be at.
        done: those that are claimed to be done.
        at_hand: those that are not, and may have been begun or taken all the same.
        facts: what is known about the domain besides; None where nothing is.
        known: what has been worked out of it.
    """

    def __init__(
        self,
        look: Look,
        steps: Iterable[Step],
        claimed: Iterable[str],
        facts: Facts | None,
        at_hand: Iterable[Step] = (),
    ) -> None:
        self.look: Final = look
        self.steps: Final = tuple(steps)
        self.claimed: Final = tuple(claimed)
        self.done: Final = steps_done(self.steps, self.claimed)
        self.at_hand: Final = tuple(at_hand)
        self.facts: Final = facts
        self.known: Final = Known()

    @property
    def sighting(self) -> Sighting:
        """What was seen."""
        return self.look.sighting

    @property
    def sides(self) -> dict[Source, Side]:
        """Both sides."""
        return self.look.sides

    @property
    def verifications(self) -> dict[Source, Verification]:
        """What the verifier says of each zone that was seen."""
        return self.look.verifications

    @property
    def losing(self) -> Side:
        """The losing side."""
        return self.sides[Source.LOSING]

    @property
    def gaining(self) -> Side:
        """The gaining side."""
        return self.sides[Source.GAINING]

    @property
    def apex(self) -> WireName:
        """The domain."""
        return self.sighting.apex

    @property
    def at(self) -> datetime:
        """When it was seen."""
        return self.sighting.at

    @property
    def ds(self) -> RRset | None:
        """The DS RRset at the parent, where one was seen."""
        return self.sighting.parent_ds if isinstance(self.sighting.parent_ds, RRset) else None

    @property
    def lowered_ttl(self) -> Ttl:
        """What the TTLs were to be lowered to."""
        if self.look.lowered_ttl is not None:
            return self.look.lowered_ttl
        return (self.facts.timing if self.facts is not None else Timing()).lowered_ttl

    @functools.cached_property
    def effects(self) -> frozenset[Effect | str]:
        """The effects and ids of the steps of the flow."""
        return _marks(self.steps)

    @functools.cached_property
    def done_marks(self) -> frozenset[Effect | str]:
        """The effects and ids of the steps that are done."""
        return _marks(self.done)

    @functools.cached_property
    def begun_marks(self) -> frozenset[Effect | str]:
        """The effects and ids of the steps that are done or may have been begun."""
        return _marks((*self.done, *self.at_hand))

    @property
    def merges(self) -> bool:
        """Whether the two sides publish each other's keys in this flow."""
        return Effect.GAINING_KEYS_AT_LOSING in self.effects

    @functools.cached_property
    def gaining_servers(self) -> frozenset[str]:
        """The names of the gaining servers: those that the gaining zone names, or else that are known."""
        named = self.gaining.name_servers()
        if named or self.facts is None or isinstance(self.facts.gaining.name_servers, Assumed):
            return named
        return self.facts.gaining.name_servers

    @functools.cached_property
    def moving_servers(self) -> frozenset[str]:
        """The servers that both zones name in the domain, with other addresses in the one than in the other."""
        both = self.losing.name_servers() & self.gaining.name_servers()
        return frozenset(name for name in both if self.losing.addresses(name) != self.gaining.addresses(name))

    def verified(self, source: Source) -> tuple[Finding, ...]:
        """Return what the verifier finds in a zone; where the parent has no DS, that too."""
        if source not in self.verifications:
            return ()
        found = self.verifications[source].findings
        if self.sighting.parent_ds is not THERE_IS_NONE:
            return found
        return (*found, *self.chain(source, None))

    def chain(self, source: Source, ds: RRset | None) -> tuple[Finding, ...]:
        """Return what the verifier finds in the way from a DS RRset to a zone's keys; nothing where it has none."""
        return self.look.chain(source, ds)


def _marks(steps: Iterable[Step]) -> frozenset[Effect | str]:
    found = tuple(steps)
    return frozenset((*[step.id for step in found], *[step.effect for step in found if step.effect is not None]))
