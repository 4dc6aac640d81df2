"""``zonekit verify --transfer``: is a transfer where it claims to be, what is missing, and what would break now."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum
from typing import Any, Final, TypeVar, assert_never

import click

from zonekit import rdata as rd
from zonekit.cli.arguments import INSTANT, STANDARD_STREAM, TTL, parsed_by, together, usage_error
from zonekit.cli.check import PROFILES_BY_NAME, profiles_named
from zonekit.cli.exits import OK, REFUSED, BadInput, one_line
from zonekit.cli.findings import counts_text, joined, print_findings
from zonekit.cli.inputs import (
    place,
    read_dnskeys,
    read_ds,
    read_rrsets,
    read_zone_and_included,
    rrset_in,
)
from zonekit.cli.outputs import finding_objects, print_json, refuse_key_file, same_file
from zonekit.cli.planned import read_facts_or_plan
from zonekit.cli.progress import Progress
from zonekit.cli.tables import Column, print_facts, print_table
from zonekit.cli.workers import workers_for
from zonekit.dnskeys import Dnskey, dnskeys_of
from zonekit.errors import PlanError
from zonekit.files import write_text
from zonekit.findings import Severity
from zonekit.instants import instant_text
from zonekit.names import WireName, order_key, parse_origin
from zonekit.reports.wording import profiles_text, wait_text
from zonekit.transfer import codes
from zonekit.transfer.checking import TransferCheck, check_transfer
from zonekit.transfer.claims import Claim, Rest, rest_of
from zonekit.transfer.facts import Facts, Timing
from zonekit.transfer.journal import Confirmed, Decision, Evidence, Missing, Overridden
from zonekit.transfer.judging import Judged, Truth
from zonekit.transfer.plan import Plan, steps_for
from zonekit.transfer.receipts import Receipt, make_receipt
from zonekit.transfer.sides import Side, sides_of, signer_of_key
from zonekit.transfer.sightings import NOT_LOOKED_AT, THERE_IS_NONE, Sighting, Unseen
from zonekit.transfer.steps import STEPS, Flow
from zonekit.transfer.versions import Source
from zonekit.ttl import Ttl, duration_text
from zonekit.zonefile import Misfits, ParsedZone
from zonekit.zones import RRset, Zone

_Seen = TypeVar("_Seen", Zone, RRset, tuple[RRset, ...])


_SERVER: Final = re.compile(r"[\w.-]+")


class Absent(Enum):
    """What somebody may have looked for and not found."""

    LOSING = "losing"
    GAINING = "gaining"
    DS = "ds"
    NS = "ns"
    GLUE = "glue"


@dataclass(frozen=True, slots=True)
class Server:
    """A server that was asked, and whose it is."""

    source: Source
    name: str


def _parse_server(text: str) -> Server:
    side, mark, name = text.partition("=")
    if not mark or not _SERVER.fullmatch(name) or side not in [source.value for source in Source]:
        sides = ", ".join(source.value for source in Source)
        raise PlanError(
            f"{ascii(text[:60])} is no server", remedy=f"write SIDE=SERVER, one name; a side is one of {sides}"
        )
    return Server(Source(side), name)


transfer_options: Final = together(
    click.option(
        "--transfer",
        "steps",
        multiple=True,
        metavar="STEP",
        help="Verify a transfer that claims to have done this step, by its id in the README, and all before it. May be given"
        " again: where steps are done in any order, the last of each line.",
    ),
    click.option(
        "--flow",
        type=click.Choice([flow.value for flow in Flow]),
        show_default=Flow.OPERATOR_CHANGE.value,
        callback=lambda _ctx, _parameter, value: None if value is None else Flow(value),
        help="With --transfer: the way it is carried out.",
    ),
    click.option(
        "--plan",
        metavar="PLAN|FACTS",
        help="With --transfer: the plan that zonekit plan --json printed, whose steps and waits then count, and whose steps on"
        " record are claimed too; or the facts.",
    ),
    click.option("--losing", metavar="FILE", help="With --transfer: the zone as the losing operator serves it."),
    click.option(
        "--gaining", metavar="FILE", help="With --transfer: the zone as the gaining operator serves it, or will."
    ),
    click.option(
        "--losing-keys",
        multiple=True,
        metavar="FILE",
        help="With --transfer: DNSKEYs of the losing operator, where its zone is not to be seen, or beside it: a .key file, or"
        " records as in a zone file or as dig prints them. - is standard input. May be given again.",
    ),
    click.option(
        "--gaining-keys",
        multiple=True,
        metavar="FILE",
        help="With --transfer: DNSKEYs of the gaining operator, likewise, such as it sent by e-mail.",
    ),
    click.option(
        "--ns",
        metavar="FILE",
        help="With --transfer: the NS records at the parent, as for --ds, and the addresses there of servers in the domain.",
    ),
    click.option(
        "--absent",
        multiple=True,
        type=click.Choice([each.value for each in Absent]),
        callback=lambda _ctx, _parameter, values: tuple(map(Absent, values)),
        help="With --transfer: there is none, and somebody has looked: the servers do not answer for the zone, the parent has"
        " no such records. What is neither given nor absent was not looked at. May be given again.",
    ),
    click.option(
        "--giving",
        multiple=True,
        type=parsed_by(_parse_server),
        metavar="SIDE=SERVER",
        help="With --transfer: a server of the losing or gaining side or the parent, such as gaining=ns1.example.net, that was"
        " asked and gives what the files show. May be given again.",
    ),
    click.option(
        "--lacking",
        multiple=True,
        type=parsed_by(_parse_server),
        metavar="SIDE=SERVER",
        help="With --transfer: one that was asked and gives something else, or does not answer. May be given again.",
    ),
    click.option(
        "--lowered-ttl",
        type=TTL,
        metavar="TTL",
        help="With --transfer: what the losing NS and DNSKEY TTLs were to be lowered to, where no plan says so; as the facts say,"
        f" or else {Timing().lowered_ttl}.",
    ),
    click.option(
        "--said",
        multiple=True,
        metavar="STEP",
        help="With --transfer: a step that people have to confirm, such as frozen, and somebody has. What is claimed with it and"
        " was not looked at then does not count. May be given again.",
    ),
    click.option(
        "--profile",
        "profiles",
        type=click.Choice(list(PROFILES_BY_NAME)),
        multiple=True,
        metavar="NAME",
        help="With --transfer: a kind of resolver that nothing may break for, as in zonekit plan. May be given again.",
    ),
    click.option(
        "--receipt",
        metavar="FILE",
        help="With --transfer, --losing, and --gaining or --gaining-keys: write a receipt for the gaining keys here, which the"
        " losing side hands back: which were accepted, why others were not, and until when caches may lack them. - is standard"
        " output, in place of all else.",
    ),
    click.option(
        "--receipt-by",
        metavar="NAME",
        default="the losing operator",
        show_default=True,
        help="With --receipt: who received the keys.",
    ),
    click.option(
        "--publish-at",
        type=INSTANT,
        metavar="INSTANT",
        help="With --receipt: when the accepted keys are going to be published, where no plan says so.",
    ),
    click.option(
        "--dnskey-ttl-before",
        type=TTL,
        metavar="TTL",
        help="With --receipt: the largest TTL with which the losing DNSKEY RRset was served lately. Without it, and without"
        " --plan, a receipt says not until when caches may lack a key, for the TTL of now may be a lowered one.",
    ),
)


def refuse_transfer_options(given: Mapping[str, Any]) -> None:
    """Refuse options that say something about a transfer where none is to be verified.

    Raises:
        UsageError: there is one.
    """
    context = click.get_current_context()
    for parameter in context.command.params:
        source = context.get_parameter_source(parameter.name or "")
        if parameter.name in given and source is not click.core.ParameterSource.DEFAULT:
            raise usage_error(f"{parameter.opts[0]} goes with --transfer STEP")


_TRUTHS: Final = {Truth.TRUE: "true", Truth.FALSE: "FALSE", Truth.NOT_SEEN: "not seen"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What ``--transfer`` is given to look at.

    Attributes:
        steps: the steps that the transfer claims to be at.
        flow: the way it is carried out; None where nobody says.
        plan: the file of the plan or the facts.
        losing: the file of the losing zone.
        gaining: the file of the gaining zone.
        losing_keys: the files of DNSKEYs of the losing operator.
        gaining_keys: the files of DNSKEYs of the gaining operator.
        ds: the file of the DS records at the parent.
        ds_records: DS records at the parent by their fields.
        ns: the file of the NS records at the parent.
        absent: what was looked for and is not there.
        giving: the servers that were asked and give this.
        lacking: those that were asked and do not.
        lowered_ttl: what the TTLs were to be lowered to; None where nobody says.
        said: the ids of the steps that somebody says are done.
        profiles: the names of the resolver profiles.
        receipt: the file to write the receipt to.
        receipt_by: who received the keys.
        publish_at: when they are going to be published; None where nobody says.
        dnskey_ttl_before: the largest TTL that the losing DNSKEY RRset had lately; None where nobody says.
        origin: the domain, where no zone says it.
        include_root: where zone files may include from.
    """

    steps: Sequence[str]
    flow: Flow | None
    plan: str | None
    losing: str | None
    gaining: str | None
    losing_keys: Sequence[str]
    gaining_keys: Sequence[str]
    ds: str | None
    ds_records: Sequence[str]
    ns: str | None
    absent: Sequence[Absent]
    giving: Sequence[Server]
    lacking: Sequence[Server]
    lowered_ttl: Ttl | None
    said: Sequence[str]
    profiles: Sequence[str]
    receipt: str | None
    receipt_by: str
    publish_at: datetime | None
    dnskey_ttl_before: Ttl | None
    origin: str | None
    include_root: str | None

    def check_usage(self, *, as_json: bool) -> None:
        """Refuse what contradicts itself.

        Raises:
            UsageError: something is given and said to be absent, one zone as both, a receipt without the losing zone or any
                gaining key, or something about a receipt without one.
            BadInput: the receipt would take the place of a key file or of what is read.
        """
        zones = [path for path in (self.losing, self.gaining) if path is not None]
        if len(zones) == 2 and (zones[0] == zones[1] or same_file(*zones)):
            raise usage_error("--losing and --gaining are one file: give the zone of each operator")
        if self.receipt is None:
            for option, value in (("--publish-at", self.publish_at), ("--dnskey-ttl-before", self.dnskey_ttl_before)):
                if value is not None:
                    raise usage_error(f"{option} goes with --receipt")
        elif self.losing is None or (self.gaining is None and not self.gaining_keys):
            raise usage_error(
                "--receipt is for the gaining keys at the losing zone: give --losing, and --gaining or --gaining-keys"
            )
        if self.receipt == STANDARD_STREAM and as_json:
            raise usage_error("--json prints to standard output: give --receipt a file")
        if self.receipt is not None and self.receipt != STANDARD_STREAM:
            refuse_key_file(self.receipt)
            read = (self.losing, self.gaining, self.ds, self.ns, self.plan, *self.losing_keys, *self.gaining_keys)
            self.spare([path for path in read if path is not None])
        given = {
            Absent.LOSING: self.losing is not None,
            Absent.GAINING: self.gaining is not None,
            Absent.DS: self.ds is not None or bool(self.ds_records),
            Absent.NS: self.ns is not None,
            Absent.GLUE: False,  # the file of the NS records may have it, and need not
        }
        for each in self.absent:
            if given[each]:
                raise usage_error(f"--{each.value} is given, and --absent says that there is none")

    def spare(self, read: Iterable[str]) -> None:
        """Check that the receipt would not be written over one of these files, which are read.

        Raises:
            BadInput: it would.
        """
        for path in read:
            if self.receipt is not None and same_file(self.receipt, path):
                raise BadInput(f"{self.receipt}: this is {path}, which is read; give --receipt another file")


