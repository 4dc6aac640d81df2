"""Files are replaced whole or not at all, private keys are nobody else's to read, and includes stay inside."""

from __future__ import annotations

import os
import pickle
import resource
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings

from tests.peers import assert_accepted, named_checkzone, run_peer
from tests.strategies import zones
from zonekit.errors import (
    DomainNameError,
    FileError,
    KeyFileError,
    KeyFileExists,
    RenderError,
    SigningKeyError,
    TimeError,
    ZoneFileError,
    ZonekitError,
)
from zonekit.files import (
    KeyPaths,
    check_key,
    opener_within,
    read_key,
    read_keys,
    read_keys_with_findings,
    read_text,
    read_zone,
    read_zone_with_findings,
    write_key,
    write_text,
    write_zone,
)
from zonekit.findings import Severity
from zonekit.keys import (
    KeyRole,
    KeyTiming,
    SigningKey,
    from_signer,
    generate_csk,
    generate_ksk,
    generate_zsk,
    private_key_pem,
)
from zonekit.names import parse_name
from zonekit.sealing import iter_sealed_text
from zonekit.zonefile import parse_zone
from zonekit.zones import Zone

ZONE_TEXT = """\
$TTL 1h
@    SOA  ns1.example.net. hostmaster ( 2026112100 2h 1h 2w 5m )
     NS   ns1.example.net.
www  A    192.0.2.1
"""


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def names_in(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


@contextmanager
def umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


@contextmanager
def full_disk(octets: int) -> Iterator[None]:
    """As on a disk with no room for more: no file of this process may grow beyond so many octets."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (octets, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def run_hooked(hook: str, program: str) -> subprocess.CompletedProcess[str]:
    """Run a program whose ``hook(event, arguments)`` sees every call to the system just before it is made."""
    text = f"import os, signal, sys\n{hook}\nsys.addaudithook(hook)\n{program}"
    return subprocess.run([sys.executable, "-c", text], check=False, capture_output=True, text=True)


# ---- zones ----------------------------------------------------------------------------------------------------------


@settings(max_examples=20)
@given(zones())
def test_a_zone_that_was_written_reads_back_the_same(tmp_path_factory: pytest.TempPathFactory, zone: Zone) -> None:
    path = tmp_path_factory.mktemp("zone") / "zone"
    write_zone(zone, path)
    assert read_zone(path, origin=zone.origin) == zone
    assert read_zone(path) == zone
    assert path.read_bytes() == "".join(iter_sealed_text(zone)).encode("ascii")


def test_workers_write_the_same_file(tmp_path: Path) -> None:
    lines = "".join(f"host{number} 60 A 192.0.2.1\n" for number in range(3000))
    zone = parse_zone(ZONE_TEXT + lines, "example.nl")
    with ThreadPoolExecutor(2) as executor:
        write_zone(zone, tmp_path / "zone", executor=executor)
    assert (tmp_path / "zone").read_text() == "".join(iter_sealed_text(zone))


def test_named_checkzone_accepts_a_zone_file_that_was_written(tmp_path: Path) -> None:
    write_zone(parse_zone(ZONE_TEXT, "example.nl"), tmp_path / "zone")
    assert_accepted(named_checkzone(tmp_path / "zone", "example.nl"))


def test_a_zone_file_longer_than_a_piece_is_read_whole(tmp_path: Path) -> None:
    lines = "".join(f'host{number} TXT "{"x" * 200}"\n' for number in range(5000))
    (tmp_path / "zone").write_text(ZONE_TEXT + lines)
    assert read_zone(tmp_path / "zone", origin="example.nl") == parse_zone(ZONE_TEXT + lines, "example.nl")


def test_findings_and_errors_name_the_file(tmp_path: Path) -> None:
    path = tmp_path / "zone"
    path.write_text(ZONE_TEXT + "www 60 A 192.0.2.2\n")
    parsed = read_zone_with_findings(path, origin="example.nl")
    assert [finding.code for finding in parsed.findings] == ["ttl-differs"]
    path.write_text(ZONE_TEXT + "www A 192.0.2.256\n")
    with pytest.raises(ZoneFileError) as raised:
        read_zone(path, origin="example.nl")
    assert (raised.value.file, raised.value.line) == (str(path), 5)


def test_a_zone_needs_a_ttl_from_somewhere(tmp_path: Path) -> None:
    (tmp_path / "zone").write_text("@ SOA . . 1 1 1 1 1\n@ NS ns.example.\n")
    assert read_zone(tmp_path / "zone", origin="example.nl", default_ttl=77).soa.ttl == 77


def test_generate_has_a_limit(tmp_path: Path) -> None:
    (tmp_path / "zone").write_text(ZONE_TEXT + "$GENERATE 1-20 host$ A 192.0.2.$\n")
    assert read_zone(tmp_path / "zone", origin="example.nl").get("host20", "A") is not None
    with pytest.raises(ZoneFileError, match="GENERATE"):
        read_zone(tmp_path / "zone", origin="example.nl", generate_limit=19)


def test_a_zone_file_that_cannot_be_read_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"missing: cannot be read: no such file or directory$") as raised:
        read_zone(tmp_path / "missing")
    assert raised.value.path == str(tmp_path / "missing")
    with pytest.raises(FileError, match=r"cannot be read: is a directory$"):
        read_zone(tmp_path)
    with pytest.raises(FileError, match="there is a NUL in it"):
        read_zone("a\0b")
    with pytest.raises(FileError, match=r"^'a\\nb\\x1b': cannot be read"):
        read_zone("a\nb\x1b")


# ---- $INCLUDE -------------------------------------------------------------------------------------------------------


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A directory to include from, in another one with a file that is none of its business."""
    (tmp_path / "outside").write_text("secret A 192.0.2.66\n")
    (tmp_path / "root-of-another").mkdir()
    (tmp_path / "root-of-another" / "file").write_text("secret A 192.0.2.66\n")
    directory = tmp_path / "root"
    (directory / "sub").mkdir(parents=True)
    (directory / "hosts").write_text("mail A 192.0.2.2\n")
    (directory / "sub" / "more").write_text("more A 192.0.2.3\n")
    return directory


def including(root: Path, name: str) -> Zone:
    (root / "zone").write_text(f"{ZONE_TEXT}$INCLUDE {name}\n")
    return read_zone(root / "zone", origin="example.nl", include_root=root)


def test_include_is_refused_unless_a_root_is_given(root: Path) -> None:
    (root / "zone").write_text(f"{ZONE_TEXT}$INCLUDE hosts\n")
    with pytest.raises(ZoneFileError, match="INCLUDE is not allowed here"):
        read_zone(root / "zone", origin="example.nl")


def test_files_inside_the_root_are_included_by_any_path_that_stays_inside(root: Path) -> None:
    os.symlink("hosts", root / "link")
    os.symlink(root / "sub", root / "directory-link")
    names = ("hosts", "./hosts", "sub/../hosts", "link", str(root / "hosts"), f'"{root}/link"')
    for name in names:
        assert including(root, name).get("mail", "A") is not None
    assert including(root, "directory-link/more").get("more", "A") is not None


def test_names_in_an_included_file_count_from_the_root_too(root: Path) -> None:
    (root / "sub" / "inner").write_text("$INCLUDE sub/more\n")
    assert including(root, "sub/inner").get("more", "A") is not None


def test_the_root_may_be_reached_by_a_link(root: Path) -> None:
    os.symlink(root, root.parent / "entry")
    (root / "zone").write_text(f"{ZONE_TEXT}$INCLUDE hosts\n")
    assert (
        read_zone(root / "zone", origin="example.nl", include_root=root.parent / "entry").get("mail", "A") is not None
    )


@pytest.mark.parametrize("name", ["../outside", "sub/../../outside", "{tmp}/outside", "../root-of-another/file", ".."])
def test_nothing_outside_the_root_is_included(root: Path, name: str) -> None:
    with pytest.raises(ZoneFileError, match=r"zone:5: .*is outside .*root, from where files may be included"):
        including(root, name.format(tmp=root.parent))


def test_a_link_does_not_lead_out_of_the_root(root: Path) -> None:
    os.symlink("../outside", root / "link")
    os.symlink("..", root / "up")
    for name in ("link", "up/outside", "up/root/up/outside"):
        with pytest.raises(ZoneFileError, match="is outside"):
            including(root, name)


def test_what_is_no_plain_file_is_not_included(root: Path) -> None:
    os.mkfifo(root / "pipe")
    with pytest.raises(ZoneFileError, match=r"zone:5: .*pipe: is not a plain file"):
        including(root, "pipe")
    with pytest.raises(ZoneFileError, match=r"zone:5: .*sub: cannot be read: is a directory"):
        including(root, "sub")
    with pytest.raises(ZoneFileError, match=r"zone:5: .*missing: cannot be read: no such file"):
        including(root, "missing")
    with pytest.raises(ZoneFileError, match=r"zone:5: "):
        including(root, r"a\000b")
    with pytest.raises(FileError, match="there is a NUL in it"):
        opener_within(root)("a\0b", "zone")


def test_a_link_that_takes_a_directorys_place_while_it_is_opened_is_refused(root: Path) -> None:
    (root.parent / "root-of-another" / "more").write_text("secret A 192.0.2.66\n")
    hook = f"""
def hook(event, arguments):
    if event == "open" and str(arguments[0]).endswith(("sub", "sub/more")) and not os.path.islink({str(root)!r} + "/sub"):
        os.rename({str(root)!r} + "/sub", {str(root)!r} + "/moved")
        os.symlink("../root-of-another", {str(root)!r} + "/sub")
"""
    program = f"""
from zonekit.errors import FileError
from zonekit.files import opener_within
try:
    print(b"".join(opener_within({str(root)!r})("sub/more", "zone")[1]))
except FileError as error:
    print(error)
"""
    done = run_hooked(hook, program)
    assert (root / "sub").is_symlink()
    assert done.stdout == f"{root}/sub/more: cannot be read: not a directory\n", done.stderr


def test_a_directory_that_is_included_leaves_no_file_open(root: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))
    for name in ("sub", "missing", "sub/missing", "hosts/below"):
        with pytest.raises(FileError, match="cannot be read"):
            opener_within(root)(name, "zone")
    assert len(os.listdir("/proc/self/fd")) == before


