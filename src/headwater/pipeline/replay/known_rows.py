"""Which records the refused rows of a table are, as `store.known_rows` finds them, done again on the engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from uuid import UUID

    import duckdb


def name_as_they_stand(connection: duckdb.DuckDBPyConnection, run_id: UUID) -> None:
    """As `named` the rows of `refused` with the id, the occurrence and what each is known by."""
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE asking AS"
        " SELECT record_no, string_split(rtrim(quarantine_id || ' ' || coalesce(others, '')), ' ') AS ids FROM refused"
    )
    connection.execute("CREATE OR REPLACE TEMP TABLE found (record_no BIGINT, quarantine_id UUID, occurrence INTEGER)")
    (ways,) = connection.execute("SELECT max(len(ids)) FROM asking").fetchall()[0]
    for way in range(1, 1 + ways):
        connection.execute(
            """
INSERT INTO found
WITH asked AS (
    SELECT record_no, ltrim(ids[$1], '-')::UUID AS id, NOT starts_with(ids[$1], '-') AS is_whole,
           row_number() OVER (PARTITION BY ltrim(ids[$1], '-') ORDER BY record_no) AS n
    FROM asking ANTI JOIN found USING (record_no) WHERE len(ids) >= $1),
free AS (
    SELECT coalesce(q.known_by, q.quarantine_id) AS id, q.quarantine_id, q.occurrence, q.state,
           row_number() OVER (PARTITION BY coalesce(q.known_by, q.quarantine_id)
                              ORDER BY q.quarantine_id, q.occurrence) AS n
    FROM quarantine q ANTI JOIN found USING (quarantine_id, occurrence)
    WHERE coalesce(q.known_by, q.quarantine_id) IN (SELECT id FROM asked)
      AND q.last_chunk_id NOT IN (SELECT chunk FROM known_chunks WHERE run = $2))
SELECT a.record_no, f.quarantine_id, f.occurrence
FROM asked a JOIN free f ON f.id = a.id AND f.n = a.n WHERE a.is_whole OR f.state <> 'resubmitted'""",
            [way, run_id],
        )
    connection.execute(
        """
INSERT INTO found
WITH last AS (SELECT quarantine_id, max(occurrence) AS last FROM quarantine GROUP BY quarantine_id)
SELECT record_no, ids[1]::UUID, row_number() OVER (PARTITION BY ids[1] ORDER BY record_no) + coalesce(last.last, 0)
FROM asking ANTI JOIN found USING (record_no) LEFT JOIN last ON last.quarantine_id = ids[1]::UUID"""
    )
    connection.execute(
        """
CREATE OR REPLACE TEMP TABLE named AS
SELECT found.*, nullif(ids[1]::UUID, found.quarantine_id) AS known_by FROM found JOIN asking USING (record_no)"""
    )
