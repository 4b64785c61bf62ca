"""docs/how-to/connect-a-database.md, followed command by command on a real server; only where that is differs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from tests.docs.walkthrough import follow_here
from tests.integration.cli.conftest import Headwater
from tests.planted import planted
from tests.river import River
from tests.servers import Installation, TestServer
from tests.synced import TABLE

PAGE = Path(__file__).parents[3] / "docs/how-to/connect-a-database.md"
SQL = re.compile(r"^```sql\n(.*?)^```", re.MULTILINE | re.DOTALL)
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


def page_for(plant: Installation) -> str:
    """The page with the place of this database, and without how a library of another kind of database is brought."""
    text = PAGE.read_text(encoding="utf-8")
    said = conninfo_to_dict(plant.superuser_url)
    place = f"--set host={said['host']} --set port={said.get('port', 5432)} --set sslmode=disable"
    for on_page, here in {
        "--set host=db.example.org": place,
        "database=plant": f"database={plant.name}",
        ".venv/bin/pip install --editable '.[snowflake]'\n": "",
    }.items():
        assert on_page in text
        text = text.replace(on_page, here)
    return text


@pytest.mark.always
def test_a_database_is_connected_as_the_page_says(
    headwater: Headwater, river: River, plant: Installation, tmp_path: Path
) -> None:
    page = page_for(plant)
    with psycopg.connect(plant.superuser_url) as administrator:
        for body in SQL.findall(page):
            administrator.execute(body.replace("DATABASE plant", f"DATABASE {plant.name}").replace("…", PASSWORD))
    ran: list[str] = []

    def run(words: list[str]) -> tuple[int, str]:
        done = headwater(*words, typed=PASSWORD)
        ran.append(" ".join(words[:2]))
        assert done.code == 0, " ".join(words) + done.out + done.err
        assert PASSWORD not in done.out + done.err
        return done.code, done.out

    follow_here(page, run)
    assert ran[:2] == ["connectors credentials", "connectors add"]
    failing = ran.index("connectors status")
    assert ran[failing : failing + 3] == ["connectors status", "connectors state", "connectors retry-failed"]
    assert ran[failing + 3 :] == [
        "connectors sync", "schedules list", "schedules remove",
        "connectors remove", "connectors credentials", "connectors credentials",
    ]  # fmt: skip
    assert "schedules add" in ran
    assert river.rows("SELECT FROM credentials") == []
    assert river.rows("SELECT count(*), sum(quantity)::integer FROM activity_v1") == [{"count": 20, "sum": 210}]
    assert river.rows("SELECT count(*), sum(co2e_kg) FROM emission_v1") == [{"count": 20, "sum": 210 * Decimal("0.4")}]
    assert "t CO2e" in (tmp_path / "meter_readings.html").read_text(encoding="utf-8")
    assert [row["state"] for row in river.rows("SELECT state FROM runs WHERE kind = 'sync'")] == ["succeeded"] * 3