def test_files_that_include_each_other_are_refused(root: Path) -> None:
    (root / "a").write_text("$INCLUDE b\n")
    (root / "b").write_text("$INCLUDE ./a\n")
    with pytest.raises(ZoneFileError, match="round in a circle"):
        including(root, "a")


def test_an_error_in_an_included_file_names_it(root: Path) -> None:
    (root / "bad").write_text("x A 192.0.2.1\nx A nonsense\n")
    with pytest.raises(ZoneFileError) as raised:
        including(root, "bad")
    assert (raised.value.file, raised.value.line) == (str(root / "bad"), 2)


def test_a_root_that_is_no_directory_is_refused(root: Path) -> None:
    with pytest.raises(FileError, match="is not a directory to include from"):
        opener_within(root / "hosts")


# ---- writing in one step --------------------------------------------------------------------------------------------


def test_a_new_file_gets_the_mode_asked_for_less_the_umask(tmp_path: Path) -> None:
    with umask(0o027):
        write_text(tmp_path / "new", "text\n")
        write_text(tmp_path / "secret", "text\n", mode=0o600)
    assert mode_of(tmp_path / "new") == 0o640
    assert mode_of(tmp_path / "secret") == 0o600


def test_a_file_that_is_replaced_keeps_its_mode_and_owner(tmp_path: Path) -> None:
    path = tmp_path / "zone"
    path.write_text("old")
    owner = (12345, 23456) if os.geteuid() == 0 else (os.geteuid(), os.getegid())
    os.chown(path, *owner)
    path.chmod(0o2640)
    with umask(0o777):
        write_text(path, ["new", " text\n"], mode=0o600)
    assert path.read_text() == "new text\n"
    assert mode_of(path) == 0o2640
    assert (path.stat().st_uid, path.stat().st_gid) == owner
    assert names_in(tmp_path) == ["zone"]


