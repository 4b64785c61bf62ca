"""YAML without its traps: every scalar stays text (no `NO` = false, no `1.10` = 1.1), no key twice, no aliases."""

from __future__ import annotations

import re
from typing import Any

import yaml

from headwater.errors import Misuse


class _TextLoader(yaml.SafeLoader):
    """Resolves nothing but null."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, Any]]] = {}  # noqa: RUF012  (PyYAML's own class attribute)

    def compose_node(self, parent: Any, index: Any) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            mark = self.get_mark()
            raise yaml.MarkedYAMLError(problem="aliases are not allowed", problem_mark=mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.MarkedYAMLError(problem="a key must be a word", problem_mark=key.start_mark)
            if key.value in seen:
                raise yaml.MarkedYAMLError(problem=f"the key {key.value!r} stands twice", problem_mark=key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


_TextLoader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"^(?:~|null)?$"), ["~", "n", ""])


def parse_yaml(text: str, *, where: str) -> object:
    """Parse one YAML (or JSON) document. Raises `Misuse` with line and column."""
    try:
        return yaml.load(text, Loader=_TextLoader)  # noqa: S506  (a SafeLoader with less)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{where}, line {mark.line + 1}, column {mark.column + 1}" if mark is not None else where
        problem = getattr(error, "problem", None) or str(error)
        raise Misuse(
            f"the document cannot be read: {problem}",
            where=place,
            valid="YAML or JSON",
            remedy="Correct the place named.",
        ) from error
    except RecursionError:
        raise Misuse("the document is nested too deeply", where=where, valid="a mapping") from None
