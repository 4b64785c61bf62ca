from __future__ import annotations

import os
from pathlib import Path

import pytest

from headwater.connectors.folder import kind
from headwater.connectors.folder.config import FolderConfig
from headwater.connectors.folder.connector import Folder
from headwater.errors import InputRefused, Misuse


def folder(path: Path, **more: str) -> Folder:
    opened = kind.open(FolderConfig(path=path, **more), lambda reference: reference)  # type: ignore[arg-type]
    assert isinstance(opened, Folder)
    return opened


def test_a_folder_that_is_not_there_and_a_file_in_its_place_are_told(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x", encoding="utf-8")
    for path, says in ((tmp_path / "none", "does not exist"), (tmp_path / "a.csv", "no folder")):
        (problem,) = folder(path).validate()
        assert problem.cause == "not_found"
        with pytest.raises(Misuse, match=says):
            folder(path).files()


def test_a_change_of_one_byte_at_once_and_with_the_old_time_is_another_version(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"one")
    store = folder(tmp_path)
    (before,) = store.files()
    moments = path.stat()
    path.write_bytes(b"two")
    os.utime(path, ns=(moments.st_atime_ns, moments.st_mtime_ns))
    (after,) = store.files()
    assert before.version != after.version
    with pytest.raises(InputRefused, match=r"a\.csv: the file changed"):
        store.fetch(before, tmp_path / "fetched")
    assert not (tmp_path / "fetched").exists()


def test_links_to_folders_are_not_followed_and_hidden_files_not_meant(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    for name in ("real/a.csv", ".hidden.csv", "~$lock.xlsx"):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "loop").symlink_to(tmp_path, target_is_directory=True)
    assert [file.name for file in folder(tmp_path).files()] == ["real/a.csv"]


def test_only_the_fixed_folder_of_a_pattern_is_walked(tmp_path: Path) -> None:
    for name in ("a/b/c.csv", "d/e.csv"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_bytes(b"x")
    assert [file.name for file in folder(tmp_path, pattern="a/**/*.csv").files()] == ["a/b/c.csv"]
    assert folder(tmp_path, pattern="nothing/*.csv").files() == []


def test_where_no_file_is_meant_it_is_said_what_there_is(tmp_path: Path) -> None:
    (empty,) = folder(tmp_path).validate()
    assert (empty.cause, empty.valid) == ("not_found", "a place that holds files: nothing is there")
    for number in range(7):
        (tmp_path / f"{number}.txt").write_bytes(b"x")
    (tmp_path / "bills.CSV").write_bytes(b"x")
    (problem,) = folder(tmp_path, pattern="**/bills*.csv").validate()
    assert (problem.cause, problem.what) == ("not_found", "no file matches the pattern **/bills*.csv")
    assert problem.valid is not None
    assert problem.valid.startswith("a pattern that means what is there: bills.CSV, ")
    assert problem.valid.endswith(" and 3 more")


def test_two_that_write_a_file_at_once_do_not_write_into_each_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "first").write_text("first", encoding="utf-8")
    (tmp_path / "second").write_text("second", encoding="utf-8")
    top = tmp_path / "out"
    top.mkdir()
    replace = Path.replace

    def replaced_after_another(self: Path, target: Path) -> Path:
        monkeypatch.setattr(Path, "replace", replace)
        folder(top).put("a.csv", tmp_path / "second")
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", replaced_after_another)
    folder(top).put("a.csv", tmp_path / "first")
    assert [(path.name, path.read_text(encoding="utf-8")) for path in top.iterdir()] == [("a.csv", "first")]