def test_a_link_stays_a_link_and_its_file_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    os.symlink("data/zone", tmp_path / "link")
    write_text(tmp_path / "link", "first")
    write_text(tmp_path / "link", "second")
    assert os.readlink(tmp_path / "link") == "data/zone"
    assert (tmp_path / "data" / "zone").read_text() == "second"
    assert names_in(tmp_path / "data") == ["zone"]


def test_other_names_of_the_old_file_keep_the_old_text(tmp_path: Path) -> None:
    write_text(tmp_path / "zone", "old")
    os.link(tmp_path / "zone", tmp_path / "backup")
    write_text(tmp_path / "zone", "new")
    assert (tmp_path / "backup").read_text() == "old"


def test_text_is_written_as_utf_8(tmp_path: Path) -> None:
    write_text(tmp_path / "file", "naïve\n")
    assert (tmp_path / "file").read_bytes() == b"na\xc3\xafve\n"
    assert read_text(tmp_path / "file") == "naïve\n"


def test_a_full_disk_leaves_the_old_file_and_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "zone"
    write_text(path, "old")
    with full_disk(10_000), pytest.raises(FileError, match="zone: cannot be written: file too large") as raised:
        write_text(path, ["x" * 4096] * 10)
    assert raised.value.path == str(path)
    assert path.read_text() == "old"
    assert names_in(tmp_path) == ["zone"]


def test_a_full_disk_leaves_no_file_where_there_was_none(tmp_path: Path) -> None:
    with full_disk(10), pytest.raises(FileError, match="cannot be written"):
        write_text(tmp_path / "zone", "more than ten octets")
    assert names_in(tmp_path) == []


