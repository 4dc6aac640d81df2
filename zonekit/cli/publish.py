"""``zonekit publish``, and the options with which another command publishes."""

from __future__ import annotations

import functools
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final, TypeVar

import click

from zonekit.asking import Server, parse_servers
from zonekit.bind import Rndc
from zonekit.cli.arguments import (
    DURATION,
    STANDARD_STREAM,
    json_option,
    origin_option,
    parsed_by,
    quiet_option,
    together,
    usage_error,
)
from zonekit.cli.outputs import Voice, finding_objects, print_json, refuse_key_file
from zonekit.cli.progress import Progress
from zonekit.names import name_text
from zonekit.publishing import LOCAL_SERVER, Extent, Journal, Outcome, Published, Service, publish_file

_Command = TypeVar("_Command", bound=Callable[..., Any])

publish_option: Final = click.option(
    "--publish",
    is_flag=True,
    help="Put the zone into service under BIND, in the place of the file it was read from.",
)
_service_options: Final = together(
    click.option(
        "--server",
        "servers",
        type=parsed_by(parse_servers),
        multiple=True,
        metavar="NAME[=ADDRESS][@PORT]",
        help="A server that has to answer the new serial; can be given more than once. A NAME without ADDRESS is looked up."
        f"  [default: the host of --rndc-server, else {LOCAL_SERVER}]",
    ),
    click.option(
        "--timeout",
        type=DURATION,
        metavar="DURATION",
        help="How long named may take to load the zone, and then the servers to answer it.  [default: 60s]",
    ),
    click.option("--view", metavar="VIEW", help="The view that has the zone, where several have it."),
    click.option(
        "--ixfr-from-differences",
        "of_differences",
        is_flag=True,
        help="named.conf says ixfr-from-differences for this zone: the journal beside its file is no sign of dynamic updates.",
    ),
    click.option("--rndc-conf", metavar="FILE", help="rndc's configuration file (rndc -c)."),
    click.option("--rndc-key", metavar="FILE", help="The file with rndc's key (rndc -k)."),
    click.option("--rndc-server", metavar="HOST", help="The host whose named is told to reload (rndc -s)."),
    click.option(
        "--rndc-port", type=click.IntRange(1, 65535), metavar="PORT", help="The port of its control channel (rndc -p)."
    ),
)


def service_options(command: _Command) -> Callable[..., Any]:
    """The options that say where a zone is served, as one argument ``service``: None where none of them is given."""

    @functools.wraps(command)
    def with_service(
        *,
        servers: tuple[tuple[Server, ...], ...],
        timeout: timedelta | None,
        view: str | None,
        of_differences: bool,
        rndc_conf: str | None,
        rndc_key: str | None,
        rndc_server: str | None,
        rndc_port: int | None,
        **others: Any,
    ) -> Any:
        given = (servers, timeout, view, of_differences, rndc_conf, rndc_key, rndc_server, rndc_port)
        service = None
        if any(given):
            service = Service(
                servers=tuple(server for each in servers for server in each) or _asked_by_default(rndc_server),
                rndc=Rndc(config=rndc_conf, key_file=rndc_key, server=rndc_server, port=rndc_port, view=view),
                journal=Journal.OF_DIFFERENCES if of_differences else Journal.OF_UPDATES,
                timeout=Service().timeout if timeout is None else timeout,
            )
        return command(service=service, **others)

    return _service_options(with_service)


def _asked_by_default(rndc_server: str | None) -> tuple[Server, ...]:
    return (LOCAL_SERVER,) if rndc_server is None else parse_servers(rndc_server)


@click.command(short_help="Put a zone file into service under BIND.")
@click.argument("zone_file", metavar="ZONEFILE")
@click.option(
    "--to",
    "path",
    metavar="PATH",
    help="The file that named serves the zone from.  [default: the one that rndc zonestatus names]",
)
@origin_option
@service_options
@click.option("--dry-run", is_flag=True, help="Only check, and change nothing.")
@json_option
@quiet_option
def publish(
    *,
    zone_file: str,
    path: str | None,
    origin: str | None,
    service: Service | None,
    dry_run: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Put ZONEFILE into service in the place of the file that named serves, and wait until every server answers it.

    named-checkzone has to take the new file, and its serial has to be after that of the old file and of every server.
    Then it takes the old one's place in one step, named is told to reload the zone (rndc reload), and every --server is
    asked until it answers the new serial. ZONEFILE itself stays where it is. Publishing the same file again only asks.

    If anything fails before named has loaded the new zone, the old file is back, and the error says where it stopped.
    Once named has loaded it the new file stays, even where another server is late: servers that have taken the new serial
    would refuse the old one (RFC 1982). The error then names the late ones.

    A zone that named changes itself, by dynamic update or inline-signing, is refused.

    \b
    Examples:
      zonekit publish example.nl.merged --server ns1.example.net --server ns2.example.net
      zonekit publish example.nl.merged --to /etc/bind/zones/example.nl --view external
      zonekit merge /etc/bind/zones/example.nl -K keys --foreign gaining.txt --publish

    With --json: {"zone", "serial", "path", "old_serial", "outcome", "servers": [...], "findings": [...]}; outcome is
    "replaced", "reloaded", "nothing to do" or, with --dry-run, "checked".
    """
    if zone_file == STANDARD_STREAM:
        raise usage_error("standard input cannot be published: give a file")
    if path is not None:
        refuse_key_file(path)
    voice = Voice(quiet=quiet)
    with Progress(quiet=quiet) as progress, progress.working("publishing"):
        published = publish_file(
            zone_file, path, origin=origin, service=service, extent=Extent.CHECK if dry_run else Extent.PUBLISH
        )
    voice.report(published.findings)
    voice.say(published_text(published))
    if as_json:
        print_json(
            {
                "zone": name_text(published.apex),
                "serial": published.serial,
                **published_object(published),
                "findings": finding_objects(published.findings),
            }
        )


def published_text(published: Published) -> str:
    """Return what was done in words."""
    zone = name_text(published.apex)
    if published.outcome is Outcome.CHECKED:
        return f"{zone}: serial {published.serial} can be published as {published.path}; nothing was changed"
    answered = ", ".join(map(str, published.servers)) or "no server, for none was listed"
    before = "" if published.outcome is Outcome.NOTHING_TO_DO else _before(published)
    return (
        f"{zone}: {published.outcome.value}, serial {published.serial} is in service from {published.path}{before},"
        f" answered by {answered}"
    )


def _before(published: Published) -> str:
    return "" if published.old_serial is None else f" after {published.old_serial}"


def published_object(published: Published) -> dict[str, Any]:
    """Return for JSON what was done."""
    return {
        "path": published.path,
        "old_serial": published.old_serial,
        "outcome": published.outcome.value,
        "servers": [str(server) for server in published.servers],
    }