def verify_transfer(
    look: Look, *, now: datetime, jobs: int, severity: Severity, most: int | None, as_json: bool, quiet: bool
) -> int:
    """Check a transfer at the steps that it claims to be at, print what it came to, and return the exit code."""
    look.check_usage(as_json=as_json)
    known = None if look.plan is None else read_facts_or_plan(look.plan)
    _check_said(look, known)
    with Progress(quiet=quiet) as progress, workers_for(jobs, "verified") as workers:
        with progress.working("reading"):
            zones = _read_zones(look)
            apex = _apex(look, known, zones)
            keys = {
                Source.LOSING: read_dnskeys(look.losing_keys, owner=apex),
                Source.GAINING: read_dnskeys(look.gaining_keys, owner=apex),
            }
            sighting = _with_keys(_sighting(look, apex, zones, now), keys, are_to_be_judged=look.receipt is not None)
            receipt = None if look.receipt is None else _receipt(look, sighting, keys[Source.GAINING], known)
        with progress.working("verifying"):
            check = check_transfer(
                sighting,
                step=look.steps,
                flow=look.flow,
                plan=known if isinstance(known, Plan) else None,
                facts=known if isinstance(known, Facts) else None,
                profiles=profiles_named(look.profiles) or None,
                evidence=[Evidence(step_id=step_id, seen=now, by=_BY_COMMAND_LINE) for step_id in look.said],
                lowered_ttl=look.lowered_ttl,
                executor=workers,
            )
    of_texts = [finding for parsed in zones.values() for finding in parsed.findings]
    check = replace(_as_said(check, look.said), findings=joined(check.findings, of_texts))
    if receipt is not None:
        _write_receipt(look, receipt)
    if as_json:
        print_json(check_object(check, look.said, receipt))
    elif not quiet and look.receipt != STANDARD_STREAM:
        _print_check(check, look, known, receipt, most)
    is_true = not _untrue(check, look.said)
    is_good = is_true and not check.at_least(severity) and (receipt is None or not receipt.refused)
    return OK if is_good else REFUSED


