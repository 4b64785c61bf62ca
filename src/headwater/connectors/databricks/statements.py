"""Statements by Databricks' Statement Execution API: each stands alone, its result lies behind links for an hour.

No session means no settings: what a session of the SQL connector is told (UTC) has to be the warehouse's own.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from contextlib import closing, suppress
from typing import Any

import pyarrow as pa

from headwater.connectors.databricks.config import DatabricksConfig
from headwater.connectors.databricks.links import ExpiredLinkError, Links
from headwater.connectors.databricks.refusals import ZONE, StatementError
from headwater.connectors.databricks.sdk import WAIT_SECONDS, api_of, asked, library
from headwater.connectors.databricks.session import ArrowSession, named
from headwater.connectors.sql.statements import Statement
from headwater.documents.counted import counted
from headwater.errors import HeadwaterError, InputRefused

FAILURES = (StatementError, OSError, pa.ArrowException)
"""What is raised of statements; of streams that break, what Arrow makes of them."""
_PAUSES = (0.1, 5.0)
"""Seconds between two looks at a statement that runs: the first, doubled each time, and the longest."""
_UTC = ("UTC", "Etc/UTC", "Z", "+00:00")
# Codes of failed statements that Databricks may get over.
_PASSING = {
    *("ABORTED", "CANCELLED", "DEADLINE_EXCEEDED", "INTERNAL_ERROR", "IO_ERROR", "RESOURCE_EXHAUSTED"),
    *("SERVICE_UNDER_MAINTENANCE", "TEMPORARILY_UNAVAILABLE", "WORKSPACE_TEMPORARILY_UNAVAILABLE"),
}


def without_session(
    config: DatabricksConfig, token: str, links: Links, said: Callable[[Exception], HeadwaterError]
) -> StatementsSession:
    """What statements are run by, once the warehouse has said that its days are those of UTC. Raises FAILURES."""
    made = StatementsSession(asked(lambda: api_of(config, token)), config, links, said)
    with closing(made.raw(Statement("SELECT current_timezone() AS zone"))) as parts:
        zone = pa.concat_tables(parts).column(0)[0].as_py()
    if zone not in _UTC:
        raise StatementError(
            f"{ZONE} {zone}, which statements without a session cannot change: set TIMEZONE to UTC in the SQL"
            " parameters of the workspace's warehouses, or say fetch: connector"
        )
    return made


class StatementsSession(ArrowSession):
    """By the SDK. `api` is its StatementExecutionAPI."""

    def __init__(
        self, api: Any, config: DatabricksConfig, links: Links, said: Callable[[Exception], HeadwaterError]
    ) -> None:
        super().__init__(said)
        self._api = api
        self._config = config
        self._links = links
        self._states = library().StatementState

    def close(self) -> None:
        """A statement that still runs was cancelled by whoever read it; there is nothing else."""

    def parts(self, statement: Statement) -> Generator[pa.Table, None, None]:
        try:
            yield from self.raw(statement)
        except FAILURES as error:
            raise self._said(error) from None

    def raw(self, statement: Statement) -> Generator[pa.Table, None, None]:
        """The same. Raises FAILURES as they come."""
        done = self._done(statement)
        promised, came = self._promised(done), 0
        for link in self._links_of(done):
            for batch in self._fetched(done.statement_id, link):
                came += batch.num_rows
                yield pa.Table.from_batches([batch])
        if came != promised:  # a stream that breaks between two batches looks as if it had ended
            raise StatementError(f"{counted(came, 'row')} came of {promised:,}", is_passing=True)

    def _done(self, statement: Statement) -> Any:
        """The answer that tells the result. A statement that is not waited for to its end is cancelled."""
        submitted = self._submitted(statement)
        try:
            answer = self._awaited(submitted)
        except BaseException:
            with suppress(StatementError):
                asked(lambda: self._api.cancel_execution(submitted.statement_id))
            raise
        return self._succeeded(answer)

    def _awaited(self, answer: Any) -> Any:
        """The answer that tells how a statement has ended."""
        allowed, number = self._config.statement_timeout, answer.statement_id
        deadline, pause = time.monotonic() + (allowed or float("inf")), _PAUSES[0]
        while self._is_running(answer):
            if time.monotonic() > deadline:
                said = f"STATEMENT_TIMEOUT: it has run for {allowed} s, and was cancelled"
                raise StatementError(said, is_passing=True)
            time.sleep(pause)
            pause = min(pause * 2, _PAUSES[1])
            answer = self._of(number, self._api.get_statement, number)
        return answer

    def _submitted(self, statement: Statement) -> Any:
        sql, seconds = library(), min(WAIT_SECONDS, self._config.statement_timeout or WAIT_SECONDS)
        values = [sql.StatementParameterListItem(name=name, value=value) for name, value in named(statement).items()]
        return asked(
            lambda: self._api.execute_statement(
                statement.sql,
                self._config.warehouse_id,
                catalog=self._config.catalog,
                parameters=values or None,
                format=sql.Format.ARROW_STREAM,
                disposition=sql.Disposition.EXTERNAL_LINKS,
                on_wait_timeout=sql.ExecuteStatementRequestOnWaitTimeout.CONTINUE,
                wait_timeout=f"{seconds if seconds >= 5 else 0}s",  # what lies between is refused
            )
        )

    def _is_running(self, answer: Any) -> bool:
        if answer.status is None or answer.status.state is None or not answer.statement_id:
            raise StatementError("an answer that tells no state of the statement", is_passing=True)
        return answer.status.state in {self._states.PENDING, self._states.RUNNING}

    def _succeeded(self, answer: Any) -> Any:
        """The answer; StatementError where the statement failed, was cancelled or is closed."""
        status = answer.status
        if status.state == self._states.SUCCEEDED:
            return answer
        code = status.error.error_code.value if status.error and status.error.error_code else ""
        said = (status.error.message if status.error else "") or f"the statement is {status.state.value}"
        if status.sql_state and "SQLSTATE" not in said:
            said += f" SQLSTATE: {status.sql_state}"
        is_passing = status.state != self._states.FAILED or code in _PASSING
        raise StatementError(f"{code}: {said}" if code else said, is_passing=is_passing)

    def _promised(self, done: Any) -> int:
        """How many rows the result has. InputRefused where it was cut."""
        if done.manifest is None or done.manifest.total_row_count is None:
            raise StatementError("an answer that tells no size of the result", is_passing=True)
        if done.manifest.truncated:
            raise InputRefused(
                "Databricks has cut the result, for it gives 100 GiB at most",
                where=self._config.where,
                remedy="Read fewer rows a chunk (source.chunk_rows)",
            )
        return int(done.manifest.total_row_count)

    def _links_of(self, done: Any) -> Generator[Any, None, None]:
        """A link for each part, in order; each is asked for when its turn comes, so that it is fresh."""
        result = done.result
        while result is not None and result.external_links:
            yield from result.external_links
            following = result.external_links[-1].next_chunk_index
            if following is None:
                return
            result = self._chunk(done.statement_id, following)

    def _fetched(self, statement_id: str, link: Any) -> Generator[pa.RecordBatch, None, None]:
        """The rows behind a link; one that the storage refuses is asked for again, once."""
        try:
            with closing(self._links.batches(link)) as batches:
                yield from batches
        except ExpiredLinkError:
            found = self._chunk(statement_id, link.chunk_index).external_links or ()
            again = next((each for each in found if each.chunk_index == link.chunk_index), None)
            if again is None:
                raise StatementError("no other link to a part of the result is given", is_passing=True) from None
            try:
                with closing(self._links.batches(again)) as batches:
                    yield from batches
            except ExpiredLinkError:
                said = "the workspace's storage refuses two links to a part of the result"
                raise StatementError(said, is_passing=True) from None

    def _chunk(self, statement_id: str, number: int) -> Any:
        return self._of(statement_id, self._api.get_statement_result_chunk_n, statement_id, number)

    def _of(self, statement_id: str, call: Callable[..., Any], *given: Any) -> Any:
        """What is answered about a statement that was taken: where it is not known any more, another may do better."""
        try:
            return asked(lambda: call(*given))
        except StatementError as error:
            if error.context.get("http-code") == 404:
                said = f"Databricks does not know statement {statement_id} any more"
                raise StatementError(said, is_passing=True) from None
            raise