def test_text_that_cannot_be_made_leaves_the_old_file_and_nothing_beside_it(tmp_path: Path) -> None:
    def pieces() -> Iterator[str]:
        yield "half"
        raise RenderError("the rest cannot be printed")

    write_text(tmp_path / "zone", "old")
    with pytest.raises(RenderError):
        write_text(tmp_path / "zone", pieces())
    assert (tmp_path / "zone").read_text() == "old"
    assert names_in(tmp_path) == ["zone"]


def test_a_name_that_cannot_be_taken_leaves_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "zone"

    def pieces() -> Iterator[str]:
        yield "text"
        path.unlink()
        (path / "in-the-way").mkdir(parents=True)

    write_text(path, "old")
    with pytest.raises(FileError, match="is not a plain file and is not replaced"):
        write_text(path, pieces())
    assert names_in(tmp_path) == ["zone"]


@pytest.mark.parametrize(
    ("prepare", "what"),
    [
        (lambda path: path.mkdir(), "is not a plain file and is not replaced"),
        (os.mkfifo, "is not a plain file and is not replaced"),
        (lambda path: os.symlink("zone", path), "too many levels of symbolic links"),
        (lambda path: os.symlink("missing/zone", path), "no such file or directory"),
    ],
)
def test_what_is_no_file_is_not_written_over(tmp_path: Path, prepare: Callable[[Path], None], what: str) -> None:
    prepare(tmp_path / "zone")
    with pytest.raises(FileError, match=what):
        write_text(tmp_path / "zone", "text")
    assert names_in(tmp_path) == ["zone"]


PRIVATE_TEXTS = [
    "Private-key-format: v1.3\nAlgorithm: 13\n",
    "\ufeff\n Private-key-format: v1.2\n",
    "-----BEGIN PRIVATE KEY-----\n",
    "a comment\n-----BEGIN EC PRIVATE KEY-----\n",
    "-----BEGIN ENCRYPTED PRIVATE KEY-----\n",
]


@pytest.mark.parametrize("secret", PRIVATE_TEXTS)
def test_a_private_key_is_not_replaced_by_text_or_a_zone(tmp_path: Path, secret: str) -> None:
    (tmp_path / "file").write_text(secret)
    os.symlink("file", tmp_path / "link")
    zone = parse_zone(ZONE_TEXT, "example.nl")
    for name in ("file", "link"):
        with pytest.raises(KeyFileExists, match=f"{name}: holds a private key, and keys are never replaced"):
            write_text(tmp_path / name, "text")
        with pytest.raises(KeyFileExists):
            write_zone(zone, tmp_path / name)
    assert (tmp_path / "file").read_text() == secret
    assert names_in(tmp_path) == ["file", "link"]


def test_what_is_named_as_a_private_key_is_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "KExample.NL.+013+00001.private"
    path.write_text("moved here, and hardly a key")
    with pytest.raises(KeyFileExists):
        write_text(path, "text")
    assert path.read_text() == "moved here, and hardly a key"


def test_the_keys_that_are_written_are_not_replaced(tmp_path: Path, ksk: SigningKey) -> None:
    (tmp_path / "key.pem").write_bytes(private_key_pem(ksk))
    private = write_key(ksk, tmp_path).private.rename(tmp_path / "backup")
    for path in (private, tmp_path / "key.pem"):
        before = path.read_bytes()
        with pytest.raises(KeyFileExists):
            write_text(path, "text")
        assert path.read_bytes() == before


def test_a_private_key_that_came_while_text_was_made_is_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "file"

    def pieces() -> Iterator[str]:
        yield "text"
        path.write_text(PRIVATE_TEXTS[0])

    with pytest.raises(KeyFileExists):
        write_text(path, pieces())
    assert path.read_text() == PRIVATE_TEXTS[0]
    assert names_in(tmp_path) == ["file"]


def test_a_zone_that_speaks_of_keys_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "zone"
    path.write_text("; not a Private-key-format: v1.3\n")
    write_text(path, "new")
    assert path.read_text() == "new"


def test_text_that_utf_8_cannot_say_leaves_the_old_file(tmp_path: Path) -> None:
    write_text(tmp_path / "file", "old")
    with pytest.raises(RenderError, match="file: the text has half of a surrogate pair") as raised:
        write_text(tmp_path / "file", ["new", "\ud800"])
    assert raised.value.__context__ is None
    assert (tmp_path / "file").read_text() == "old"
    assert names_in(tmp_path) == ["file"]
    with pytest.raises(FileError, match="is no path: there is half of a surrogate pair"):
        write_text(tmp_path / "\ud800", "text")


