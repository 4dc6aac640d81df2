"""``zonekit plan``."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import datetime

import click

from zonekit.cli.arguments import (
    INSTANT,
    clock,
    json_option,
    now_option,
    parsed_by,
    quiet_option,
    usage_error,
)
from zonekit.cli.check import print_verdict, profile_option, profiles_named
from zonekit.cli.exits import OK, REFUSED, BadInput, one_line
from zonekit.cli.inputs import place, read_input
from zonekit.cli.outputs import Voice, refuse_key_file, same_file
from zonekit.cli.tables import Column, print_facts, print_table
from zonekit.errors import PlanError, ZonekitError
from zonekit.files import write_text
from zonekit.instants import instant_text, parse_instant
from zonekit.reports.calendars import calendar_text
from zonekit.reports.pages import render_plan_page
from zonekit.reports.wording import (
    FLOW_TEXTS,
    in_order,
    path_text,
    saved_text,
    since_start,
    switch_text,
    turning_back_texts,
    wait_text,
    worth_telling,
)
from zonekit.transfer.certificate import certificate_text
from zonekit.transfer.options import Option, plan_options
from zonekit.transfer.outlook import Outlook, look_ahead
from zonekit.transfer.plan import Plan, PlannedStep, plan_transfer, prove
from zonekit.transfer.planfile import plan_json, read_facts
from zonekit.transfer.profiles import PROFILES
from zonekit.transfer.proof import Safe
from zonekit.transfer.readiness import preflight
from zonekit.transfer.steps import Flow, mermaid
from zonekit.ttl import duration_text


def _parse_event(text: str) -> tuple[str, datetime, datetime]:
    step_id, mark, instants = text.partition("=")
    started, _, completed = instants.partition("/")
    if not mark or not step_id:
        raise PlanError(f"{ascii(text[:60])} is no event", remedy="write STEP=STARTED or STEP=STARTED/COMPLETED")
    return step_id, parse_instant(started), parse_instant(completed or started)


@click.command(short_help="Plan a transfer: when each step is safe, and why.")
@click.argument("facts_file", metavar="FACTS")
@click.option(
    "--flow",
    type=click.Choice([flow.value for flow in Flow]),
    default=Flow.OPERATOR_CHANGE.value,
    show_default=True,
    callback=lambda _ctx, _parameter, value: Flow(value),
    help="The way to carry it out.",
)
@click.option("--start", type=INSTANT, metavar="INSTANT", help="Do nothing before this instant. Without it, begin now.")
@profile_option
@click.option("--html", "html_file", metavar="FILE", help="Write the plan as a page here.")
@click.option("--ics", "calendar_file", metavar="FILE", help="Write the steps as a calendar (iCalendar) here.")
@click.option(
    "--certificate", "certificate_file", metavar="FILE", help="Write the proof here, for zonekit check --certificate."
)
@click.option(
    "--record",
    "recorded",
    multiple=True,
    type=parsed_by(_parse_event),
    metavar="STEP=STARTED[/COMPLETED]",
    help="A step that has happened, and when; may be given again. The rest is planned from there.",
)
@click.option(
    "--options", "list_options", is_flag=True, help="Print every way to carry the transfer out, the best first."
)
@click.option("--mermaid", "as_mermaid", is_flag=True, help="Print the flow as a Mermaid diagram, and no dates.")
@now_option
@json_option
@quiet_option
def plan(
    *,
    facts_file: str,
    flow: Flow,
    start: datetime | None,
    profiles: Sequence[str],
    html_file: str | None,
    calendar_file: str | None,
    certificate_file: str | None,
    recorded: Sequence[tuple[str, datetime, datetime]],
    list_options: bool,
    as_mermaid: bool,
    given_now: datetime | None,
    as_json: bool,
    quiet: bool,
) -> int:
    """Print the earliest safe plan of a transfer: a date for every step, and the reason for every wait.

    FACTS is a TOML file that says what is known about the domain, the two operators and the parent; - is standard input.
    What is not known is never guessed: a missing TTL is an error that says how to find it.

    The plan is proven with the exact model of what caches can hold before it is printed; the exit code is 1 where some
    resolver could see the domain bogus, or be sent to servers that do not answer. The page then tells how, and neither
    calendar nor certificate is written.

    With --json, the plan in the format that zonekit check reads: {"format": "zonekit-plan", "version": 1, "flow",
    "start", "switchover", "finished", "outlook", "steps": [{"id", "actor", "action", "started", "completed", "not_before",
    "recorded", "waits": [WAIT]}], "facts", "profiles"}, where WAIT is {"until", "since", "counted_from", "interval",
    "record", "rule"}. TTLs and intervals are seconds.
    """
    if sum((as_json, as_mermaid, list_options)) > 1:
        raise usage_error("give one of --json, --mermaid and --options")
    files = [path for path in (html_file, calendar_file, certificate_file) if path is not None]
    _check_files(files, facts_file)
    text = read_input(facts_file)
    now = clock(given_now)
    try:
        facts = read_facts(text)
    except ZonekitError as error:
        raise error.within(place(facts_file)) from None
    chosen = profiles_named(profiles) or PROFILES
    if list_options:
        print_options(plan_options(facts, start=start or now, profiles=chosen))
        return OK
    made = plan_transfer(facts, flow=flow, start=start or now, profiles=chosen)
    for step_id, started, completed in recorded:
        made = made.record(step_id, started=started, completed=completed)
    verdict = prove(made)
    voice = Voice(quiet=quiet)
    voice.report(preflight(facts, flow=flow, plan=made))
    if html_file is not None:
        write_text(html_file, render_plan_page(made, verdict))
        voice.say(f"wrote {html_file}")
    if calendar_file is not None and isinstance(verdict, Safe):
        write_text(calendar_file, calendar_text(made, stamp=now))
        voice.say(f"wrote {calendar_file}")
    elif calendar_file is not None:
        voice.say(f"{calendar_file} is not written: nobody is to act on this plan")
    if certificate_file is not None and isinstance(verdict, Safe):
        write_text(certificate_file, certificate_text(made))
        voice.say(f"wrote {certificate_file}")
    elif certificate_file is not None:
        voice.say(f"{certificate_file} is not written: there is nothing to certify")
    if as_json:
        click.echo(plan_json(made, outlook=look_ahead(made)), nl=False)
    elif as_mermaid:
        click.echo(mermaid(flow), nl=False)
    else:
        print_plan(made)
        click.echo()
        print_verdict(verdict)
    return OK if isinstance(verdict, Safe) else REFUSED


def _check_files(files: Sequence[str], facts_file: str) -> None:
    for path in files:
        refuse_key_file(path)
        if path == "-":
            raise usage_error("--html, --ics and --certificate take a file, not standard output")
        if same_file(path, facts_file):
            raise BadInput(f"{path}: these are the facts themselves; name another file")
    if any(same_file(one, other) for one, other in itertools.combinations(files, 2)):
        raise usage_error("--html, --ics and --certificate cannot write to one file")


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


def print_plan(made: Plan) -> None:
    """Print a plan as a table, then what it comes down to."""
    columns, rows = plan_table(made)
    print_table(columns, rows)
    click.echo()
    print_facts([*plan_facts(made), *outlook_facts(made, look_ahead(made))])


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
