"""``zonekit fleet``."""

from __future__ import annotations

import contextlib
import importlib
import json
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import click

from zonekit.algorithms import Algorithm, parse_algorithm
from zonekit.cli.arguments import (
    DURATION,
    TTL,
    clock,
    now_option,
    parsed_by,
    quiet_option,
    serial_option,
    severity_option,
    together,
    usage_error,
    validity_option,
)
from zonekit.cli.exits import OK, REFUSED, BadInput, Tidy, one_line
from zonekit.cli.outputs import Voice, finding_objects
from zonekit.cli.progress import Progress
from zonekit.crews import ZoneOutcome
from zonekit.denial import Denial, Nsec, Nsec3
from zonekit.findings import Severity
from zonekit.fleet import (
    DNSKEYS_SUFFIX,
    ZONE_SUFFIX,
    FleetSummary,
    count_zones,
    merge_fleet,
    sign_fleet,
    verify_fleet,
)
from zonekit.keys import KeyRole
from zonekit.serials import SerialPolicy
from zonekit.signing import DEFAULT_DNSKEY_TTL, Jitter
from zonekit.ttl import Ttl
from zonekit.zonework import MergingRules, SigningRules

_MOST_PROCESSES: Final = 256


class _Commands(Tidy, click.Group):
    """A group of commands, tidy like each of them."""


@click.group(cls=_Commands, short_help="Sign, merge or verify many zones at once.")
def fleet() -> None:
    """Do one thing with every zone of a directory, on all processors of this machine or of a cluster.

    Zone files are named by their zone in lower case: example.nl.zone, or another --suffix. What is made of them goes to
    another directory under the same names. A run that was ended by whatever means leaves whole files, and the next one goes
    on where it stopped: a zone that is up to date is not made again. So the same command can run every day; it signs what
    is new, what has changed, and what expires soon.

    What is wrong with one zone is told, and the others go on. The exit code is 1 when a zone failed.
    """


_directory_argument: Final = click.argument("directory", metavar="DIR", type=click.Path(exists=True, file_okay=False))
_output_option: Final = click.option(
    "-f",
    "--output-directory",
    metavar="DIR",
    required=True,
    type=click.Path(file_okay=False),
    help="Where the zones that are made go; it is made if it is not there.",
)
_csk_option: Final = click.option(
    "-z", "--csk", "as_csk", is_flag=True, help="Keys with the SEP flag are CSKs: they sign everything."
)
_refresh_option: Final = click.option(
    "--signatures-refresh",
    type=DURATION,
    default="5d",
    show_default=True,
    metavar="DURATION",
    help="How long before its first signature expires a zone is made anew.",
)
_work_options: Final = together(
    click.option(
        "--suffix", default=ZONE_SUFFIX, show_default=True, help="What stands behind the zone in a file's name."
    ),
    click.option(
        "-n",
        "--processes",
        type=click.IntRange(1, _MOST_PROCESSES),
        help="Processes that share the work.  [default: one for each processor]",
    ),
    click.option(
        "--cluster",
        metavar="ADDRESS",
        help="Let the cluster with this dask scheduler do it, such as tcp://10.0.0.1:8786. Its workers need zonekit, and the"
        " directories under the same paths. It takes the extra: pip install 'zonekit[cluster]'.",
    ),
    now_option,
    click.option(
        "--json",
        "as_json",
        is_flag=True,
        help="Print to standard output a JSON object a line: one for each zone, and at last a summary.",
    ),
    quiet_option,
)


