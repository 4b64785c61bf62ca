"""A file that is written for people is there whole, or as it was before."""

from __future__ import annotations

from pathlib import Path

import pytest

from headwater.errors import InputRefused, Misuse
from headwater.services.whole_files import written_whole


def test_a_file_takes_its_place_at_the_end(tmp_path: Path) -> None:
    output = tmp_path / "mend.csv"
    output.write_text("before")
    with written_whole(output) as beside:
        beside.write_text("after")
        assert output.read_text() == "before"
    assert (output.read_text(), list(tmp_path.iterdir())) == ("after", [output])


def test_what_fails_leaves_what_was_there(tmp_path: Path) -> None:
    output = tmp_path / "mend.csv"
    output.write_text("before")

    def refused_half_way() -> None:
        reason = "the records are of two sources"
        with written_whole(output) as beside:
            beside.write_text("half")
            raise InputRefused(reason)

    with pytest.raises(InputRefused):
        refused_half_way()
    assert (output.read_text(), list(tmp_path.iterdir())) == ("before", [output])


def test_a_place_that_cannot_be_written_to_is_told(tmp_path: Path) -> None:
    output = tmp_path / "nowhere" / "mend.csv"
    with (
        pytest.raises(Misuse, match=r"nowhere/mend\.csv: the file cannot be written: No such file"),
        written_whole(output) as beside,
    ):
        beside.write_text("lost")
