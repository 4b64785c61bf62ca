"""A server that lets nobody in from this machine is not told as a wrong password."""

from __future__ import annotations

import pytest
from pymysql.err import OperationalError

from headwater.connectors.mysql.config import MysqlConfig
from headwater.connectors.mysql.refusals import error_of, problem_of
from headwater.errors import RetryLater

CONFIG = MysqlConfig(host="db", database="plant", user="reader", password_ref="env:P")


def test_a_host_that_is_not_let_in_is_told_as_that() -> None:
    refused = OperationalError(1130, "Host '10.0.0.1' is not allowed to connect to this MySQL server")
    found = problem_of(refused, CONFIG, "secret")
    assert (found.cause, "from this machine" in (found.remedy or "")) == ("login", True)
    wrong = problem_of(OperationalError(1045, "Access denied for user 'reader'@'10.0.0.1'"), CONFIG, "secret")
    assert wrong.remedy == "Correct `user`, or what `password_ref` leads to (env:P)"


@pytest.mark.parametrize("code", [1205, 1213])
def test_a_lock_that_is_waited_for_too_long_and_a_deadlock_are_for_later(code: int) -> None:
    refused = OperationalError(code, "try restarting transaction")
    assert isinstance(error_of(refused, CONFIG, "secret"), RetryLater)
