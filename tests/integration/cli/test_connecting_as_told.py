"""docs/how-to/connect-a-database.md, followed command by command on a real server; only where that is differs."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from tests.integration.cli.conftest import Headwater
from tests.planted import planted
from tests.river import River, factors
from tests.servers import Installation, TestServer
from tests.synced import TABLE

PAGE = Path(__file__).parents[3] / "docs/how-to/connect-a-database.md"
BLOCK = re.compile(r"^```(sql|yaml|sh)\n(.*?)^```", re.MULTILINE | re.DOTALL)
PASSWORD = planted("planted-password-of-the-tests")


@pytest.fixture
def plant(server: TestServer) -> Iterator[Installation]:
    """A database of somebody else's with meter readings."""
    made = server.empty()
    with psycopg.connect(made.superuser_url) as superuser:
        superuser.execute(TABLE)
        superuser.execute(
            "INSERT INTO meter_reading SELECT n, 's' || n % 7, '2024-01-01', n, now() - n * interval '1 hour'"
            " FROM generate_series(1, 20) n"
        )
    yield made
    with psycopg.connect(made.superuser_url) as superuser:
        superuser.execute("DROP OWNED BY headwater_reader")
        superuser.execute("DROP ROLE headwater_reader")
    server.drop(made)


def test_a_database_is_connected_as_the_page_says(
    headwater: Headwater, river: River, plant: Installation, tmp_path: Path
) -> None:
    factor = {"factor_id": "f", "valid_from": "2020-01-01", "valid_to": "2030-01-01"}
    river.load(factors([factor]), name="factors.csv", mapping="factor_form")
    said = conninfo_to_dict(plant.superuser_url)
    place = f"--set host={said['host']} --set port={said.get('port', 5432)} --set sslmode=disable"
    ran: list[str] = []
    for language, body in BLOCK.findall(PAGE.read_text(encoding="utf-8")):
        if language == "sql":
            with psycopg.connect(plant.superuser_url) as administrator:
                administrator.execute(body.replace("DATABASE plant", f"DATABASE {plant.name}").replace("…", PASSWORD))
        elif language == "yaml":
            name = "meter_readings.yaml" if body.startswith("mapping:") else "meter_readings.recipe.yaml"
            (tmp_path / name).write_text(body, encoding="utf-8")
        else:
            here = body.replace("--set host=db.example.org", place).replace("database=plant", f"database={plant.name}")
            for line in here.splitlines():
                program, *words = shlex.split(line, comments=True)
                if program != "headwater":  # how a library of another kind of database is brought
                    continue
                done = headwater(*words, typed=PASSWORD)
                assert done.code == 0, line + done.out + done.err
                assert PASSWORD not in done.out + done.err
                ran.append(" ".join(words[:2]))
    assert ran[:2] == ["connectors credentials", "connectors add"]
    failing = ran.index("connectors status")
    assert ran[failing : failing + 3] == ["connectors status", "connectors state", "connectors retry-failed"]
    assert ran[failing + 3 :] == [
        "schedules list", "schedules remove", "connectors remove", "connectors credentials", "connectors credentials",
    ]  # fmt: skip
    assert "run meter_readings.recipe.yaml" in ran
    assert "schedules add" in ran
    assert river.rows("SELECT FROM credentials") == []
    assert river.rows("SELECT count(*), sum(quantity)::integer FROM activity_v1") == [{"count": 20, "sum": 210}]
    assert [row["state"] for row in river.rows("SELECT state FROM runs WHERE kind = 'sync'")] == ["succeeded"] * 2
