"""``zonekit publish`` and ``zonekit merge --publish`` under a real named."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.keyring import NOW, VALIDITY, ksk, zsk
from tests.named import BOUND_SECONDS, Pair, Served, free_port, pair_of_servers, zone_text
from tests.test_cli import refuse, run, secrets_in, succeed
from zonekit import rdata as rd
from zonekit import rewriting
from zonekit.cli.exits import BAD_INPUT, REFUSED
from zonekit.dnskeys import dnskeys_of
from zonekit.files import read_zone, write_key, write_zone
from zonekit.instants import instant_text
from zonekit.keyfiles import render_key_file
from zonekit.signing import sign_zone
from zonekit.zonefile import parse_zone

# Two servers serve the whole module, so it stays together on one worker.
pytestmark = pytest.mark.xdist_group("publish commands")


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    with pair_of_servers(tmp_path_factory.mktemp("named")) as made:
        yield made


def service(pair: Pair) -> list[str]:
    """The options that say where these servers are."""
    servers = [f"{named.name}=127.0.0.1@{named.port}" for named in (pair.primary, pair.secondary)]
    return [
        *(word for server in servers for word in ("--server", server)),
        *("--rndc-conf", str(pair.primary.rndc_config), "--timeout", f"{BOUND_SECONDS:.0f}"),
    ]


def members(value: Any) -> set[str]:
    return set(value) | {name for each in value.values() if isinstance(each, dict) for name in members(each)}


# ---- publish --------------------------------------------------------------------------------------------------------


def test_a_zone_file_is_put_into_service(pair: Pair, tmp_path: Path) -> None:
    served = pair.zone(tmp_path)
    done = succeed("publish", served.new_file(2), *service(pair))
    assert done.stdout == ""
    assert done.stderr == (
        f"{served.origin}.: replaced, serial 2 is in service from {served.path} after 1, answered by"
        f" primary (127.0.0.1@{pair.primary.port}), secondary (127.0.0.1@{pair.secondary.port})\n"
    )
    assert served.serials == (2, 2)
    again = succeed("publish", served.new_file(2), *service(pair))
    assert again.stderr.startswith(
        f"{served.origin}.: nothing to do, serial 2 is in service from {served.path}, answered"
    )
    assert succeed("publish", served.new_file(2), *service(pair), "-q").stderr == ""


def test_what_was_done_is_told_as_json(pair: Pair, tmp_path: Path) -> None:
    served = pair.zone(tmp_path)
    done = succeed("publish", served.new_file(2), "--to", served.path, *service(pair), "--json")
    told = json.loads(done.stdout)
    assert told == {
        "zone": f"{served.origin}.",
        "serial": 2,
        "path": str(served.path),
        "old_serial": 1,
        "outcome": "replaced",
        "servers": [
            f"primary (127.0.0.1@{pair.primary.port})",
            f"secondary (127.0.0.1@{pair.secondary.port})",
        ],
        "findings": [],
    }
    text = succeed("publish", "--help").stdout
    assert {name for name in told if f'"{name}"' not in text} == set()


def test_a_dry_run_changes_nothing(pair: Pair, tmp_path: Path) -> None:
    served = pair.zone(tmp_path)
    done = succeed("publish", served.new_file(2), *service(pair), "--dry-run")
    assert done.stderr == f"{served.origin}.: serial 2 can be published as {served.path}; nothing was changed\n"
    assert served.serials == (1, 1)
    line = refuse(REFUSED, "publish", served.new_file(1, "more A 192.0.2.8"), *service(pair), "--dry-run")
    assert "serial 1 is not after what there is" in line


def test_a_journal_of_differences_is_no_hindrance_when_that_is_said(pair: Pair, tmp_path: Path) -> None:
    served = pair.zone(tmp_path, more="ixfr-from-differences yes;")
    succeed("publish", served.new_file(2), *service(pair))
    assert "--ixfr-from-differences" in refuse(REFUSED, "publish", served.new_file(3), *service(pair))
    succeed("publish", served.new_file(3), *service(pair), "--ixfr-from-differences")
    assert served.serials == (3, 3)


def test_without_a_server_the_local_one_is_asked(pair: Pair, tmp_path: Path) -> None:
    served = pair.zone(tmp_path)
    rndc = ["--rndc-conf", pair.primary.rndc_config, "--rndc-server", "127.0.0.1"]
    line = refuse(REFUSED, "publish", served.new_file(2), *rndc)
    # Whatever answers on port 53 of this machine, it does not have this zone.
    assert "stopped before it was checked, and nothing was changed: 127.0.0.1 " in line
    assert served.path.read_text() == zone_text(served.origin, 1)


def test_an_error_says_where_it_stopped(pair: Pair, tmp_path: Path) -> None:
    served = pair.zone(tmp_path)
    port = ["--rndc-port", free_port()]
    line = refuse(REFUSED, "publish", served.new_file(2), *service(pair), *port)
    assert line.startswith(f"{served.origin}.: stopped before it was staged, and nothing was changed: rndc zonestatus")
    line = refuse(REFUSED, "publish", served.new_file(2), *service(pair), "--view", "other")
    assert "no matching view 'other'" in line
    assert served.path.read_text() == zone_text(served.origin, 1)


def test_what_cannot_be_published_is_bad_input(pair: Pair, tmp_path: Path) -> None:
    assert "standard input" in refuse(BAD_INPUT, "publish", "-")
    assert "cannot be read" in refuse(BAD_INPUT, "publish", tmp_path / "missing")
    key = tmp_path / "Kexample.nl.+013+12345.private"
    assert "key file" in refuse(BAD_INPUT, "publish", tmp_path / "new", "--to", key)
    assert "names no server" in refuse(BAD_INPUT, "publish", tmp_path / "new", "--server", "a=b=c")
    served = pair.zone(tmp_path)
    relative = tmp_path / "relative"
    relative.write_text(
        zone_text(served.origin, 2).replace(f"$ORIGIN {served.origin}.\n", "").replace(f"{served.origin}.", "@")
    )
    assert "origin" in refuse(BAD_INPUT, "publish", relative, *service(pair))
    succeed("publish", relative, "-o", served.origin, *service(pair))
    assert served.serials == (2, 2)


# ---- merge --publish ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Move:
    """A signed zone that is served, its keys, and the key of another operator."""

    served: Served
    keys: Path
    foreign: Path
    command: list[object]


@pytest.fixture
def move(pair: Pair, tmp_path: Path) -> Move:
    (tmp_path / "zones").mkdir()
    served = pair.zone(tmp_path / "zones")
    own = [ksk(owner=served.origin), zsk(owner=served.origin)]
    zone = parse_zone(zone_text(served.origin, 2))
    write_zone(sign_zone(zone, own, validity=VALIDITY), served.path)
    assert pair.primary.command("reload", served.origin).returncode == 0
    for named in (pair.primary, pair.secondary):
        named.wait_for_serial(served.origin, 2)
    keys, foreign = tmp_path / "keys", tmp_path / "foreign.txt"
    keys.mkdir()
    for key in own:
        write_key(key, keys)
    foreign.write_text(render_key_file(zsk(owner=served.origin, number=1)))
    command = ["merge", served.path, "-K", keys, "--foreign", foreign, "--now", instant_text(NOW)]
    return Move(served=served, keys=keys, foreign=foreign, command=command)


def test_adding_a_foreign_dnskey_to_a_served_zone_is_one_command(
    pair: Pair, move: Move, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse_to_read(*arguments: object, **options: object) -> None:
        raise AssertionError("the whole file was read")

    monkeypatch.setattr(rewriting, "read_zone_with_findings", refuse_to_read)
    done = succeed(*move.command, "--publish", *service(pair), secrets=secrets_in(move.keys))
    *_, merged, published = done.stderr.splitlines()
    tag = zsk(owner=move.served.origin, number=1).key_tag
    assert merged == f"{move.served.origin}.: DNSKEY ZSK {tag} merged, serial 3, to {move.served.path}"
    assert published.startswith(
        f"{move.served.origin}.: replaced, serial 3 is in service from {move.served.path} after 2"
    )
    assert move.served.serials == (3, 3)
    zone = read_zone(move.served.path)
    assert tag in {key.key_tag for key in dnskeys_of(zone.apex_rrset(rd.DNSKEY))}
    assert move.served.names == [move.served.path.name]


def test_a_served_zone_that_was_edited_is_read_whole_and_published_once(pair: Pair, move: Move) -> None:
    text = move.served.path.read_text()
    line = next(line for line in text.splitlines() if line.startswith("www"))
    # As long as before, so that nothing but the checksum tells.
    move.served.path.write_text(text.replace(line, "www.example. 60 A 192.0.2.1".ljust(len(line))))
    done = succeed(*move.command, "--publish", *service(pair))
    lines = done.stderr.splitlines()
    assert sum("outside the zone" in line for line in lines) == 3  # the A, its signature and the NSEC beside it
    assert len(set(lines)) == len(lines)
    assert move.served.serials == (3, 3)


def test_merge_and_publish_tell_as_json(pair: Pair, move: Move) -> None:
    told = json.loads(succeed(*move.command, "--publish", *service(pair), "--json").stdout)
    assert told["published"]["outcome"] == "replaced"
    assert (told["serial"], told["published"]["old_serial"]) == (3, 2)
    assert told["output"] == told["published"]["path"] == str(move.served.path)
    text = succeed("merge", "--help").stdout
    assert {name for name in members(told) if f'"{name}"' not in text} == set()


def test_a_merge_that_cannot_be_published_leaves_the_zone_as_it_was(pair: Pair, move: Move) -> None:
    before = move.served.path.read_bytes()
    line = refuse(REFUSED, *move.command, "--publish", *service(pair), "--serial", "keep")
    assert "serial 2 is not after what there is" in line
    line = refuse(REFUSED, *move.command, "--publish", *service(pair), "--rndc-port", free_port())
    assert "stopped before it was staged" in line
    assert move.served.path.read_bytes() == before
    assert move.served.serials == (2, 2)


def test_a_refused_key_publishes_nothing(pair: Pair, move: Move) -> None:
    before = move.served.path.read_bytes()
    move.foreign.write_text(render_key_file(zsk(owner="example.com")))
    result = run(*move.command, "--publish", *service(pair), "--json")
    assert result.exit_code == REFUSED
    assert json.loads(result.stdout)["published"] is None
    assert move.served.path.read_bytes() == before


def test_publish_goes_without_an_output_and_its_options_not_without_it(pair: Pair, move: Move, tmp_path: Path) -> None:
    assert "not both" in refuse(BAD_INPUT, *move.command, "--publish", "-f", tmp_path / "out")
    assert "go with --publish" in refuse(BAD_INPUT, *move.command, "-i", *service(pair))
    assert "in place" in refuse(BAD_INPUT, "merge", "-", *move.command[2:], "--publish")
    assert move.served.serials == (2, 2)