def test_a_file_whose_directory_cannot_be_flushed_is_said_to_be_written(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)

    def pieces() -> Iterator[str]:
        yield "new"
        resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))  # from here on no file can be opened

    try:
        with pytest.raises(
            FileError, match="zone: is written, but may not outlive a loss of power: too many open files"
        ):
            write_text(tmp_path / "zone", pieces())
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert (tmp_path / "zone").read_text() == "new"
    assert names_in(tmp_path) == ["zone"]


def test_a_directory_that_is_none_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(FileError, match="zone: cannot be written: not a directory"):
        write_text(tmp_path / "file" / "zone", "text")
    with pytest.raises(FileError, match="zone: cannot be written: no such file or directory"):
        write_text(tmp_path / "missing" / "zone", "text")


def test_whoever_reads_meanwhile_finds_the_old_text_or_the_new_one(tmp_path: Path) -> None:
    path = tmp_path / "zone"
    texts = ["a" * 200_000, "b" * 100_000]
    write_text(path, texts[0])
    seen: set[str] = set()
    done = threading.Event()

    def watch() -> None:
        while not done.is_set():
            seen.add(path.read_text())

    with ThreadPoolExecutor(1) as executor:
        watching = executor.submit(watch)
        for number in range(60):
            write_text(path, (texts[number % 2][start : start + 5000] for start in range(0, 200_000, 5000)))
        done.set()
        watching.result()
    assert seen <= set(texts)


def test_a_process_killed_while_writing_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "zone"
    write_text(path, "old")
    program = f"""
import os, signal
from zonekit.files import write_text
def pieces():
    yield "x" * 100_000
    os.kill(os.getpid(), signal.SIGKILL)
write_text({str(path)!r}, pieces())
"""
    killed = subprocess.run([sys.executable, "-c", program], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert path.read_text() == "old"


# ---- small texts ----------------------------------------------------------------------------------------------------


def test_a_text_that_is_none_or_too_large_is_refused(tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    with pytest.raises(FileError, match="is not text in UTF-8"):
        read_text(tmp_path / "binary")
    (tmp_path / "large").write_bytes(b"x" * 70_000)
    with pytest.raises(FileError, match="is larger than 65536 octets"):
        read_text(tmp_path / "large")


# ---- keys -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def ksk() -> SigningKey:
    return generate_ksk("example.nl")


def test_a_key_that_was_written_reads_back_by_any_of_its_names(tmp_path: Path, ksk: SigningKey) -> None:
    paths = write_key(ksk, tmp_path)
    assert paths == KeyPaths(key=tmp_path / f"{ksk.name}.key", private=tmp_path / f"{ksk.name}.private")
    for name in (paths.key, paths.private, str(tmp_path / ksk.name)):
        back = read_key(name)
        assert back == ksk
        assert back.signer.sign(b"data") == ksk.signer.sign(b"data")


def test_a_csk_is_one_when_the_reader_says_so(tmp_path: Path) -> None:
    paths = write_key(generate_csk("example.nl"), tmp_path)
    assert read_key(paths.key).role is KeyRole.KSK
    assert read_key(paths.key, role=KeyRole.CSK).role is KeyRole.CSK


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077, 0o777])
def test_a_private_key_is_its_owners_alone_under_any_umask(tmp_path: Path, ksk: SigningKey, mask: int) -> None:
    with umask(mask):
        paths = write_key(ksk, tmp_path)
    assert mode_of(paths.private) == 0o600
    assert mode_of(paths.key) == 0o644


def test_a_private_key_is_nobody_elses_from_the_moment_it_exists(tmp_path: Path) -> None:
    key = generate_zsk("example.nl", algorithm=8)
    watched: list[int] = []
    done = threading.Event()

    def watch() -> None:
        while not done.is_set():
            for path in tmp_path.glob("*.private"):
                with suppress(FileNotFoundError):
                    watched.append(mode_of(path))

    with umask(0), ThreadPoolExecutor(1) as executor:
        watching = executor.submit(watch)
        for number in range(30):
            paths = write_key(key, tmp_path)
            paths.key.rename(tmp_path / f"{number}.kept")
            paths.private.rename(tmp_path / f"{number}.private")
        done.set()
        watching.result()
    assert set(watched) == {0o600}


def test_an_existing_key_is_never_written_over(tmp_path: Path, ksk: SigningKey) -> None:
    paths = write_key(ksk, tmp_path)
    before = (paths.key.read_bytes(), paths.private.read_bytes())
    with pytest.raises(KeyFileExists, match=r"\.key: is already there, and keys are never replaced") as raised:
        write_key(ksk, tmp_path)
    assert raised.value.path == str(paths.key)
    assert (paths.key.read_bytes(), paths.private.read_bytes()) == before


