"""``zonekit epp STEP``."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import click

from zonekit import rdata as rd
from zonekit.cli.arguments import (
    STANDARD_STREAM,
    clock,
    json_option,
    now_option,
    parsed_by,
    quiet_option,
    usage_error,
)
from zonekit.cli.exits import BadInput
from zonekit.cli.inputs import place, read_input, read_octets
from zonekit.cli.outputs import Voice, finding_objects, print_json
from zonekit.dnskeys import Dnskey, dnskeys_of, parse_dnskeys, signer_of
from zonekit.epp import checks
from zonekit.epp.carriers import FrameKind, carriage
from zonekit.epp.domains import AuthInfo, NameServer, TransferOperation, require_code
from zonekit.epp.frames import Response
from zonekit.epp.keyrelay import Duration, Expiry
from zonekit.epp.materials import Material, Registered, name_servers_of
from zonekit.epp.offers import Report
from zonekit.epp.parts import MAX_OCTETS
from zonekit.epp.reading import read_frame
from zonekit.epp.registries import RegistryProfile, read_registry
from zonekit.epp.secdns import MAX_SIG_LIFE
from zonekit.epp.steps import Sender, SentFrame, StepFrames, asking_frames, numbered, step_frames
from zonekit.epp.writing import write_frame
from zonekit.errors import EppError, ZonekitError
from zonekit.files import read_text, read_zone, write_octets
from zonekit.instants import instant_text, parse_instant
from zonekit.names import order_key, parse_origin
from zonekit.reports.wording import override_text
from zonekit.status import Transfer, open_transfer
from zonekit.transfer.course import Course
from zonekit.transfer.gate import NO_SERVERS
from zonekit.transfer.journal import Confirmed, Decision, Evidence, Missing, Overridden, Override
from zonekit.transfer.plan import Plan
from zonekit.transfer.planfile import read_plan
from zonekit.transfer.receipts import Receipt
from zonekit.transfer.steps import Actor
from zonekit.transfer.values import Assumed
from zonekit.transfer.versions import Source
from zonekit.zones import Zone

AUTH_INFO_VARIABLE: Final = "ZONEKIT_AUTH_INFO"
_PRIVATE: Final = 0o600
_SEPARATOR: Final = b"\0"
"""What no XML document has in it."""
_BY_PLAN: Final = "the record of the plan"


def _parse_server(text: str) -> NameServer:
    """Return the server that ``NAME[=ADDRESS,...]`` says."""
    name, mark, addresses = text.partition("=")
    return NameServer(name=name, addresses=tuple(addresses.split(",")) if mark else ())


def _parse_expiry(text: str) -> Expiry:
    return Duration.parse(text) if text.startswith("P") else parse_instant(text)


def _parse_reason(text: str) -> str:
    return str(checks.token(1, 200)(text, "the reason"))


class _OfStep(click.Command):
    """A command whose name is the step already, so that its usage has it once."""

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        """Return the pieces of the usage line."""
        return [piece for piece in super().collect_usage_pieces(ctx) if piece != "STEP"]


@click.command(cls=_OfStep, short_help="Print the frames of a step.")
@click.argument("step_id", metavar="STEP")
@click.argument("source", metavar="TRANSFER")
@click.option("--registry", "registry_file", metavar="FILE", required=True, help="The profile of the registry.")
@click.option(
    "--actor",
    "actor_name",
    type=click.Choice([actor.value for actor in Actor]),
    metavar="ACTOR",
    help="Who sends the frames, such as 'losing registrar'; not needed where only one has any.",
)
@click.option(
    "--client",
    metavar="ID",
    help="The sender's client identifier at the registry, by which an answer to a domain info shows whether it is the sponsor.",
)
@click.option("--info", "info_file", metavar="FILE", help="The registry's answer to a domain info, as it is now.")
@click.option(
    "--plan",
    "plan_file",
    metavar="FILE",
    help="Go by this plan, from zonekit plan --json, and what is on record in it, in place of the state of the transfer.",
)
@click.option(
    "--auth-info-file",
    metavar="FILE",
    help=f"The authinfo code, alone in a file; else it is taken from {AUTH_INFO_VARIABLE} in the environment.",
)
@click.option(
    "--transaction",
    "prefix",
    metavar="PREFIX",
    help="What the identifiers of the frames begin with: PREFIX-1, PREFIX-2. Without it, zonekit and the time.",
)
@click.option(
    "--name-server",
    "servers",
    multiple=True,
    type=parsed_by(_parse_server),
    metavar="NAME[=ADDRESS,...]",
    help="A gaining name server, with the addresses of one in the domain; may be given again. Without, those of the gaining zone"
    " that TRANSFER names, or else of the plan.",
)
@click.option(
    "--host",
    "hosts",
    multiple=True,
    type=parsed_by(_parse_server),
    metavar="NAME[=ADDRESS,...]",
    help="A host object that is at the registry, with the addresses that it has there; may be given again.",
)
@click.option("--receipt", "receipt_file", metavar="FILE", help="The receipt for relayed keys, as JSON.")
@click.option(
    "--expiry",
    type=parsed_by(_parse_expiry),
    metavar="INSTANT|DURATION",
    help="Until when relayed keys are to be published, such as P30D. Without it, until the plan is done.",
)
@click.option("--urgent", is_flag=True, help="Ask the registry to change the DS at once.")
@click.option(
    "--max-sig-life",
    type=click.IntRange(1, MAX_SIG_LIFE),
    metavar="SECONDS",
    help="How long signatures of the DS may be valid at most.",
)
@click.option(
    "--operation",
    type=click.Choice([operation.value for operation in TransferOperation]),
    help="What to ask or answer in a transfer, where it is not to be requested or approved.",
)
@click.option(
    "--reason",
    "because",
    type=parsed_by(_parse_reason),
    metavar="TEXT",
    help="Why a transfer is rejected or cancelled.",
)
@click.option(
    "--lift-locks", is_flag=True, help="Lift the sponsor's own locks that stand in the way, by frames of their own."
)
@click.option("--override", "who", metavar="WHO", help="Print them although something is missing: who answers for it.")
@click.option("--why", metavar="TEXT", help="With --override: the reason.")
@click.option(
    "--ask",
    "only_asks",
    is_flag=True,
    help="Print the frames that show what the registry has, before a step or after it.",
)
@click.option(
    "-f",
    "--output",
    metavar="DIR",
    help="Write each frame to a file of its own in this directory, 1-domain-update.xml and so on, whose names sort in the order of"
    " sending; standard output if - or not given.",
)
@now_option
@json_option
@quiet_option
def step(
    *,
    step_id: str,
    source: str,
    registry_file: str,
    actor_name: str | None,
    client: str | None,
    info_file: str | None,
    plan_file: str | None,
    auth_info_file: str | None,
    prefix: str | None,
    servers: Sequence[NameServer],
    hosts: Sequence[NameServer],
    receipt_file: str | None,
    expiry: Expiry | None,
    urgent: bool,
    max_sig_life: int | None,
    operation: str | None,
    because: str | None,
    lift_locks: bool,
    who: str | None,
    why: str | None,
    only_asks: bool,
    output: str | None,
    given_now: datetime | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Print the frames of EPP that carry STEP of a transfer, in the order in which they are to be sent.

    TRANSFER is the file that zonekit status follows; fixtures/registries has profiles of registries. Nothing is asked of anybody:
    what is confirmed is what the last look of zonekit status showed, so look right before. Frames are withheld until everything
    that the step rests on is confirmed and no status of the domain stands in the way, each reason in a line; --override lets
    them through. An answer to a domain info (--ask prints that frame) tells what the registry has and its statuses; without it
    that is taken from the plan.

    Send each frame after the answer to the one before it. Several are separated by a NUL octet, which is in no XML document. A
    frame may hold the authinfo code, and nothing else printed ever does; files of frames are for their owner's eyes alone.

    \b
    Examples:
      zonekit epp ds-added transfer.toml --registry registry.toml --ask -f asking
      zonekit epp ds-added transfer.toml --registry registry.toml --info answer.xml
      zonekit epp ns-changed transfer.toml --registry registry.toml --info answer.xml -f frames
      zonekit epp domain-transferred transfer.toml --registry registry.toml --actor 'gaining registrar' \\
        --auth-info-file code

    With --json: {"step", "sender", "decision": null or {"decision": "confirmed" or "overridden", "at", "missing": [TEXT], "who",
    "why"}, "frames": [{"transaction", "purpose", "waits_for", "accepts": [CODE], "xml"}], "findings"}, where accepts has the
    result codes beside 1000 after which the next frame may be sent.
    """
    now = clock(given_now)
    if (who is None) is not (why is None):
        raise usage_error("--override and --why go together: somebody answers for it, and says why")
    if output not in (None, STANDARD_STREAM) and as_json:
        raise usage_error("--json prints the frames to standard output: leave -f out")
    transfer = open_transfer(source)
    registry = _read_registry(registry_file)
    known = _known(transfer, plan_file, now)
    actor = _actor(known.plan, step_id, actor_name)
    sender = Sender(
        actor=actor,
        registry=registry,
        transactions=numbered(prefix or f"zonekit-{now:%Y%m%d%H%M%S}"),
        client=client,
        lift_locks=lift_locks,
    )
    code = _auth_info(auth_info_file, is_needed=only_asks or _needs_code(known.plan, step_id, actor))
    if only_asks:
        asking = asking_frames(known.plan, sender=sender, auth_info=code)
        found = StepFrames(plan=known.plan, step_id=step_id, sender=actor, frames=asking, decision=None)
    else:
        material = Material(
            registered=None if info_file is None else _read_info(info_file),
            gaining_keys=tuple(_keys(transfer, known, Source.GAINING)),
            losing_keys=tuple(_keys(transfer, known, Source.LOSING)),
            gaining_servers=tuple(servers) or tuple(_servers(transfer, known.plan)),
            hosts={host.name: host.addresses for host in hosts},
            auth_info=code,
            relay_expiry=expiry,
            max_sig_life=max_sig_life,
            urgent=urgent,
            operation=None if operation is None else TransferOperation(operation),
            receipt=None if receipt_file is None else _read_receipt(receipt_file),
            report=_report(transfer, known.plan)
            if FrameKind.SEND_REPORT in _kinds(known.plan, step_id, actor)
            else None,
            because=because or "",
        )
        found = step_frames(
            known.plan,
            step_id,
            sender=sender,
            material=material,
            evidence=known.evidence,
            now=now,
            override=None if who is None or why is None else Override(who=who, why=why, when=now),
            servers=NO_SERVERS,
        )
    voice = Voice(quiet=quiet)
    _tell(found, known, voice)
    if as_json:
        print_json(_object(found))
    elif output in (None, STANDARD_STREAM):
        _print(found)
    else:
        assert output is not None
        _write(found, output)