@fleet.command(short_help="Sign every zone of a directory.")
@_directory_argument
@_output_option
@click.option(
    "-K",
    "--key-directory",
    metavar="DIR",
    required=True,
    type=click.Path(file_okay=False),
    help="Where the key files of all zones are. Each zone is signed with its keys that are in use at this time.",
)
@_csk_option
@click.option(
    "--generate-keys",
    is_flag=True,
    help="Make a KSK and a ZSK, or with --csk a CSK, for a zone of which there is no key file at all.",
)
@click.option(
    "-a",
    "--algorithm",
    type=parsed_by(parse_algorithm),
    metavar="ALGORITHM",
    help="With --generate-keys: of this algorithm.  [default: ECDSAP256SHA256]",
)
@click.option("--nsec", is_flag=True, help="Deny by NSEC, whatever a zone has.")
@click.option("--nsec3", is_flag=True, help="Deny by NSEC3 (RFC 5155).  [default: what a zone has, else NSEC]")
@validity_option
@_refresh_option
@click.option(
    "--jitter",
    "jitter_interval",
    type=DURATION,
    metavar="DURATION",
    help="Let signatures expire up to this much earlier, each by another amount.",
)
@serial_option(SerialPolicy.KEEP)
@click.option(
    "--dnskey-ttl",
    type=TTL,
    metavar="TTL",
    help=f"The TTL of the DNSKEY RRset, where a zone has none yet.  [default: {DEFAULT_DNSKEY_TTL}]",
)
@_work_options
def sign(
    *,
    directory: str,
    output_directory: str,
    key_directory: str,
    as_csk: bool,
    generate_keys: bool,
    algorithm: Algorithm | None,
    nsec: bool,
    nsec3: bool,
    signatures_validity: timedelta,
    signatures_refresh: timedelta,
    jitter_interval: timedelta | None,
    policy: SerialPolicy,
    dnskey_ttl: Ttl | None,
    suffix: str,
    processes: int | None,
    cluster: str | None,
    given_now: datetime | None,
    as_json: bool,
    quiet: bool,
) -> int:
    """Sign every zone file in DIR with its keys, into another directory.

    Generated keys are written before the zone that publishes them, are never replaced, and are used by every later run. A
    zone that was signed before, here or elsewhere, gets none. With --serial the new serial is after that of the zone file and
    after that of the zone signed before; with "keep" a zone that is signed anew under the same serial is told of. So is one
    that was signed here and has no zone file any more.

    \b
    Examples:
      zonekit fleet sign zones -K keys -f signed --generate-keys
      zonekit fleet sign zones -K keys -f signed --serial unixtime --jitter 1d --json

    With --json, for each zone: {"zone", "result": "done" | "up to date" | "left alone" | "failed", "problem", "new_keys": [NAME],
    "findings": [{"code", "severity", "owner", "type", "message", "remedy", "rule"}]}, and at last: {"summary": {"zones",
    "done", "current", "left_alone", "failed", "with_findings", "new_keys"}}.
    """
    if algorithm is not None and not generate_keys:
        raise usage_error("--algorithm goes with --generate-keys")
    rules = SigningRules(
        signatures_validity=signatures_validity,
        signatures_refresh=signatures_refresh,
        denial=_denial(nsec, nsec3),
        dnskey_ttl=DEFAULT_DNSKEY_TTL if dnskey_ttl is None else dnskey_ttl,
        serial=policy,
        jitter=None if jitter_interval is None else Jitter(interval=jitter_interval),
        flagged_keys=KeyRole.CSK if as_csk else KeyRole.KSK,
        generate=(algorithm or Algorithm.ECDSAP256SHA256) if generate_keys else None,
    )
    with _executor(cluster, processes) as executor:
        outcomes = sign_fleet(
            directory,
            output_directory,
            key_directory=key_directory,
            now=clock(given_now),
            rules=rules,
            suffix=suffix,
            executor=executor,
            processes=processes,
        )
        teller = _Teller(doing="signing", done="signed", as_json=as_json, quiet=quiet)
        summary = teller.tell(outcomes, lambda: count_zones(directory, suffix=suffix))
    return REFUSED if summary.failed else OK


