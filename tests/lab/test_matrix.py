"""Every resolver profile of the cache model does what the real program does; the README says so."""

from __future__ import annotations

import pytest

from tests.generated import README
from tests.lab.matrix import COLUMNS, KNOWN, MARKS, ROWS, Row, expected, table, without_versions
from tests.lab.observing import Cells, observed
from tests.lab.places import laboratory_or_skip

pytestmark = pytest.mark.xdist_group("lab-matrix")


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Cells]:
    """What every program does in every row, all rows seen at once."""
    with laboratory_or_skip():
        return observed(tmp_path_factory.mktemp("lab"))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_the_programs_do_what_their_profiles_say(row: Row, seen: dict[str, Cells]) -> None:
    assert seen[row.name] == {column.label: expected(row, column) for column in COLUMNS}


def test_what_is_known_to_be_otherwise_is_otherwise() -> None:
    rows = {row.name: row for row in ROWS}
    for known in KNOWN:
        columns = [column for column in COLUMNS if column.kind is known.kind]
        assert columns and all(rows[known.row].model(column.profile) != known.seen for column in columns)


def test_the_readme_says_it() -> None:
    _, part, _ = MARKS.parts(README.read_text(encoding="utf-8"))
    anything = {column.program: "1.2.3" for column in COLUMNS}
    assert without_versions(part) == without_versions(table(anything)), "write it anew: python -m tests.lab.matrix"
