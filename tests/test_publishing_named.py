"""A zone file comes into service under a real named, or the old one stays in service, whatever goes wrong."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests.named import BOUND_SECONDS, Pair, Served, free_port, pair_of_servers, running, zone_text
from tests.test_files import full_disk
from zonekit.asking import Server
from zonekit.bind import Rndc
from zonekit.errors import FileError, KeyFileExists, PublishingError, ServersBehind, ZoneFileError
from zonekit.publishing import Extent, Journal, Outcome, Published, Service, Stage, WayBack, publish_file, publish_zone
from zonekit.zonefile import parse_zone

SHORT = timedelta(seconds=1)

# Two servers serve the whole module, so it stays together on one worker.
pytestmark = pytest.mark.xdist_group("publishing")


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    with pair_of_servers(tmp_path_factory.mktemp("named")) as made:
        yield made


def service_of(pair: Pair, **changes: object) -> Service:
    service = Service(
        servers=(pair.primary.server, pair.secondary.server),
        rndc=pair.primary.rndc,
        timeout=timedelta(seconds=BOUND_SECONDS),
    )
    return replace(service, **changes)  # type: ignore[arg-type]


def stopped(
    served: Served, source: Path, path: Path | None = None, extent: Extent = Extent.PUBLISH, **changes: object
) -> PublishingError:
    """Publish what has to be refused, and return the error."""
    with pytest.raises(PublishingError) as raised:
        publish_file(source, path, service=service_of(served.pair, **changes), extent=extent)
    return raised.value


def assert_untouched(served: Served, error: PublishingError, stage: Stage) -> None:
    """Fail unless the publishing stopped before anything was changed."""
    assert (error.stage, error.way_back) == (stage.value, ""), error
    assert f"stopped before it was {stage.value}, and nothing was changed" in str(error)
    assert served.path.read_text() == zone_text(served.origin, 1)
    assert served.names == [served.path.name]
    assert served.serials == (1, 1)


# ---- it works -------------------------------------------------------------------------------------------------------


def test_a_zone_file_comes_into_service_on_every_server(pair: Pair, tmp_path: Path) -> None:
    served = pair.zone(tmp_path)
    served.path.chmod(0o640)
    new = served.new_file(2, "; a comment that stays", "mail A 192.0.2.2")
    stages: list[Stage] = []
    published = publish_file(new, service=service_of(pair, on_stage=stages.append))
    assert stages == list(Stage)
    assert (published.outcome, published.serial, published.old_serial) == (Outcome.REPLACED, 2, 1)
    assert (published.path, published.findings) == (str(served.path), ())
    assert served.serials == (2, 2)
    assert served.path.read_bytes() == new.read_bytes()
    assert served.path.stat().st_mode & 0o777 == 0o640
    assert served.names == [served.path.name]


def test_a_zone_value_comes_into_service(pair: Pair, tmp_path: Path) -> None:
    served = pair.zone(tmp_path)
    published = publish_zone(parse_zone(zone_text(served.origin, 7)), service=service_of(pair))
    assert published.outcome is Outcome.REPLACED
    assert served.serials == (7, 7)


def test_publishing_again_only_asks(pair: Pair, tmp_path: Path) -> None:
    served = pair.zone(tmp_path)
    new = served.new_file(2)
    publish_file(new, service=service_of(pair))
    before = served.path.stat()
    stages: list[Stage] = []
    published = publish_file(new, service=service_of(pair, on_stage=stages.append))
    assert published.outcome is Outcome.NOTHING_TO_DO
    assert stages == [Stage.STAGED, Stage.CHECKED, Stage.ANSWERED]
    assert served.path.stat() == before
    assert publish_file(served.path, service=service_of(pair)).outcome is Outcome.NOTHING_TO_DO


def test_a_file_that_is_in_place_and_not_loaded_is_loaded(pair: Pair, tmp_path: Path) -> None:
    served = pair.zone(tmp_path)
    served.path.write_text(zone_text(served.origin, 2))
    assert publish_file(served.path, service=service_of(pair)).outcome is Outcome.RELOADED
    assert served.serials == (2, 2)


def test_a_file_that_is_in_place_with_an_old_time_is_loaded(pair: Pair, tmp_path: Path) -> None:
    served = pair.zone(tmp_path)
    served.path.write_text(zone_text(served.origin, 2))
    os.utime(served.path, (0, 0))
    assert "up-to-date" in pair.primary.command("reload", served.origin).stdout
    assert publish_file(served.path, service=service_of(pair)).outcome is Outcome.RELOADED
    assert served.serials == (2, 2)


def test_a_file_that_is_in_place_and_that_named_does_not_load_has_no_way_back(pair: Pair, tmp_path: Path) -> None:
    served = pair.zone(tmp_path)
    served.path.write_text(zone_text(served.origin, 2, "under_score A 192.0.2.9"))
    error = stopped(served, served.path, timeout=SHORT)
    assert error.stage == Stage.RELOADED.value
    assert "there is no old file to go back to" in str(error)
    assert served.serials == (1, 1)


def test_the_first_file_of_a_zone_comes_into_service(pair: Pair) -> None:
    served = pair.unloaded_zone()
    service = service_of(pair, servers=(pair.primary.server,))
    published = publish_file(served.new_file(5), served.path, service=service)
    assert (published.outcome, published.old_serial) == (Outcome.REPLACED, None)
    assert served.serials == (5, None)


def test_a_first_file_that_named_does_not_load_is_gone_again(pair: Pair) -> None:
    served = pair.unloaded_zone()
    error = stopped(served, served.new_file(5))
    assert f"named does not say from which file it serves {served.origin}." in str(error)
    error = stopped(served, served.new_file(5, "under_score A 192.0.2.9"), served.path, timeout=SHORT)
    assert error.way_back == WayBack.TAKEN.value
    assert "there was no file before" in str(error)
    assert served.names == []


def test_a_link_stays_a_link_and_its_file_is_replaced(pair: Pair, tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "data").mkdir()
    served = pair.zone(tmp_path / "etc")
    real = tmp_path / "data" / "real.zone"
    served.path.rename(real)
    served.path.symlink_to(real)
    published = publish_file(served.new_file(2), served.path, service=service_of(pair))
    assert published.path == str(real)
    assert served.path.is_symlink()
    assert real.read_text() == zone_text(served.origin, 2)
    assert served.serials == (2, 2)


def test_a_zone_with_ixfr_from_differences_is_published_when_that_is_said(pair: Pair, tmp_path: Path) -> None:
    served = pair.zone(tmp_path, more="ixfr-from-differences yes;")
    service = service_of(pair, journal=Journal.OF_DIFFERENCES)
    for serial in (2, 3):
        publish_file(served.new_file(serial), service=service)
    assert served.serials == (3, 3)
    assert f"{served.path.name}.jnl" in served.names
    assert ".jnl is there" in str(stopped(served, served.new_file(4)))


def test_only_to_check_changes_nothing(pair: Pair, tmp_path: Path) -> None:
    served = pair.zone(tmp_path)
    published = publish_file(served.new_file(2), service=service_of(pair), extent=Extent.CHECK)
    assert (published.outcome, published.servers) == (Outcome.CHECKED, ())
    assert served.path.read_text() == zone_text(served.origin, 1)
    assert served.names == [served.path.name]
    assert served.serials == (1, 1)


# ---- what is refused before anything is changed ---------------------------------------------------------------------


def test_what_named_checkzone_refuses_is_not_published(pair: Pair, tmp_path: Path) -> None:
    served = pair.zone(tmp_path)
    new = served.new_file(2, "@ NS ns")  # a name server inside the zone without an address
    error = stopped(served, new)
    assert_untouched(served, error, Stage.CHECKED)
    assert f"{new}: named-checkzone refuses it" in str(error)
    assert ".zonekit-new" not in str(error)


def test_what_is_no_zone_file_is_not_published(pair: Pair, tmp_path: Path) -> None:
    served = pair.zone(tmp_path)
    with pytest.raises(ZoneFileError, match=r"2\.zone:6"):
        publish_file(served.new_file(2, "nonsense"), service=service_of(pair))
    with pytest.raises(ZoneFileError, match="INCLUDE is not allowed"):
        publish_file(served.new_file(2, "$INCLUDE other"), service=service_of(pair))
    with pytest.raises(FileError, match="cannot be read"):
        publish_file(tmp_path / "missing", service=service_of(pair))
    assert served.names == [served.path.name]


@pytest.mark.parametrize("serial", [0, 1, 2**31 + 1])
def test_a_serial_that_is_not_after_the_one_in_service_is_refused(pair: Pair, tmp_path: Path, serial: int) -> None:
    served = pair.zone(tmp_path)
    error = stopped(served, served.new_file(serial, "other A 192.0.2.3"))
    assert_untouched(served, error, Stage.CHECKED)
    assert f"serial {serial} is not after what there is: {served.path} has 1" in str(error)
    assert error.rule == "RFC 1982 section 3.2"


def test_a_serial_that_a_secondary_would_refuse_is_refused(pair: Pair, tmp_path: Path) -> None:
    served, ahead = pair.zone(tmp_path), tmp_path / "ahead"
    ahead.write_text(zone_text(served.origin, 9))
    with running("ahead", tmp_path / "named-ahead") as other:
        other.add_zone(served.origin, f'type primary; file "{ahead}";')
        other.wait_for_serial(served.origin, 9)
        error = stopped(served, served.new_file(2), servers=(pair.primary.server, other.server))
    assert f"ahead (127.0.0.1@{other.port}) answers 9" in str(error)
    assert served.path.read_text() == zone_text(served.origin, 1)


def test_a_serial_before_the_one_that_named_has_is_refused(pair: Pair, tmp_path: Path) -> None:
    served = pair.zone(tmp_path)
    publish_file(served.new_file(9), service=service_of(pair))
    served.path.write_text(zone_text(served.origin, 4))
    assert "named serves 9" in str(stopped(served, served.new_file(5)))
    assert "named serves 9" in str(stopped(served, served.path))


def test_the_file_of_another_zone_is_not_replaced(pair: Pair, tmp_path: Path) -> None:
    served = pair.zone(tmp_path)
    other = tmp_path / "new" / "other.zone"
    source = served.new_file(2)
    other.write_text(zone_text("another.example", 1))
    error = stopped(served, source, other)
    assert_untouched(served, error, Stage.STAGED)
    assert f"from {served.path}, not from {other}" in str(error)
    assert other.read_text() == zone_text("another.example", 1)
    served.path.write_text(zone_text("another.example", 1))
    error = stopped(served, source)
    assert error.stage == Stage.CHECKED.value
    assert "holds the zone another.example." in str(error)


def test_a_zone_that_named_does_not_know_is_refused(pair: Pair, tmp_path: Path) -> None:
    served = pair.zone(tmp_path)
    stranger = tmp_path / "new" / "stranger.zone"
    source = served.new_file(2)
    stranger.write_text(zone_text("stranger.example", 2))
    error = stopped(served, stranger)
    assert_untouched(served, error, Stage.STAGED)
    assert "no matching zone 'stranger.example.' in any view" in str(error)
    error = stopped(served, source, rndc=replace(pair.primary.rndc, view="other"))
    assert "no matching view 'other'" in str(error)


def test_a_zone_is_published_in_its_view(pair: Pair, tmp_path: Path) -> None:
    served = pair.zone(tmp_path)
    publish_file(served.new_file(2), service=service_of(pair, rndc=replace(pair.primary.rndc, view="_default")))
    assert served.serials == (2, 2)


def test_a_secondary_server_is_not_published_at(pair: Pair, tmp_path: Path) -> None:
    served = pair.zone(tmp_path)
    error = stopped(served, served.new_file(2), served.path, rndc=pair.secondary.rndc)
    assert_untouched(served, error, Stage.STAGED)
    assert "its type is secondary" in str(error)


def test_a_dynamic_zone_is_refused(pair: Pair, tmp_path: Path) -> None:
    served = pair.zone(tmp_path, more="allow-update { 127.0.0.1; };")
    error = stopped(served, served.new_file(2))
    assert_untouched(served, error, Stage.STAGED)
    assert "dynamic" in str(error) and "rndc freeze" in error.remedy


def test_a_zone_that_named_signs_is_refused(pair: Pair, tmp_path: Path) -> None:
    served = pair.zone(tmp_path, more=f'dnssec-policy default; inline-signing yes; key-directory "{tmp_path}";')
    error = stopped(served, served.new_file(2))
    assert error.stage == Stage.STAGED.value
    assert "inline-signing" in str(error)


def test_a_journal_that_is_left_over_is_refused(pair: Pair, tmp_path: Path) -> None:
    served = pair.zone(tmp_path)
    journal = tmp_path / f"{served.path.name}.jnl"
    journal.write_bytes(b"left over")
    error = stopped(served, served.new_file(2))
    assert str(journal) in str(error) and "rndc sync -clean" in error.remedy
    journal.unlink()
    assert_untouched(served, error, Stage.STAGED)


def test_a_server_that_is_down_is_told_before_anything_is_changed(pair: Pair, tmp_path: Path) -> None:
    served = pair.zone(tmp_path)
    nobody = Server(name="ns9.example.net", address="127.0.0.1", port=free_port())
    error = stopped(served, served.new_file(2), servers=(pair.primary.server, nobody))
    assert_untouched(served, error, Stage.CHECKED)
    assert f"ns9.example.net (127.0.0.1@{nobody.port}) does not answer within 3 s" in str(error)


def test_a_key_that_named_does_not_take_is_told_before_anything_is_changed(pair: Pair, tmp_path: Path) -> None:
    served = pair.zone(tmp_path)
    wrong = tmp_path / "new" / "rndc.conf"
    source = served.new_file(2)
    theirs = pair.secondary.rndc_config.read_text().splitlines()[0]
    ours = pair.primary.rndc_config.read_text().splitlines()[1]
    wrong.write_text(f"{theirs}\n{ours}\n")
    error = stopped(served, source, rndc=Rndc(config=str(wrong)))
    assert_untouched(served, error, Stage.STAGED)
    assert "rndc zonestatus" in str(error) and "key" in str(error)


def test_rndc_is_reached_by_key_file_server_and_port(pair: Pair, tmp_path: Path) -> None:
    served = pair.zone(tmp_path)
    source = served.new_file(2)
    key = tmp_path / "new" / "rndc.key"
    key.write_text(pair.primary.key.replace("key control", "key rndc-key") + "\n")
    rndc = Rndc(key_file=str(key), server="127.0.0.1", port=pair.primary.control_port)
    assert publish_file(source, service=service_of(pair, rndc=rndc)).serial == 2
    assert served.serials == (2, 2)


def test_a_named_that_is_down_is_told_before_anything_is_changed(pair: Pair, tmp_path: Path) -> None:
    served = pair.zone(tmp_path)
    error = stopped(served, served.new_file(2), rndc=replace(pair.primary.rndc, port=free_port()))
    assert_untouched(served, error, Stage.STAGED)
    assert "connection refused" in str(error)


@pytest.mark.parametrize("kind", [Path.mkdir, os.mkfifo], ids=["a directory", "a pipe"])
def test_what_is_no_plain_file_is_not_replaced(pair: Pair, tmp_path: Path, kind: Callable[[Path], None]) -> None:
    served = pair.zone(tmp_path)
    source = served.new_file(2)
    served.path.unlink()
    kind(served.path)
    error = stopped(served, source)
    assert error.stage == Stage.STAGED.value
    assert "is not a plain file and is not replaced" in str(error)
    assert served.serials == (1, 1)


def test_a_private_key_is_not_replaced(pair: Pair, tmp_path: Path) -> None:
    served = pair.zone(tmp_path)
    source = served.new_file(2)
    served.path.write_text("Private-key-format: v1.3\n")
    error = stopped(served, source)
    assert "holds a private key" in str(error)
    assert isinstance(error.__cause__, KeyFileExists)
    assert served.path.read_text() == "Private-key-format: v1.3\n"


def test_of_two_who_publish_at_once_the_second_is_refused(pair: Pair, tmp_path: Path) -> None:
    served = pair.zone(tmp_path)
    lock = tmp_path / f".{served.path.name}.zonekit-lock"
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        error = stopped(served, served.new_file(2))
        assert "is being published by another process" in str(error)
        assert lock.exists()
    lock.unlink()
    assert_untouched(served, error, Stage.STAGED)


def test_a_publishing_inside_another_is_refused_and_the_outer_one_goes_on(pair: Pair, tmp_path: Path) -> None:
    served, errors = pair.zone(tmp_path), list[PublishingError]()

    def again(stage: Stage) -> None:
        if stage is Stage.REPLACED:
            errors.append(stopped(served, served.new_file(3)))

    published = publish_file(served.new_file(2), service=service_of(pair, on_stage=again))
    assert published.outcome is Outcome.REPLACED
    assert ["being published by another process" in str(error) for error in errors] == [True]
    assert served.serials == (2, 2)
    assert served.names == [served.path.name]


def test_a_full_disk_leaves_the_old_file(pair: Pair, tmp_path: Path) -> None:
    served = pair.zone(tmp_path)
    new = served.new_file(2, *(f"host-{number} A 192.0.2.5" for number in range(1000)))
    with full_disk(10_000):
        error = stopped(served, new)
    assert_untouched(served, error, Stage.STAGED)
    assert "cannot be written: file too large" in str(error)


# ---- the way back ---------------------------------------------------------------------------------------------------


def test_a_zone_that_named_does_not_load_goes_back(pair: Pair, tmp_path: Path) -> None:
    served = pair.zone(tmp_path)
    # named-checkzone only warns of such a name, and named refuses it.
    error = stopped(served, served.new_file(2, "under_score A 192.0.2.9"), timeout=SHORT)
    assert (error.stage, error.way_back) == (Stage.RELOADED.value, WayBack.TAKEN.value)
    assert "after rndc reload named has serial 1" in str(error)
    assert f"the old file is back in place as {served.path}, and named has serial 1" in str(error)
    assert served.path.read_text() == zone_text(served.origin, 1)
    assert served.names == [served.path.name]
    assert served.serials == (1, 1)
    publish_file(served.new_file(3), service=service_of(pair))
    assert served.serials == (3, 3)


def test_where_the_new_file_vanishes_the_old_one_goes_back(pair: Pair, tmp_path: Path) -> None:
    served = pair.zone(tmp_path)

    def vanish(stage: Stage) -> None:
        if stage is Stage.REPLACED:
            served.path.unlink()

    error = stopped(served, served.new_file(2), on_stage=vanish, timeout=SHORT)
    assert error.way_back == WayBack.TAKEN.value
    assert served.path.read_text() == zone_text(served.origin, 1)
    assert served.serials == (1, 1)


def test_a_named_that_dies_before_the_reload_leaves_the_old_file(tmp_path: Path) -> None:
    path, new = tmp_path / "dying.example.zone", tmp_path / "new.zone"
    path.write_text(zone_text("dying.example", 1))
    new.write_text(zone_text("dying.example", 2))
    with running("dying", tmp_path / "named") as named:
        named.add_zone("dying.example", f'type primary; file "{path}";')
        named.wait_for_serial("dying.example", 1)

        def die(stage: Stage) -> None:
            if stage is Stage.REPLACED:
                named.process.kill()
                named.process.wait()

        service = Service(servers=(named.server,), rndc=named.rndc, on_stage=die)
        with pytest.raises(PublishingError) as raised:
            publish_file(new, service=service)
    assert raised.value.way_back == WayBack.FILE_ONLY.value
    assert "but named did not say that it has loaded it: rndc reload dying.example.: " in str(raised.value)
    assert path.read_text() == zone_text("dying.example", 1)


def test_an_interrupt_before_the_reload_leaves_the_old_file(pair: Pair, tmp_path: Path) -> None:
    served = pair.zone(tmp_path)

    def interrupt(stage: Stage) -> None:
        if stage is Stage.REPLACED:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as raised:
        publish_file(served.new_file(2), service=service_of(pair, on_stage=interrupt))
    assert "the old file is back in place" in "".join(raised.value.__notes__)
    assert served.path.read_text() == zone_text(served.origin, 1)
    assert served.names == [served.path.name]
    assert served.serials == (1, 1)


def test_a_secondary_that_is_late_does_not_turn_the_zone_back(pair: Pair, tmp_path: Path) -> None:
    served = pair.zone(tmp_path, secondary_hears=False)
    new = served.new_file(2)
    with pytest.raises(ServersBehind) as raised:
        publish_file(new, service=service_of(pair, timeout=timedelta(seconds=5)))
    error = raised.value
    assert error.behind == ("secondary",)
    assert (error.stage, error.way_back) == (Stage.ANSWERED.value, WayBack.CLOSED.value)
    assert f"secondary (127.0.0.1@{pair.secondary.port}) answers serial 1" in str(error)
    assert "would refuse an earlier one" in str(error)
    assert served.serials == (2, 1)
    assert served.path.read_bytes() == new.read_bytes()
    assert served.names == [served.path.name]
    pair.secondary.command("refresh", served.origin)
    assert publish_file(new, service=service_of(pair)).outcome is Outcome.NOTHING_TO_DO


# ---- killed ---------------------------------------------------------------------------------------------------------

KILLED = """
import os, signal, sys
from datetime import timedelta
from zonekit.asking import Server
from zonekit.bind import Rndc
from zonekit.publishing import Service, publish_file
new, config, port, where = sys.argv[1:]
def kill():
    os.kill(os.getpid(), signal.SIGKILL)
