"""The flows of a transfer, as tables: every step, who takes it, what it waits for, and what it changes.

The planner walks a table, the diagrams and lists are made from it, and the tests go through it. A step's effect says
which record versions it begins and ends; a step without one is a matter between people, or nothing but a wait.
"""

from __future__ import annotations

import enum
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final


class Actor(enum.Enum):
    """Who takes a step."""

    REGISTRANT = "registrant"
    GAINING = "gaining operator"
    LOSING = "losing operator"
    BOTH = "both operators"
    REGISTRAR = "registrar"
    """The registrar of a domain that stays with it."""
    LOSING_REGISTRAR = "losing registrar"
    """Where the domain is transferred as well: its sponsor until that is done, and nobody else can ask the parent."""
    GAINING_REGISTRAR = "gaining registrar"
    """Its sponsor from then on."""
    REGISTRY = "registry"
    SCANNER = "parent's scanner"
    NOBODY = "nobody"


class Effect(enum.Enum):
    """What a step changes in what is served."""

    GAINING_KEYS_AT_LOSING = "the losing DNSKEY RRset gets the gaining keys"
    LOSING_KEYS_AT_GAINING = "the gaining DNSKEY RRset gets the losing keys"
    TTLS_LOWERED = "the losing NS and DNSKEY RRsets get lower TTLs"
    GAINING_SERVES = "the gaining servers answer"
    SHARED_SERVE = "servers that resolvers ask already answer from the gaining zone"
    DS_ADDED = "the gaining DS joins the parent's DS RRset"
    NS_AT_PARENT = "the parent's NS RRset names the gaining servers"
    NS_AT_LOSING = "the losing zone's NS RRset names the gaining servers"
    LOSING_DS_REMOVED = "the losing DS leaves the parent's DS RRset"
    ALL_DS_REMOVED = "the parent has no DS RRset any more"
    LOSING_KEYS_WITHDRAWN = "the gaining DNSKEY RRset loses the losing keys"
    LOSING_STOPS = "the losing servers answer no more"
    GAINING_TTLS_RESTORED = "the gaining NS and DNSKEY RRsets, kept low so far, get their own TTLs"


class Lasting(enum.Enum):
    """How long a step takes, by what has to be waited for until it is done."""

    NOTHING = "nothing"
    LOSING = "propagation to the last losing server"
    GAINING = "propagation to the last gaining server"
    BOTH = "propagation to the last server of both operators"
    REQUEST = "registration, and propagation to the parent's last server"
    SCAN = "the next scan, registration, and propagation to the parent's last server"
    CHECK = "a check of the registry"
    APPROVAL = "the approval by the losing registrar or, in its place, the registry"


class WaitFor(enum.Enum):
    """What a step waits for besides the steps before it."""

    LOSING_DNSKEY_MERGED = "no cache holds a losing DNSKEY RRset without the gaining keys"
    GAINING_DNSKEY_MERGED = "no gaining server gives a DNSKEY RRset without the losing keys"
    BOTH_DS = "no cache holds a DS RRset without the gaining DS"
    NO_DS = "no cache holds a DS RRset"
    LOSING_UNREACHABLE = "no NS RRset leads a resolver to the losing servers"
    LOSING_DNSKEY_GONE = "no cache holds a DNSKEY RRset of the losing operator"
    LOSING_DATA_GONE = "no cache holds anything of the losing operator"


