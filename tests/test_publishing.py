"""What publishing does when named, rndc or the disk fails in ways that a real one does not on demand."""

from __future__ import annotations

import errno
import itertools
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from tests.named import zone_text
from zonekit.asking import Server
from zonekit.bind import CheckZone, Finished, Rndc, ZoneStatus, parse_status, run_program
from zonekit.errors import BindError, FileError, PublishingError
from zonekit.files import Replacement, read_zone, replacing
from zonekit.publishing import Outcome, Service, Stage, WayBack, publish_file

ORIGIN = "example.nl"
SHORT = timedelta(milliseconds=200)


@dataclass
class FakeNamed:
    """A named and its programs in memory: it loads a zone when it is told to, unless a test says otherwise.

    Attributes:
        file: the file that it serves the zone from.
        serial: the serial that it has.
        fields: what zonestatus says beside.
        reload: what is done for rndc reload.
        status: what is answered for rndc zonestatus.
        commands: every command that was run.
        loads: how often it loaded the file.
    """

    file: Path
    serial: int | None = 1
    fields: str = "type: primary\ndynamic: no\n"
    reload: Callable[[], Finished] = field(init=False)
    status: Callable[[], Finished] = field(init=False)
    commands: list[list[str]] = field(default_factory=list)
    loads: int = 0

    def __post_init__(self) -> None:
        self.reload = self.load
        self.status = self.tell

    def __call__(self, command: Sequence[str], *, timeout: timedelta) -> Finished:
        self.commands.append(list(command))
        if command[0] == "named-checkzone":
            return Finished(exit_code=0)
        return self.reload() if "reload" in command else self.status()

    def load(self) -> Finished:
        self.serial = read_zone(self.file).serial
        self.loads += 1
        return Finished(exit_code=0, stdout="zone reload queued\n")

    def tell(self) -> Finished:
        if self.serial is None:
            return Finished(exit_code=1, stderr="rndc: 'zonestatus' failed: zone not loaded\n")
        loaded = f"serial: {self.serial}\nlast loaded: load number {self.loads}\n"
        return Finished(exit_code=0, stdout=f"name: {ORIGIN}\n{self.fields}files: {self.file}\n{loaded}")

    @property
    def service(self) -> Service:
        return Service(servers=(), rndc=Rndc(run=self), check_zone=CheckZone(run=self), timeout=SHORT)


REFUSAL = Finished(exit_code=1, stderr="rndc: 'reload' failed: out of memory\n")


def refuse() -> Finished:
    return REFUSAL


def in_turn(*steps: Callable[[], Finished]) -> Callable[[], Finished]:
    """Do one of these each time."""
    left = iter(steps)

    def step() -> Finished:
        return next(left)()

    return step


@pytest.fixture
def named(tmp_path: Path) -> FakeNamed:
    made = FakeNamed(tmp_path / "served" / "zone")
    made.file.parent.mkdir()
    made.file.write_text(zone_text(ORIGIN, 1))
    return made


@pytest.fixture
def new(tmp_path: Path) -> Path:
    path = tmp_path / "new"
    path.write_text(zone_text(ORIGIN, 2))
    return path


def stopped(named: FakeNamed, new: Path) -> PublishingError:
    with pytest.raises(PublishingError) as raised:
        publish_file(new, service=named.service)
    return raised.value


def names(named: FakeNamed) -> list[str]:
    return sorted(path.name for path in named.file.parent.iterdir())


def is_old(named: FakeNamed) -> bool:
    return named.file.read_text() == zone_text(ORIGIN, 1)


# ---- the way back ---------------------------------------------------------------------------------------------------


def test_a_reload_that_is_refused_goes_back(named: FakeNamed, new: Path) -> None:
    named.reload = in_turn(refuse, named.load)
    error = stopped(named, new)
    assert (error.stage, error.way_back) == (Stage.RELOADED.value, WayBack.TAKEN.value)
    assert "rndc reload example.nl.: rndc: 'reload' failed: out of memory; the old file is back" in str(error)
    assert is_old(named) and names(named) == ["zone"] and named.serial == 1
    assert isinstance(error.__cause__, BindError)