@fleet.command(short_help="Merge another operator's DNSKEYs into every zone of a directory.")
@_directory_argument
@_output_option
@click.option(
    "--foreign",
    "foreign_directory",
    metavar="DIR",
    required=True,
    type=click.Path(exists=True, file_okay=False),
    help="Where the other operator's DNSKEY records are: those of a zone in a file of its name.",
)
@click.option(
    "--foreign-suffix",
    default=DNSKEYS_SUFFIX,
    show_default=True,
    help="What stands behind the zone in the name of a file of DNSKEYs.",
)
@click.option(
    "-K",
    "--key-directory",
    metavar="DIR",
    required=True,
    type=click.Path(exists=True, file_okay=False),
    help="Where your own key files of all zones are.",
)
@_csk_option
@validity_option
@_refresh_option
@serial_option(SerialPolicy.INCREMENT)
@_work_options
def merge(
    *,
    directory: str,
    output_directory: str,
    foreign_directory: str,
    foreign_suffix: str,
    key_directory: str,
    as_csk: bool,
    signatures_validity: timedelta,
    signatures_refresh: timedelta,
    policy: SerialPolicy,
    suffix: str,
    processes: int | None,
    cluster: str | None,
    given_now: datetime | None,
    as_json: bool,
    quiet: bool,
) -> int:
    """Add another operator's DNSKEYs to every signed zone in DIR, into another directory, as "zonekit merge" does to one.

    A zone without a file of foreign DNSKEYs is left alone, and nothing is written of it. Every foreign key is checked first; a
    zone with one that is refused fails, and nothing is written of it either. Told of are zones whose own signatures expire
    soon, and those that were merged before and are not any more.

    \b
    Example:
      zonekit fleet merge signed -K keys --foreign from-gaining -f merged

    With --json: as "zonekit fleet sign".
    """
    rules = MergingRules(
        signatures_validity=signatures_validity,
        signatures_refresh=signatures_refresh,
        serial=policy,
        flagged_keys=KeyRole.CSK if as_csk else KeyRole.KSK,
    )
    with _executor(cluster, processes) as executor:
        outcomes = merge_fleet(
            directory,
            output_directory,
            foreign_directory=foreign_directory,
            key_directory=key_directory,
            now=clock(given_now),
            rules=rules,
            suffix=suffix,
            foreign_suffix=foreign_suffix,
            executor=executor,
            processes=processes,
        )
        teller = _Teller(doing="merging", done="merged", as_json=as_json, quiet=quiet)
        summary = teller.tell(outcomes, lambda: count_zones(directory, suffix=suffix))
    return REFUSED if summary.failed else OK


@fleet.command(short_help="Verify every signed zone of a directory.")
@_directory_argument
@click.option(
    "--ds",
    "ds_directory",
    metavar="DIR",
    type=click.Path(exists=True, file_okay=False),
    help="Where the DS records at the parent are, those of example.nl in dsset-example.nl. as dnssec-signzone writes them.",
)
@severity_option(Severity.ERROR, "From which severity on a finding is told and makes the exit code 1.")
@_work_options
def verify(
    *,
    directory: str,
    ds_directory: str | None,
    severity: Severity,
    suffix: str,
    processes: int | None,
    cluster: str | None,
    given_now: datetime | None,
    as_json: bool,
    quiet: bool,
) -> int:
    """Verify every signed zone in DIR, as "zonekit verify" does one. Only zones with findings are told of.

    \b
    Example:
      zonekit fleet verify signed --severity warning --json

    With --json: as "zonekit fleet sign", and a line only for a zone that has findings or could not be read.
    """
    with _executor(cluster, processes) as executor:
        outcomes = verify_fleet(
            directory,
            now=clock(given_now),
            severity=severity,
            ds_directory=ds_directory,
            suffix=suffix,
            executor=executor,
            processes=processes,
        )
        teller = _Teller(doing="verifying", done="verified", as_json=as_json, quiet=quiet, passes_over=True)
        summary = teller.tell(outcomes, lambda: count_zones(directory, suffix=suffix))
    return REFUSED if summary.failed or summary.with_findings else OK