# ---- what is read ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Known:
    """What is known of a transfer: the plan as it goes on from now, what confirms its steps, and its course."""

    plan: Plan
    evidence: tuple[Evidence, ...]
    course: Course | None


def _known(transfer: Transfer, plan_file: str | None, now: datetime) -> _Known:
    if plan_file is None:
        course = transfer.course
        if course is None:
            raise BadInput(
                f"{transfer.shown}: nothing is known of this transfer yet; look with zonekit status, or give --plan"
            )
        return _Known(course.plan.resumed(now), course.evidence, course)
    try:
        plan = read_plan(read_input(plan_file))
    except ZonekitError as error:
        raise error.within(place(plan_file)) from None
    if order_key(parse_origin(plan.facts.domain)) != order_key(parse_origin(transfer.file.domain)):
        raise BadInput(
            f"{place(plan_file)}: the plan is of {plan.facts.domain}, and {transfer.shown} of {transfer.file.domain};"
            " give the plan of this domain"
        )
    recorded = Course.begun(plan)
    return _Known(plan.resumed(now), recorded.evidence, None)


def _read_registry(path: str) -> RegistryProfile:
    try:
        return read_registry(read_input(path))
    except ZonekitError as error:
        raise error.within(place(path)) from None


def _read_receipt(path: str) -> Receipt:
    try:
        return Receipt.from_json(read_input(path))
    except ZonekitError as error:
        raise error.within(place(path)) from None