class Flow(enum.Enum):
    """A way to carry out a transfer."""

    OPERATOR_CHANGE = "operator-change"
    """Both operators cooperate and the registrar stays."""
    REGISTRAR_CHANGE = "registrar-change"
    """Both cooperate, and the domain is transferred to another registrar as well.

    That the losing side confirms its tasks to the gaining one is no step of its own: each step says by what it is
    confirmed, and the gate lets the NS change begin when all are.
    """
    REGISTRY_FACILITATED = "registry-facilitated"
    """The registry relays keys and requests between the two sides (RFC 8063)."""
    SCANNING_PARENT = "scanning-parent"
    """The parent takes DS and NS from the CDS and CSYNC records of both zones (RFC 7344, RFC 7477)."""
    THROUGH_INSECURE = "through-insecure"
    """The losing operator does not cooperate (RFC 6781 section 4.3.5.2)."""
    TO_UNSIGNED = "to-unsigned"
    """The gaining operator does not sign."""
    FROM_UNSIGNED = "from-unsigned"
    """The losing operator does not sign."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A step of a flow.

    Attributes:
        id: a stable word for programs.
        actor: who takes it.
        action: what is done, for people.
        after: the ids of the steps that have to be complete before.
        waits: what has to have left the caches before.
        effect: what it changes in what is served, if anything.
        lasting: what makes it take time.
        scans: the id of the step whose records it is taken from; it may begin with that, as soon as the first server gives
            them, and is done a scan after the last one does.
        confirmed_by: what shows that it is done.
    """

    id: str
    actor: Actor
    action: str
    after: tuple[str, ...] = ()
    waits: tuple[WaitFor, ...] = ()
    effect: Effect | None = None
    lasting: Lasting = Lasting.NOTHING
    scans: str | None = None
    confirmed_by: str = ""

    def __hash__(self) -> int:
        return hash(self.id)  # a table has one step of a name, and is looked up often


