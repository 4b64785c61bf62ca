"""Databricks' SDK, set up to ask one workspace with one token, once: whoever syncs asks again, and says so.

Left to itself it reads variables and files of the machine it runs on, and repeats requests for five minutes in silence.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, TypeVar

from headwater import __version__
from headwater.connectors.databricks.config import DatabricksConfig
from headwater.connectors.databricks.refusals import StatementError
from headwater.errors import Misuse, unasked
from headwater.extras import how_to_install

WAIT_SECONDS = 10
"""How long Databricks may hold an answer back until a statement is done."""

Answer = TypeVar("Answer")


def library() -> Any:
    """What the SDK has for SQL. Misuse where it is not installed."""
    try:
        from databricks.sdk.service import sql  # noqa: PLC0415 - an extra, which few need
    except ImportError:
        raise unasked(
            Misuse("the library for Databricks is not installed", remedy=how_to_install("databricks"))
        ) from None
    return sql


def api_of(config: DatabricksConfig, token: str) -> Any:
    """The Statement Execution API of a workspace, of which it asks for its metadata. Raises what the SDK raises."""
    sql = library()
    from databricks.sdk import core  # noqa: PLC0415 - as above

    logging.getLogger("databricks.sdk").setLevel(logging.ERROR)  # a workspace that tells no metadata is fine
    unset = {each.name: "" for each in core.Config.attributes() if each.env and each.transform is str}
    given = {
        "host": config.url,
        "token": token,
        "auth_type": "pat",
        "debug_headers": False,
        "retry_timeout_seconds": 1,
        "http_timeout_seconds": config.connect_timeout + WAIT_SECONDS,
    }
    made = core.Config(product="headwater", product_version=__version__, clock=_Impatient(), **{**unset, **given})
    return sql.StatementExecutionAPI(core.ApiClient(made))


class _Impatient:
    """The SDK's clock: a pause before it would ask again passes at once, and with it the time it has for that."""

    def __init__(self) -> None:
        self._passed = 0.0

    def time(self) -> float:
        return self._passed

    def sleep(self, seconds: float) -> None:
        self._passed += seconds


def asked(call: Callable[[], Answer]) -> Answer:
    """What a call to the SDK answers. StatementError for what the SDK raises."""
    from databricks.sdk.errors import DatabricksError  # noqa: PLC0415 - an extra, which few need

    try:
        return call()
    except OSError as error:  # the SDK's, and those of what it uses; where no time is left, because of one
        cause = error.__cause__ or error
        if isinstance(cause, DatabricksError):
            raise StatementError(_words(cause), status=_status(cause)) from None
        raise StatementError(f"no answer: {type(cause).__name__}", is_passing=True) from None
    except (AttributeError, TypeError, ValueError) as error:
        raise StatementError(f"an answer that the SDK cannot read: {type(error).__name__}", is_passing=True) from None


def _words(error: Any) -> str:
    """Its code and what it says, without what the SDK adds about its config."""
    said = str(error).partition(" Config: host=")[0][:500]
    return f"{error.error_code}: {said}" if error.error_code else said


def _status(error: Any) -> int:
    """The HTTP status that an error of the SDK stands for."""
    from databricks.sdk.errors import platform  # noqa: PLC0415 - as above

    found = (status for status, kind in platform.STATUS_CODE_MAPPING.items() if isinstance(error, kind))
    return next(found, 0)
