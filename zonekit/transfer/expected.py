"""What the verifier finds in a zone and the claimed step makes legal: expected then, and no error.

A checker that knows of one zone alone raises alarms on the legal states of a transfer: keys that sign nothing, a DS of a key
that is not there, a zone that no DS leads to yet. :func:`findings_at` gives each finding of the verifier back as it is, or as
an INFO that says at which step it is expected and until which. A finding at a step that does not explain it stays what it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from zonekit import rdata as rd
from zonekit.ds import asks_for
from zonekit.findings import Finding, Severity
from zonekit.transfer import codes as transfer_codes
from zonekit.transfer.sides import led_to, servers_in, signer_of_key
from zonekit.transfer.steps import Effect
from zonekit.transfer.versions import Source
from zonekit.transfer.views import View
from zonekit.verifying import codes
from zonekit.verifying.codes import Code
from zonekit.zones import RRset

_Mark: TypeAlias = Effect | str
_OTHER: Final = {Source.LOSING: Source.GAINING, Source.GAINING: Source.LOSING}
_OPERATORS: Final = (Source.LOSING, Source.GAINING)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Window:
    """When a finding is expected.

    Attributes:
        codes: the findings.
        source: in whose zone.
        since: the step from which it is, one of these; None where it is from the start.
        until: the step that ends it, whichever of these comes first; none where nothing does.
        only_in: what one of the flow's steps has to be.
        not_in: what none of them may be.
        explains: whether the transfer explains this finding: nothing else than the other side's keys makes it.
    """

    codes: frozenset[str]
    source: Source
    since: tuple[_Mark, ...] | None
    until: tuple[_Mark, ...]
    only_in: _Mark | None = None
    not_in: _Mark | None = None
    explains: Callable[[View, Source, Finding], bool]

    def is_open(self, view: View) -> bool:
        """Whether the claimed step lies in it."""
        return (
            (self.only_in is None or self.only_in in view.effects)
            and (self.not_in is None or self.not_in not in view.effects)
            and (self.since is None or not view.begun_marks.isdisjoint(self.since))
            and view.done_marks.isdisjoint(self.until)
        )


def _named(*found: Code) -> frozenset[str]:
    return frozenset(code.name for code in found)


def _always(view: View, source: Source, finding: Finding) -> bool:
    return True


def _by_other_ds(view: View, source: Source, finding: Finding) -> bool:
    """Whether a finding about the chain goes away with the DS records of the other side's keys."""
    assert view.ds is not None  # or nothing is found in the chain
    others = view.sides[_OTHER[source]].own
    left = tuple(
        rdata
        for rdata in view.ds.rdatas
        if not led_to(RRset(owner=view.ds.owner, rdtype=rd.DS, ttl=view.ds.ttl, rdatas=(rdata,)), view.apex, others)
    )
    if not left:
        return True
    without = RRset(owner=view.ds.owner, rdtype=rd.DS, ttl=view.ds.ttl, rdatas=left)
    return finding.message not in [each.message for each in view.chain(source, without)]


def _all_ds_known(view: View, source: Source, finding: Finding) -> bool:
    """Whether every DS at the parent is of a key of one of the two sides, so that the chain lacks nothing but its time."""
    keys = (*view.losing.own, *view.gaining.own, *view.gaining.nobodys)
    return view.ds is not None and all(
        led_to(RRset(owner=view.ds.owner, rdtype=rd.DS, ttl=view.ds.ttl, rdatas=(rdata,)), view.apex, keys)
        for rdata in view.ds.rdatas
    )


def _all_stand_by_other(view: View, source: Source, finding: Finding) -> bool:
    """Whether every key that signs nothing in the zone is the other side's."""
    side = view.sides[source]
    signing = {*map(signer_of_key, side.signing_dnskey), *side.data_signers}
    return all(key not in side.own for key in side.keys if signer_of_key(key) not in signing)