_FREEZE: Final = Step(
    id="frozen",
    actor=Actor.BOTH,
    action="stop rollovers, and CDS, CDNSKEY and CSYNC of one side alone",
    confirmed_by="both operators say so",
)
_KEYS_MADE: Final = Step(
    id="keys-made",
    actor=Actor.GAINING,
    action="generate KSK and ZSK and sign the zone with them, unpublished",
    after=("frozen",),
    confirmed_by="the signed zone verifies",
)
_EXCHANGED: Final = Step(
    id="keys-exchanged",
    actor=Actor.BOTH,
    action="hand each other the DNSKEYs",
    after=("keys-made",),
    confirmed_by="each side accepts the other's keys",
)
_GAINING_MERGED: Final = Step(
    id="gaining-merged",
    actor=Actor.GAINING,
    action="publish the losing keys in the gaining zone and re-sign its DNSKEY RRset",
    after=("keys-exchanged",),
    effect=Effect.LOSING_KEYS_AT_GAINING,
    lasting=Lasting.GAINING,
    confirmed_by="every gaining server gives the merged DNSKEY RRset",
)
_LOSING_MERGED: Final = Step(
    id="losing-merged",
    actor=Actor.LOSING,
    action="publish the gaining keys in the losing zone and re-sign its DNSKEY RRset",
    after=("keys-exchanged",),
    effect=Effect.GAINING_KEYS_AT_LOSING,
    lasting=Lasting.LOSING,
    confirmed_by="every losing server gives the merged DNSKEY RRset",
)
_TTLS_LOWERED: Final = Step(
    id="ttls-lowered",
    actor=Actor.LOSING,
    action="lower the TTLs of the apex NS and DNSKEY RRsets",
    after=("keys-exchanged",),
    effect=Effect.TTLS_LOWERED,
    lasting=Lasting.LOSING,
    confirmed_by="every losing server gives the lower TTLs",
)
_DS_ADDED: Final = Step(
    id="ds-added",
    actor=Actor.REGISTRAR,
    action="add the gaining DS at the parent, beside the losing one",
    after=("keys-exchanged",),
    effect=Effect.DS_ADDED,
    lasting=Lasting.REQUEST,
    confirmed_by="every server of the parent gives both DS records",
)
_SAFE_TO_SWITCH: Final = (WaitFor.LOSING_DNSKEY_MERGED, WaitFor.GAINING_DNSKEY_MERGED, WaitFor.BOTH_DS)
_SWITCH_AFTER: Final = ("losing-merged", "gaining-merged", "ds-added", "gaining-serves")
_NS_AT_PARENT: Final = Step(
    id="ns-changed",
    actor=Actor.REGISTRAR,
    action="change the NS RRset at the parent to the gaining servers, with the addresses of those in the domain",
    after=_SWITCH_AFTER,
    waits=_SAFE_TO_SWITCH,
    effect=Effect.NS_AT_PARENT,
    lasting=Lasting.REQUEST,
    confirmed_by="every server of the parent names the gaining servers",
)
_NS_AT_LOSING: Final = Step(
    id="losing-ns-changed",
    actor=Actor.LOSING,
    action="change the apex NS RRset of the losing zone to the gaining servers, with the addresses of those in the domain",
    after=_SWITCH_AFTER,
    waits=_SAFE_TO_SWITCH,
    effect=Effect.NS_AT_LOSING,
    lasting=Lasting.LOSING,
    confirmed_by="every losing server names the gaining servers",
)
_UNREACHABLE: Final = Step(
    id="losing-unreachable",
    actor=Actor.NOBODY,
    action="wait until no NS RRset leads to the losing servers",
    after=("ns-changed",),
    waits=(WaitFor.LOSING_UNREACHABLE,),
    confirmed_by="the time",
)
_LOSING_DS_REMOVED: Final = Step(
    id="losing-ds-removed",
    actor=Actor.REGISTRAR,
    action="remove every losing DS at the parent",
    after=("losing-unreachable",),
    waits=(WaitFor.LOSING_DNSKEY_GONE,),
    effect=Effect.LOSING_DS_REMOVED,
    lasting=Lasting.REQUEST,
    confirmed_by="every server of the parent gives the gaining DS alone",
)
_WITHDRAWN: Final = Step(
    id="losing-keys-withdrawn",
    actor=Actor.GAINING,
    action="withdraw the losing keys from the gaining zone and re-sign its DNSKEY RRset",
    after=("losing-unreachable",),
    waits=(WaitFor.LOSING_DATA_GONE,),
    effect=Effect.LOSING_KEYS_WITHDRAWN,
    lasting=Lasting.GAINING,
    confirmed_by="every gaining server gives its own keys alone",
)
_STOPPED: Final = Step(
    id="losing-stopped",
    actor=Actor.LOSING,
    action="stop answering for the zone",
    after=("losing-unreachable",),
    effect=Effect.LOSING_STOPS,
    lasting=Lasting.LOSING,
    confirmed_by="the losing servers refuse queries for the zone",
)
_END_VERIFIED: Final = Step(
    id="end-verified",
    actor=Actor.GAINING,
    action="verify the end state: the DS at the parent, the NS there and in the zone, and the gaining zone on every server",
    after=("losing-ds-removed", "losing-keys-withdrawn", "losing-stopped"),
    confirmed_by="a verifier finds no fault from the parent's DS to the last RRset, and nothing of the losing operator",
)
_TTLS_RESTORED: Final = Step(
    id="ttls-restored",
    actor=Actor.GAINING,
    action="raise the TTLs of the gaining apex NS and DNSKEY RRsets, kept low so far for a short way back",
    after=("end-verified",),
    effect=Effect.GAINING_TTLS_RESTORED,
    lasting=Lasting.GAINING,
    confirmed_by="every gaining server gives the TTLs that are to stay",
)
_THAW: Final = Step(
    id="thawed",
    actor=Actor.GAINING,
    action="let rollovers, CDS, CDNSKEY and CSYNC go on",
    after=("ttls-restored",),
    confirmed_by="the gaining operator says so",
)
_END: Final = (_END_VERIFIED, _TTLS_RESTORED, _THAW)

_SERVES: Final = Step(
    id="gaining-serves",
    actor=Actor.GAINING,
    action="load the gaining zone on all its servers",
    after=("gaining-merged",),
    effect=Effect.GAINING_SERVES,
    lasting=Lasting.GAINING,
    confirmed_by="every gaining server answers for the zone",
)
_SHARED_SERVE: Final = Step(
    id="shared-serve",
    actor=Actor.GAINING,
    action="load the gaining zone on the servers that resolvers ask already: those of the losing operator or the parent",
    effect=Effect.SHARED_SERVE,
    lasting=Lasting.GAINING,
    confirmed_by="these servers answer from the gaining zone",
)

