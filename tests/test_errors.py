"""The exception tree: one root, messages in three parts, whole after a journey between processes."""

from __future__ import annotations

import copy
import inspect
import pickle
import re

import pytest

from zonekit import errors
from zonekit.errors import DnskeyRefused, FileError, ResponseTooLarge, ZoneFileError, ZonekitError
from zonekit.findings import Finding, Severity

KINDS = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, ZonekitError)]


def example_of(kind: type[ZonekitError]) -> ZonekitError:
    if issubclass(kind, ZoneFileError):
        return kind("bad", file="zone", line=7, remedy="mend it", rule="RFC 1035 section 5")
    if issubclass(kind, ResponseTooLarge):
        return kind("bad", owner="nl.", response_octets=1300, max_response_octets=1232, remedy="mend it", rule="RFC 1")
    if issubclass(kind, DnskeyRefused):
        return kind("bad", owner="example.nl.", key_tag=4711, algorithm=13, remedy="mend it", rule="RFC 4034")
    if issubclass(kind, FileError):
        return kind("bad", path="zone", remedy="mend it", rule="POSIX")
    return kind("bad", remedy="mend it", rule="RFC 1")


@pytest.mark.parametrize("kind", KINDS)
def test_every_error_survives_pickling_and_copying_with_its_facts(kind: type[ZonekitError]) -> None:
    error = example_of(kind)
    for again in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert type(again) is kind
        assert str(again) == str(error)
        assert vars(again) == vars(error)


@pytest.mark.parametrize("kind", KINDS)
def test_a_message_says_what_then_the_remedy_then_the_rule(kind: type[ZonekitError]) -> None:
    error = example_of(kind)
    assert str(error) == f"{error.problem}; mend it ({error.rule})"
    assert error.problem.endswith("bad")
    moved = error.within("example.nl.")
    assert type(moved) is kind
    assert str(moved) == f"example.nl.: {error}"
    assert moved.problem == f"example.nl.: {error.problem}"


def test_a_message_without_remedy_and_rule_is_the_problem_alone() -> None:
    assert str(ZonekitError("bad")) == "bad"


def test_a_zone_file_error_says_where() -> None:
    error = ZoneFileError("no SOA", file="zone", line=0)
    assert (str(error), error.file, error.line, error.reason) == ("zone: no SOA", "zone", 0, "no SOA")
    assert str(ZoneFileError("bad name", file="zone", line=3)) == "zone:3: bad name"


def test_the_tree_in_the_docstring_is_the_tree() -> None:
    assert errors.__doc__ is not None
    drawn = set(re.findall(r"\b[A-Z][A-Za-z]+\b", errors.__doc__.split("::")[1].split("Every message")[0]))
    assert {kind.__name__ for kind in KINDS} <= drawn


def test_a_finding_reads_as_one_line() -> None:
    finding = Finding(
        code="ttl-differs",
        severity=Severity.WARNING,
        owner="www.example.nl.",
        rdtype="A",
        message="TTLs 60 and 300",
        rule="RFC 2181 section 5.2",
        remedy="give all records one TTL",
    )
    assert str(finding) == (
        "warning: www.example.nl. A: TTLs 60 and 300; give all records one TTL (RFC 2181 section 5.2) [ttl-differs]"
    )
    assert str(Finding(code="x", severity=Severity.INFO, owner=".", message="m")) == "info: .: m [x]"
    assert Severity.INFO < Severity.WARNING < Severity.ERROR