def _all_cds_known(view: View, source: Source, finding: Finding) -> bool:
    """Whether CDS and CDNSKEY ask for keys of the two sides and for no other."""
    zone = view.sides[source].zone
    keys = [key.dnskey_rdata for key in (*view.losing.own, *view.gaining.own)]
    rrsets = [] if zone is None else [zone.get("@", rdtype) for rdtype in (rd.CDS, rd.CDNSKEY)]
    return all(
        asks_for(rrset.rdtype, rdata, view.apex, keys)
        for rrset in rrsets
        if rrset is not None
        for rdata in rrset.rdatas
    )


_CHAIN: Final = _named(codes.CHAIN_BROKEN, codes.DS_ALGORITHM_UNSIGNED, codes.DS_WITHOUT_DNSKEY, codes.CDS_SIGNER)
_OF_OTHER_DS: Final = _named(codes.DS_WITHOUT_DNSKEY, codes.DS_KEY_SILENT)
_INSECURE: Final = _named(codes.DS_NONE, codes.CHAIN_INSECURE)

_WINDOWS: Final[tuple[_Window, ...]] = (
    # The keys of the other side sign nothing here.
    _Window(
        codes=_named(codes.DNSKEY_STAND_BY),
        source=Source.LOSING,
        since=(Effect.GAINING_KEYS_AT_LOSING,),
        until=(Effect.LOSING_STOPS,),
        explains=_all_stand_by_other,
    ),
    _Window(
        codes=_named(codes.DNSKEY_STAND_BY),
        source=Source.GAINING,
        since=(Effect.LOSING_KEYS_AT_GAINING,),
        until=(Effect.LOSING_KEYS_WITHDRAWN,),
        explains=_all_stand_by_other,
    ),
    # The DS of the other side is of a key that does not sign here, or is not here where only ZSKs were merged.
    _Window(
        codes=_OF_OTHER_DS,
        source=Source.LOSING,
        since=(Effect.DS_ADDED,),
        until=(Effect.LOSING_STOPS,),
        explains=_by_other_ds,
    ),
    _Window(
        codes=_OF_OTHER_DS,
        source=Source.GAINING,
        since=None,
        until=(Effect.LOSING_DS_REMOVED, Effect.ALL_DS_REMOVED),
        explains=_by_other_ds,
    ),
    # No DS leads to the gaining zone yet, or to the losing one any more.
    _Window(
        codes=_CHAIN,
        source=Source.GAINING,
        since=None,
        until=(Effect.DS_ADDED, Effect.ALL_DS_REMOVED),
        explains=_all_ds_known,
    ),
    _Window(
        codes=_CHAIN,
        source=Source.LOSING,
        since=(Effect.LOSING_DS_REMOVED,),
        until=(Effect.LOSING_STOPS,),
        explains=_all_ds_known,
    ),
    _Window(
        codes=_CHAIN,
        source=Source.LOSING,
        since=(Effect.DS_ADDED,),
        until=(Effect.LOSING_STOPS,),
        not_in=Effect.LOSING_DS_REMOVED,
        explains=_all_ds_known,
    ),
    # Through insecure, to unsigned and from unsigned.
    *[
        _Window(
            codes=_INSECURE,
            source=source,
            since=(Effect.ALL_DS_REMOVED,),
            until=(Effect.DS_ADDED,),
            explains=_always,
        )
        for source in _OPERATORS
    ],
    *[
        _Window(
            codes=_INSECURE,
            source=source,
            since=None,
            until=(Effect.DS_ADDED,),
            only_in=Effect.DS_ADDED,
            not_in=Effect.ALL_DS_REMOVED,
            explains=lambda view, _source, _finding: not view.merges,
        )
        for source in _OPERATORS
    ],
    _Window(
        codes=_named(codes.ZONE_NOT_SIGNED),
        source=Source.GAINING,
        since=None,
        until=(),
        not_in="keys-made",
        explains=_always,
    ),
    _Window(
        codes=_named(codes.ZONE_NOT_SIGNED) | _CHAIN,
        source=Source.LOSING,
        since=None,
        until=(Effect.LOSING_STOPS,),
        only_in=Effect.DS_ADDED,
        explains=lambda view, _source, _finding: (
            not view.merges and Effect.ALL_DS_REMOVED not in view.effects and not view.losing.keys
        ),
    ),
    # CDS for the keys of both, where the KSK of the other is not among the DNSKEYs.
    *[
        _Window(
            codes=_named(codes.CDS_WITHOUT_DNSKEY),
            source=source,
            since=("keys-exchanged",),
            until=("thawed", end),
            explains=_all_cds_known,
        )
        for source, end in ((Source.LOSING, Effect.LOSING_STOPS), (Source.GAINING, "cds-alone"))
    ],
)
"""What the steps of a transfer make legal."""


