"""The map of the rooms stands in the package's docstring and on the README's first screen; both say what is there."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import headwater

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src/headwater"


def rooms() -> set[str]:
    """Folders with code in them end in a slash; modules at the top do not."""
    folders = {f"{path.parent.name}/" for path in PACKAGE.glob("*/__init__.py")}
    modules = {path.name for path in PACKAGE.glob("*.py") if path.name != "__init__.py"}
    return folders | modules


def drawn(text: str) -> dict[str, str]:
    """What a map says: {room: its sentence}."""
    return dict(re.findall(r"^ *([a-z_]+(?:/|\.py)) {2,}(\S.*)$", text, re.MULTILINE))


def readme_map() -> str:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    block = re.search(r"```text\n(src/headwater/\n.*?)```", readme, re.DOTALL)
    assert block, "README.md has no ```text block that begins with src/headwater/"
    return block[1]


def test_the_package_docstring_draws_every_room() -> None:
    assert set(drawn(headwater.__doc__ or "")) == rooms()


def test_the_readme_draws_the_same_map() -> None:
    assert drawn(readme_map()) == drawn(headwater.__doc__ or "")


def test_the_architecture_draws_the_rooms_of_services_and_every_layer() -> None:
    page = (ROOT / "docs/explanation/architecture.md").read_text(encoding="utf-8")
    block = re.search(r"```text\n(services/\n.*?)```", page, re.DOTALL)
    assert block, "architecture.md has no ```text block that begins with services/"
    rooms_of_services = {f"{path.parent.name}/" for path in (PACKAGE / "services").glob("*/__init__.py")}
    assert set(drawn(block[1])) == rooms_of_services
    config = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    layers = config["tool"]["importlinter"]["contracts"][0]["layers"]
    assert "```text\n" + "".join(f"{layer}\n" for layer in layers) + "```" in page


def test_the_readmes_map_is_on_the_first_screens() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert readme.index("src/headwater/\n") < 6000


def test_every_room_has_its_place_in_the_layers() -> None:
    config = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    layers = config["tool"]["importlinter"]["contracts"][0]["layers"]
    placed = {name.strip(" ()") for layer in layers for name in layer.split("|")}
    assert placed == {room.rstrip("/").removesuffix(".py") for room in rooms()}


def test_no_room_is_a_drawer_for_everything() -> None:
    assert not {"common", "utils", "util", "helpers", "misc", "base", "core"} & {
        path.stem for path in PACKAGE.rglob("*") if path.suffix == ".py" or path.is_dir()
    }


def test_a_room_says_what_it_holds_and_is_no_empty_promise() -> None:
    for folder in sorted(path.parent for path in PACKAGE.glob("*/__init__.py")):
        text = (folder / "__init__.py").read_text(encoding="utf-8")
        assert text.startswith('"""'), f"{folder.name}/__init__.py has no docstring"
        assert [path for path in folder.rglob("*.py") if path.name != "__init__.py"], f"{folder.name}/ is empty"