_BY_COMMAND_LINE: Final = "the command line"


def _check_said(look: Look, known: Facts | Plan | None) -> None:
    """Refuse to take somebody's word for a step that is there to be seen, or that there is not.

    Raises:
        UsageError: a step is none of the flow, or none that people confirm.
    """
    match known:
        case Plan():
            steps = tuple(planned.step for planned in known.steps)
        case Facts():
            steps = steps_for(known, look.flow or Flow.OPERATOR_CHANGE)
        case None:
            steps = STEPS[look.flow or Flow.OPERATOR_CHANGE]
        case _:
            assert_never(known)
    by_people = [step.id for step in steps if rest_of(step) is Rest.PEOPLE]
    for step_id in look.said:
        if step_id not in by_people:
            raise usage_error(
                f"--said {ascii(step_id[:64])} is no step of this flow that people confirm; those are {', '.join(by_people)}"
            )


def _as_said(check: TransferCheck, said: Collection[str]) -> TransferCheck:
    """The check without what only people could say, where they have."""
    return replace(
        check,
        by_people=tuple(step_id for step_id in check.by_people if step_id not in said),
        missing=tuple(need for need in check.missing if need.claim is not None or need.step_id not in said),
    )


def _untrue(check: TransferCheck, said: Collection[str]) -> list[Judged]:
    """The claims that are false, or not seen and said by nobody."""
    return [
        each
        for each in check.claims
        if each.truth is Truth.FALSE or (each.truth is Truth.NOT_SEEN and each.step_id not in said)
    ]


