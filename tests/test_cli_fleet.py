"""``zonekit fleet``: what it prints, the exit codes, and never a private key."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.bench.inputs import write_hosting_zones
from tests.keyring import NOW
from tests.peers import assert_dnssec_verify_accepts
from tests.test_cli import AT, refuse, run, secrets_in, succeed
from zonekit.cli.exits import BAD_INPUT, REFUSED
from zonekit.files import read_keys, read_zone
from zonekit.keys import generate_ksk, generate_zsk
from zonekit.staging import claimed

ZONES = 5
BOUND_SECONDS = 60


@pytest.fixture
def zones(tmp_path: Path) -> Path:
    """A fleet of zone files."""
    directory = tmp_path / "zones"
    write_hosting_zones(ZONES, directory)
    return directory


def sign_options(zones: Path) -> list[object]:
    return [zones, "-K", zones.parent / "keys", "-f", zones.parent / "signed", *AT, "-n", "1"]


def names(zones: Path) -> list[str]:
    return sorted(path.name.removesuffix(".zone") for path in zones.iterdir())


def lines_of(printed: str) -> tuple[dict[str, dict[str, Any]], dict[str, int]]:
    """What ``--json`` printed: the zones by name, and the summary."""
    *told, last = [json.loads(line) for line in printed.splitlines()]
    assert list(last) == ["summary"]
    return {each["zone"]: each for each in told}, last["summary"]


def test_a_fleet_is_signed_signed_again_and_verified(zones: Path) -> None:
    first = succeed("fleet", "sign", *sign_options(zones), "--generate-keys")
    assert first.stdout == ""
    assert first.stderr == f"{ZONES} zones: {ZONES} signed; {2 * ZONES} keys generated\n"
    secrets = secrets_in(zones.parent)
    assert len(secrets) == 2 * ZONES
    again = succeed("fleet", "sign", *sign_options(zones), "--generate-keys", secrets=secrets)
    assert again.stderr == f"{ZONES} zones: {ZONES} up to date\n"
    verified = succeed("fleet", "verify", zones.parent / "signed", *AT, "-n", "1", secrets=secrets)
    assert verified.output == f"{ZONES} zones: {ZONES} verified\n"
    assert succeed("fleet", "sign", *sign_options(zones), "-q").output == ""
    name = names(zones)[0]
    assert_dnssec_verify_accepts(zones.parent / "signed" / f"{name}.zone", name, NOW)


def test_json_has_a_line_for_each_zone_and_the_summary(zones: Path) -> None:
    (zones / "broken.example.zone").write_text("@ what\n")
    result = run("fleet", "sign", *sign_options(zones), "--generate-keys", "--json")
    assert result.exit_code == REFUSED
    told, summary = lines_of(result.stdout)
    assert sorted(told) == names(zones)
    broken = told.pop("broken.example")
    assert broken["result"] == "failed" and "broken.example.zone:1" in broken["problem"] and not broken["new_keys"]
    for name, each in told.items():
        assert list(each) == ["zone", "result", "problem", "new_keys", "findings"]
        assert each["result"] == "done"
        assert sorted(each["new_keys"]) == sorted(key.name for key in read_keys(zones.parent / "keys", name))
    assert summary == {
        "zones": ZONES + 1,
        "done": ZONES,
        "current": 0,
        "left_alone": 0,
        "failed": 1,
        "with_findings": 0,
        "new_keys": 2 * ZONES,
    }


def test_a_zone_that_fails_is_a_line_and_the_exit_code_is_1(zones: Path) -> None:
    (zones / "broken.example.zone").write_text("@ what\n")
    line = refuse(REFUSED, "fleet", "sign", *sign_options(zones), "--generate-keys", "-q")
    assert "broken.example.zone:1" in line
    assert len(list((zones.parent / "signed").iterdir())) == ZONES


def test_what_should_be_known_of_a_zone_is_told(zones: Path) -> None:
    name = names(zones)[0]
    with (zones / f"{name}.zone").open("a") as file:
        file.write("www 60 IN TXT one\nelsewhere.test. 60 IN A 192.0.2.1\n")
    result = run("fleet", "sign", *sign_options(zones), "--generate-keys")
    assert result.exit_code == REFUSED  # data beside a CNAME
    with (zones / f"{names(zones)[1]}.zone").open("a") as file:
        file.write("elsewhere.test. 60 IN A 192.0.2.1\n")
    told = run("fleet", "sign", *sign_options(zones), "--generate-keys").stderr
    assert f"{names(zones)[1]}: warning: elsewhere.test. A: " in told and "1 with findings" in told


def test_foreign_keys_are_merged(zones: Path) -> None:
    succeed("fleet", "sign", *sign_options(zones), "--generate-keys")
    moving, *staying = names(zones)
    foreign = zones.parent / "foreign"
    foreign.mkdir()
    tags = [key.key_tag for key in read_keys(zones.parent / "keys", moving)]
    theirs = generate_zsk(moving, avoid=tags)
    dnskey = f"{moving}. IN DNSKEY 256 3 13 {dnskey_text(theirs.public_key)}\n"
    (foreign / f"{moving}.dnskeys").write_text(dnskey)
    options = ["-K", zones.parent / "keys", "--foreign", foreign, "-f", zones.parent / "merged", *AT, "-n", "1"]
    merged = succeed("fleet", "merge", zones.parent / "signed", *options)
    assert merged.stderr.endswith(f"{ZONES} zones: 1 merged, {len(staying)} left alone\n")
    zone = read_zone(zones.parent / "merged" / f"{moving}.zone")
    assert theirs.dnskey_rdata in zone.apex_rrset(48).rdatas
    assert succeed("fleet", "merge", zones.parent / "signed", *options).stderr.startswith(
        f"{ZONES} zones: 1 up to date"
    )
    (foreign / f"{moving}.dnskeys").write_text(dnskey.replace(moving, "other.example"))
    assert "other.example" in refuse(REFUSED, "fleet", "merge", zones.parent / "signed", *options)


def dnskey_text(public_key: bytes) -> str:
    import base64

    return base64.b64encode(public_key).decode()


def test_only_zones_with_findings_are_told(zones: Path) -> None:
    succeed("fleet", "sign", *sign_options(zones), "--generate-keys")
    name = names(zones)[0]
    signed = zones.parent / "signed"
    sets = zones.parent / "ds"
    sets.mkdir()
    other = generate_ksk(name)
    (sets / f"dsset-{name}.").write_text(f"{name}. IN DS {other.key_tag} 13 2 {'00' * 32}\n")
    options = [signed, "--ds", sets, *AT, "-n", "1"]
    result = run("fleet", "verify", *options, "--json")
    assert result.exit_code == REFUSED
    told, summary = lines_of(result.stdout)
    assert list(told) == [name] and told[name]["findings"][0]["severity"] == "error"
    assert (summary["zones"], summary["done"], summary["with_findings"]) == (ZONES, ZONES, 1)
    as_text = run("fleet", "verify", *options)
    assert as_text.exit_code == REFUSED and f"{name}: error: {name}. " in as_text.stderr
    assert run("fleet", "verify", *options, "-q").output == ""


def test_a_terminal_sees_a_bar_with_the_time_that_is_left(zones: Path) -> None:
    leader, follower = pty.openpty()
    command = [sys.executable, "-m", "zonekit.cli", "fleet", "sign", *sign_options(zones), "--generate-keys"]
    environment = os.environ | {"TERM": "xterm", "COLUMNS": "100"}
    with subprocess.Popen([str(word) for word in command], stderr=follower, env=environment) as running:
        os.close(follower)
        seen = b""
        while True:
            try:
                piece = os.read(leader, 4096)
            except OSError:  # how a pseudo-terminal ends
                break
            if not piece:
                break
            seen += piece
        assert running.wait(BOUND_SECONDS) == 0
    os.close(leader)
    assert (b"signing" in seen and b":--" in seen) or b"0:00:0" in seen
    assert f"{ZONES} zones: {ZONES} signed".encode() in seen


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (["--algorithm", "15"], "--algorithm goes with --generate-keys"),
        (["--nsec", "--nsec3"], "--nsec and --nsec3 exclude each other"),
        (["--cluster", "tcp://127.0.0.1:1"], "--processes and --cluster exclude each other"),
        (["--signatures-validity", "3d"], "which is always"),
        (["--suffix", ".private"], "are keys"),
        (["-n", "0"], "0 is not in the range"),
    ],
)
def test_what_does_not_go_together_is_refused(zones: Path, options: list[str], problem: str) -> None:
    (zones.parent / "keys").mkdir()
    assert problem in refuse(BAD_INPUT, "fleet", "sign", *sign_options(zones), *options)


def test_a_cluster_takes_its_extra(zones: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    line = refuse(BAD_INPUT, "fleet", "verify", zones, "--cluster", "tcp://127.0.0.1:1")
    assert "pip install 'zonekit[cluster]'" in line


def test_a_run_beside_another_is_refused(zones: Path) -> None:
    (zones.parent / "signed").mkdir()
    with claimed(zones.parent / "signed"):
        line = refuse(BAD_INPUT, "fleet", "sign", *sign_options(zones), "--generate-keys")
    assert "another run is at work here" in line


def test_zones_are_not_signed_over_themselves(zones: Path) -> None:
    line = refuse(BAD_INPUT, "fleet", "sign", zones, "-K", zones.parent, "-f", zones, "-n", "1")
    assert "would take the place" in line