def _denial(nsec: bool, nsec3: bool) -> Denial | None:
    if nsec and nsec3:
        raise usage_error("--nsec and --nsec3 exclude each other")
    return Nsec3() if nsec3 else Nsec() if nsec else None


# ---- who does it ----------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _executor(cluster: str | None, processes: int | None) -> Iterator[Executor | None]:
    """The executor of a cluster, where one is named."""
    if cluster is None:
        yield None
        return
    if processes is not None:
        raise usage_error("--processes and --cluster exclude each other")
    try:
        distributed = importlib.import_module("distributed")
    except ModuleNotFoundError:
        raise BadInput(
            "--cluster needs distributed, which is not installed; run: pip install 'zonekit[cluster]'"
        ) from None
    try:
        client = distributed.Client(cluster)
    except (OSError, ValueError) as error:
        raise BadInput(f"{cluster}: there is no dask scheduler to be reached: {error}") from None
    with client:
        yield client.get_executor()


# ---- what is told ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Teller:
    """Tells what becomes of each zone, and the summary.

    Attributes:
        doing: what is done to the zones, for the bar.
        done: the same when it is done, for the summary.
        as_json: whether it is told for programs.
        quiet: whether nothing but errors is told.
        passes_over: whether a zone without findings is passed over.
    """

    doing: str
    done: str
    as_json: bool
    quiet: bool
    passes_over: bool = False

    def tell(self, outcomes: Generator[ZoneOutcome, None, None], count: Callable[[], int]) -> FleetSummary:
        """Tell each outcome as it comes, beside a bar for which it is counted how many there are, then the summary."""
        with Progress(quiet=self.quiet) as progress, contextlib.closing(outcomes):
            total = count() if progress.is_shown else 0
            summary = FleetSummary.of(self._told(progress.counted(self.doing, outcomes, total=total)))
        if self.as_json:
            click.echo(json.dumps({"summary": _summary_object(summary)}))
        Voice(quiet=self.quiet).say(_summary_text(summary, self.done))
        return summary

    def _told(self, outcomes: Iterable[ZoneOutcome]) -> Iterator[ZoneOutcome]:
        for outcome in outcomes:
            if outcome.findings or outcome.problem or not self.passes_over:
                if self.as_json:
                    click.echo(json.dumps(_outcome_object(outcome)))
                else:
                    self._say(outcome)
            yield outcome

    def _say(self, outcome: ZoneOutcome) -> None:
        if outcome.problem:
            click.echo(f"zonekit: {one_line(outcome.problem)}", err=True)
        for finding in outcome.findings:
            Voice(quiet=self.quiet).say(f"{outcome.zone}: {finding}")


def _outcome_object(outcome: ZoneOutcome) -> dict[str, Any]:
    return {
        "zone": outcome.zone,
        "result": outcome.result.value,
        "problem": outcome.problem,
        "new_keys": list(outcome.new_keys),
        "findings": finding_objects(outcome.findings),
    }


def _summary_object(summary: FleetSummary) -> dict[str, Any]:
    return {
        "zones": summary.zones,
        "done": summary.done,
        "current": summary.current,
        "left_alone": summary.left_alone,
        "failed": summary.failed,
        "with_findings": summary.with_findings,
        "new_keys": summary.new_keys,
    }


def _summary_text(summary: FleetSummary, done: str) -> str:
    counts = (
        (summary.done, done),
        (summary.current, "up to date"),
        (summary.left_alone, "left alone"),
        (summary.failed, "failed"),
        (summary.with_findings, "with findings"),
    )
    told = ", ".join(f"{count} {what}" for count, what in counts if count)
    keys = f"; {summary.new_keys} keys generated" if summary.new_keys else ""
    return f"{summary.zones} zones: {told or 'nothing to do'}{keys}"