# ---- what is looked at ----------------------------------------------------------------------------------------------


def _read_zones(look: Look) -> dict[str, ParsedZone]:
    """The zones of both sides by their files."""
    zones = {}
    for path in (look.losing, look.gaining):
        if path is not None:
            zones[path], included = read_zone_and_included(path, look.origin, look.include_root, misfits=Misfits.KEEP)
            look.spare(included)
    return zones


def _sighting(look: Look, apex: WireName, zones: dict[str, ParsedZone], now: datetime) -> Sighting:
    """What the files show, and what is said to be absent."""

    def seen(which: Absent, found: _Seen | None) -> _Seen | Unseen:
        if found is not None:
            return found
        return THERE_IS_NONE if which in look.absent else NOT_LOOKED_AT

    delegation = () if look.ns is None else read_rrsets(look.ns, apex)
    glue = tuple(rrset for rrset in delegation if rrset.rdtype in (rd.A, rd.AAAA))
    return Sighting(
        at=now,
        losing=seen(Absent.LOSING, None if look.losing is None else zones[look.losing].zone),
        gaining=seen(Absent.GAINING, None if look.gaining is None else zones[look.gaining].zone),
        parent_ds=seen(Absent.DS, read_ds(look.ds, look.ds_records, apex)),
        parent_ns=seen(Absent.NS, None if look.ns is None else rrset_in(delegation, look.ns, rd.NS, apex)),
        parent_glue=seen(Absent.GLUE, glue or None),
        giving=_by_source(look.giving),
        lacking=_by_source(look.lacking),
    )