def test_a_reload_that_is_refused_and_done_all_the_same_goes_forward(named: FakeNamed, new: Path) -> None:
    def load_and_refuse() -> Finished:
        named.load()
        return REFUSAL

    named.reload = load_and_refuse
    assert publish_file(new, service=named.service).outcome is Outcome.REPLACED
    assert named.file.read_bytes() == new.read_bytes()
    assert names(named) == ["zone"]


def test_a_file_that_named_takes_for_old_is_touched(named: FakeNamed, new: Path) -> None:
    named.reload = in_turn(lambda: Finished(exit_code=0, stdout="zone reload up-to-date\n"), named.load)
    assert publish_file(new, service=named.service).outcome is Outcome.REPLACED
    assert named.serial == 2


def test_an_rndc_that_answers_no_more_leaves_the_old_file_and_says_what_is_not_sure(
    named: FakeNamed, new: Path
) -> None:
    def go_away() -> Finished:
        named.status = refuse
        return REFUSAL

    named.reload = go_away
    error = stopped(named, new)
    assert error.way_back == WayBack.FILE_ONLY.value
    assert "but named did not say that it has loaded it" in str(error)
    assert is_old(named) and names(named) == ["zone"]


def test_a_named_that_loads_the_new_zone_while_the_old_file_goes_back_is_told(named: FakeNamed, new: Path) -> None:
    reloads = itertools.count()

    def load_late() -> Finished:
        if next(reloads):
            named.serial = 2
        return Finished(exit_code=0)

    named.reload = load_late
    error = stopped(named, new)
    assert error.way_back == WayBack.FILE_ONLY.value
    assert "named has serial 2: servers that took it refuse an earlier one" in str(error)
    assert is_old(named)


