from __future__ import annotations

import pytest

from headwater.connectors.object_store.patterns import Pattern
from headwater.errors import Misuse


@pytest.mark.parametrize(
    ("pattern", "meant", "not_meant"),
    [
        ("*.csv", ["a.csv", "b.c.csv"], ["a.CSV", "b/a.csv", "a.csv.gz", ".csv", ".a.csv", "~$a.csv"]),
        ("**", ["a", "b/c/d"], [".a", "b/.c/d", "b/c/~$d"]),
        ("**/*.xlsx", ["a.xlsx", "b/c/a.xlsx"], ["b/~$a.xlsx", "b/.hidden/a.xlsx"]),
        ("2024/**/a.csv", ["2024/a.csv", "2024/x/y/a.csv"], ["2025/a.csv", "2024x/a.csv", "x/2024/a.csv"]),
        ("?at", ["cat", "bat"], ["at", "chat", "/at", ".at"]),
        ("[!a]b", ["bb", "-b"], ["ab", "/b"]),
        ("[a-c]1", ["b1"], ["d1", "-1"]),
        ("[]]", ["]"], ["a", "[]]"]),
        ("[", ["["], ["a"]),
        ("a+b(1).csv", ["a+b(1).csv"], ["aab1.csv"]),
        (".hidden/*", [".hidden/a"], ["hidden/a"]),
        ("[\\d]", ["\\", "d"], ["1"]),
    ],
)
def test_what_a_pattern_means(pattern: str, meant: list[str], not_meant: list[str]) -> None:
    asked = Pattern(pattern)
    assert [name for name in meant if not asked.means(name)] == []
    assert [name for name in not_meant if asked.means(name)] == []


@pytest.mark.parametrize("pattern", ["", "/a", "a/", "a//b", "../a", "a/./b"])
def test_a_pattern_that_can_mean_nothing_is_refused(pattern: str) -> None:
    with pytest.raises(Misuse, match="can mean nothing"):
        Pattern(pattern)


@pytest.mark.parametrize(
    ("pattern", "folder"),
    [("a/b/*.csv", "a/b"), ("a/b.csv", "a"), ("*.csv", ""), ("a/*/c/*.csv", "a"), ("a.csv", ""), ("**", "")],
)
def test_only_the_folder_that_is_fixed_is_listed(pattern: str, folder: str) -> None:
    assert Pattern(pattern).folder == folder