def _by_source(servers: Iterable[Server]) -> dict[Source, frozenset[str]]:
    found: dict[Source, set[str]] = {}
    for server in servers:
        found.setdefault(server.source, set()).add(server.name)
    return {source: frozenset(names) for source, names in found.items()}


def _apex(look: Look, known: Facts | Plan | None, zones: dict[str, ParsedZone]) -> WireName:
    """The domain: as -o says it, or a zone, or the plan."""
    if look.origin is not None:
        return parse_origin(look.origin)
    for parsed in zones.values():
        return parsed.zone.apex
    match known:
        case Plan():
            return parse_origin(known.facts.domain)
        case Facts():
            return parse_origin(known.domain)
        case None:
            raise usage_error("nothing says which domain it is: give --losing or --gaining, a --plan, or -o")
        case _:
            assert_never(known)


def _with_keys(sighting: Sighting, found: Mapping[Source, Sequence[Dnskey]], *, are_to_be_judged: bool) -> Sighting:
    """What was seen with the keys in the files of each operator.

    A DNSKEY RRset that was merged already has the other operator's keys too: those that sign the other zone are left out. So
    are keys of another zone where a receipt is to say that of them.
    """
    if not any(found.values()):
        return sighting
    sides = sides_of(sighting)
    keys = {}
    for source, other in ((Source.LOSING, Source.GAINING), (Source.GAINING, Source.LOSING)):
        own = [key for key in found[source] if not _signs(sides[other], key)]
        if are_to_be_judged and source is Source.GAINING:
            own = [key for key in own if order_key(key.owner) == order_key(sighting.apex)]
        keys[source] = tuple(dict.fromkeys(own))
    return replace(sighting, keys={source: each for source, each in keys.items() if each})


def _signs(side: Side, key: Dnskey) -> bool:
    """Whether a key signs the zone of a side."""
    return key in side.keys and (key in side.signing_dnskey or signer_of_key(key) in side.data_signers)


def _receipt(look: Look, sighting: Sighting, sent: Iterable[Dnskey], known: Facts | Plan | None) -> Receipt:
    """What the losing side hands back for the gaining keys: all that were sent or are in the gaining zone, but for its own.

    Raises:
        BadInput: the losing zone is not signed, or there is no gaining key.
    """
    losing, gaining = sighting.losing, sighting.gaining
    assert look.losing is not None and isinstance(losing, Zone)  # see check_usage
    if losing.get("@", rd.DNSKEY) is None or losing.signatures("@", rd.DNSKEY) is None:
        raise BadInput(
            f"{place(look.losing)}: the losing zone is not signed, so that it can take no keys and there is nothing to give a"
            " receipt for; give it as the losing operator signs it"
        )
    side = sides_of(sighting)[Source.LOSING]
    offered = [key for key in sent if not _signs(side, key)]
    served = gaining.get("@", rd.DNSKEY) if isinstance(gaining, Zone) else None
    if served is not None:
        offered += [key for key in dnskeys_of(served) if key not in side.own and key not in offered]
    if not offered:
        files = [*look.gaining_keys, *([] if look.gaining is None else [look.gaining])]
        raise BadInput(
            f"{', '.join(map(place, files))}: there is no key of the gaining operator's own for a receipt; give its zone as it"
            " signs it, or its DNSKEYs with --gaining-keys"
        )
    return make_receipt(
        losing,
        offered,
        by=look.receipt_by,
        at=sighting.at,
        plan=known if isinstance(known, Plan) else None,
        facts=known if isinstance(known, Facts) else None,
        publish_at=look.publish_at,
        dnskey_ttl_before=look.dnskey_ttl_before,
        parent_ds=sighting.parent_ds,
    )


