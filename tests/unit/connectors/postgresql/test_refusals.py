"""What libpq says of several attempts is sorted by the last, and a missing rule is not told as a wrong password."""

from __future__ import annotations

import pytest
from adbc_driver_manager import AdbcStatusCode, OperationalError

from headwater.connectors.postgresql.config import PostgresConfig
from headwater.connectors.postgresql.refusals import error_of, problem_of
from headwater.errors import RetryLater

CONFIG = PostgresConfig(host="localhost", database="plant", user="reader", password_ref="env:P")
LOST = (
    'connection to server at "localhost" (::1), port 5432 failed: Connection refused\n'
    "\tIs the server running on that host and accepting TCP/IP connections?\n"
)
HERE = 'connection to server at "localhost" (127.0.0.1), port 5432 failed: '
RULE = 'no pg_hba.conf entry for host "127.0.0.1", user "reader", database "plant", '


@pytest.mark.parametrize(
    ("said", "cause", "what", "remedy"),
    [
        (
            LOST + HERE + 'FATAL:  password authentication failed for user "reader"',
            "login",
            "the user 'reader' is refused by localhost:5432",
            "Correct `user`, or what `password_ref` leads to (env:P)",
        ),
        (
            LOST + HERE + 'FATAL:  database "plant" does not exist',
            "not_found",
            "localhost:5432 does not know the database 'plant'",
            "Check the name of the database",
        ),
        (
            LOST + HERE + "Connection refused",
            "refused",
            "localhost:5432 takes no connection; what came back: Connection refused",
            "Check host and port, and whether the server is running and has room for one more session",
        ),
        (
            HERE + f"FATAL:  {RULE}SSL encryption",
            "login",
            f"the user 'reader' is refused by localhost:5432; what came back: {RULE}SSL encryption",
            "Ask whoever runs the server for a line of pg_hba.conf that lets `user` in from this machine",
        ),
    ],
    ids=["password", "database", "nobody there", "no rule"],
)
def test_the_last_attempt_tells_how_it_ended(said: str, cause: str, what: str, remedy: str) -> None:
    error = OperationalError(f"IO: [libpq] Failed to connect: {said}", status_code=AdbcStatusCode.IO)
    found = problem_of(error, CONFIG, "secret")
    assert (found.cause, found.what, found.remedy) == (cause, what, remedy)


@pytest.mark.parametrize("code", ["40001", "40P01", "55P03"])
def test_a_conflict_with_others_is_for_later(code: str) -> None:
    said = "ERROR:  could not serialize access due to concurrent update"
    refused = OperationalError(said, status_code=AdbcStatusCode.IO, sqlstate=code)
    assert isinstance(error_of(refused, CONFIG, "secret"), RetryLater)