def test_a_private_file_without_a_public_one_is_never_written_over(tmp_path: Path, ksk: SigningKey) -> None:
    private = tmp_path / f"{ksk.name}.private"
    private.write_text("somebody's only copy")
    with pytest.raises(KeyFileExists, match=r"\.private: is already there"):
        write_key(ksk, tmp_path)
    assert private.read_text() == "somebody's only copy"
    assert names_in(tmp_path) == [private.name]


def test_a_link_in_the_way_of_a_key_is_not_followed(tmp_path: Path, ksk: SigningKey) -> None:
    (tmp_path / "keys").mkdir()
    os.symlink(tmp_path / "elsewhere", tmp_path / "keys" / f"{ksk.name}.private")
    with pytest.raises(KeyFileExists):
        write_key(ksk, tmp_path / "keys")
    assert not (tmp_path / "elsewhere").exists()


def test_a_full_disk_leaves_neither_file_of_a_key(tmp_path: Path) -> None:
    key = generate_ksk("example.nl", algorithm=8)
    for room in (0, 100, 900):
        with full_disk(room), pytest.raises(FileError, match="cannot be written: file too large"):
            write_key(key, tmp_path)
        assert names_in(tmp_path) == []
    assert write_key(key, tmp_path).private.exists()


WITHOUT_HARD_LINKS = """
import errno
def hook(event, arguments):
    if event == "os.link":
        raise PermissionError(errno.EPERM, "Operation not permitted")
"""


def write_hooked(key: SigningKey, hook: str, tmp_path: Path) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """Write a key in a program of its own, with a hook, into a new directory."""
    (tmp_path / "key").write_bytes(pickle.dumps(key))
    directory = tmp_path / "keys"
    directory.mkdir(exist_ok=True)
    program = f"""
import pickle
from zonekit.errors import ZonekitError
from zonekit.files import write_key
with open({str(tmp_path / "key")!r}, "rb") as file:
    key = pickle.load(file)
try:
    write_key(key, {str(directory)!r})
except ZonekitError as error:
    print(error)
"""
    return directory, run_hooked(hook, program)


@pytest.mark.parametrize("links", [1, 2])
def test_a_process_killed_while_naming_a_key_leaves_nothing_half_written_or_exposed(
    tmp_path: Path, ksk: SigningKey, links: int
) -> None:
    hook = f"""
seen = []
def hook(event, arguments):
    if event == "os.link":
        seen.append(event)
        if len(seen) == {links}:
            os.kill(os.getpid(), signal.SIGKILL)
"""
    directory, done = write_hooked(ksk, hook, tmp_path)
    assert done.returncode == -signal.SIGKILL, done.stderr
    named = [name for name in names_in(directory) if not name.startswith(".zonekit-")]
    assert named == [f"{ksk.name}.key"][: links - 1]
    whole = write_key(ksk, tmp_path)
    for name in named:
        assert (directory / name).read_text() == whole.key.read_text()
    private = [path for path in directory.iterdir() if "Private-key-format" in path.read_text()]
    assert [mode_of(path) for path in private] == [0o600]
    assert read_keys(directory, "example.nl") == ()


def test_where_there_are_no_hard_links_keys_are_written_all_the_same(tmp_path: Path, ksk: SigningKey) -> None:
    directory, done = write_hooked(ksk, WITHOUT_HARD_LINKS, tmp_path)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert read_keys(directory, "example.nl") == (ksk,)
    assert names_in(directory) == [f"{ksk.name}.key", f"{ksk.name}.private"]
    assert mode_of(directory / f"{ksk.name}.private") == 0o600
    assert mode_of(directory / f"{ksk.name}.key") == 0o644
    (directory / f"{ksk.name}.key").unlink()
    before = (directory / f"{ksk.name}.private").read_bytes()
    _, again = write_hooked(ksk, WITHOUT_HARD_LINKS, tmp_path)
    assert "is already there, and keys are never replaced" in again.stdout, again.stderr
    assert names_in(directory) == [f"{ksk.name}.private"]
    assert (directory / f"{ksk.name}.private").read_bytes() == before


def test_a_key_directory_that_is_none_is_one_clear_error(tmp_path: Path, ksk: SigningKey) -> None:
    (tmp_path / "file").write_text("in the way")
    for directory in (tmp_path / "file", tmp_path / "missing"):
        with pytest.raises(FileError, match="cannot be written"):
            write_key(ksk, directory)