_COOPERATING: Final = (
    *(_FREEZE, _KEYS_MADE, _EXCHANGED, _GAINING_MERGED, _LOSING_MERGED, _TTLS_LOWERED, _DS_ADDED, _SERVES),
    *(_NS_AT_PARENT, _NS_AT_LOSING, _UNREACHABLE, _LOSING_DS_REMOVED, _WITHDRAWN, _STOPPED, *_END),
)


def _by(actor: Actor, *steps: Step) -> tuple[Step, ...]:
    return tuple(replace(step, actor=actor) for step in steps)


def _after(step: Step, *more: str) -> Step:
    return replace(step, after=(*step.after, *more))


_REQUESTED: Final = Step(
    id="requested",
    actor=Actor.REGISTRANT,
    action="ask the gaining side for the transfer, and give it the permission",
    confirmed_by="the gaining side has the order",
)
_AUTHINFO: Final = Step(
    id="authinfo-given",
    actor=Actor.LOSING_REGISTRAR,
    action="hand out the authinfo code",
    after=("losing-merged", "ds-added", "ttls-lowered"),
    confirmed_by="the gaining side has the code",
)
_AUTHINFO_ASKED: Final = replace(
    _AUTHINFO,
    action="hand out the authinfo code that the registry asks for",
    after=("wait-announced",),
    confirmed_by="the registry has the code, and the gaining side knows it",
)
_VERIFIED: Final = Step(
    id="resolution-verified",
    actor=Actor.GAINING,
    action="check that the domain resolves and validates at the gaining servers",
    after=("ns-changed",),
    confirmed_by="validating resolvers answer from the gaining zone",
)
_TRANSFERRED: Final = Step(
    id="domain-transferred",
    actor=Actor.REGISTRY,
    action="transfer the domain to the gaining registrar",
    after=("authinfo-given", "resolution-verified"),
    lasting=Lasting.APPROVAL,
    confirmed_by="the registry names the gaining registrar",
)
_OFFERED: Final = Step(
    id="keys-offered",
    actor=Actor.GAINING_REGISTRAR,
    action="send the gaining DNSKEYs, DS and name servers to the registry",
    after=("keys-made",),
    confirmed_by="the registry has taken the request",
)
_RELAYED: Final = Step(
    id="keys-relayed",
    actor=Actor.REGISTRY,
    action="check the registrant's permission, relay the gaining DNSKEYs, DS and name servers to the losing side, and ask it"
    " for lower TTLs",
    after=("keys-offered",),
    lasting=Lasting.CHECK,
    confirmed_by="the losing side has taken the poll message",
)
_EXCHANGED_BY_RELAY: Final = replace(
    _EXCHANGED,
    action="take each other's DNSKEYs: the gaining ones as they were relayed, the losing ones from the losing zone, validated",
    after=("keys-relayed",),
)
_LOSING_VERIFIED: Final = Step(
    id="losing-verified",
    actor=Actor.REGISTRY,
    action="verify the losing zone: the gaining keys are in it, and the TTLs are low",
    after=("losing-merged", "ttls-lowered", "ds-added"),
    lasting=Lasting.CHECK,
    confirmed_by="the registry's own queries",
)
_WAIT_ANNOUNCED: Final = Step(
    id="wait-announced",
    actor=Actor.REGISTRY,
    action="work out the longest TTL, and announce to both sides until when it keeps the NS from being changed",
    after=("losing-verified",),
    confirmed_by="both sides have taken the poll message",
)
_REMOVAL_ALLOWED: Final = Step(
    id="removal-allowed",
    actor=Actor.REGISTRY,
    action="allow the gaining registrar to remove the losing DS",
    after=("domain-transferred",),
    confirmed_by="the gaining registrar has taken the poll message",
)
_CDS_PUBLISHED: Final = Step(
    id="cds-published",
    actor=Actor.BOTH,
    action="publish CDS and CDNSKEY records of both KSKs in both zones",
    after=("losing-merged", "gaining-merged"),
    lasting=Lasting.BOTH,
    confirmed_by="every server of both gives them",
)
_CSYNC_PUBLISHED: Final = replace(
    _NS_AT_LOSING,
    action="change the apex NS RRset of the losing zone to the gaining servers, with the addresses of those in the domain,"
    " and publish a CSYNC record that asks the parent for both",
    after=("losing-merged", "gaining-merged", "ds-added", "gaining-serves"),
    confirmed_by="every losing server names the gaining servers and gives the CSYNC record",
)
_CDS_ALONE: Final = Step(
    id="cds-alone",
    actor=Actor.GAINING,
    action="publish CDS and CDNSKEY records of the gaining KSK alone",
    after=("losing-unreachable",),
    waits=(WaitFor.LOSING_DNSKEY_GONE,),
    lasting=Lasting.GAINING,
    confirmed_by="every gaining server gives them",
)


