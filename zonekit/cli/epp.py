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
from zonekit.epp import domains, namespaces, offers
from zonekit.epp.carriers import CARRIED
from zonekit.epp.frames import Command, Frame, Response
from zonekit.epp.keyrelay import KeyRelayCreate, KeyRelayData
from zonekit.epp.notices import relayed_keys
from zonekit.epp.parts import MAX_OCTETS, Part
from zonekit.epp.reading import read_frame
from zonekit.epp.sessions import Login, Logout, PollAcknowledge, PollRequest
from zonekit.errors import ZonekitError
from zonekit.names import WireName, name_text, order_key, parse_origin
from zonekit.transfer.receipts import Receipt

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
    "-o",
    "--origin",
    metavar="ORIGIN",
    help="The domain that the frame has to be about; refuse one about another, or of which that cannot be told.",
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

    With --json: {"means": [TEXT], "keys": [DNSKEY], "frame": {"kind", ...}}, where "keys" is null where it relays keys in a way
    that zonekit does not read, or is the answer to a command that failed, the frame has the fields of zonekit's
    values without those that are secret, and what zonekit has no value for is {"kind": "Part", "namespace", "name"}.
    """
    expected = None if origin is None else parse_origin(origin)
    octets = read_octets(source, MAX_OCTETS + 1)
    try:
        frame = read_frame(octets)
        if expected is not None:
            _check_about(frame, expected, place(source))
        keys = _keys_of(frame)
        if keys_only:
            keys = _check_keys(frame, keys, place(source))
    except ZonekitError as error:
        raise error.within(place(source)) from None
    texts = None if keys is None else [key.text() for key in keys]
    if as_json:
        print_json({"means": frame_lines(frame), "keys": texts, "frame": frame_object(frame)})
        return
    for line in texts if keys_only and texts is not None else frame_lines(frame):
        click.echo(one_line(line))


_ABOUT_DOMAINS: Final = (
    *(domains.DomainInfo, domains.DomainCreate, domains.DomainUpdate, domains.DomainTransfer),
    *(domains.DomainInfoData, domains.DomainCreateData, domains.DomainTransferData, domains.PendingActionData),
    *(KeyRelayCreate, KeyRelayData, offers.Report, offers.WaitNotice, offers.AuthInfoRequest, offers.AuthInfoNotice),
    *(offers.NsNotice, offers.RemovalNotice),
)


def _check_about(frame: Frame, origin: WireName, where: str) -> None:
    """Check that everything in a frame that is about a domain is about this one, and that there is such a thing."""
    subjects, extensions = _held(frame)
    for each in subjects:
        name = _name_of(each)
        if name is None:
            what = f"{each.name} of {each.namespace}" if isinstance(each, Part) else f"host {getattr(each, 'name', '')}"
            raise Refused(
                f"{where}: zonekit cannot tell that the {what} in this frame is about {name_text(origin)}; give no origin"
            )
    names = [name for each in (*subjects, *extensions) if (name := _name_of(each)) is not None]
    if not names:
        raise Refused(
            f"{where}: this frame does not say what it is about, and {name_text(origin)} is expected; give no origin"
        )
    for name in names:
        if order_key(parse_origin(name)) != order_key(origin):
            raise Refused(
                f"{where}: this frame is about {name} and not about {name_text(origin)}; give the one that is"
            )


def _held(frame: Frame) -> tuple[tuple[object, ...], tuple[object, ...]]:
    """What a frame does or tells about objects, and what goes along with it."""
    match frame:
        case Command():
            is_of_session = isinstance(frame.action, Login | Logout | PollRequest | PollAcknowledge)
            return () if is_of_session else (frame.action,), frame.extensions
        case Response():
            return frame.data, frame.extensions
        case _:
            return (), ()


def _name_of(value: object) -> str | None:
    """The domain that a value is about; None where it is about none, or nobody can tell."""
    if isinstance(value, Receipt):
        return value.domain
    return value.name if isinstance(value, _ABOUT_DOMAINS) else None


def _keys_of(frame: Frame) -> list[Dnskey] | None:
    """The keys that a frame relays, none left out; None where it may relay some that cannot be taken from it."""
    subjects, extensions = _held(frame)
    if isinstance(frame, Response) and not frame.is_success:
        return None
    if any(isinstance(each, Part) and namespaces.KEYRELAY in each.namespaces for each in (*subjects, *extensions)):
        return None
    return [key for each in subjects if isinstance(each, KeyRelayCreate | KeyRelayData) for key in relayed_keys(each)]


def _check_keys(frame: Frame, keys: list[Dnskey] | None, where: str) -> list[Dnskey]:
    if isinstance(frame, Response) and not frame.is_success:
        raise Refused(
            f"{where}: this answer is a failure, so no keys are taken from it; see what it means without --keys"
        )
    if keys is None:
        raise Refused(
            f"{where}: this frame relays keys in a way that zonekit does not read; see what it means without --keys"
        )
    if not keys:
        raise Refused(f"{where}: this frame relays no keys; see what it means without --keys")
    return keys