def test_of_many_who_write_the_same_key_at_once_exactly_one_does(tmp_path: Path, ksk: SigningKey) -> None:
    def attempt(barrier: threading.Barrier, directory: Path) -> KeyPaths | KeyFileExists:
        barrier.wait()
        try:
            return write_key(ksk, directory)
        except KeyFileExists as error:
            return error

    with ThreadPoolExecutor(8) as executor:
        for number in range(20):
            directory = tmp_path / str(number)
            directory.mkdir()
            barrier = threading.Barrier(8)
            outcomes = list(executor.map(attempt, [barrier] * 8, [directory] * 8))
            assert sum(isinstance(outcome, KeyPaths) for outcome in outcomes) == 1
            assert read_key(directory / ksk.name) == ksk
            assert names_in(directory) == [f"{ksk.name}.key", f"{ksk.name}.private"]


def test_a_key_that_a_device_keeps_is_not_half_written(tmp_path: Path, ksk: SigningKey) -> None:
    class Device:
        def sign(self, data: bytes) -> bytes:
            return ksk.signer.sign(data)

    key = from_signer(Device(), owner="example.nl", algorithm=13, public_key=ksk.public_key, role=KeyRole.KSK)
    with pytest.raises(SigningKeyError, match="cannot be exported"):
        write_key(key, tmp_path)
    assert names_in(tmp_path) == []


def test_no_owner_name_leads_out_of_the_key_directory(tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir()
    paths = write_key(generate_zsk(r"\.\./\.\./x.nl"), tmp_path / "keys")
    assert paths.key.parent == tmp_path / "keys"
    assert names_in(tmp_path) == ["keys"]


def test_the_keys_of_a_zone_are_found_in_order_and_no_others(tmp_path: Path) -> None:
    keys = [
        generate_ksk("example.nl"),
        generate_zsk("Example.NL", algorithm=14),
        generate_zsk("example.nl", algorithm=15),
    ]
    for key in [*keys, generate_zsk("sub.example.nl"), generate_zsk("example.net")]:
        write_key(key, tmp_path)
    (tmp_path / "Kexample.nl.+013+1.private").write_text("not a key's name")
    (tmp_path / "Kexample.nl.+013+00001.key").write_text("somebody else's key")
    (tmp_path / "Kexample.nl.+013+00002.private.bak").write_text("a copy")
    assert read_keys(tmp_path, "Example.NL") == tuple(sorted(keys, key=lambda key: (key.algorithm, key.key_tag)))
    assert read_keys(tmp_path, "other.nl") == ()


def test_the_keys_of_odd_zones_are_found(tmp_path: Path) -> None:
    for origin in (".", "0/26.2.0.192.in-addr.arpa", "a\\.b.nl"):
        key = generate_zsk(origin)
        write_key(key, tmp_path)
        assert read_keys(tmp_path, origin) == (key,)


def test_a_key_of_another_zone_under_a_wrong_name_is_refused(tmp_path: Path) -> None:
    paths = write_key(generate_zsk("example.net"), tmp_path)
    for path in (paths.key, paths.private):
        path.rename(tmp_path / f"Kexample.nl.+013+00001{path.suffix}")
    with pytest.raises(KeyFileError, match=r"Kexample\.nl.* holds a key of example\.net\."):
        read_keys(tmp_path, "example.nl")


def test_keys_that_cannot_be_read_are_one_clear_error_that_tells_no_secret(tmp_path: Path, ksk: SigningKey) -> None:
    paths = write_key(ksk, tmp_path)
    secret = paths.private.read_text()
    paths.private.write_text(secret.replace("PrivateKey: ", "PrivateKey: %%"))
    with pytest.raises(KeyFileError, match=ksk.name.replace("+", r"\+")) as raised:
        read_keys(tmp_path, "example.nl")
    line = next(line for line in secret.split("\n") if line.startswith("PrivateKey"))
    assert line.split(": ")[1][:8] not in str(raised.value)
    paths.private.unlink()
    with pytest.raises(FileError, match=r"\.private: cannot be read: no such file"):
        read_key(paths.key)
    with pytest.raises(FileError, match="cannot be read"):
        read_keys(tmp_path / "missing", "example.nl")
    with pytest.raises(DomainNameError):
        read_keys(tmp_path, "a..b")


def test_no_exception_about_a_key_file_carries_its_text_along(tmp_path: Path, ksk: SigningKey) -> None:
    paths = write_key(ksk, tmp_path)
    secret = paths.private.read_bytes()
    for broken in (secret + b"\xff", secret.replace(b"PrivateKey: ", b"PrivateKey: %%")):
        paths.private.write_bytes(broken)
        with pytest.raises(ZonekitError) as raised:
            read_key(paths.key)
        assert raised.value.__context__ is None
        assert raised.value.__cause__ is None


def test_file_names_with_capitals_as_ldns_writes_them_are_found(tmp_path: Path, ksk: SigningKey) -> None:
    for path in (paths := write_key(ksk, tmp_path)).key, paths.private:
        path.rename(tmp_path / path.name.replace("example.nl", "Example.NL"))
    assert read_keys(tmp_path, "example.nl") == (ksk,)
    (tmp_path / f"{ksk.name.replace('Kexample', chr(0x212A) + 'example')}.private").write_text("starts with a kelvin")
    assert read_keys(tmp_path, "EXAMPLE.nl") == (ksk,)


def test_one_key_in_two_pairs_of_files_is_refused(tmp_path: Path, ksk: SigningKey) -> None:
    paths = write_key(ksk, tmp_path)
    for path in (paths.key, paths.private):
        (tmp_path / path.name.replace("example", "EXAMPLE")).write_bytes(path.read_bytes())
    with pytest.raises(KeyFileError, match=r"KEXAMPLE\.nl.* and Kexample\.nl.* hold the same key"):
        read_keys(tmp_path, "example.nl")


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("DNSKEY 257 3 13", "DNSKEY 385 3 13", "key-revoked"),
        ("DNSKEY 257 3 13", "DNSKEY 257 3 5", "key-algorithm-retired"),
        ("DNSKEY 257 3 13", "DNSKEY 257 3 12", "key-algorithm-retired"),
    ],
)
def test_a_key_that_cannot_sign_is_left_out_and_reported(
    tmp_path: Path, ksk: SigningKey, old: str, new: str, code: str
) -> None:
    write_key(ksk, tmp_path)
    other = write_key(generate_ksk("example.nl", avoid=[ksk.key_tag]), tmp_path)
    other.key.write_text(other.key.read_text().replace(old, new))
    keys, (finding,) = read_keys_with_findings(tmp_path, "example.nl")
    assert keys == (ksk,) == read_keys(tmp_path, "example.nl")
    assert (finding.code, finding.severity, finding.owner) == (code, Severity.WARNING, "example.nl.")
    assert other.private.name in finding.message


