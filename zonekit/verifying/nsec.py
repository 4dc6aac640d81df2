"""Whether NSEC records lead from each name to the next one, through all of a zone and back to the apex (RFC 4034 section 4).

Names are met in canonical order, in runs that may be looked at apart; joined, the runs make the whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from zonekit import rdata as rd
from zonekit.findings import Finding
from zonekit.names import WireName, name_text
from zonekit.verifying import codes

_MOST_LONE: Final = 8


@dataclass(slots=True)
class NsecOrder:
    """The NSEC chain over a run of consecutive names.

    An owner of nothing but an NSEC has no place in a chain and is reported for itself; whether the chain takes it in or
    passes it over is no second fault.

    Attributes:
        first: what an NSEC of the name before the run may lead to: such owners, then the first name that has a place; empty
            where there is none.
        unresolved: the owner and the next name of the last NSEC, while nobody knows what follows; None where there is none.
        lone: such owners after it, of many only the first.
    """

    first: tuple[WireName, ...] = ()
    unresolved: tuple[WireName, WireName] | None = None
    lone: tuple[WireName, ...] = ()

    def meet(self, owner: WireName, next_name: WireName | None) -> Finding | None:
        """Go on to a name that has a place in the chain, and return what is wrong with the NSEC before it.

        Args:
            owner: the name.
            next_name: where its NSEC leads to, in lower case; None where it has none that could be told.
        """
        found = self._resolve(owner)
        self.unresolved = None if next_name is None else (owner, next_name)
        return found

    def meet_lone(self, owner: WireName) -> None:
        """Go on to an owner of nothing but an NSEC."""
        if len(self.lone) < _MOST_LONE:
            self.lone = (*self.lone, owner)

    def join(self, following: NsecOrder) -> Finding | None:
        """Go on to the end of the run that follows, and return what is wrong with the NSEC before it."""
        if not following.first:
            self.lone = (*self.lone, *following.lone)[:_MOST_LONE]
            return None
        *lone, owner = following.first
        self.lone = (*self.lone, *lone)
        found = self._resolve(owner)
        self.unresolved, self.lone = following.unresolved, following.lone
        return found

    def _resolve(self, owner: WireName) -> Finding | None:
        """What is wrong with the last NSEC, now that the name is known that follows it."""
        lone, self.lone = self.lone, ()
        if not self.first:
            self.first = (*lone, owner)
        if self.unresolved is None:
            return None
        last, next_name = self.unresolved
        if next_name == owner.lower() or next_name in [each.lower() for each in lone]:
            return None
        return codes.NSEC_NEXT.found(
            last, rd.NSEC, f"it leads to {name_text(next_name)}, the next name is {name_text(owner)}"
        )