def _read_info(path: str) -> Registered:
    octets = read_octets(path, MAX_OCTETS + 1)
    try:
        frame = read_frame(octets)
        if not isinstance(frame, Response):
            raise EppError("this is no answer of a registry", remedy="give its answer to a domain info")
        return Registered.of(frame)
    except ZonekitError as error:
        raise error.within(place(path)) from None


def _auth_info(path: str | None, *, is_needed: bool) -> AuthInfo | None:
    """The code from a file, or where it is needed from the environment; nothing that is wrong with it shows it."""
    if path is None:
        where, text = AUTH_INFO_VARIABLE, os.environ.get(AUTH_INFO_VARIABLE) if is_needed else None
    else:
        where, text = place(path), read_input(path)
    if not text and path is None:
        return None
    assert text is not None
    try:
        code = AuthInfo(password=text.removesuffix("\n").removesuffix("\r"))
        require_code(code, "what was given")
        return code
    except ZonekitError as error:
        raise error.within(where) from None


_WITH_CODE: Final = frozenset(
    (
        FrameKind.GIVE_AUTH_INFO,
        FrameKind.SEND_AUTH_INFO,
        FrameKind.REQUEST_TRANSFER,
        FrameKind.RELAY_KEYS,
        FrameKind.OFFER_KEYS,
    )
)


