"""Where the templates are: the user's own directory first, then the ones that zonekit ships.

There is one copy of the templates, at the top level of the source tree; the wheel carries it inside the package.
"""

from __future__ import annotations

from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from zonekit.errors import RenderError

if TYPE_CHECKING:
    import jinja2

TemplateDirectory: TypeAlias = "str | PathLike[str]"


def shipped_templates() -> Path:
    """Return the directory of the templates that zonekit ships, whether it is installed or runs from its source tree.

    Raises:
        RenderError: the installation lacks them.

    >>> shipped_templates().name
    'templates'
    """
    package = Path(__file__).resolve().parent
    installed = package / "templates"
    if installed.is_dir():
        return installed
    source_tree = package.parent
    # Beside an installed package stands whatever else is installed; only a source tree has a pyproject.toml there.
    if (source_tree / "pyproject.toml").is_file() and (source_tree / "templates").is_dir():
        return source_tree / "templates"
    raise RenderError(f"zonekit's templates are not in {installed}", remedy="install zonekit again")


def template_loader(own_templates: TemplateDirectory | None = None) -> jinja2.BaseLoader:
    """Return a loader that takes a template from ``own_templates`` if it is there, else the one that zonekit ships.

    Raises:
        RenderError: ``own_templates`` is not a directory, or the installation lacks the shipped ones.
    """
    import jinja2

    directories = [shipped_templates()]
    if own_templates is not None:
        if not Path(own_templates).is_dir():
            raise RenderError(
                f"the template directory {fspath(own_templates)} is not there",
                remedy="make it, or leave own_templates out for the ones shipped",
            )
        directories.insert(0, Path(own_templates))
    return jinja2.FileSystemLoader(directories)