def on_stage(stage):
    if stage.value == where:
        kill()
def hook(event, arguments):
    if event == where and str(arguments[0]).endswith(".zonekit-new"):
        kill()
sys.addaudithook(hook)
servers = (Server(name="primary", address="127.0.0.1", port=int(port)),)
publish_file(new, service=Service(servers=servers, rndc=Rndc(config=config), on_stage=on_stage))
"""


def kill_at(where: str, served: Served, new: Path) -> None:
    """Publish in a process that is killed when it reaches a stage, or just before a call to the system."""
    primary = served.pair.primary
    done = subprocess.run(
        [sys.executable, "-c", KILLED, new, primary.rndc_config, str(primary.port), where],
        check=False,
        capture_output=True,
        text=True,
        timeout=BOUND_SECONDS,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr


def publish_after(served: Served, serial: int) -> Published:
    published = publish_file(served.new_file(serial), service=service_of(served.pair))
    assert served.serials == (serial, serial)
    assert served.path.read_text() == zone_text(served.origin, serial)
    assert served.names == [served.path.name]
    return published


@pytest.mark.parametrize("where", ["staged", "checked", "os.rename"])
def test_killed_before_the_file_was_replaced_nothing_has_happened(pair: Pair, tmp_path: Path, where: str) -> None:
    served = pair.zone(tmp_path)
    kill_at(where, served, served.new_file(2))
    assert served.path.read_text() == zone_text(served.origin, 1)
    assert served.serials == (1, 1)
    assert publish_after(served, 3).findings == ()


def test_killed_before_the_reload_the_old_file_is_kept_and_found(pair: Pair, tmp_path: Path) -> None:
    served = pair.zone(tmp_path)
    kill_at("replaced", served, served.new_file(2))
    kept = tmp_path / f".{served.path.name}.zonekit-old"
    assert served.path.read_text() == zone_text(served.origin, 2)
    assert kept.read_text() == zone_text(served.origin, 1)
    checked = publish_file(served.new_file(3), service=service_of(pair), extent=Extent.CHECK)
    assert [finding.code for finding in checked.findings] == ["publishing-interrupted"]
    assert kept.read_text() == zone_text(served.origin, 1)
    # What is in service is the old zone: it is back even where the next publishing fails.
    error = stopped(served, served.new_file(4, "@ NS ns"))
    assert "nothing was changed (an earlier publishing was interrupted: " in str(error)
    assert_old_is_back(served)
    kill_at("replaced", served, served.new_file(2))
    error = stopped(served, served.new_file(4, "under_score A 192.0.2.9"), timeout=SHORT)
    assert error.way_back == WayBack.TAKEN.value
    assert_old_is_back(served)
    kill_at("replaced", served, served.new_file(2))
    (finding,) = publish_after(served, 3).findings
    assert finding.code == "publishing-interrupted"
    assert "the old one with serial 1 is back in place" in finding.message


def assert_old_is_back(served: Served) -> None:
    assert served.path.read_text() == zone_text(served.origin, 1)
    assert served.names == [served.path.name]
    assert served.serials == (1, 1)


def test_killed_before_the_reload_the_same_command_goes_through(pair: Pair, tmp_path: Path) -> None:
    served = pair.zone(tmp_path)
    kill_at("replaced", served, served.new_file(2))
    assert publish_after(served, 2).outcome is Outcome.REPLACED


@pytest.mark.parametrize("where", ["reloaded", "answered"])
def test_killed_after_the_reload_the_new_file_stays(pair: Pair, tmp_path: Path, where: str) -> None:
    served = pair.zone(tmp_path)
    kill_at(where, served, served.new_file(2))
    assert served.path.read_text() == zone_text(served.origin, 2)
    assert publish_after(served, 2).outcome is Outcome.NOTHING_TO_DO
    publish_after(served, 3)


def test_killed_between_the_load_and_its_noting_the_new_file_stays(pair: Pair, tmp_path: Path) -> None:
    served = pair.zone(tmp_path)
    kill_at("replaced", served, served.new_file(2))
    assert pair.primary.command("reload", served.origin).returncode == 0
    pair.primary.wait_for_serial(served.origin, 2)
    (finding,) = publish_after(served, 3).findings
    assert "named had loaded its file with serial 2, which stays" in finding.message


def test_when_neither_file_is_in_service_a_person_has_to_choose(pair: Pair, tmp_path: Path) -> None:
    served = pair.zone(tmp_path)
    kill_at("replaced", served, served.new_file(2))
    served.path.write_text(zone_text(served.origin, 7))
    kept = tmp_path / f".{served.path.name}.zonekit-old"
    kept.write_text(zone_text(served.origin, 6))
    error = stopped(served, served.new_file(8))
    assert "has serial 7" in str(error) and "has 6, and named serves 1" in str(error)
    assert served.path.read_text() == zone_text(served.origin, 7)
    assert kept.read_text() == zone_text(served.origin, 6)