def _needs_code(plan: Plan, step_id: str, actor: Actor) -> bool:
    """Whether the frames of a step may hold the authinfo code."""
    return not _WITH_CODE.isdisjoint(_kinds(plan, step_id, actor))


def _kinds(plan: Plan, step_id: str, actor: Actor) -> tuple[FrameKind, ...]:
    return carriage(plan.flow, step_id).frames.get(actor, ())


def _report(transfer: Transfer, plan: Plan) -> Report | None:
    """What the losing side says it has done: since when by what is on record, and the rest by its zone."""
    name = transfer.file.files.losing_zone
    merged, lowered = plan.events.get("losing-merged"), plan.events.get("ttls-lowered")
    if name is None or merged is None or lowered is None:
        return None
    zone = _zone(transfer, name)
    return Report(
        name=plan.facts.domain,
        serial=zone.serial,
        merged=merged.completed,
        lowered=lowered.completed,
        ns_ttl=zone.apex_rrset(rd.NS).ttl,
        dnskey_ttl=zone.apex_rrset(rd.DNSKEY).ttl,
    )


def _actor(plan: Plan, step_id: str, name: str | None) -> Actor:
    """Who sends the frames: who is named, or the only one that has any."""
    if name is not None:
        return Actor(name)
    carried = carriage(plan.flow, step_id)
    senders = list(carried.frames)
    if len(senders) > 1:
        raise usage_error(
            f"--actor is needed: {' and '.join(each.value for each in senders)} have frames for {step_id}"
        )
    return senders[0] if senders else plan.step(step_id).step.actor


def _keys(transfer: Transfer, known: _Known, source: Source) -> Iterator[Dnskey]:
    """The DNSKEYs of an operator: those that were seen to be its own, and those in the files that the transfer names.

    Where there are none they are those of its zone, but for the ones that the other operator's zone is signed with and that one
    is not: in a merged zone they are published for the other.
    """
    given = _given_keys(transfer, known, source)
    zone_name = _zone_name(transfer, source)
    if given or zone_name is None:
        yield from given
        return
    zone, other = _zone(transfer, zone_name), Source.LOSING if source is Source.GAINING else Source.GAINING
    signers, others = _signers(zone), set(_given_keys(transfer, known, other))
    if not others and (other_name := _zone_name(transfer, other)) is not None:
        other_zone = _zone(transfer, other_name)
        signing = _signers(other_zone)
        others = {key for key in _keys_of(other_zone) if (key.algorithm, key.key_tag) in signing}
    for key in _keys_of(zone):
        if key not in others or (key.algorithm, key.key_tag) in signers:
            yield key


def _given_keys(transfer: Transfer, known: _Known, source: Source) -> list[Dnskey]:
    """The DNSKEYs of an operator that were seen to be its own, and those in the files of its keys."""
    files = transfer.file.files
    names = files.gaining_keys if source is Source.GAINING else files.losing_keys
    seen = [each.key for each in known.course.keys if each.source is source] if known.course is not None else []
    return list(dict.fromkeys((*seen, *[key for name in names for key in _keys_in(transfer, name)])))


def _zone_name(transfer: Transfer, source: Source) -> str | None:
    files = transfer.file.files
    return files.gaining_zone if source is Source.GAINING else files.losing_zone


def _signers(zone: Zone) -> frozenset[tuple[int, int]]:
    """What the signatures at the apex of a zone name their keys by: a KSK signs the DNSKEY RRset there, a ZSK the SOA record."""
    signed = [rrset for rrset in zone.rrsets_at("@") if rrset.rdtype == rd.RRSIG]
    return frozenset(signer_of(rdata) for rrset in signed for rdata in rrset.rdatas)