def _scanned(step: Step, trigger: str) -> Step:
    """A step that nobody asks the parent for: its scanner takes it from what another step published."""
    return replace(step, actor=Actor.SCANNER, after=(trigger,), waits=(), lasting=Lasting.SCAN, scans=trigger)


_REGISTRAR_CHANGE: Final = (
    *(_REQUESTED, _after(_FREEZE, "requested"), _KEYS_MADE, _EXCHANGED, _GAINING_MERGED, _LOSING_MERGED, _TTLS_LOWERED),
    *(*_by(Actor.LOSING_REGISTRAR, _DS_ADDED), _SERVES, _AUTHINFO),
    *_by(Actor.LOSING_REGISTRAR, _after(_NS_AT_PARENT, "authinfo-given")),
    *(_after(_NS_AT_LOSING, "authinfo-given"), _VERIFIED, _TRANSFERRED, _UNREACHABLE),
    *_by(Actor.GAINING_REGISTRAR, _after(_LOSING_DS_REMOVED, "domain-transferred")),
    *(_WITHDRAWN, _STOPPED, *_END),
)
_FACILITATED: Final = (
    *(_REQUESTED, _after(_FREEZE, "requested"), _KEYS_MADE, _OFFERED, _RELAYED, _EXCHANGED_BY_RELAY),
    *(_GAINING_MERGED, _LOSING_MERGED, _TTLS_LOWERED, *_by(Actor.REGISTRY, _DS_ADDED), _SERVES),
    *(_LOSING_VERIFIED, _WAIT_ANNOUNCED, _AUTHINFO_ASKED),
    *_by(Actor.REGISTRY, _after(_NS_AT_PARENT, "authinfo-given")),
    *(_after(_NS_AT_LOSING, "authinfo-given"), _VERIFIED, _TRANSFERRED, _REMOVAL_ALLOWED, _UNREACHABLE),
    *_by(Actor.GAINING_REGISTRAR, _after(_LOSING_DS_REMOVED, "removal-allowed")),
    *(_WITHDRAWN, _STOPPED, *_END),
)
_SCANNED: Final = (
    *(_FREEZE, _KEYS_MADE, _EXCHANGED, _GAINING_MERGED, _LOSING_MERGED, _TTLS_LOWERED, _CDS_PUBLISHED),
    *(_scanned(_DS_ADDED, "cds-published"), _SERVES, _CSYNC_PUBLISHED, _scanned(_NS_AT_PARENT, "losing-ns-changed")),
    *(_UNREACHABLE, _CDS_ALONE, _scanned(_LOSING_DS_REMOVED, "cds-alone"), _WITHDRAWN, _STOPPED, *_END),
)

