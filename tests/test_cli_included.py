"""A zone is never written over a file that it includes."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.keyring import NOW, csk
from zonekit.cli.app import cli
from zonekit.cli.exits import BAD_INPUT, OK
from zonekit.files import read_zone, write_key
from zonekit.instants import instant_text

TEXT = """\
$ORIGIN example.nl.
@ 3600 IN SOA ns1.example.net. admin 1 7200 3600 1209600 300
@ 3600 IN NS ns1.example.net.
$INCLUDE hosts/all
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "hosts").mkdir()
    (tmp_path / "hosts" / "all").write_text("$INCLUDE hosts/one\n$INCLUDE hosts/one\n")
    (tmp_path / "hosts" / "one").write_text("www 3600 IN A 192.0.2.1\n")
    (tmp_path / "zone").write_text(TEXT)
    write_key(csk(), tmp_path)
    return tmp_path


def sign(folder: Path, source: str, output: Path, *more: str) -> tuple[int, str]:
    command = ["sign", source, "-o", "example.nl", "-K", str(folder), "--csk", "--now", instant_text(NOW)]
    command += ["--include-root", str(folder), "-f", str(output), *more]
    told = CliRunner().invoke(cli, command, input=(folder / "zone").read_bytes(), prog_name="zonekit")
    return told.exit_code, told.stderr


@pytest.mark.parametrize("source", ["file", "standard input"])
@pytest.mark.parametrize("included", ["hosts/all", "hosts/one", "link", "hard link", "hosts/../hosts/one"])
def test_an_included_file_is_not_written_over(folder: Path, included: str, source: str) -> None:
    (folder / "link").symlink_to("hosts/one")
    (folder / "hard link").hardlink_to(folder / "hosts" / "one")
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    zone = str(folder / "zone") if source == "file" else "-"
    exit_code, told = sign(folder, zone, folder / included)
    assert exit_code == BAD_INPUT
    assert told.startswith(f"zonekit: {folder / included}: this is {folder}/hosts/")
    assert told.endswith("which is read too; give -f another file\n")
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_any_other_file_may_be_written(folder: Path) -> None:
    exit_code, told = sign(folder, str(folder / "zone"), folder / "hosts" / "signed")
    assert exit_code == OK, told
    assert read_zone(folder / "hosts" / "signed", origin="example.nl").get("www", "A") is not None