def _keys_in(transfer: Transfer, name: str) -> tuple[Dnskey, ...]:
    path = transfer.path(name)
    try:
        return parse_dnskeys(read_text(path), owner=transfer.file.domain)
    except ZonekitError as error:
        raise error.within(path) from None


def _keys_of(zone: Zone) -> tuple[Dnskey, ...]:
    dnskeys = zone.get("@", rd.DNSKEY)
    return () if dnskeys is None else dnskeys_of(dnskeys)


def _zone(transfer: Transfer, name: str) -> Zone:
    return read_zone(transfer.path(name), origin=transfer.file.domain)


def _servers(transfer: Transfer, plan: Plan) -> Iterator[NameServer]:
    """The gaining name servers: those of the gaining zone, with their addresses, or else the names that the plan has."""
    name = transfer.file.files.gaining_zone
    if name is None:
        names = plan.facts.gaining.name_servers
        yield from (NameServer(name=each) for each in sorted(() if isinstance(names, Assumed) else names))
        return
    yield from name_servers_of(_zone(transfer, name))


# ---- what is told ---------------------------------------------------------------------------------------------------


_TOLD_ALWAYS: Final = frozenset(("lock-lifted", "registry-not-shown"))
"""What somebody answers for who sends the frames."""


def _tell(found: StepFrames, known: _Known, voice: Voice) -> None:
    """Say on standard error what should be known, what the frames rest on, and what is to be done with them."""
    for finding in found.findings:
        tell = voice.insist if finding.code in _TOLD_ALWAYS else voice.say
        tell(str(finding))
    if known.course is not None and known.course.last is not None and found.decision is not None:
        voice.say(f"what is confirmed is as of the last look, {instant_text(known.course.last.at)}")
    if isinstance(found.decision, Overridden):
        voice.insist(override_text(found.decision))
        for lacking in found.decision.missing:
            voice.insist(f"was missing: {lacking}")
    for number, each in enumerate(found.frames, start=1):
        waits = f", after {each.waits_for}" if each.waits_for else ""
        voice.say(f"frame {number} of {len(found.frames)}, for the {each.sender.value}{waits}: {each.purpose}")


def _object(found: StepFrames) -> dict[str, Any]:
    return {
        "step": found.step_id,
        "sender": found.sender.value,
        "decision": None if found.decision is None else _decision_object(found.decision),
        "frames": [
            {
                "transaction": each.command.client_transaction,
                "purpose": each.purpose,
                "waits_for": each.waits_for,
                "accepts": sorted(map(int, each.accepts)),
                "xml": write_frame(each.command).decode(),
            }
            for each in found.frames
        ],
        "findings": finding_objects(found.findings),
    }


def _decision_object(decision: Decision) -> dict[str, Any]:
    at = instant_text(decision.at)
    match decision:
        case Confirmed():
            return {"decision": "confirmed", "at": at}
        case Overridden():
            return {
                "decision": "overridden",
                "at": at,
                "missing": [str(lacking) for lacking in decision.missing],
                "who": decision.override.who,
                "why": decision.override.why,
            }
        case Missing():
            raise AssertionError("what is missing withholds the frames")


def _print(found: StepFrames) -> None:
    stream = sys.stdout.buffer
    for number, each in enumerate(found.frames):
        if number:
            stream.write(_SEPARATOR)
        stream.write(write_frame(each.command))
    stream.flush()


def _write(found: StepFrames, directory: str) -> None:
    """Write each frame to a file of its own, or none where one is there already."""
    target = Path(directory)
    if target.exists() and not target.is_dir():
        raise BadInput(f"{directory}: is no directory; give -f one, for a file for each frame")
    try:
        target.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(f"{directory}: {error.strerror}; give -f a directory that can be made") from None
    width = len(str(len(found.frames)))
    paths = [target / f"{number:0{width}}-{_kind(each)}.xml" for number, each in enumerate(found.frames, start=1)]
    there = [str(path) for path in paths if path.exists()]
    if there:
        raise BadInput(f"{', '.join(there)}: there already; give -f another directory, so that no frame is sent twice")
    octets = [write_frame(each.command) for each in found.frames]
    for path, frame in zip(paths, octets, strict=True):
        write_octets(path, (frame,), mode=_PRIVATE)


def _kind(frame: SentFrame) -> str:
    """What a frame is, as a word for the name of a file: domain-update."""
    name = type(frame.command.action).__name__
    return "".join(f"-{char.lower()}" if char.isupper() else char for char in name).removeprefix("-")
