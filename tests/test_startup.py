"""What is not loaded until it is needed: each of these would cost a short command its time for nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FACTS = str(ROOT / "fixtures" / "transfers" / "example.nl.toml")

ARITHMETIC = {"cryptography"}
DNSPYTHON = {"dns.message", "dns.name", "dns.rdata"}
NETWORK = {"asyncio", "dns.asyncquery", "dns.query", "dns.resolver", "http", "socket", "ssl"}
PRINTING = {"jinja2", "rich"}
PROCESSES = {"concurrent.futures", "logging", "multiprocessing", "subprocess"}
TRANSFERS = {"sqlite3", "tomllib", "zonekit.transfer", "zonekit.verifying"}

PROGRAM = """
import sys
from zonekit.cli import main
try:
    main()
except SystemExit as ended:
    print(ended.code or 0, *sys.modules, file=sys.stderr)
"""
PLAIN_ZONE = """\
$TTL 3600
@ IN SOA ns1.example.net. hostmaster.example.net. 1 14400 3600 1209600 3600
@ NS ns1.example.net.
@ MX 10 mail
@ TXT "v=spf1 mx -all"
mail A 192.0.2.25
mail AAAA 2001:db8::25
"""


def loaded_by(*arguments: str) -> set[str]:
    """The modules that a command has loaded when it is done, its output in a pipe."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments], cwd=ROOT, capture_output=True, text=True, check=True
    )
    code, *modules = done.stderr.splitlines()[-1].split()
    assert code == "0", done.stderr
    return set(modules)


@pytest.fixture(scope="module")
def zone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small zone in plain spelling, with its keys beside it."""
    path = tmp_path_factory.mktemp("zone") / "example.nl.zone"
    path.write_text(PLAIN_ZONE)
    loaded = loaded_by("keygen", "example.nl", "--csk", "-K", str(path.parent))
    assert loaded >= ARITHMETIC
    assert not loaded & {*DNSPYTHON, *NETWORK, *PRINTING, *PROCESSES, *TRANSFERS}
    return path


def test_the_help_loads_no_command_and_no_dependency_but_click() -> None:
    loaded = loaded_by("--help")
    of_zonekit = {name for name in loaded if name.partition(".")[0] == "zonekit"}
    assert of_zonekit == {
        "zonekit",
        "zonekit.cli",
        "zonekit.cli.app",
        "zonekit.cli.exits",
        "zonekit.errors",
        "zonekit.homes",
    }
    assert "click" in loaded
    assert not loaded & {"dns", "email", *ARITHMETIC, *DNSPYTHON, *NETWORK, *PRINTING, *PROCESSES, *TRANSFERS}


def test_a_plain_zone_is_shown_without_arithmetic_or_dnspython(zone: Path) -> None:
    loaded = loaded_by("show", str(zone), "-o", "example.nl")
    assert not loaded & {*ARITHMETIC, *DNSPYTHON, *NETWORK, *PRINTING, *PROCESSES, *TRANSFERS}


def test_a_plain_zone_is_signed_without_dnspython_or_the_planner(zone: Path) -> None:
    where = ("-z", "-o", "example.nl", "-K", str(zone.parent), "-f", str(zone.with_suffix(".signed")))
    loaded = loaded_by("sign", str(zone), *where)
    assert loaded >= ARITHMETIC
    assert not loaded & {*DNSPYTHON, *NETWORK, *PRINTING, *PROCESSES, *TRANSFERS}


def test_the_apex_of_a_sealed_zone_is_changed_without_dnspython_or_the_planner(zone: Path) -> None:
    keys, signed = ("-K", str(zone.parent)), str(zone.with_suffix(".sealed"))
    loaded_by("sign", str(zone), "-z", "-o", "example.nl", *keys, "-f", signed)
    loaded = loaded_by("lower-ttl", signed, *keys, "--csk", "--ttl", "5m", "-i")
    assert loaded >= ARITHMETIC
    assert not loaded & {*DNSPYTHON, *NETWORK, *PRINTING, *TRANSFERS}


def test_a_plan_is_made_without_arithmetic_and_without_the_network() -> None:
    loaded = loaded_by("plan", FACTS)
    assert not loaded & {*ARITHMETIC, *DNSPYTHON, *NETWORK, *PRINTING, *PROCESSES, "sqlite3"}


def test_a_frame_is_read_without_templates_arithmetic_and_the_network() -> None:
    loaded = loaded_by("epp", "read", str(ROOT / "tests" / "epp" / "examples" / "rfc8063-poll-response.xml"))
    assert loaded >= {"lxml.etree", "zonekit.epp.reading"}
    assert not loaded & {*ARITHMETIC, *DNSPYTHON, *NETWORK, *PRINTING, *PROCESSES, "sqlite3", "tomllib"}


@pytest.mark.parametrize("command", ["merge", "publish", "withdraw"])
def test_what_may_ask_servers_does_not_load_dnspythons_transports_for_its_help(command: str) -> None:
    loaded = loaded_by(command, "--help")
    assert not loaded & {"dns.asyncquery", "dns.query", "dns.resolver", *DNSPYTHON, *ARITHMETIC, *PRINTING}


def test_looking_at_a_transfer_loads_neither_rich_nor_templates_nor_arithmetic_beforehand() -> None:
    assert not loaded_by("status", "--help") & {*ARITHMETIC, *PRINTING, "multiprocessing", "zonekit.reports.pages"}


def test_what_asks_many_servers_is_loaded_whole_before_the_first_is_asked() -> None:
    # Sockets may take the last file descriptors that the process may have, and a module is read from a file.
    program = "import sys, zonekit.probe; print(*sys.modules)"
    loaded = set(subprocess.check_output([sys.executable, "-c", program], cwd=ROOT, text=True).split())
    assert loaded >= {"dns.asyncquery", "dns.asyncresolver", "dns.message"}
