"""What a flow asks of the two operators and the parent, and the steps that are left of it where they cannot do it all.

A flow that needs what somebody cannot do is not planned. What only makes a flow faster or tidier is left out instead:
the losing operator that cannot lower its TTLs or change its own NS RRset costs hours, not safety.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from zonekit.transfer.facts import Facts
from zonekit.transfer.parties import Capability, Channel, OperatorFacts
from zonekit.transfer.steps import STEPS, Effect, Flow, Step, without_steps
from zonekit.transfer.versions import Source

COOPERATING: Final = (*(Flow.OPERATOR_CHANGE, Flow.REGISTRAR_CHANGE, Flow.REGISTRY_FACILITATED, Flow.SCANNING_PARENT),)
"""The flows in which both operators publish each other's keys."""

_CHANNELS: Final = {Flow.REGISTRY_FACILITATED: Channel.KEY_RELAY, Flow.SCANNING_PARENT: Channel.SCANNING}


@dataclass(frozen=True, slots=True, kw_only=True)
class Lack:
    """Something a flow needs that somebody cannot do.

    Attributes:
        who: who cannot do it.
        what: what it is.
        why: what it is needed for, for people.
    """

    who: Source
    what: Capability | Channel
    why: str

    def __str__(self) -> str:
        party = "the parent" if self.who is Source.PARENT else f"the {self.who.value} operator"
        return f"{party} cannot {self.what.value}: {self.why}"


def is_able(operator: OperatorFacts, capability: Capability) -> bool:
    """Return whether an operator can do something; what changes a signed zone it has to sign anew as well."""
    if capability is Capability.SERVE_ON or not operator.is_signed:
        return capability in operator.can
    return {capability, Capability.RE_SIGN} <= operator.can


def lacks(facts: Facts, flow: Flow) -> tuple[Lack, ...]:
    """Return what a flow needs and somebody cannot do; nothing where it can be carried out.

    Each side has to publish every key of the other that signs data, of which a CSK is a KSK besides (RFC 6781 section
    4.3.5.1, RFC 8901 section 2.1.2). The KSK of the other side need not be in the DNSKEY RRset, except in the losing zone
    where the parent takes the DS from there. For that CDS records have to be signed by a key that both the DNSKEY and the DS
    RRset have, and may not break the delegation (RFC 7344 section 4.1), which the losing KSK sees to; but many parents
    take none besides of a key that the DNSKEY RRset does not have. Nobody looks at the gaining zone before the NS lead there,
    and the DS of both, which its CDS records ask for, are at the parent by then.
    """
    return tuple(_lacks(facts, flow))


def _lacks(facts: Facts, flow: Flow) -> Iterator[Lack]:
    channel = _CHANNELS.get(flow, Channel.REQUEST)
    if channel not in facts.parent.channels:
        yield Lack(who=Source.PARENT, what=channel, why="that is how this flow changes DS and NS")
    if flow not in COOPERATING:
        return
    sides = (Source.LOSING, facts.losing, facts.gaining), (Source.GAINING, facts.gaining, facts.losing)
    for who, operator, other in sides:
        for capability, why in _for_the_keys(other):
            if capability not in operator.can:
                yield Lack(who=who, what=capability, why=why)
    losing = facts.losing
    if flow is Flow.SCANNING_PARENT and Capability.IMPORT_KSK not in losing.can and not _signs_with_csk(facts.gaining):
        yield Lack(who=Source.LOSING, what=Capability.IMPORT_KSK, why="the parent takes the DS of both from its zone")
    if flow is Flow.SCANNING_PARENT and Capability.CHANGE_NS not in losing.can:
        yield Lack(who=Source.LOSING, what=Capability.CHANGE_NS, why="the parent takes the NS RRset from the zone")
    if Capability.SERVE_ON not in losing.can:
        yield Lack(who=Source.LOSING, what=Capability.SERVE_ON, why="caches lead resolvers to it for some time yet")


def _for_the_keys(other: OperatorFacts) -> Iterator[tuple[Capability, str]]:
    yield Capability.RE_SIGN, "the DNSKEY RRset changes"
    yield Capability.IMPORT_ZSK, "cached data is proven by keys of the other side"
    if _signs_with_csk(other):
        yield Capability.IMPORT_KSK, "the other side signs its data with a CSK"


def _signs_with_csk(operator: OperatorFacts) -> bool:
    return not operator.keys_for_others.isdisjoint(operator.dnskey_signers)


def steps_within(facts: Facts, flow: Flow) -> tuple[Step, ...]:
    """Return the steps of a flow that the two sides can take; what is left of them depends on what is left.

    Without ``LOWER_TTLS`` no TTLs are lowered, or kept low at the gaining operator until the end; without ``CHANGE_NS`` the
    losing zone goes on naming itself. A losing operator without ``SERVE_ON`` stops as soon as the NS have changed, whatever that does.
    Where the parent has no DS, none is removed.
    """
    losing, gaining = facts.losing, facts.gaining
    dropped = set()
    if not is_able(losing, Capability.LOWER_TTLS):
        dropped.add(Effect.TTLS_LOWERED)
    if not is_able(losing, Capability.CHANGE_NS):
        dropped.add(Effect.NS_AT_LOSING)
    kept_low = max(gaining.ns_ttl, gaining.dnskey_ttl if gaining.is_signed else gaining.ns_ttl)
    if kept_low <= facts.timing.lowered_ttl or not is_able(gaining, Capability.LOWER_TTLS):
        dropped.add(Effect.GAINING_TTLS_RESTORED)
    if not facts.parent.ds:
        dropped.add(Effect.ALL_DS_REMOVED)
    steps = without_steps(STEPS[flow], dropped) if dropped else STEPS[flow]
    if is_able(losing, Capability.SERVE_ON):
        return steps
    return tuple(replace(step, after=("ns-changed",)) if step.effect is Effect.LOSING_STOPS else step for step in steps)
