"""Values and options that several commands take. Option names are BIND's or dnssec-policy's where those have one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar

import click

from zonekit.errors import ZonekitError
from zonekit.findings import Severity
from zonekit.instants import SignatureValidity, parse_instant
from zonekit.serials import SerialPolicy
from zonekit.ttl import parse_ttl

_Parsed = TypeVar("_Parsed")
_Command = TypeVar("_Command", bound=Callable[..., Any])

STANDARD_STREAM: Final = "-"


def parsed_by(parse: Callable[[str], _Parsed]) -> Callable[[str | _Parsed], _Parsed]:
    """Return one of zonekit's own parsers as the type of an option: what it refuses is wrong usage, in its own words."""

    def convert(value: str | _Parsed) -> _Parsed:
        if not isinstance(value, str):
            return value  # a default is parsed once and then again
        try:
            return parse(value)
        except ZonekitError as error:
            raise click.BadParameter(str(error)) from None

    convert.__name__ = parse.__name__.removeprefix("_").removeprefix("parse_")
    return convert


def _parse_duration(text: str) -> timedelta:
    return timedelta(seconds=parse_ttl(text))


INSTANT: Final = parsed_by(parse_instant)
TTL: Final = parsed_by(parse_ttl)
DURATION: Final = parsed_by(_parse_duration)


def usage_error(message: str) -> click.UsageError:
    """Return the error of a command line that asks for what does not go together."""
    return click.UsageError(message, click.get_current_context())


def clock(given: datetime | None) -> datetime:
    """Return the instant that ``--now`` gave, or the one that the clock shows."""
    return datetime.now(UTC).replace(microsecond=0) if given is None else given


def together(*decorators: Callable[[_Command], _Command]) -> Callable[[_Command], _Command]:
    """Several options as one decorator, shown in the order given."""

    def decorate(command: _Command) -> _Command:
        for decorator in reversed(decorators):
            command = decorator(command)
        return command

    return decorate


now_option: Final = click.option(
    "--now",
    "given_now",
    type=INSTANT,
    metavar="INSTANT",
    help="Do it as if at this instant: 2026-11-21T12:00:00Z or 20261121120000 (UTC). The same instant gives the same"
    " output.",
)
json_option: Final = click.option(
    "--json", "as_json", is_flag=True, help="Print a JSON object to standard output, for programs."
)
origin_option: Final = click.option(
    "-o", "--origin", metavar="ORIGIN", help="The zone's name. Without it, the owner of the SOA record is."
)
include_option: Final = click.option(
    "--include-root",
    metavar="DIR",
    type=click.Path(exists=True, file_okay=False),
    help="Follow $INCLUDE to files inside this directory. Without it a zone file with $INCLUDE is refused.",
)
key_options: Final = together(
    click.option(
        "-K",
        "--key-directory",
        metavar="DIR",
        type=click.Path(exists=True, file_okay=False),
        help="Where the key files are. Where no KEY is named, sign with every key of the zone there that is in use"
        " at this time by its timing metadata.",
    ),
    click.option(
        "-z",
        "--csk",
        "as_csk",
        is_flag=True,
        help="Keys with the SEP flag are CSKs: they sign everything. Key files do not tell a KSK from a CSK.",
    ),
)
output_options: Final = together(
    click.option("-f", "--output", metavar="FILE", help="Write the zone here; standard output if - or not given."),
    click.option("-i", "--in-place", is_flag=True, help="Write the zone over the file it was read from."),
)
validity_option: Final = click.option(
    "--signatures-validity",
    type=DURATION,
    default="14d",
    show_default=True,
    metavar="DURATION",
    help="How long new signatures are valid. They begin an hour ago, for clocks that run behind.",
)
quiet_option: Final = click.option("-q", "--quiet", is_flag=True, help="Say nothing on standard error but errors.")


def severity_option(default: Severity, meaning: str) -> Callable[[_Command], _Command]:
    """The option ``--severity`` of a command with this default."""
    return click.option(
        "--severity",
        type=click.Choice([severity.name.lower() for severity in Severity]),
        default=default.name.lower(),
        show_default=True,
        callback=lambda _ctx, _parameter, value: Severity[value.upper()],
        help=meaning,
    )


def serial_option(default: SerialPolicy) -> Callable[[_Command], _Command]:
    """The option ``--serial`` of a command with this default."""
    return click.option(
        "--serial",
        "policy",
        type=click.Choice([policy.value for policy in SerialPolicy]),
        default=default.value,
        show_default=True,
        callback=lambda _ctx, _parameter, value: SerialPolicy(value),
        help="The new SOA serial: one more, today's date with a counter (YYYYMMDDnn), the seconds since 1970, or the"
        " one there is. It never goes backwards: a policy that would is answered with one more.",
    )


def validity_from(now: datetime, signatures_validity: timedelta) -> SignatureValidity:
    """Return the validity of the signatures that a command makes."""
    return SignatureValidity.starting(now, signatures_validity)
