"""The demo: carries out the example move, writes its files and tells what was done."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

import click

from zonekit import rdata as rd
from zonekit.cli.account import Account
from zonekit.cli.arguments import clock, now_option
from zonekit.cli.demo_files import made_whole, write_delegation, write_keys, write_served
from zonekit.cli.demo_frames import frames_sent
from zonekit.cli.exits import OK, REFUSED, Tidy
from zonekit.cli.move import (
    Clock,
    Departure,
    End,
    Exchange,
    Side,
    Switch,
    Wait,
    changed_rrsets,
    delegation_today,
    departure,
    ended,
    exchanged,
    gaining_prepared,
    handover_of,
    losing_today,
    mixture,
    planned,
    response_octets,
    switched,
    wait_for_switch,
)
from zonekit.cli.outputs import dnskeys_text
from zonekit.cli.tables import Column, fact_lines
from zonekit.cli.verdicts import Judges
from zonekit.dnskeys import MAX_RESPONSE_OCTETS
from zonekit.ds import dsset_text
from zonekit.epp.writing import write_frame
from zonekit.files import read_zone, write_octets, write_text
from zonekit.instants import instant_text
from zonekit.render import render_handover_sheet
from zonekit.reports.calendars import calendar_text
from zonekit.reports.pages import render_plan_page
from zonekit.reports.wording import in_order, verdict_text
from zonekit.transfer.plan import Plan, prove
from zonekit.transfer.planfile import plan_json
from zonekit.transfer.proof import Safe
from zonekit.transfer.switchover import CachedRecord
from zonekit.ttl import duration_text

ORIGIN: Final = "example.nl"
ACCOUNT: Final = "ACCOUNT.txt"
TODAY: Final = "01-losing-operator-today"
PREPARED: Final = "02-gaining-operator-prepares"
EXCHANGED: Final = "03-each-publishes-the-others-keys"
SWITCHED: Final = "04-name-servers-changed"
ALONE: Final = "05-gaining-operator-alone"
PLANNED: Final = "06-the-plan"
SENT: Final = "07-what-the-registrar-sends"
HANDOVER: Final = "hand-over-to-the-losing-operator.md"
_FIXTURES: Final = Path(__file__).resolve().parents[2] / "fixtures" / "zones"


@click.command(cls=Tidy, context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("directory", type=click.Path(path_type=Path))
@click.option(
    "--fixtures",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=_FIXTURES,
    help="Where example.nl.zone and example.nl.gaining.zone are.",
)
@now_option
def demo(*, directory: Path, fixtures: Path, given_now: datetime | None) -> int:
    """Move example.nl from one DNS operator to another, and leave the files of every stage in DIRECTORY.

    A DIRECTORY that an earlier demo made is made anew; anything else that is there is left alone. The exit code is 1 when
    one of BIND's tools finds fault with a zone file, or the plan is not proven safe.
    """
    with made_whole(directory) as fresh:
        telling = _Telling(Clock.starting(clock(given_now)), shown=directory, root=fresh)
        telling.tell(fixtures)
        write_text(fresh / ACCOUNT, telling.account.text())
    return OK if telling.all_good else REFUSED


class _Telling:
    """One run of the demo: each stage is computed, written, told and judged before the next."""

    def __init__(self, clock: Clock, *, shown: Path, root: Path) -> None:
        self.account = Account()
        self._clock = clock
        self._shown = shown
        self._root = root
        self._judges = Judges(clock.validity)
        self._proven = True

    @property
    def all_good(self) -> bool:
        """Whether no tool found fault with a zone file, and the plan is proven safe."""
        return self._judges.all_good and self._proven

    def tell(self, fixtures: Path) -> None:
        """Carry out the whole move."""
        clock = self._clock
        self._introduce()
        losing = losing_today(read_zone(fixtures / f"{ORIGIN}.zone", origin=ORIGIN), clock)
        self._tell_today(losing)
        gaining = gaining_prepared(read_zone(fixtures / f"{ORIGIN}.gaining.zone", origin=ORIGIN), losing, clock)
        self._tell_prepared(losing, gaining)
        exchange = exchanged(losing, gaining, clock)
        self._tell_exchange(losing, gaining, exchange)
        wait = wait_for_switch(losing, clock)
        self._tell_wait(wait)
        switch = switched(losing, gaining, exchange, wait, clock)
        leave = departure(switch, wait, clock)
        self._tell_switch(exchange, switch, wait, leave)
        end = ended(gaining, exchange, switch, clock)
        self._tell_end(gaining, end, leave)
        self._conclude(wait, leave)
        plan = planned(losing, exchange, clock)
        self._tell_plan(plan)
        self._tell_frames(plan, losing, gaining)

    # -- the stages

    def _introduce(self) -> None:
        assumed = self._clock.assumed
        self.account.heading(f"zonekit demo: {ORIGIN} moves to another DNS operator and stays valid all the way")
        self.account.say(
            "Two operators sign the zone, each with its own keys; no private key leaves its owner. While the move lasts"
            " a resolver may hold the DS of one, the DNSKEYs of the other and data of either. So each publishes the"
            " other's keys for a while, and nothing changes before caches have let go of what it would clash with."
        )
        self.account.facts(
            [
                ("now", instant_text(self._clock.now)),
                ("assumed", f"the parent serves DS and NS with a TTL of {_ttl_text(assumed.parent_ds_ttl)}"),
                (
                    "",
                    f"a change is on every server of an operator after {duration_text(assumed.zone_propagation_delay)},",
                ),
                ("", f"on every server of the parent after {duration_text(assumed.parent_propagation_delay)}"),
                ("files", f"{self._shown}/, this account among them as {ACCOUNT}"),
                *self._judges.introduction(),
            ]
        )

    def _tell_today(self, losing: Side) -> None:
        self.account.heading("1  Today: the losing operator signs and serves the zone")
        self._say_side(losing)
        directory = self._root / TODAY
        zone_file = write_served(directory / "losing", losing.zone)
        names = write_keys(directory / "losing" / "keys", losing)
        write_delegation(directory / "parent", delegation_today(losing, self._clock))
        self._show_files(
            TODAY,
            ("losing/example.nl.zone", "the signed zone"),
            ("losing/named.conf", "the zone statement under which named serves it"),
            *((f"losing/keys/{name}.*", "its key files; the private one only its owner can read") for name in names),
            ("parent/example.nl.delegation", "what the parent publishes: NS and DS"),
            ("parent/dsset-example.nl.", "the DS alone"),
        )
        self._judge(zone_file)

    def _tell_prepared(self, losing: Side, gaining: Side) -> None:
        self.account.heading("2  The gaining operator prepares, unseen")
        self.account.say(
            "It makes keys whose tags differ from all of the losing ones, signs its copy of the zone, which nobody is led to"
            " yet, and asks the losing operator for its part."
        )
        self._say_side(gaining)
        self.account.lines([gaining.ds.text()])
        directory = self._root / PREPARED
        zone_file = write_served(directory / "gaining", gaining.zone)
        names = write_keys(directory / "gaining" / "keys", gaining)
        write_text(directory / "gaining" / "dsset-example.nl.", dsset_text(gaining.ds))
        write_text(directory / HANDOVER, render_handover_sheet(handover_of(losing, gaining)))
        self._show_files(
            PREPARED,
            (HANDOVER, "what the losing operator is to do: on BIND, Knot, PowerDNS"),
            ("gaining/example.nl.zone", "the signed zone, unpublished"),
            ("gaining/named.conf", "its zone statement"),
            *((f"gaining/keys/{name}.*", "its key files") for name in names),
            ("gaining/dsset-example.nl.", "its DS, for the registry"),
        )
        self._judge(zone_file)
        before = mixture(losing.zone, gaining.zone, self._clock.now)
        self.account.say(
            f"Switch now, and the domain breaks: with the gaining DNSKEYs {before} signed RRsets of the losing operator"
            " validate, and caches hold those for as long as their TTLs last."
        )

    def _tell_exchange(self, losing: Side, gaining: Side, exchange: Exchange) -> None:
        self.account.heading("3  Each publishes the other's keys, and the parent the DS of both")
        after = exchange.losing.zone, exchange.gaining.zone
        self.account.say(
            f"The losing operator adds {_keys_text(gaining)} to its DNSKEY RRset. The gaining one adds"
            f" {dnskeys_text(exchange.taken)}: the losing KSK signs nothing but DNSKEYs and is not needed there. Each signs"
            " its DNSKEY RRset again with its own KSK. The TTLs that bind later steps go down:"
        )
        rows = [
            (who, change.rdtype, str(change.old_ttl), str(change.new_ttl))
            for who, changed in (("losing", exchange.losing), ("gaining", exchange.gaining))
            for change in changed.changes
        ]
        ttl_columns = [Column(title="TTL before", numbers=True), Column(title="TTL now", numbers=True)]
        self.account.table([Column(title="operator"), Column(title="RRset"), *ttl_columns], rows)
        self.account.say(
            f"Beside {', '.join(changed_rrsets(losing.zone, after[0]))} and their signatures the losing zone is the same to"
            f" the byte. Serials: losing {losing.zone.serial} -> {after[0].serial}, gaining {gaining.zone.serial} ->"
            f" {after[1].serial}. The DNSKEY responses have {response_octets(after[0], losing)} and"
            f" {response_octets(after[1], gaining)} octets of the {MAX_RESPONSE_OCTETS} that fit every path."
        )
        directory = self._root / EXCHANGED
        zone_files = [write_served(directory / "losing", after[0]), write_served(directory / "gaining", after[1])]
        write_delegation(directory / "parent", exchange.delegation)
        self._show_files(
            EXCHANGED,
            ("losing/example.nl.zone", "with the gaining KSK and ZSK, and low TTLs"),
            ("gaining/example.nl.zone", "with the losing ZSK, and low TTLs"),
            ("losing/named.conf, gaining/named.conf", "the zone statements"),
            ("parent/example.nl.delegation", "what the parent publishes: the DS of both"),
            ("parent/dsset-example.nl.", "the DS of both alone"),
        )
        self._judge(*zone_files)
        if self._judges.saw_stand_by:
            self.account.say(
                "Stand-by is what dnssec-verify calls a key that signs nothing: here it is the other operator's. It need not,"
                " for every algorithm in the DNSKEY RRset has to sign, not every key (RFC 4035 section 2.2)."
            )
        self.account.say(
            "Losing data validates with the gaining DNSKEYs now"
            f" ({mixture(losing.zone, after[1], self._clock.now)} RRsets), and gaining data with the losing ones"
            f" ({mixture(gaining.zone, after[0], self._clock.now)})."
        )

    def _tell_wait(self, wait: Wait) -> None:
        self.account.heading("How long to wait before the name servers change")
        self.account.say(
            "A cache that asked just before a change keeps the old records for the TTL that they had then, so none of the"
            " lowered TTLs counts here. No cache has anything of the gaining operator yet. The name servers may change when"
            " the last of these is gone:"
        )
        switchover = wait.switchover
        because, longest = switchover.because, switchover.longest
        cached = [record for record in wait.replaced if record.ttl]
        self._wait_table(sorted(cached, key=lambda record: record.gone_from_caches, reverse=True), binding=because)
        self.account.facts(
            [
                ("safe from", self._instant_text(switchover.at)),
                ("what binds", f"{because.record}: without the new keys last served {self._since(because.effective)},"),
                ("", f"with a TTL of {_ttl_text(because.ttl)}"),
                (
                    "simple rule",
                    f"{self._instant_text(switchover.by_longest_ttl)}, as published: the longest TTL of all",
                ),
                ("", f"records involved, {longest.ttl} s of {longest.record}, from the last change on"),
            ]
        )

    def _tell_switch(self, exchange: Exchange, switch: Switch, wait: Wait, leave: Departure) -> None:
        self.account.heading(f"4  The name servers change, not before {self._instant_text(wait.switchover.at)}")
        self.account.say(
            "The parent changes the NS of the delegation, and the losing operator the NS in its own zone, which goes on"
            " being served and signed: resolvers still come for it."
        )
        directory = self._root / SWITCHED
        zone_file = write_served(directory / "losing", switch.losing)
        write_delegation(directory / "parent", switch.delegation)
        self._show_files(
            SWITCHED,
            ("losing/example.nl.zone", f"with the gaining NS, serial {switch.losing.serial}"),
            ("losing/named.conf", "its zone statement"),
            ("parent/example.nl.delegation", "with the gaining NS; the DS of both, as before"),
            ("parent/dsset-example.nl.", "the DS of both alone"),
            ("gaining/", "as in stage 3"),
        )
        self._judge(zone_file)
        self.account.say("Resolvers come to the losing servers until the last NS that leads there is gone:")
        self._wait_table(leave.leading_back, binding=leave.unreachable)

    def _tell_end(self, gaining: Side, end: End, leave: Departure) -> None:
        self.account.heading("5  The gaining operator alone")
        self.account.say("Nobody asks the losing servers any more. What they gave out last runs down in caches:")
        self._wait_table([leave.ds, leave.data])
        self.account.facts(
            [
                ("the losing DS may go", self._instant_text(leave.ds.gone_from_caches)),
                ("the losing ZSK may go", self._instant_text(leave.data.gone_from_caches)),
            ]
        )
        directory = self._root / ALONE
        zone_file = write_served(directory / "gaining", end.gaining.zone)
        write_delegation(directory / "parent", end.delegation)
        self._show_files(
            ALONE,
            ("parent/example.nl.delegation", "without the losing DS"),
            ("parent/dsset-example.nl.", "the gaining DS alone"),
            ("gaining/example.nl.zone", f"without the losing ZSK, TTLs restored, serial {end.gaining.zone.serial}"),
            ("gaining/named.conf", "its zone statement"),
        )
        self._judge(zone_file)
        self.account.say(
            "The zone is again what the gaining operator prepared in stage 2, but for"
            f" {', '.join(changed_rrsets(gaining.zone, end.gaining.zone))} and its signature."
        )

    def _conclude(self, wait: Wait, leave: Departure) -> None:
        self.account.heading("In short")
        steps = [
            (self._clock.now, "exchange keys, add the gaining DS, lower TTLs", ""),
            (wait.switchover.at, "change the name servers", wait.switchover.because.record),
            (leave.unreachable.gone_from_caches, "the losing servers may stop", leave.unreachable.record),
            (leave.ds.gone_from_caches, "remove the losing DS", leave.ds.record),
            (leave.data.gone_from_caches, "withdraw the losing ZSK, restore TTLs", leave.data.record),
        ]
        columns = [Column(title="not before"), Column(title="which is"), Column(title="do"), Column(title="waits for")]
        self.account.table(
            columns,
            [(instant_text(at), self._since(at).removesuffix(" + 0s"), what, why) for at, what, why in steps],
        )
        expiration = self._clock.validity.expiration
        self.account.say(
            f"All files are made now, so the signatures in them end at {instant_text(expiration)},"
            f" {duration_text(expiration - self._clock.now)} from now, well after the last step. In service each operator"
            " signs its zone again as it always does."
        )
        self.account.say(self._judges.conclusion())

    def _tell_plan(self, plan: Plan) -> None:
        self.account.heading("The plan of this transfer, and the proof")
        self.account.say(
            "zonekit plan makes the same of what the zones show, step by step. The exact model of what caches can hold, which"
            " tries every mixture of DS, DNSKEYs and data at every instant, says of it:"
        )
        verdict = prove(plan)
        self._proven = isinstance(verdict, Safe)
        self.account.say(f"{verdict_text(verdict)[:1].upper()}{verdict_text(verdict)[1:]}.")
        columns = [
            Column(title="not before"),
            Column(title="which is"),
            Column(title="step"),
            Column(title="waits for"),
        ]
        rows = [
            (
                instant_text(each.started),
                self._since(each.started).removesuffix(" + 0s"),
                each.id,
                each.because.record if each.because else "",
            )
            for each in in_order(plan)
        ]
        self.account.table(columns, rows)
        directory = self._root / PLANNED
        directory.mkdir()
        write_text(directory / f"{ORIGIN}.plan.html", render_plan_page(plan, verdict))
        write_text(directory / f"{ORIGIN}.plan.json", plan_json(plan))
        write_text(directory / f"{ORIGIN}.plan.ics", calendar_text(plan, stamp=self._clock.now))
        self._show_files(
            PLANNED,
            (f"{ORIGIN}.plan.html", "the plan as a page, with what is served and what caches hold"),
            (f"{ORIGIN}.plan.json", "the same for programs; zonekit check proves it"),
            (f"{ORIGIN}.plan.ics", "its steps as a calendar"),
        )

    def _tell_frames(self, plan: Plan, losing: Side, gaining: Side) -> None:
        self.account.heading("What the registrar sends to the registry, over EPP")
        self.account.say(
            "zonekit epp prints the frames of each step for a registry that a profile describes, and withholds them until what"
            " the step rests on is confirmed; here all is taken as done when it was planned. zonekit epp read says what a frame"
            " means."
        )
        directory = self._root / SENT
        directory.mkdir()
        rows, files = [], []
        for step in frames_sent(plan, losing, gaining, self._clock.assumed):
            for number, frame in enumerate(step.frames, start=1):
                name = f"{step.step_id}-{number}.xml"
                write_octets(directory / name, [write_frame(frame.command)])
                files.append((name, frame.purpose))
            rows.append((instant_text(step.decision.at) if step.decision else "", step.step_id, str(len(step.frames))))
        columns = [Column(title="not before"), Column(title="step"), Column(title="frames", numbers=True)]
        self.account.table(columns, rows)
        self._show_files(SENT, *files)

    # -- what several stages need

    def _say_side(self, side: Side) -> None:
        zone = side.zone
        self.account.say(
            f"Its keys are {_keys_text(side)} ({side.ksk.algorithm.name}). The zone is signed with NSEC until"
            f" {instant_text(self._clock.validity.expiration)}; its serial is {zone.serial}, the TTL of NS"
            f" {zone.apex_rrset(rd.NS).ttl}, of DNSKEY {zone.apex_rrset(rd.DNSKEY).ttl}."
        )

    def _show_files(self, directory: str, *files: tuple[str, str]) -> None:
        lines = fact_lines(files)
        self.account.lines([f"{self._shown / directory}/", *(f"  {line}" for line in lines)])

    def _judge(self, *zone_files: Path) -> None:
        lines = []
        for zone_file in zone_files:
            for verdict in self._judges.verdicts(zone_file, ORIGIN):
                lines.append(f"{verdict.tool:<15}  {zone_file.parent.name:<7}  {verdict.words}")
                if not verdict.good:
                    lines += [f"    {line}" for line in verdict.output.splitlines()]
        if lines:
            self.account.lines(lines)

    def _wait_table(self, records: Sequence[CachedRecord], *, binding: CachedRecord | None = None) -> None:
        columns = [Column(title="old record"), Column(title="TTL", numbers=True), Column(title="last served")]
        columns += [Column(title="gone from every cache"), Column(title="")]
        rows = [
            (
                record.record,
                str(record.ttl),
                self._since(record.effective),
                self._instant_text(record.gone_from_caches),
                "<- binds" if record is binding else "",
            )
            for record in records
        ]
        self.account.table(columns, rows)

    def _since(self, instant: datetime) -> str:
        return f"now + {duration_text(instant - self._clock.now)}"

    def _instant_text(self, instant: datetime) -> str:
        return f"{instant_text(instant)} ({self._since(instant)})"


def _ttl_text(ttl: int) -> str:
    return f"{ttl} s ({duration_text(ttl)})"


def _keys_text(side: Side) -> str:
    return f"KSK {side.ksk.key_tag} and ZSK {side.zsk.key_tag}"