def findings_at(view: View, source: Source) -> tuple[Finding, ...]:
    """Return what the verifier finds in an operator's zone; what the claimed steps make legal comes back as INFO."""
    return view.known.once(
        ("findings", source), lambda: tuple(_as_expected(view, source, finding) for finding in view.verified(source))
    )


def _as_expected(view: View, source: Source, finding: Finding) -> Finding:
    for window in _WINDOWS:
        if (
            window.source is source
            and finding.code in window.codes
            and window.is_open(view)
            and window.explains(view, source, finding)
        ):
            return as_expected(view, finding, window.until)
    return finding


def as_expected(view: View, finding: Finding, until: Iterable[_Mark]) -> Finding:
    """Return a finding as one that is expected at the claimed step, until one of these."""
    claimed = view.done[-1].id
    return replace(
        finding,
        severity=Severity.INFO,
        message=f"{finding.message.removesuffix('.')}: expected at step {claimed}{_until_text(view, until)}",
        remedy="",
    )


def _until_text(view: View, until: Iterable[_Mark]) -> str:
    ends = set(until)
    ending = [
        step.id for step in view.steps if step.id not in view.done_marks and (step.id in ends or step.effect in ends)
    ]
    return f" (until step {ending[0]})" if ending else ""


def delegation_findings(view: View) -> Iterator[Finding]:
    """Yield where parent and child name different servers, and which TTLs are low; expected, while the transfer makes it so."""
    for source in _OPERATORS:
        zone = view.sides[source].zone
        if zone is None:
            continue
        named, delegated = view.sides[source].name_servers(), view.sighting.parent_ns
        if isinstance(delegated, RRset) and servers_in(delegated) != named:
            found = transfer_codes.DELEGATION_DIFFERS.found(
                view.apex,
                rd.NS,
                f"the parent names {_listed(servers_in(delegated))}, the {source.value} zone {_listed(named)}",
            )
            yield (
                as_expected(view, found, (Effect.NS_AT_PARENT, Effect.NS_AT_LOSING))
                if _may_differ(view, source)
                else found
            )
        low = [
            f"{rrset.type_text} {rrset.ttl}"
            for rdtype in (rd.NS, rd.DNSKEY)
            if (rrset := zone.get("@", rdtype)) is not None and rrset.ttl <= view.lowered_ttl
        ]
        if low and _may_be_low(view, source):
            found = transfer_codes.TTLS_LOW.found(view.apex, "", f"the {source.value} apex has {', '.join(low)}")
            ends = (Effect.LOSING_STOPS,) if source is Source.LOSING else (Effect.GAINING_TTLS_RESTORED,)
            yield as_expected(view, found, ends)


def _may_differ(view: View, source: Source) -> bool:
    """Whether parent and child may name different servers at this step.

    The gaining zone does until the parent's NS RRset is changed, the losing one while one of the two is and the other is not.
    """
    if source is Source.GAINING:
        return Effect.NS_AT_PARENT not in view.done_marks
    both = Effect.NS_AT_PARENT in view.done_marks and Effect.NS_AT_LOSING in view.done_marks
    begun = Effect.NS_AT_PARENT in view.begun_marks or Effect.NS_AT_LOSING in view.begun_marks
    return begun and not (both and Effect.NS_AT_LOSING in view.effects)


def _may_be_low(view: View, source: Source) -> bool:
    if source is Source.LOSING:
        return Effect.TTLS_LOWERED in view.begun_marks
    return Effect.GAINING_TTLS_RESTORED not in view.done_marks


def _listed(servers: Iterable[str]) -> str:
    return ", ".join(sorted(servers))
