"""By which frames each step of each flow is carried, who sends them, and by what else where none does.

A table, which the tests hold to be complete: a step that no frame carries says by what it is done instead.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from zonekit.errors import EppError
from zonekit.transfer.steps import STEPS, Actor, Flow, Step, with_shared_servers


class FrameKind(enum.Enum):
    """What the frames of a step do."""

    ADD_DS = "a domain update that adds the gaining DS or keys, and removes none"
    REMOVE_LOSING_DS = "a domain update that removes the losing DS or keys, and keeps the gaining ones"
    REMOVE_ALL_DS = "a domain update that removes all DS or keys"
    RESTORE_DS = "where the registry drops the DS in the transfer, a domain update that adds it again"
    CHANGE_NS = "a domain update of the name servers, and creates and updates of the host objects that it needs"
    GIVE_AUTH_INFO = (
        "a domain update that sets a new authinfo code and lifts clientTransferProhibited,"
        " or a domain info that tells the code"
    )
    SEND_AUTH_INFO = (
        "a domain update with nothing but a new authinfo code,"
        " after one that lifts clientTransferProhibited where it is set"
    )
    REQUEST_TRANSFER = "a domain transfer request, or a cancel of it"
    ANSWER_TRANSFER = "a domain transfer approve or reject"
    RELAY_KEYS = "a key relay create with the gaining keys, where the registry relays keys"
    OFFER_KEYS = "a key relay create with the gaining keys, and an offer of DS and name servers along with it"
    SEND_RECEIPT = "a domain update with nothing but the receipt for the gaining keys"
    SEND_REPORT = "a domain update with nothing but the report that the keys are merged and the TTLs low"


@dataclass(frozen=True, slots=True, kw_only=True)
class Carriage:
    """How one step is carried.

    Attributes:
        frames: by sender, what it sends; none where no frame carries the step.
        otherwise: by what else it is carried, or what goes on beside the frames; for people.
    """

    frames: Mapping[Actor, tuple[FrameKind, ...]]
    otherwise: str

    def why_none(self, sender: Actor) -> str:
        """Return why this sender has no frame for the step, for people; empty where it has one."""
        if sender in self.frames:
            return ""
        if not self.frames:
            return f"no frame carries it: {self.otherwise}"
        senders = " and ".join(each.value for each in self.frames)
        return f"its frames are for the {senders} to send, and not for the {sender.value}"


_SPONSORS: Final = (Actor.REGISTRAR, Actor.LOSING_REGISTRAR, Actor.GAINING_REGISTRAR)
_OF_DELEGATION: Final[Mapping[str, FrameKind]] = MappingProxyType(
    {
        "ds-added": FrameKind.ADD_DS,
        "all-ds-removed": FrameKind.REMOVE_ALL_DS,
        "losing-ds-removed": FrameKind.REMOVE_LOSING_DS,
        "ns-changed": FrameKind.CHANGE_NS,
    }
)
"""What changes the delegation: sent by the sponsor where it takes the step."""
_TRANSFERRED: Final = {
    Actor.GAINING_REGISTRAR: (FrameKind.REQUEST_TRANSFER, FrameKind.RESTORE_DS),
    Actor.LOSING_REGISTRAR: (FrameKind.ANSWER_TRANSFER,),
}
_OF_FLOW: Final[Mapping[tuple[Flow, str], Mapping[Actor, tuple[FrameKind, ...]]]] = MappingProxyType(
    {
        (Flow.OPERATOR_CHANGE, "keys-exchanged"): {Actor.GAINING: (FrameKind.RELAY_KEYS,)},
        (Flow.REGISTRAR_CHANGE, "keys-exchanged"): {Actor.GAINING_REGISTRAR: (FrameKind.RELAY_KEYS,)},
        (Flow.REGISTRAR_CHANGE, "authinfo-given"): {Actor.LOSING_REGISTRAR: (FrameKind.GIVE_AUTH_INFO,)},
        (Flow.REGISTRAR_CHANGE, "domain-transferred"): _TRANSFERRED,
        (Flow.REGISTRY_FACILITATED, "keys-offered"): {Actor.GAINING_REGISTRAR: (FrameKind.OFFER_KEYS,)},
        (Flow.REGISTRY_FACILITATED, "keys-exchanged"): {Actor.LOSING_REGISTRAR: (FrameKind.SEND_RECEIPT,)},
        (Flow.REGISTRY_FACILITATED, "ttls-lowered"): {Actor.LOSING_REGISTRAR: (FrameKind.SEND_REPORT,)},
        (Flow.REGISTRY_FACILITATED, "losing-merged"): {Actor.LOSING_REGISTRAR: (FrameKind.SEND_REPORT,)},
        (Flow.REGISTRY_FACILITATED, "authinfo-given"): {Actor.LOSING_REGISTRAR: (FrameKind.SEND_AUTH_INFO,)},
        # The registry keeps the DS in this flow: nobody has to add it again.
        (Flow.REGISTRY_FACILITATED, "domain-transferred"): {
            Actor.GAINING_REGISTRAR: (FrameKind.REQUEST_TRANSFER,),
            Actor.LOSING_REGISTRAR: (FrameKind.ANSWER_TRANSFER,),
        },
    }
)

_BY_HAND: Final = "people agree on it, by telephone or letter"
_BY_SERVERS: Final = "it takes place at the servers of the operator, and its zone shows it"
_OTHERWISE: Final[Mapping[str, str]] = MappingProxyType(
    {
        "requested": _BY_HAND,
        "frozen": f"{_BY_HAND}; a parent that scans is asked by hand to leave the domain alone",
        "keys-made": "it takes place at the gaining operator, and no registry hears of it",
        "keys-exchanged": "the operators hand each other their public keys, by any way; a registry may relay the gaining ones",
        "keys-offered": "the registry is told by the gaining registrar",
        "gaining-merged": _BY_SERVERS,
        "losing-merged": _BY_SERVERS,
        "ttls-lowered": _BY_SERVERS,
        "ds-added": "the sponsor asks the registry",
        "all-ds-removed": "the sponsor asks the registry",
        "losing-ds-removed": "the sponsor asks the registry",
        "gaining-serves": _BY_SERVERS,
        "shared-serve": _BY_SERVERS,
        "ns-changed": "the sponsor asks the registry",
        "losing-ns-changed": _BY_SERVERS,
        "losing-unreachable": "nobody does anything: time passes",
        "losing-keys-withdrawn": _BY_SERVERS,
        "losing-stopped": _BY_SERVERS,
        "end-verified": "a verifier asks the servers; a domain info shows what the registry has",
        "ttls-restored": _BY_SERVERS,
        "thawed": _BY_HAND,
        "authinfo-given": "the code itself goes to the gaining side by another way",
        "resolution-verified": "validating resolvers are asked",
        "domain-transferred": "where the losing registrar does not answer, the registry approves by itself when its time has come",
        "losing-verified": "the registry asks the losing servers",
        "cds-published": _BY_SERVERS,
        "cds-alone": _BY_SERVERS,
    }
)
_MADE: Final = "and made into the answer to a poll by epp.Message.response"
_OTHERWISE_FACILITATED: Final[Mapping[str, str]] = MappingProxyType(
    {
        "keys-relayed": f"the registry's poll message to the losing registrar, ruled by facilitated.take_offer {_MADE}",
        "wait-announced": f"the registry's poll message to both registrars, ruled by facilitated.announce_wait {_MADE}",
        "authinfo-given": (
            "the registry asks for the code and hands it on by poll messages, ruled by facilitated.ask_auth_info and"
            f" facilitated.take_auth_info {_MADE}"
        ),
        "ns-changed": (
            "the registry does it by itself, with what the gaining registrar offered, and tells both registrars by poll"
            f" message, ruled by facilitated.change_ns {_MADE}"
        ),
        "removal-allowed": f"the registry's poll message to the gaining registrar, ruled by facilitated.allow_removal {_MADE}",
    }
)
"""What the registry tells in the registry-facilitated flow, and what makes the messages."""
_BY_ACTOR: Final[Mapping[Actor, str]] = MappingProxyType(
    {
        Actor.SCANNER: "the parent's scanner takes it from the records in the zones (RFC 7344, RFC 7477)",
        Actor.REGISTRY: "the registry does it by itself, with what the gaining registrar offered",
    }
)


def _carriage(flow: Flow, step: Step) -> Carriage:
    kind = _OF_DELEGATION.get(step.id)
    if kind is None:
        frames: Mapping[Actor, tuple[FrameKind, ...]] = _OF_FLOW.get((flow, step.id), {})
    else:
        frames = {step.actor: (kind,)} if step.actor in _SPONSORS else {}
    return Carriage(frames=MappingProxyType(frames), otherwise=_otherwise(flow, step))


def _otherwise(flow: Flow, step: Step) -> str:
    if flow is Flow.REGISTRY_FACILITATED and step.id in _OTHERWISE_FACILITATED:
        return _OTHERWISE_FACILITATED[step.id]
    by_actor = _BY_ACTOR.get(step.actor) if step.id in _OF_DELEGATION else None
    return by_actor or _OTHERWISE[step.id]


CARRIED: Final[Mapping[Flow, Mapping[str, Carriage]]] = MappingProxyType(
    {
        flow: MappingProxyType({step.id: _carriage(flow, step) for step in with_shared_servers(steps)})
        for flow, steps in STEPS.items()
    }
)
"""How every step of every flow is carried."""


def carriage(flow: Flow, step_id: str) -> Carriage:
    """Return how a step is carried.

    Raises:
        EppError: the flow has no such step.

    >>> [kind.name for kind in carriage(Flow.OPERATOR_CHANGE, "ds-added").frames[Actor.REGISTRAR]]
    ['ADD_DS']
    >>> carriage(Flow.SCANNING_PARENT, "ds-added").why_none(Actor.REGISTRAR)[:45]
    "no frame carries it: the parent's scanner tak"
    """
    found = CARRIED[flow].get(step_id)
    if found is None:
        raise EppError(f"{flow.value} has no step {step_id}", remedy=f"its steps are {', '.join(CARRIED[flow])}")
    return found


def carriage_list(flow: Flow) -> str:
    """Return by what each step of a flow is carried as a list in Markdown: who sends which frames, or what there is instead.

    >>> print(carriage_list(Flow.TO_UNSIGNED).splitlines()[2])
    3. `all-ds-removed`: the registrar sends a domain update that removes all DS or keys.
    """
    lines = []
    for number, step in enumerate(STEPS[flow], start=1):
        found = CARRIED[flow][step.id]
        sent = [
            f"the {sender.value} sends {', and '.join(kind.value for kind in kinds)}"
            for sender, kinds in found.frames.items()
        ]
        lines.append(f"{number}. `{step.id}`: {'; '.join(sent) or f'no frame; {found.otherwise}'}.")
    return "\n".join(lines) + "\n"
