"""``zonekit epp``."""

from __future__ import annotations

from typing import Final

import click

from zonekit.cli.app import Commands, Later
from zonekit.cli.arguments import json_option
from zonekit.cli.exits import Refused, one_line
from zonekit.cli.frames import frame_lines, frame_object
from zonekit.cli.inputs import place, read_octets
from zonekit.cli.outputs import print_json
from zonekit.dnskeys import Dnskey
from zonekit.epp import domains
from zonekit.epp.carriers import CARRIED
from zonekit.epp.frames import Command, Frame, Response
from zonekit.epp.keyrelay import KeyRelayCreate, KeyRelayData
from zonekit.epp.notices import relayed_keys
from zonekit.epp.parts import MAX_OCTETS
from zonekit.epp.reading import read_frame
from zonekit.errors import ZonekitError
from zonekit.names import name_text, order_key, parse_origin

STEP: Final[Later | None] = Later("STEP", "zonekit.cli.epp_steps:step", "Print the frames of a step.")
"""The command for the name of a step, whose frames it prints."""
_STEP_IDS: Final = frozenset(step_id for steps in CARRIED.values() for step_id in steps)


class _StepsToo(Commands):
    """A group in which the name of a step is a command too: that of steps, which gets the name as its first argument."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command of steps for the name of a step, and else the command that is named."""
        if STEP is None or args[0].startswith("-") or self.get_command(ctx, args[0]) is not None:
            return super().resolve_command(ctx, args)
        if args[0] not in _STEP_IDS:
            words = ", ".join(self.list_commands(ctx))
            raise click.UsageError(f"{args[0]} is neither a step of any flow nor a command ({words})", ctx)
        return args[0], STEP.load(), args


@click.group(cls=_StepsToo, short_help="Write and read the frames of EPP that a transfer goes through.")
def epp() -> None:
    """Print the frames of EPP that carry a step of a transfer, and say what a frame means.

    \b
      zonekit epp STEP TRANSFER --registry FILE   print the frames of a step, such as ds-added or ns-changed
      zonekit epp read FILE                       say what a frame means, and hand on the keys in it

    zonekit epp ds-added --help says more of the first. Frames that would be sent too early are withheld, with every reason.

    zonekit opens no connection: frames come from files or standard input and go to standard output.
    """


@epp.command(short_help="Say what a frame means, or hand on its keys.")
@click.argument("source", metavar="FILE")
@click.option(
    "--keys",
    "keys_only",
    is_flag=True,
    help='Print the keys that the frame relays as DNSKEY records, and nothing else, for "zonekit merge --foreign -".',
)
@click.option(
    "-o", "--origin", metavar="ORIGIN", help="The domain that the frame has to be about; refuse one about another."
)
@json_option
def read(*, source: str, keys_only: bool, origin: str | None, as_json: bool) -> None:
    """Say what the frame in FILE means, - being standard input: any command, answer, greeting or message of the queue.

    It is read without a document type, so without entities, files and network. What zonekit has no words for is named. No
    authinfo code and no password is ever printed.

    \b
    Examples:
      zonekit epp read message.xml
      zonekit epp read message.xml --keys -o example.nl | zonekit merge example.nl.signed -K keys --foreign - -i

    With --json: {"means": [TEXT], "keys": [DNSKEY], "frame": {"kind", ...}}, where the frame has the fields of zonekit's
    values without those that are secret, and what zonekit has no value for is {"kind": "Part", "namespace", "name"}.
    """
    octets = read_octets(source, MAX_OCTETS + 1)
    try:
        frame = read_frame(octets)
        keys = _keys_of(frame, origin)
    except ZonekitError as error:
        raise error.within(place(source)) from None
    if keys_only and not keys:
        raise Refused(f"{place(source)}: this frame relays no keys; see what it means without --keys")
    if as_json:
        print_json({"means": frame_lines(frame), "keys": [key.text() for key in keys], "frame": frame_object(frame)})
        return
    for line in [key.text() for key in keys] if keys_only else frame_lines(frame):
        click.echo(one_line(line))


_ABOUT_DOMAINS: Final = (
    *(domains.DomainInfo, domains.DomainCreate, domains.DomainUpdate, domains.DomainTransfer),
    *(domains.DomainInfoData, domains.DomainCreateData, domains.DomainTransferData, domains.PendingActionData),
)


def _keys_of(frame: Frame, origin: str | None) -> list[Dnskey]:
    """The keys that a frame relays; none is left out, and a frame about another domain than the origin is refused."""
    keys: list[Dnskey] = []
    for each in _subjects(frame):
        if isinstance(each, KeyRelayCreate | KeyRelayData):
            keys += relayed_keys(each, expected=origin)
        elif origin is not None and isinstance(each, _ABOUT_DOMAINS):
            _check_about(each.name, origin)
    return keys


def _subjects(frame: Frame) -> tuple[object, ...]:
    match frame:
        case Command():
            return (frame.action,)
        case Response():
            return frame.data
        case _:
            return ()


def _check_about(name: str, origin: str) -> None:
    expected = parse_origin(origin)
    if order_key(parse_origin(name)) != order_key(expected):
        raise Refused(f"this frame is about {name} and not about {name_text(expected)}; give the one that is")
