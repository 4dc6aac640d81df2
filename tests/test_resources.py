from __future__ import annotations

from pathlib import Path

import jinja2
import pytest

from zonekit.errors import RenderError
from zonekit.resources import shipped_templates, template_loader


def render(name: str, loader: jinja2.BaseLoader) -> str:
    return jinja2.Environment(loader=loader, autoescape=False).get_template(name).render()


def shipped_names() -> list[str]:
    return sorted(
        path.relative_to(shipped_templates()).as_posix() for path in shipped_templates().rglob("*") if path.is_file()
    )


def test_the_shipped_templates_are_the_ones_of_the_source_tree() -> None:
    assert shipped_templates() == Path(__file__).parent.parent / "templates"
    assert shipped_names()


def test_every_shipped_template_is_found_where_a_user_has_none(tmp_path: Path) -> None:
    for loader in (template_loader(), template_loader(tmp_path)):
        assert sorted(loader.list_templates()) == shipped_names()


def test_a_users_own_template_comes_before_the_shipped_one_of_its_name(tmp_path: Path) -> None:
    for name in shipped_names():
        own = tmp_path / name
        own.parent.mkdir(parents=True, exist_ok=True)
        own.write_text(f"my own {name}")
        assert render(name, template_loader(tmp_path)) == f"my own {name}"
        assert render(name, template_loader(str(tmp_path))) == f"my own {name}"


def test_a_template_directory_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RenderError, match=r"missing is not there"):
        template_loader(tmp_path / "missing")
    a_file = tmp_path / "file"
    a_file.write_text("")
    with pytest.raises(RenderError, match=r"file is not there"):
        template_loader(a_file)


def test_a_template_name_cannot_lead_out_of_its_directory(tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    (tmp_path / "outside.j2").write_text("outside")
    with pytest.raises(jinja2.TemplateNotFound):
        render("../outside.j2", template_loader(inside))
