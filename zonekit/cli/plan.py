"""``zonekit plan``."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import click

from zonekit.cli.arguments import (
    INSTANT,
    STANDARD_STREAM,
    clock,
    include_option,
    json_option,
    now_option,
    parsed_by,
    quiet_option,
    usage_error,
)
from zonekit.cli.check import override_facts, print_verdict, profile_option, profiles_named
from zonekit.cli.exits import OK, REFUSED, BadInput, one_line
from zonekit.cli.inputs import read_zone
from zonekit.cli.outputs import Voice, refuse_key_file, same_file
from zonekit.cli.planned import read_facts_or_plan
from zonekit.cli.recording import Said, override_of, parse_event, with_recorded
from zonekit.cli.tables import Column, print_facts, print_table
from zonekit.files import read_keys, write_text
from zonekit.findings import Finding
from zonekit.instants import instant_text
from zonekit.reports.outlooks import path_text, saved_text, turning_back_texts
from zonekit.reports.wording import (
    FLOW_TEXTS,
    in_order,
    override_text,
    since_start,
    switch_text,
    wait_text,
    worth_telling,
)
from zonekit.transfer.certificate import certificate_text
from zonekit.transfer.facts import Facts
from zonekit.transfer.options import Option, plan_options
from zonekit.transfer.outlook import Outlook, look_ahead
from zonekit.transfer.plan import Plan, PlannedStep, plan_transfer, prove
from zonekit.transfer.planfile import plan_json
from zonekit.transfer.profiles import PROFILES, ResolverProfile
from zonekit.transfer.proof import Safe, Verdict
from zonekit.transfer.readiness import preflight, preflight_rollovers, preflight_zones
from zonekit.transfer.steps import Flow, mermaid
from zonekit.ttl import duration_text


@click.command(short_help="Plan a transfer: when each step is safe, and why.")
@click.argument("source", metavar="FACTS|PLAN")
@click.option(
    "--flow",
    type=click.Choice([flow.value for flow in Flow]),
    show_default=Flow.OPERATOR_CHANGE.value,
    callback=lambda _ctx, _parameter, value: None if value is None else Flow(value),
    help="The way to carry it out.",
)
@click.option("--start", type=INSTANT, metavar="INSTANT", help="Do nothing before this instant. Without it, begin now.")
@profile_option
@click.option(
    "--zones",
    nargs=2,
    metavar="LOSING GAINING",
    help="The zone files of both operators, each as it is served: tell as well what they say that should be known before,"
    " such as data that differ, or CDS records that ask for the DS of one side alone.",
)
@include_option
@click.option(
    "-K",
    "--key-directory",
    "key_directories",
    multiple=True,
    metavar="DIR",
    type=click.Path(exists=True, file_okay=False),
    help="Where key files of the zone are: tell as well which of their timing falls into the plan. May be given again.",
)
@click.option("--html", "html_file", metavar="FILE", help="Write the plan as a page here.")
@click.option("--ics", "calendar_file", metavar="FILE", help="Write the steps as a calendar (iCalendar) here.")
@click.option(
    "--certificate", "certificate_file", metavar="FILE", help="Write the proof here, for zonekit check --certificate."
)
@click.option(
    "--record",
    "said",
    multiple=True,
    type=parsed_by(parse_event),
    metavar="STEP=STARTED[/COMPLETED]",
    help="A step that has happened, and when; may be given again. What it comes after has to be on record, and its waits"
    " have to have been over. The rest is planned from there, also where dates were changed by hand.",
)
@click.option(
    "--override-by",
    "who",
    metavar="NAME",
    help="Record it although something is missing: who answers for it. For what was really done too early, or to correct"
    " what is on record; the proof then tells what it does. It stays in the plan's journal.",
)
@click.option("--because", "why", metavar="TEXT", help="With --override-by: the reason.")
@click.option(
    "-i",
    "--in-place",
    is_flag=True,
    help="Write the plan over the PLAN that was read, also where it is not safe any more.",
)
@click.option(
    "--options", "list_options", is_flag=True, help="Print every way to carry the transfer out, the best first."
)
@click.option("--mermaid", "as_mermaid", is_flag=True, help="Print the flow as a Mermaid diagram, and no dates.")
@click.option(
    "--resume",
    is_flag=True,
    help="Date all that is not on record from now on: what should have been done by now has not been.",
)
@now_option
@json_option
@quiet_option
def plan(
    *,
    source: str,
    flow: Flow | None,
    start: datetime | None,
    profiles: Sequence[str],
    zones: tuple[str, str] | None,
    include_root: str | None,
    key_directories: Sequence[str],
    html_file: str | None,
    calendar_file: str | None,
    certificate_file: str | None,
    said: Sequence[Said],
    who: str | None,
    why: str | None,
    in_place: bool,
    list_options: bool,
    as_mermaid: bool,
    resume: bool,
    given_now: datetime | None,
    as_json: bool,
    quiet: bool,
) -> int:
    """Print the earliest safe plan of a transfer: a date for every step, and the reason for every wait.

    FACTS is a TOML file that says what is known about the domain, the two operators and the parent; - is standard input.
    What is not known is never guessed: a missing TTL is an error that says how to find it. A PLAN is what --json printed:
    the dates that stand there are proven and printed, with --record planned again, and its journal is kept.

    What should be known before the start is told on standard error: from the facts, from both zones with --zones, and from
    the timing of keys with --key-directory.

    Nothing goes on record without the gate: where something is missing that a step rests on, everything missing is
    listed, nothing is written, and the exit code is 1.

    The plan is proven with the exact model of what caches can hold before it is printed; the exit code is 1 where some
    resolver could see the domain bogus, or be sent to servers that do not answer. The page then tells how, and neither
    calendar nor certificate is written.

    With --json, the plan in the format that zonekit check reads: {"format": "zonekit-plan", "version": 1, "flow",
    "start", "switchover", "finished", "outlook", "steps": [{"id", "actor", "action", "started", "completed", "not_before",
    "recorded", "waits": [WAIT]}], "facts", "profiles", "journal": [{"step", "at", "decision"}]}, where WAIT is {"until",
    "since", "counted_from", "interval", "record", "rule"}; a decision that is "confirmed" has "evidence": [{"step", "seen",
    "by", "confirming", "lacking"}], one that is "missing" or "overridden" has "missing": [{"step", "needed", "found"}], and
    the latter "override": {"who", "why", "when"}. TTLs and intervals are seconds.
    """
    if sum((as_json, as_mermaid, list_options)) > 1:
        raise usage_error("give one of --json, --mermaid and --options")
    if list_options and (said or in_place):
        raise usage_error("--options lists ways to begin: it takes no --record and writes no plan")
    if not said and (who is not None or why is not None):
        raise usage_error("--override-by and --because say something about a --record")
    if list_options and resume:
        raise usage_error("--options lists ways to begin: --resume is for a transfer under way")
    if list_options and (zones or key_directories):
        raise usage_error("--options lists ways to begin: give --zones and --key-directory when one is chosen")
    files = _Files(page=html_file, calendar=calendar_file, certificate=certificate_file)
    files.check(source)
    now = clock(given_now)
    override = override_of(who, why, now=now)
    found = read_facts_or_plan(source)
    if isinstance(found, Plan) and (flow, start, profiles) != (None, None, ()):
        raise usage_error("a plan has its flow, start and profiles: give --flow, --start and --profile with facts")
    if in_place and (source == STANDARD_STREAM or not isinstance(found, Plan)):
        raise usage_error("--in-place writes over a file with a plan, which --json prints")
    if list_options:
        print_options(_ways(found, start or now, profiles_named(profiles) or PROFILES))
        return OK
    begun = found
    if not isinstance(begun, Plan):
        chosen = profiles_named(profiles) or PROFILES
        begun = plan_transfer(begun, flow=flow or Flow.OPERATOR_CHANGE, start=start or now, profiles=chosen)
    made = with_recorded(begun, said, now=now, override=override)
    if resume:
        made = made.resumed(now)
    verdict, outlook = prove(made), look_ahead(made)
    voice = Voice(quiet=quiet)
    voice.report(preflight(made.facts, flow=made.flow, plan=made))
    voice.report(_of_zones(made, zones, include_root))
    voice.report(_of_keys(made, key_directories))
    overridden = made.journal.overrides[len(begun.journal.overrides) :]
    if override is not None and not overridden:
        voice.say("nothing was missing, so that nothing is overridden")
    if as_json or as_mermaid:  # print_plan shows them too
        for each in overridden:
            voice.say(f"overridden: {override_text(each)}")
    if in_place:
        write_text(source, plan_json(made, outlook=outlook))
        voice.say(f"wrote {source}")
    files.write(made, verdict, outlook, now=now, voice=voice)
    if as_json:
        click.echo(plan_json(made, outlook=outlook), nl=False)
    elif as_mermaid:
        click.echo(mermaid(made.flow), nl=False)
    else:
        print_plan(made, outlook)
        click.echo()
        print_verdict(verdict)
    return OK if isinstance(verdict, Safe) else REFUSED


def _of_zones(made: Plan, paths: tuple[str, str] | None, include_root: str | None) -> tuple[Finding, ...]:
    """What the zone files say that should be known before a plan is begun."""
    if not paths:
        return ()
    losing, gaining = [read_zone(path, made.facts.domain, include_root) for path in paths]
    found = [*losing.findings, *gaining.findings, *preflight_zones(losing.zone, gaining.zone)]
    return tuple(sorted(dict.fromkeys(found), key=lambda finding: -finding.severity))


def _of_keys(made: Plan, directories: Sequence[str]) -> tuple[Finding, ...]:
    """What the timing of keys says, of either side."""
    keys = [key for directory in directories for key in read_keys(directory, made.facts.domain)]
    return preflight_rollovers(keys, made)


def _ways(found: Facts | Plan, start: datetime, profiles: tuple[ResolverProfile, ...]) -> tuple[Option, ...]:
    if isinstance(found, Plan):
        return plan_options(found.facts, start=found.start, profiles=found.profiles)
    return plan_options(found, start=start, profiles=profiles)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Files:
    """The files to write, as far as they are asked for."""

    page: str | None
    calendar: str | None
    certificate: str | None

    def check(self, source: str) -> None:
        """Refuse files that cannot be written, or that would take the place of another."""
        paths = [path for path in (self.page, self.calendar, self.certificate) if path is not None]
        for path in paths:
            refuse_key_file(path)
            if path == STANDARD_STREAM:
                raise usage_error("--html, --ics and --certificate take a file, not standard output")
            if same_file(path, source):
                raise BadInput(f"{path}: these are the facts themselves, or the plan; name another file")
        if any(same_file(one, other) for one, other in itertools.combinations(paths, 2)):
            raise usage_error("--html, --ics and --certificate cannot write to one file")

    def write(self, made: Plan, verdict: Verdict, outlook: Outlook, *, now: datetime, voice: Voice) -> None:
        """Write them and say so; of a plan that is not safe the page alone."""
        if self.page is not None:
            from zonekit.reports.pages import render_plan_page

            write_text(self.page, render_plan_page(made, verdict, outlook=outlook))
            voice.say(f"wrote {self.page}")
        if self.calendar is not None and isinstance(verdict, Safe):
            from zonekit.reports.calendars import calendar_text

            write_text(self.calendar, calendar_text(made, stamp=now))
            voice.say(f"wrote {self.calendar}")
        elif self.calendar is not None:
            voice.say(f"{self.calendar} is not written: nobody is to act on this plan")
        if self.certificate is not None and isinstance(verdict, Safe):
            write_text(self.certificate, certificate_text(made))
            voice.say(f"wrote {self.certificate}")
        elif self.certificate is not None:
            voice.say(f"{self.certificate} is not written: there is nothing to certify")


def print_options(options: Sequence[Option]) -> None:
    """Print the ways to carry a transfer out as a table, each with what stands against it."""
    columns = [Column(title=title) for title in ("way", "switch", "done", "insecure", "remarks")]
    rows: list[tuple[str, ...]] = []
    for option in options:
        remarks = [*option.reasons, *option.advice, *[finding.message for finding in option.risks]] or [""]
        lengths = [
            "" if length is None else duration_text(length)
            for length in (option.until_switch, option.until_finished, option.insecure_for)
        ]
        mark = "" if option.is_feasible else "not possible: "
        rows.append((option.name, *lengths, one_line(mark + remarks[0])))
        rows += [("", "", "", "", one_line(remark)) for remark in remarks[1:]]
    print_table(columns, rows)


def print_plan(made: Plan, outlook: Outlook) -> None:
    """Print a plan as a table, then what it comes down to."""
    columns, rows = plan_table(made)
    print_table(columns, rows)
    click.echo()
    print_facts([*plan_facts(made), *outlook_facts(made, outlook), *override_facts(made)])


def plan_facts(made: Plan) -> list[tuple[str, str]]:
    """Return what a plan comes down to, fact by fact."""

    def dated(instant: datetime) -> str:
        return f"{instant_text(instant)} ({since_start(made.start, instant)})"

    return [
        ("domain", made.facts.domain),
        ("flow", f"{made.flow.value}: {FLOW_TEXTS[made.flow]}"),
        ("switchover", dated(made.switchover)),
        ("what binds", one_line(switch_text(made))),
        ("finished", dated(made.finished)),
    ]


def outlook_facts(made: Plan, outlook: Outlook) -> list[tuple[str, str]]:
    """Return what lies ahead of a plan, fact by fact."""
    facts = [("critical path", path_text(outlook)), ("lowering TTLs", saved_text(outlook))]
    if outlook.latest_start is not None:
        facts.append(("latest start", instant_text(outlook.latest_start)))
    if outlook.point_of_no_return is not None:
        last = made.step(outlook.point_of_no_return)
        facts.append(("no return from", f"{last.id}, {instant_text(last.started)}"))
    names = itertools.chain(["turning back"], itertools.repeat(""))
    return [*facts, *[(name, one_line(text)) for name, text in zip(names, turning_back_texts(outlook), strict=False)]]


def plan_table(made: Plan) -> tuple[list[Column], list[tuple[str, str, str, str]]]:
    """Return the steps of a plan as a table, each followed by what it waits for."""
    columns = [Column(title="when"), Column(title="since T"), Column(title="who"), Column(title="what")]
    return columns, [row for planned in in_order(made) for row in _step_rows(made, planned)]


def _step_rows(made: Plan, planned: PlannedStep) -> list[tuple[str, str, str, str]]:
    started = instant_text(planned.started), since_start(made.start, planned.started)
    done = " (done)" if planned.recorded else ""
    rows = [(*started, planned.step.actor.value, f"{planned.id}: {planned.step.action}{done}")]
    for wait in worth_telling(planned):
        mark = " <- binds" if wait is planned.because else ""
        until = since_start(made.start, wait.until)
        rows.append(("", until, "", one_line(f"  waits for {wait_text(wait)}{mark}")))
    return rows
