"""What the driver and the server say when they refuse, sorted by who can help."""

from __future__ import annotations

import ssl

import pymysql

from headwater.connectors.mysql.config import MysqlConfig
from headwater.connectors.protocol import Cause, Problem
from headwater.connectors.sql.probe import without
from headwater.errors import HeadwaterError, InputRefused, Misuse, RetryLater, Stopped

_CAUSES: dict[int, Cause] = {
    1045: "login",
    1698: "login",
    1251: "login",
    1862: "login",
    4151: "login",
    3118: "login",
    1049: "not_found",
    1044: "missing_right",
    1130: "login",
    1129: "refused",
    2026: "tls",
    3159: "tls",
    2005: "name_not_found",
}
_REMEDIES: dict[Cause, str] = {
    "tls": "Give the authority's certificates by `ca_file`, or choose another `tls`",
    "not_found": "Check the name of the database",
    "missing_right": "Grant the login a right in the database",
    "timeout": "Check routes and firewalls between this machine and the server",
    "refused": "Ask whoever runs the server",
    "name_not_found": "Check the name of the host",
    "protocol": "Check that a MySQL or MariaDB server is what answers there, and look into its log",
}
_REMEDY_OF = {1130: "Ask whoever runs the server to let `user` log in from this machine: no login is let in from it"}
# Connections lost or none to be had, shutting down, locks, deadlocks, time limits, resources.
_PASSING = {1040, 1053, 1077, 1079, 1152, 1158, 1159, 1160, 1161, 1203, 1205, 1213, 1226, 1317, 1637, 1927, 1969}
_PASSING |= {2002, 2003, 2006, 2013, 2014, 2055, 3024, 4031, 1028, 1041, 1129, 1184, 1412, 1218}
_RIGHTS = {1044, 1142, 1143, 1227, 1370}
_TIME = {1969, 3024}


def _code(error: Exception) -> int:
    return error.args[0] if error.args and isinstance(error.args[0], int) else 0


def _words(error: Exception, password: str) -> str:
    said = error.args[1] if len(error.args) > 1 and isinstance(error.args[1], str) else str(error)
    return without(password, " ".join(said.split()))


def _is_tls(error: Exception) -> bool:
    inner: BaseException | None = error
    while inner is not None:
        if isinstance(inner, ssl.SSLError | ssl.CertificateError):
            return True
        inner = getattr(inner, "original_exception", None) or inner.__cause__ or inner.__context__
    return "SSL" in str(error) or "certificate" in str(error)


def problem_of(error: Exception, config: MysqlConfig, password: str) -> Problem:
    """Why no connection is to be had."""
    code = _code(error)
    cause: Cause = _CAUSES.get(code, "protocol")
    if cause == "protocol":
        cause = "tls" if _is_tls(error) else "timeout" if code == 2003 else "protocol"
    return config.login.problem(cause, _words(error, password), _REMEDIES, remedy=_REMEDY_OF.get(code))


def error_of(error: Exception, config: MysqlConfig, password: str) -> HeadwaterError:
    """What the caller does next, of whatever the driver raised."""
    code, said, where = _code(error), _words(error, password), config.where
    if _is_tls(error) or code in _CAUSES.keys() - {1044, 1129}:
        problem = problem_of(error, config, password)
        return Misuse(problem.what, where=where, remedy=problem.remedy)
    if code in _TIME:
        return RetryLater(
            "the statement's time was up",
            where=where,
            value=said,
            remedy="Where it happens again, raise `statement_timeout` or read fewer rows a chunk",
        )
    if code in _PASSING or (code == 0 and isinstance(error, OSError | EOFError | pymysql.err.InterfaceError)):
        return RetryLater("the server gave up", where=where, value=said)
    if code in _RIGHTS:
        return Misuse(f"a right is missing: {said}", where=where, remedy=f"Grant it to {config.user!r} on the server")
    if isinstance(error, pymysql.err.DataError):
        return InputRefused("the server cannot give these rows", where=where, value=said)
    if code:
        return Misuse("the server refuses the statement", where=where, value=said)
    return Stopped("reading failed in a way that is not known", where=where, value=said)