_ALL_DS_REMOVED: Final = Step(
    id="all-ds-removed",
    actor=Actor.REGISTRAR,
    action="remove the DS RRset at the parent: the domain is insecure from here on",
    after=("gaining-serves",),
    effect=Effect.ALL_DS_REMOVED,
    lasting=Lasting.REQUEST,
    confirmed_by="every server of the parent says that there is no DS",
)
_NS_ALONE: Final = replace(_NS_AT_PARENT, after=("all-ds-removed",), waits=(WaitFor.NO_DS,))
_NEW_DS: Final = replace(
    _DS_ADDED,
    action="add the gaining DS at the parent: the domain is secure again",
    after=("losing-unreachable",),
    waits=(WaitFor.LOSING_DNSKEY_GONE, WaitFor.LOSING_DATA_GONE),
    confirmed_by="every server of the parent gives the gaining DS",
)
_PUBLIC: Final = replace(_SERVES, after=("keys-made",))
_NOT_SCANNED: Final = "or the parent does not scan the domain"
_FREEZE_ALONE: Final = replace(
    _FREEZE,
    actor=Actor.GAINING,
    action="begin no rollover and publish no CDS, CDNSKEY or CSYNC; where the losing operator goes on publishing any, have the"
    " registrar ask the parent not to scan the domain",
    confirmed_by=f"neither zone has such a record, {_NOT_SCANNED}",
)
_FREEZE_TO_UNSIGNED: Final = replace(
    _FREEZE,
    actor=Actor.REGISTRAR,
    action="where the losing operator goes on publishing CDS, CDNSKEY or CSYNC, ask the parent not to scan the domain",
    confirmed_by=f"the losing zone has no such record, {_NOT_SCANNED}",
)
_FREEZE_FROM_UNSIGNED: Final = replace(
    _FREEZE,
    actor=Actor.GAINING,
    action="begin no rollover and publish no CDS, CDNSKEY or CSYNC, or have the registrar ask the parent not to scan the domain",
    confirmed_by=f"the gaining zone has no such record, {_NOT_SCANNED}",
)
_END_OF_TWO: Final = (
    replace(_END_VERIFIED, after=("ds-added", "losing-stopped")),
    _TTLS_RESTORED,
    replace(_THAW, action="let rollovers, CDS, CDNSKEY and CSYNC go on, and the parent scan the domain again"),
)
_END_UNSIGNED: Final = (
    replace(
        _END_VERIFIED,
        action="verify the end state: no DS at the parent, the NS there and in the zone, and the gaining zone on every server",
        after=("losing-stopped",),
        confirmed_by="a verifier finds the domain insecure and every gaining server answering, and nothing of the losing"
        " operator",
    ),
    replace(_TTLS_RESTORED, action="raise the TTL of the gaining apex NS RRset, kept low so far for a short way back"),
    replace(
        _THAW,
        actor=Actor.REGISTRAR,
        action="let the parent scan the domain again",
        confirmed_by="the registrar says so",
    ),
)

_THROUGH_INSECURE: Final = (
    *(_FREEZE_ALONE, _KEYS_MADE, _PUBLIC, _ALL_DS_REMOVED, _NS_ALONE, _UNREACHABLE, _NEW_DS, _STOPPED),
    *_END_OF_TWO,
)
_TO_UNSIGNED: Final = (
    *(_FREEZE_TO_UNSIGNED, replace(_PUBLIC, after=("frozen",)), _ALL_DS_REMOVED, _NS_ALONE, _UNREACHABLE, _STOPPED),
    *_END_UNSIGNED,
)
_FROM_UNSIGNED: Final = (
    *(_FREEZE_FROM_UNSIGNED, _KEYS_MADE, _PUBLIC, replace(_NS_AT_PARENT, after=("gaining-serves",), waits=())),
    *(replace(_NS_AT_LOSING, after=("gaining-serves",), waits=()), _UNREACHABLE, _NEW_DS, _STOPPED, *_END_OF_TWO),
)