def test_a_named_that_does_not_load_the_old_file_again_is_told(
    named: FakeNamed, new: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zonekit.publishing._WAIT_FOR_OLD", SHORT)
    named.reload = lambda: Finished(exit_code=0)  # it is still busy with the new file
    error = stopped(named, new)
    assert error.way_back == WayBack.FILE_ONLY.value
    assert "named did not load it again, and may still be loading the new one" in str(error)
    assert is_old(named) and names(named) == ["zone"]


def test_a_way_back_that_fails_says_where_the_old_file_is(
    named: FakeNamed, new: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename = os.replace

    def full(source: str, target: str) -> None:
        if str(source).endswith(".zonekit-old"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        rename(source, target)

    monkeypatch.setattr(os, "replace", full)
    named.reload = refuse
    error = stopped(named, new)
    kept = named.file.parent / ".zone.zonekit-old"
    assert error.way_back == WayBack.FAILED.value
    assert f"cannot be put back; the old file is kept as {kept}: no space left on device" in str(error)
    assert "the new zone is in place, and named still has serial 1" in str(error)
    assert named.file.read_bytes() == new.read_bytes()
    assert kept.read_text() == zone_text(ORIGIN, 1)
    monkeypatch.undo()
    named.reload = named.load
    (finding,) = publish_file(new, service=named.service).findings
    assert finding.code == "publishing-interrupted"
    assert named.file.read_bytes() == new.read_bytes()
    assert names(named) == ["zone"]


def test_an_old_file_that_is_back_and_may_not_outlive_a_loss_of_power_is_told(
    named: FakeNamed, new: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fsync, directories = os.fsync, itertools.count()

    def fail_for_the_third_directory(descriptor: int) -> None:
        if Path(f"/proc/self/fd/{descriptor}").resolve().is_dir() and next(directories) == 2:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", fail_for_the_third_directory)
    named.reload = in_turn(refuse, named.load)
    error = stopped(named, new)
    assert error.way_back == WayBack.TAKEN.value
    assert "is as before, but may not outlive a loss of power: input/output error, and named has serial 1" in str(error)
    assert is_old(named) and names(named) == ["zone"]


def test_a_first_file_that_cannot_be_removed_again_is_told(
    named: FakeNamed, new: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unlink = os.unlink

    def busy(path: str) -> None:
        if str(path) == str(named.file):
            raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))
        unlink(path)

    unlink(named.file)
    named.serial, named.reload = None, refuse
    monkeypatch.setattr(os, "unlink", busy)
    with pytest.raises(PublishingError) as raised:
        publish_file(new, named.file, service=named.service)
    assert raised.value.way_back == WayBack.FAILED.value
    assert "cannot be removed again" in str(raised.value)
    assert "the new zone is in place, and named still has not loaded the zone" in str(raised.value)
    assert named.file.read_bytes() == new.read_bytes()


def test_a_file_that_cannot_take_its_place_changes_nothing(
    named: FakeNamed, new: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(source: str, target: str) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "replace", full)
    error = stopped(named, new)
    assert (error.stage, error.way_back) == (Stage.REPLACED.value, "")
    assert "no space left on device; nothing was changed" in str(error)
    assert is_old(named) and names(named) == ["zone"]


def test_a_file_in_place_that_may_not_outlive_a_loss_of_power_goes_back(
    named: FakeNamed, new: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fsync, directories = os.fsync, itertools.count()

    def fail_for_the_second_directory(descriptor: int) -> None:
        if Path(f"/proc/self/fd/{descriptor}").resolve().is_dir() and next(directories) == 1:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", fail_for_the_second_directory)
    error = stopped(named, new)
    assert (error.stage, error.way_back) == (Stage.REPLACED.value, WayBack.TAKEN.value)
    assert "may not outlive a loss of power" in str(error)
    assert is_old(named) and names(named) == ["zone"]


def test_where_there_are_no_hard_links_the_old_file_is_kept_as_a_copy(
    named: FakeNamed, new: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_links(source: str, target: str) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "link", no_links)
    named.file.chmod(0o640)
    named.reload = in_turn(refuse, named.load)
    assert stopped(named, new).way_back == WayBack.TAKEN.value
    assert is_old(named) and names(named) == ["zone"]
    assert named.file.stat().st_mode & 0o777 == 0o640
    named.reload = named.load
    assert publish_file(new, service=named.service).outcome is Outcome.REPLACED
    assert names(named) == ["zone"]


def test_a_failure_after_the_load_leaves_the_new_file(named: FakeNamed, new: Path) -> None:
    def fail() -> Finished:
        named.load()
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    named.reload = fail
    error = stopped(named, new)
    assert error.way_back == WayBack.CLOSED.value
    assert "named has serial 2, and the new file stays" in str(error)
    assert named.file.read_bytes() == new.read_bytes()
    assert names(named) == ["zone"]


# ---- the file alone -------------------------------------------------------------------------------------------------


def staged_and_placed(path: Path) -> Iterator[Replacement]:
    with replacing(path) as replacement:
        replacement.stage([b"new"])
        replacement.put_in_place()
        yield replacement


def test_a_file_that_was_put_back_is_newer_than_before(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    os.utime(path, (0, 0))
    for replacement in staged_and_placed(path):
        assert path.read_text() == "new"
        replacement.put_back()
    assert path.read_text() == "old"
    assert path.stat().st_mtime > 0
    assert [each.name for each in tmp_path.iterdir()] == ["file"]


def test_a_lock_that_is_removed_while_it_is_waited_for_is_taken_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, lock = tmp_path / "file", tmp_path / ".file.zonekit-lock"
    stat, looks = os.stat, itertools.count()

    def gone_at_first(name: object, **options: object) -> os.stat_result:
        if name == str(lock) and next(looks) == 0:
            lock.unlink()
        return stat(name, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "stat", gone_at_first)
    with replacing(path):
        assert lock.exists()
        with pytest.raises(FileError, match="is being published by another process"), replacing(path):
            pass
    assert list(tmp_path.iterdir()) == []


# ---- BIND's programs ------------------------------------------------------------------------------------------------


def test_the_options_of_rndc_are_those_that_were_given(named: FakeNamed) -> None:
    Rndc(config="c", key_file="k", server="s", port=1, view="v", program="/sbin/rndc", run=named).status("example.nl.")
    Rndc(run=named).reload("example.nl.")
    assert named.commands == [
        ["/sbin/rndc", "-c", "c", "-k", "k", "-s", "s", "-p", "1", "zonestatus", "example.nl.", "IN", "v"],
        ["rndc", "reload", "example.nl."],
    ]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ("type: secondary\n", "no primary server"),
        ("type: primary\ndynamic: yes\nfrozen: no\n", "rndc freeze"),
        ("type: primary\ninline signing: yes\n", "inline-signing"),
    ],
)
def test_a_zone_that_is_not_named_s_to_load_from_a_file_is_refused(
    named: FakeNamed, new: Path, fields: str, words: str
) -> None:
    named.fields = fields
    error = stopped(named, new)
    assert error.stage == Stage.STAGED.value
    assert words in str(error)
    assert is_old(named) and names(named) == ["zone"]


def test_a_path_of_named_s_own_has_to_be_named_whole(named: FakeNamed, new: Path, tmp_path: Path) -> None:
    named.status = lambda: Finished(exit_code=0, stdout="type: primary\nfiles: db/zone, db/included\nserial: 1\n")
    assert "db/zone, which counts from its own directory; name that file with its whole path" in str(
        stopped(named, new)
    )
    with pytest.raises(PublishingError, match=r"named serves example\.nl\. from db/zone, not from"):
        publish_file(new, tmp_path / "served" / "other", service=named.service)
    named.status = lambda: Finished(exit_code=0, stdout=f"type: primary\nfiles: /db/zone\nserial: {named.serial}\n")
    assert "from /db/zone, which is not there" in str(stopped(named, new))
    assert publish_file(new, named.file, service=named.service).outcome is Outcome.REPLACED


def test_a_status_is_read_as_far_as_it_is_there() -> None:
    assert parse_status("") == ZoneStatus()
    text = "name: x\ntype: primary\nfiles: /a, /b\nserial: 3\nsigned serial: 9\ninline signing: yes\ndynamic: yes\n"
    assert parse_status(text) == ZoneStatus(kind="primary", file="/a", serial=3, dynamic=True, inline_signing=True)


def test_a_program_that_is_missing_or_does_not_end_is_told() -> None:
    with pytest.raises(BindError, match=r"no-such-rndc cannot be run: .*; install BIND's programs"):
        run_program(["no-such-rndc"], timeout=timedelta(seconds=60))
    with pytest.raises(BindError, match=r"did not end within 0\.2 s"):
        run_program([sys.executable, "-c", "import time; time.sleep(60)"], timeout=SHORT)


def test_what_a_program_says_at_length_is_cut(named: FakeNamed, new: Path) -> None:
    text = "".join(f"line {number}\n" for number in range(9))
    check = CheckZone(run=lambda command, timeout: Finished(exit_code=1, stdout=text))
    with pytest.raises(
        BindError, match=r"shown: named-checkzone refuses it: line 0 / line 1 / line 2 / line 3 / \.\.\.;"
    ):
        check.check("example.nl.", "/file", shown="shown")


def test_a_server_with_the_new_serial_closes_the_way_back_when_rndc_is_gone(
    named: FakeNamed, new: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load_and_go_away() -> Finished:
        named.load()
        named.status = refuse
        return REFUSAL

    named.reload = load_and_go_away
    monkeypatch.setattr("zonekit.publishing.serial_at", lambda server, apex, **_: named.serial)
    service = Service(
        servers=(Server(name="ns1", address="127.0.0.1"),), rndc=named.service.rndc, check_zone=named.service.check_zone
    )
    assert publish_file(new, service=service).outcome is Outcome.REPLACED
    assert named.file.read_bytes() == new.read_bytes()
    assert names(named) == ["zone"]
