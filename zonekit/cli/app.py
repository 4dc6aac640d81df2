"""The command group: what all commands share, and how each one ends."""

from __future__ import annotations

import importlib

import click

from zonekit.cli.exits import BAD_INPUT, OK, Tidy


class Later(click.Command):
    """A command as the list of commands shows it. The command itself is loaded when it is asked for, for it may need much.

    Attributes:
        home: its module and its name there, with a colon between.
    """

    def __init__(self, name: str, home: str, short_help: str) -> None:
        super().__init__(name, short_help=short_help)
        self.home = home

    def load(self) -> click.Command:
        """Return the command itself."""
        module, _, name = self.home.partition(":")
        command: click.Command = getattr(importlib.import_module(module), name)
        return command


class Commands(Tidy, click.Group):
    """A group of commands, tidy like each of them."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that the arguments name, loaded, and the arguments that are left for it."""
        name, command, rest = super().resolve_command(ctx, args)
        return name, command.load() if isinstance(command, Later) else command, rest


def _print_version(ctx: click.Context, _parameter: click.Parameter, wanted: bool) -> None:
    if not wanted or ctx.resilient_parsing:
        return
    from importlib.metadata import PackageNotFoundError, version

    try:
        click.echo(f"zonekit {version('zonekit')}")
    except PackageNotFoundError:
        click.echo("zonekit, not installed: it runs from its source tree")
    ctx.exit()


@click.group(
    cls=Commands,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_print_version, help="Print the version."
)
@click.pass_context
def cli(context: click.Context) -> int:
    """Sign zones, and move a signed zone to another DNS operator without it ever going bogus.

    \b
    The usual order of a move, at the losing operator:
      zonekit merge      add the gaining operator's DNSKEYs, re-sign
      zonekit lower-ttl  lower the TTLs of NS and DNSKEY, and restore them later
    and at the gaining operator:
      zonekit keygen     make a KSK and a ZSK that do not clash with the losing ones
      zonekit sign       sign the zone
      zonekit merge      add the losing operator's ZSK, re-sign
      zonekit ds         the DS for the registry
      zonekit withdraw   take the losing keys out again when all is done
    and at both:
      zonekit publish    put a zone file into service under BIND, and wait until every server has it

    \b
    When each step is safe:
      zonekit plan       a date for every step from what is known, and why
      zonekit check      prove a plan or a schedule safe, or tell how it goes wrong
      zonekit status     ask the servers how far a transfer has come, and whose turn it is

    \b
    What would break now:
      zonekit verify     every signature, chain and record of a zone, and its DS; a whole transfer
      zonekit show       keys, tags, DS, validity and TTLs at a glance

    \b
    What registrars and a registry tell each other:
      zonekit epp        print the frames of EPP that carry a step, and say what a frame means

    \b
    Many zones at once:
      zonekit fleet      sign, merge or verify every zone of a directory

    Zones and DNSKEYs are files or, as -, standard input. A signed zone goes to standard output unless -f says where;
    an input file is written over only with --in-place or --publish, a key file never. Every file is written whole or not
    at all. Nothing ever prints a private key.

    \b
    Exit codes:
      0    done
      1    something was checked and refused or found; a refusal writes no output file, but where a
           published zone is in service already and a server is late
      2    wrong usage or unusable input
      70   an error in zonekit itself; ZONEKIT_TRACEBACK=1 shows its traceback
      130  interrupted
    An error is one line on standard error; a refusal with several reasons has a line for each.
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help(), err=True)
        return BAD_INPUT
    return OK


for _command in (
    Later("keygen", "zonekit.cli.keygen:keygen", "Generate a zone's keys."),
    Later("ds", "zonekit.cli.ds:ds", "Print the DS of keys."),
    Later("sign", "zonekit.cli.sign:sign", "Sign a zone."),
    Later("merge", "zonekit.cli.merge:merge", "Add another operator's DNSKEYs."),
    Later("withdraw", "zonekit.cli.merge:withdraw", "Take another operator's DNSKEYs out."),
    Later("lower-ttl", "zonekit.cli.ttls:lower_ttl", "Lower TTLs for a move, or restore them."),
    Later("publish", "zonekit.cli.publish:publish", "Put a zone file into service under BIND."),
    Later("plan", "zonekit.cli.plan:plan", "Plan a transfer: when each step is safe, and why."),
    Later("check", "zonekit.cli.check:check", "Prove a plan safe, or tell how it goes wrong."),
    Later(
        "status",
        "zonekit.cli.status:status",
        "Follow a transfer: ask the servers, and say what is done and what it waits for.",
    ),
    Later("verify", "zonekit.cli.verify:verify", "Verify a signed zone, or a transfer: would it break now?"),
    Later("show", "zonekit.cli.show:show", "Show a zone or a key, and what is odd."),
    Later("epp", "zonekit.cli.epp:epp", "Write and read the frames of EPP that a transfer goes through."),
    Later("fleet", "zonekit.cli.fleet:fleet", "Sign, merge or verify many zones at once."),
):
    cli.add_command(_command)