def test_a_key_is_left_out_from_the_second_of_its_deletion(tmp_path: Path) -> None:
    delete = datetime(2026, 11, 21, 12, tzinfo=UTC)
    key = generate_zsk("example.nl", timing=KeyTiming(created=delete - timedelta(days=1), delete=delete))
    write_key(key, tmp_path)
    assert read_keys_with_findings(tmp_path, "example.nl") == ((key,), ())
    assert read_keys_with_findings(tmp_path, "example.nl", now=delete - timedelta(seconds=1)) == ((key,), ())
    keys, (finding,) = read_keys_with_findings(tmp_path, "example.nl", now=delete)
    assert (keys, finding.code, finding.severity) == ((), "key-deleted", Severity.INFO)
    assert "2026-11-21T12:00:00Z" in finding.message
    assert read_keys(tmp_path, "example.nl", now=delete) == ()
    with pytest.raises(TimeError):
        read_keys(tmp_path, "example.nl", now=datetime(2026, 11, 21))


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o666])
def test_a_private_key_that_others_may_read_is_reported_and_still_read(
    tmp_path: Path, ksk: SigningKey, mode: int
) -> None:
    paths = write_key(ksk, tmp_path)
    assert check_key(paths.key) == ()
    paths.private.chmod(mode)
    (finding,) = check_key(paths.key)
    assert (finding.code, finding.severity, finding.owner) == ("private-key-exposed", Severity.WARNING, "example.nl.")
    assert f"{mode:04o}" in finding.message
    assert read_key(paths.key) == ksk


def test_bind_takes_the_keys_that_were_written(tmp_path: Path) -> None:
    timing = KeyTiming.starting(datetime(2024, 1, 1, tzinfo=UTC))
    ksk, zsk = generate_ksk("example.nl", timing=timing), generate_zsk("example.nl", timing=timing)
    for key in (ksk, zsk):
        write_key(key, tmp_path)
    write_zone(parse_zone(ZONE_TEXT, "example.nl"), tmp_path / "zone")
    signed = run_peer(["dnssec-signzone", "-S", "-K", ".", "-o", "example.nl", "-f", "signed", "zone"], cwd=tmp_path)
    assert signed.returncode == 0, signed.stderr
    dnskeys = read_zone(tmp_path / "signed").get("@", "DNSKEY")
    assert dnskeys is not None
    assert set(dnskeys.rdatas) == {ksk.dnskey_rdata, zsk.dnskey_rdata}


def test_the_keys_that_bind_made_are_read(tmp_path: Path) -> None:
    made = run_peer(["dnssec-keygen", "-q", "-a", "13", "-K", tmp_path, "example.nl"])
    assert made.returncode == 0, made.stderr
    (key,) = read_keys(tmp_path, "example.nl")
    assert key.name == made.stdout.strip()
    assert key.owner == parse_name("example.nl.")
    assert check_key(tmp_path / key.name) == ()
