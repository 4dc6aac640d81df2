"""What is to be said of the servers that were asked: dead, lame, failing, lying or at odds with each other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from zonekit import rdata as rd
from zonekit.findings import Finding, Severity
from zonekit.names import WireName
from zonekit.transfer import live_codes as codes
from zonekit.transfer.answers import Answer, Outcome, Round
from zonekit.transfer.following import Followed
from zonekit.transfer.glimpses import Delegation, Given
from zonekit.transfer.sides import servers_in
from zonekit.transfer.steps import Effect
from zonekit.transfer.versions import Source
from zonekit.verifying import codes as zone_codes
from zonekit.zones import RRset, Zone

PARTIES: Final = {
    Source.LOSING: "the losing operator",
    Source.GAINING: "the gaining operator",
    Source.PARENT: "the parent",
}
_NOT_VALID: Final = frozenset(
    code.name
    for code in (
        *(zone_codes.RRSIG_MISSING, zone_codes.RRSIG_BOGUS, zone_codes.RRSIG_EXPIRED, zone_codes.RRSIG_NOT_YET_VALID),
        *(zone_codes.RRSIG_WITHOUT_DNSKEY, zone_codes.ZONE_NOT_SIGNED),
    )
)
"""What the verifier finds of records that a validator does not believe."""


def server_findings(followed: Followed) -> tuple[Finding, ...]:
    """Return what is to be said of the servers that were asked in a round; one that is not due yet, or any more, may be silent."""
    found: list[Finding] = []
    for source in Source:
        if is_due(followed, source):
            found += _silent(followed, source)
        found += _differing(followed, source)
    found += _not_asked(followed)
    return tuple(found)


def is_due(followed: Followed, source: Source) -> bool:
    """Whether the servers of a party have to answer by what is on record."""
    plan = followed.course.plan
    marks = {planned.step.effect: planned for planned in plan.steps}
    if source is Source.LOSING:
        stopping = marks.get(Effect.LOSING_STOPS)
        return stopping is None or not plan.events.keys() >= set(stopping.step.after)
    if source is Source.GAINING:
        serving = marks.get(Effect.GAINING_SERVES)
        watched = None if serving is None else followed.course.watched.get(serving.id)
        # Somebody loads the zone on one server after the other: from the first one on that is worth saying.
        return watched is not None and (watched.is_done or bool(watched.confirming))
    return True


def _apex(followed: Followed) -> WireName:
    return followed.found.question.apex


def _silent(followed: Followed, source: Source) -> Iterator[Finding]:
    party, apex = followed.parties[source], _apex(followed)
    if not party.given and not party.refusing:
        servers = ", ".join(sorted(party.dead))
        yield codes.PARTY_DEAD.found(
            apex, "", f"{PARTIES[source]}: none of {servers} answers: {why_silent(followed.found, source)}"
        )
        return
    for each in followed.found.of(source):
        failed = [answer for answer in each.answers if not answer.outcome.is_answer]
        if not failed:
            continue
        what = f"{each.server} of {PARTIES[source]} {failed[0].outcome.value}{_problem(failed)}"
        if len(failed) < len(each.answers):
            types = ", ".join(rd.type_text(answer.rdtype) for answer in failed)
            yield codes.SERVER_FAILS.found(apex, "", f"{what}, asked for {types}")
        elif failed[0].outcome in (Outcome.SILENT, Outcome.UNREACHABLE):
            yield codes.SERVER_DEAD.found(apex, "", what)
        elif failed[0].outcome in (Outcome.NO_AUTHORITY, Outcome.REFUSED):
            severity = Severity.WARNING if party.given else Severity.ERROR
            yield codes.SERVER_LAME.found(apex, "", what, severity=severity)
        else:
            yield codes.SERVER_FAILS.found(apex, "", what)
    for name, problem in sorted(party.unreadable.items()):
        yield codes.SERVER_FAILS.found(apex, "", f"{name} of {PARTIES[source]} gives what makes no zone: {problem}")


def why_silent(found: Round, source: Source) -> str:
    """Return in words why the servers of a party did not answer, each reason once."""
    return "; ".join(
        dict.fromkeys(
            f"{answer.outcome.value}{_problem([answer])}"
            for each in found.of(source)
            for answer in each.answers
            if not answer.outcome.is_answer
        )
    )


def _problem(failed: Iterable[Answer]) -> str:
    problem = next((answer.problem for answer in failed if answer.problem), "")
    return f" ({problem})" if problem else ""


# ---- servers at odds ------------------------------------------------------------------------------------------------


def _differing(followed: Followed, source: Source) -> Iterator[Finding]:
    forms = followed.parties[source].given
    if len(forms) < 2:
        return
    lying = _lying(followed, source, forms)
    for form in lying:
        servers = ", ".join(sorted(form.servers))
        yield codes.SERVER_LIES.found(
            _apex(followed),
            "",
            f"{servers} of {PARTIES[source]}: what is given there does not validate; elsewhere it does",
        )
    honest = [form for form in forms if form not in lying]
    # Servers that sign by themselves sign the same records with other signatures.
    if len(honest) > 1 and any(_without_signatures(form) != _without_signatures(honest[0]) for form in honest):
        told = " against ".join(f"{', '.join(sorted(form.servers))} with {_told(form, honest)}" for form in honest)
        yield codes.SERVERS_DISAGREE.found(_apex(followed), "", f"{PARTIES[source]}: {told}")


def _without_signatures(form: Given) -> object:
    if isinstance(form.what, Delegation):
        return form.what
    return frozenset(rrset for rrset in form.what.rrsets() if rrset.rdtype != rd.RRSIG)


def _lying(followed: Followed, source: Source, forms: Sequence[Given]) -> list[Given]:
    """The forms that do not validate, where some do."""
    if source is Source.PARENT:
        return []
    bad = [
        glimpse.sighting.zone(source)
        for glimpse in followed.glimpses
        if source in glimpse.look.verifications
        and any(finding.code in _NOT_VALID for finding in glimpse.look.verifications[source].findings)
    ]
    found = [form for form in forms if form.what in bad]
    return found if len(found) < len(forms) else []


def _told(form: Given, forms: Iterable[Given]) -> str:
    """In what a form differs from the others."""
    others = [each.what for each in forms if each is not form]
    if isinstance(form.what, Delegation):
        delegations = [other for other in others if isinstance(other, Delegation)]
        differing = [
            name
            for name, what in (("DS", "ds"), ("NS", "ns"), ("glue", "glue"))
            if any(getattr(other, what) != getattr(form.what, what) for other in delegations)
        ]
        return f"its own {', '.join(differing)}"
    types = {
        rrset.type_text
        for other in others
        if isinstance(other, Zone)
        for rrset in form.what.rrsets()
        if rrset.rdtype not in (rd.RRSIG, rd.SOA) and other.find(rrset.owner, rrset.rdtype) != rrset
    }
    return f"serial {form.what.serial}{' and its own ' if types else ''}{', '.join(sorted(types))}"


def _not_asked(followed: Followed) -> Iterator[Finding]:
    """Yield the servers that somebody is led to and nobody asked."""
    asked = {each.server.name for each in followed.found.found if each.server.source is not Source.PARENT}
    named: dict[str, str] = {}
    for source, party in followed.parties.items():
        for form in party.given:
            ns = form.what.ns if isinstance(form.what, Delegation) else form.what.apex_rrset(rd.NS)
            if isinstance(ns, RRset):
                named |= dict.fromkeys(servers_in(ns), PARTIES[source])
    for server in sorted(named.keys() - asked):
        yield codes.NOT_ASKED.found(
            _apex(followed), rd.NS, f"{server} is in the NS RRset of {named[server]}, and was not asked"
        )