STEPS: Final[Mapping[Flow, tuple[Step, ...]]] = MappingProxyType(
    {
        Flow.OPERATOR_CHANGE: _COOPERATING,
        Flow.REGISTRAR_CHANGE: _REGISTRAR_CHANGE,
        Flow.REGISTRY_FACILITATED: _FACILITATED,
        Flow.SCANNING_PARENT: _SCANNED,
        Flow.THROUGH_INSECURE: _THROUGH_INSECURE,
        Flow.TO_UNSIGNED: _TO_UNSIGNED,
        Flow.FROM_UNSIGNED: _FROM_UNSIGNED,
    }
)
"""The steps of each flow, each after those that it depends on."""


def without_steps(steps: Iterable[Step], effects: Container[Effect]) -> tuple[Step, ...]:
    """Return the steps but those with one of these effects; what came after one of them comes after what it came after.

    >>> [step.id for step in without_steps(STEPS[Flow.TO_UNSIGNED], {Effect.ALL_DS_REMOVED})]
    ['frozen', 'gaining-serves', 'ns-changed', 'losing-unreachable', 'losing-stopped', 'end-verified', 'ttls-restored', 'thawed']
    >>> without_steps(STEPS[Flow.TO_UNSIGNED], {Effect.ALL_DS_REMOVED})[2].after
    ('gaining-serves',)
    """
    before: dict[str, tuple[str, ...]] = {}
    left = []
    for step in steps:
        after = tuple(dict.fromkeys(each for step_id in step.after for each in before.get(step_id, (step_id,))))
        if step.effect in effects:
            before[step.id] = after
        else:
            left.append(replace(step, after=after))
    return tuple(left)


def with_shared_servers(steps: Iterable[Step]) -> tuple[Step, ...]:
    """Return the steps where some of the gaining servers are asked by resolvers already.

    Loading the gaining zone there is what opens it: it comes last of all loading, after what the first change of the NS comes
    after, and waits for the same. Every change of the NS comes after it, but for one that a scanner takes from another.

    >>> [step.id for step in with_shared_servers(STEPS[Flow.FROM_UNSIGNED])][2:5]
    ['gaining-serves', 'shared-serve', 'ns-changed']
    """
    found = tuple(steps)
    changes = [step for step in found if step.effect in (Effect.NS_AT_PARENT, Effect.NS_AT_LOSING)]
    switch = changes[0]
    opening = replace(_SHARED_SERVE, after=tuple(dict.fromkeys(("gaining-serves", *switch.after))), waits=switch.waits)
    place = found.index(switch)
    after = [_after(step, opening.id) if step in changes and step.scans is None else step for step in found[place:]]
    return (*found[:place], opening, *after)


def mermaid(flow: Flow) -> str:
    """Return a Mermaid diagram of a flow: who does what after what.

    >>> print(mermaid(Flow.TO_UNSIGNED).splitlines()[2].strip())
    gaining_serves["gaining operator: load the gaining zone on all its servers"]
    """
    lines = ["flowchart TD"]
    for step in STEPS[flow]:
        waits = "<br>and ".join(wait.value for wait in step.waits)
        only_when = f"<br>only when {waits}" if waits else ""
        lines.append(f'    {_node(step.id)}["{step.actor.value}: {step.action}{only_when}"]')
        lines += [f"    {_node(before)} --> {_node(step.id)}" for before in step.after]
    return "\n".join(lines) + "\n"


def _node(step_id: str) -> str:
    """A step's name in a diagram, where a name that begins with a word of Mermaid's own, such as end-, is refused."""
    return step_id.replace("-", "_")


def step_list(flow: Flow) -> str:
    """Return the steps of a flow as a numbered list in Markdown: who does what, and what it waits for.

    >>> print(step_list(Flow.TO_UNSIGNED).splitlines()[2])
    3. `all-ds-removed`, registrar: remove the DS RRset at the parent: the domain is insecure from here on.
    """
    lines = []
    for number, step in enumerate(STEPS[flow], start=1):
        waits = " and ".join(wait.value for wait in step.waits)
        until = f" Only when {waits}." if waits else ""
        lines.append(f"{number}. `{step.id}`, {step.actor.value}: {step.action}.{until}")
    return "\n".join(lines) + "\n"