def _write_receipt(look: Look, receipt: Receipt) -> None:
    if look.receipt == STANDARD_STREAM:
        click.echo(receipt.as_json(), nl=False)
    elif look.receipt is not None:
        write_text(look.receipt, receipt.as_json())


# ---- as JSON --------------------------------------------------------------------------------------------------------


def check_object(check: TransferCheck, said: Iterable[str], receipt: Receipt | None) -> dict[str, Any]:
    """Return a check of a transfer, what was said for it and the receipt that was written with it, for JSON."""
    return {
        "domain": check.sighting.domain,
        "now": instant_text(check.sighting.at),
        "claimed": list(check.claimed),
        "done": list(check.done),
        "true": check.is_true,
        "clean": check.is_clean,
        "claims": [
            {
                "claim": each.claim.value,
                "truth": each.truth.value,
                "found": each.found,
                "step": each.step_id,
                "actor": each.actor.value,
                "until": list(each.until),
            }
            for each in check.claims
        ],
        "by_people": list(check.by_people),
        "said": list(said),
        "missing": [
            {"step": each.step_id, "actor": each.actor.value, "needed": each.needed, "found": each.found}
            for each in check.missing
        ],
        "breaks": None
        if check.breaks is None
        else [
            {
                "records": list(each.records),
                "profiles": list(each.profiles),
                "is_so_already": each.is_so_already,
                "story": each.story,
            }
            for each in check.breaks
        ],
        "waits": [
            {"until": instant_text(each.until), "record": each.record, "since": each.since, "rule": each.rule}
            for each in check.waits
        ],
        "decision": None if check.decision is None else _decision_object(check.decision),
        "receipt": None if receipt is None else json.loads(receipt.as_json()),
        "findings": finding_objects(check.findings),
    }


def _decision_object(decision: Decision) -> dict[str, Any]:
    missing = () if isinstance(decision, Confirmed) else decision.missing
    return {
        "step": decision.step_id,
        "decision": _decision_word(decision),
        "missing": [{"step": each.step_id, "needed": each.needed, "found": each.found} for each in missing],
    }


def _decision_word(decision: Decision) -> str:
    match decision:
        case Confirmed():
            return "confirmed"
        case Missing():
            return "missing"
        case Overridden():
            return "overridden"
        case _:
            assert_never(decision)


# ---- as text --------------------------------------------------------------------------------------------------------


def _print_check(
    check: TransferCheck, look: Look, known: Facts | Plan | None, receipt: Receipt | None, most: int | None
) -> None:
    _print_table(
        ("claim", "", "step", "at the hands of", "seen"),
        [(each.claim.value, _TRUTHS[each.truth], each.step_id, each.actor.value, each.found) for each in check.claims],
    )
    if check.missing:
        _print_heading("Missing until the NS may change")
        _print_table(
            ("step", "at the hands of", "needed", "found"),
            [(each.step_id, each.actor.value, each.needed, each.found) for each in check.missing],
        )
    if check.breaks:
        _print_heading("Would break if the NS changed now")
        _print_table(
            ("what a resolver holds", "since", "seen by", "how"),
            [
                (
                    " + ".join(each.records),
                    "before" if each.is_so_already else "then",
                    profiles_text(each.profiles),
                    each.story,
                )
                for each in check.breaks
            ],
        )
    if receipt is not None and receipt.refused:
        _print_heading("Refused in the receipt")
        _print_table(
            ("key", "algorithm", "reason", "remedy"),
            [
                (str(key.key_tag), str(key.algorithm), f"{each.code}: {each.reason}", each.remedy)
                for key in receipt.refused
                for each in key.refusals
            ],
        )
    findings = [finding for finding in check.findings if finding.code not in _TOLD_ALREADY]
    if findings:
        _print_heading("Findings")
        print_findings(findings, most=most)
    click.echo()
    print_facts([(what, one_line(text)) for what, text in _facts(check, look, known, receipt)])


