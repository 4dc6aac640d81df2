"""``zonekit check``."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final, assert_never

import click

from zonekit.cli.arguments import json_option, usage_error
from zonekit.cli.exits import OK, REFUSED, BadInput, one_line
from zonekit.cli.inputs import place, read_input
from zonekit.cli.outputs import print_json
from zonekit.cli.tables import print_facts
from zonekit.errors import ZonekitError
from zonekit.instants import instant_text
from zonekit.reports.wording import override_text, profiles_text, verdict_text, windows_text
from zonekit.transfer import check_certificate
from zonekit.transfer.plan import Plan, prove
from zonekit.transfer.planfile import read_plan_or_schedule
from zonekit.transfer.profiles import PROFILES, STICKY, ResolverProfile
from zonekit.transfer.proof import Bogus, Outage, Safe, Verdict, Window, prove_schedule
from zonekit.transfer.spans import instant_of
from zonekit.transfer.versions import Version
from zonekit.ttl import duration_text

_COLUMNS: Final = 100
PROFILES_BY_NAME: Final = {profile.name: profile for profile in (*PROFILES, STICKY)}

profile_option: Final = click.option(
    "--profile",
    "profiles",
    type=click.Choice(list(PROFILES_BY_NAME)),
    multiple=True,
    metavar="NAME",
    help=f"Be safe for this kind of resolver; may be given again. Without it, for all but the last of:"
    f" {profiles_text(PROFILES_BY_NAME)}.",
)


def profiles_named(names: Sequence[str]) -> tuple[ResolverProfile, ...]:
    """Return the profiles of these names, each once."""
    return tuple([PROFILES_BY_NAME[name] for name in dict.fromkeys(names)])


@click.command(short_help="Prove a plan safe, or tell how it goes wrong.")
@click.argument("source", metavar="PLAN")
@profile_option
@click.option(
    "--certificate",
    "is_certificate",
    is_flag=True,
    help="PLAN is a certificate: check it by the program that shares nothing with the planner.",
)
@json_option
def check(*, source: str, profiles: Sequence[str], is_certificate: bool, as_json: bool) -> int:
    """Prove that no resolver can see a domain bogus while a plan is carried out, or tell how one does.

    PLAN is what zonekit plan --json prints, with the dates that now stand in it, or a schedule that somebody else made;
    - is standard input. A schedule is {"format": "zonekit-schedule", "version": 1, "keys": [{"name", "algorithm"}],
    "versions": [VERSION], "servings": [{"operator", "start", "all_start", "all_end", "end"}], "overlaps": [{"asked",
    "answers"}]}, where VERSION is {"kind", "source", "record", "ttl", "start", "end"} and, for the kind NS, "leads_to";
    for DS, "entries": [{"key", "digest_type"}]; for DNSKEY, "keys" and "signatures"; for data, "signatures":
    [{"key", "inception", "expiration"}]. fixtures/transfers/ has an example.

    Overrides that are on record in a plan follow the verdict: who answered for which step, why, and what was missing.

    The exit code is 1 where some resolver could see the domain bogus, or be sent to servers that do not answer.

    With --json one of {"verdict": "safe", "profiles": [NAME], "insecure": [{"profile", "start", "end"}]}, {"verdict":
    "bogus", "profile", "at", "seconds", "ds", "dnskey", "data", "story"} and {"verdict": "outage", "profile", "at",
    "seconds", "ns", "story"}; null is for ever.
    """
    text = read_input(source)
    if is_certificate:
        if profiles or as_json:
            raise usage_error("a certificate names its profiles, and what is wrong with it is text")
        return _check_certificate(source, text)
    try:
        found = read_plan_or_schedule(text)
    except ZonekitError as error:
        raise error.within(place(source)) from None
    chosen = profiles_named(profiles)
    if isinstance(found, Plan):
        verdict = prove(replace(found, profiles=chosen or found.profiles))
    else:
        verdict = prove_schedule(found, chosen or PROFILES)
    if as_json:
        print_json(verdict_object(verdict))
    else:
        print_verdict(verdict)
        if isinstance(found, Plan) and found.journal.overrides:
            click.echo()
            print_facts(override_facts(found))
    return OK if isinstance(verdict, Safe) else REFUSED


def _check_certificate(source: str, text: str) -> int:
    try:
        certificate: Any = check_certificate.read(text)
    except check_certificate.NoCertificate as error:
        raise BadInput(f"{place(source)}: {one_line(str(error))}") from None
    complaints = check_certificate.check(certificate)
    for complaint in complaints:
        click.echo(one_line(complaint))
    if not complaints:
        click.echo(one_line(f"certified for {', '.join(profile['name'] for profile in certificate['profiles'])}"))
        for text in windows_text(_insecure(certificate)):
            click.echo(f"not protected {text}")
    return REFUSED if complaints else OK


def _insecure(certificate: Any) -> Iterator[Window]:
    """When a certificate says that the domain may be found insecure."""
    for profile in certificate["profiles"]:
        for start, end in profile["insecure"]:
            yield Window(profile=profile["name"], start=instant_of(start), end=instant_of(end))


def print_verdict(verdict: Verdict) -> None:
    """Print a verdict, and where it is not safe the story of how a resolver is caught."""
    print_facts([(name, one_line(text)) for name, text in verdict_facts(verdict)])
    if not isinstance(verdict, Safe):
        click.echo()
        click.echo(textwrap.fill(one_line(verdict.story), _COLUMNS, break_on_hyphens=False, break_long_words=False))


def override_facts(made: Plan) -> list[tuple[str, str]]:
    """Return the overrides that are on record for a plan, each with what was missing, fact by fact."""
    rows = []
    for each in made.journal.overrides:
        rows.append(("overridden", one_line(override_text(each))))
        rows += [("was missing", one_line(str(lacking))) for lacking in each.missing]
    return rows


def verdict_facts(verdict: Verdict) -> list[tuple[str, str]]:
    """Return a verdict, fact by fact."""
    rows = [("verdict", verdict_text(verdict))]
    match verdict:
        case Safe():
            rows.append(("proven for", profiles_text(verdict.profiles)))
            rows += [("insecure", window) for window in windows_text(verdict.insecure)]
        case Bogus():
            rows += [("DS", _record_text(verdict.ds)), ("DNSKEY", _record_text(verdict.dnskey))]
            rows.append(("data", _record_text(verdict.data)))
        case Outage():
            rows.append(("NS", _record_text(verdict.ns)))
        case _:
            assert_never(verdict)
    return rows


def _record_text(version: Version) -> str:
    return f"{version.record} (of the {version.source.value} side, TTL {duration_text(version.ttl)})"


def verdict_object(verdict: Verdict) -> dict[str, Any]:
    """Return a verdict for JSON."""
    match verdict:
        case Safe():
            windows = [
                {"profile": each.profile, "start": _instant(each.start), "end": _instant(each.end)}
                for each in verdict.insecure
            ]
            return {"verdict": "safe", "profiles": list(verdict.profiles), "insecure": windows}
        case Bogus():
            return {
                "verdict": "bogus",
                "profile": verdict.profile,
                "at": _instant(verdict.at),
                "seconds": _seconds(verdict.bogus_for),
                "ds": _record_object(verdict.ds),
                "dnskey": _record_object(verdict.dnskey),
                "data": _record_object(verdict.data),
                "story": verdict.story,
            }
        case Outage():
            return {
                "verdict": "outage",
                "profile": verdict.profile,
                "at": _instant(verdict.at),
                "seconds": _seconds(verdict.out_for),
                "ns": _record_object(verdict.ns),
                "story": verdict.story,
            }
        case _:
            assert_never(verdict)


def _record_object(version: Version) -> dict[str, Any]:
    return {"record": version.record, "source": version.source.value, "ttl": version.ttl}


def _instant(instant: datetime | None) -> str | None:
    return None if instant is None else instant_text(instant)


def _seconds(length: timedelta | None) -> int | None:
    return None if length is None else length // timedelta(seconds=1)