_TOLD_ALREADY: Final = frozenset((codes.NOT_SEEN.name, codes.WOULD_BREAK.name, codes.BREAKS_NOW.name))
"""What the tables of claims and of breaks say at more length."""


def _print_heading(text: str) -> None:
    click.echo(f"\n{text}")


def _print_table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    print_table([Column(title=title) for title in titles], [list(map(one_line, row)) for row in rows])


def _facts(
    check: TransferCheck, look: Look, known: Facts | Plan | None, receipt: Receipt | None
) -> list[tuple[str, str]]:
    """What a check comes to, fact by fact."""
    rows = [
        ("domain", check.sighting.domain),
        ("seen at", instant_text(check.sighting.at)),
        ("claimed", ", ".join(check.claimed)),
        ("done then", ", ".join(check.done)),
    ]
    if check.by_people:
        rows.append(("to be said", f"{', '.join(check.by_people)}: only people can confirm these"))
    if look.said:
        rows.append(("said", f"{', '.join(look.said)}: by the command line"))
    if known is None and look.lowered_ttl is None and _counts_lowered_ttl(check):
        rows.append(
            ("lowered TTL", f"{Timing().lowered_ttl}, which is assumed: --lowered-ttl or a --plan says what it is")
        )
    rows.append(("NS change", _breaks_text(check, has_plan=isinstance(known, Plan))))
    for wait in check.waits:
        left = duration_text(wait.until - check.sighting.at)
        rows.append(("wait", f"until {instant_text(wait.until)} (in {left}): {wait_text(wait)}"))
    if check.decision is not None:
        rows.append(("gate", f"{check.decision.step_id}: {_decision_word(check.decision)}"))
        if not isinstance(check.decision, Confirmed):
            rows += [("", str(each)) for each in check.decision.missing]
    rows += [("claims", _claims_text(check)), ("findings", counts_text(check.findings))]
    verdict = _verdict_text(check, look.said)
    if receipt is not None:
        rows.append(("receipt", _receipt_text(receipt)))
        verdict += ", and keys were refused" if receipt.refused else ""
    rows.append(("verdict", verdict))
    return rows


def _counts_lowered_ttl(check: TransferCheck) -> bool:
    """Whether a claim was held against what the TTLs were to be lowered to."""
    told = {*[each.claim for each in check.claims], *[each.claim for each in check.missing]}
    return not told.isdisjoint((Claim.LOSING_TTLS_LOW, Claim.GAINING_TTLS_RESTORED))


def _receipt_text(receipt: Receipt) -> str:
    counts = f"{len(receipt.accepted)} accepted, {len(receipt.refused)} refused"
    if not receipt.accepted:
        return counts
    until = receipt.cached_until
    if until is None:
        return f"{counts}; until when caches may lack the accepted ones is not known"
    return f"{counts}; caches may lack the accepted ones until {instant_text(until)}"


def _breaks_text(check: TransferCheck, *, has_plan: bool) -> str:
    if check.breaks is None:
        return "what it would break is not to be told from what was looked at, or it is long done"
    if not check.breaks:
        if isinstance(check.decision, Confirmed):
            return "nothing that caches can hold now would break"
        before = "the waits and the gate tell" if has_plan else "is not known without a plan"
        return f"nothing that is served now would break it; what caches still hold from before {before}"
    count = len(check.breaks)
    return f"{count} combination{'' if count == 1 else 's'} that caches can hold now would break"


def _claims_text(check: TransferCheck) -> str:
    return (
        ", ".join(f"{len(check.that_are(truth))} {truth.value}" for truth in Truth if check.that_are(truth)) or "none"
    )


def _verdict_text(check: TransferCheck, said: Collection[str]) -> str:
    if check.that_are(Truth.FALSE):
        return "the transfer is not where it claims to be"
    if _untrue(check, said):
        return "not everything was looked at"
    trust = "" if check.is_true else ", as far as was looked at and said"
    return f"the transfer is where it claims to be{trust}" + ("" if check.is_clean else ", and something is wrong")
