"""A session with Snowflake, whose results come as Arrow."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pyarrow as pa

from headwater.connectors.snowflake.config import SnowflakeConfig
from headwater.connectors.sql import Field
from headwater.connectors.sql.statements import Statement
from headwater.connectors.sql.tables import schema
from headwater.connectors.sql.warehouse import MisfitError, fitted, times
from headwater.errors import HeadwaterError, Misuse, unasked
from headwater.extras import how_to_install

_BATCH_ROWS = 8192
_ANSWER_SECONDS = 60  # Snowflake answers a statement that takes longer than 45 s that it is still at it

# What texts look like must not depend on the account's, the login's or the role's settings.
_SETTINGS: dict[str, str | int | bool] = {
    "QUERY_TAG": "headwater",
    "TIMEZONE": "UTC",
    "DATE_OUTPUT_FORMAT": "YYYY-MM-DD",
    "TIME_OUTPUT_FORMAT": "HH24:MI:SS.FF9",
    "TIMESTAMP_NTZ_OUTPUT_FORMAT": "YYYY-MM-DD HH24:MI:SS.FF9",
    "TIMESTAMP_LTZ_OUTPUT_FORMAT": "YYYY-MM-DD HH24:MI:SS.FF9 TZH:TZM",
    "TIMESTAMP_TZ_OUTPUT_FORMAT": "YYYY-MM-DD HH24:MI:SS.FF9 TZH:TZM",
    "BINARY_OUTPUT_FORMAT": "HEX",
    "WEEK_START": 1,
    "CLIENT_TELEMETRY_ENABLED": False,
}


def driver() -> Any:
    """The library. Misuse where it is not installed."""
    try:
        import snowflake.connector  # noqa: PLC0415 - an extra, which few need
    except ImportError:
        raise unasked(
            Misuse("the library for Snowflake is not installed", remedy=how_to_install("snowflake"))
        ) from None
    return snowflake.connector


def trusted() -> Path:
    """Authorities that the library trusts: not those of the machine, but what certifi brings, or a variable names."""
    import certifi  # noqa: PLC0415 - comes with the library

    return Path(os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE") or certifi.where())


def connect(config: SnowflakeConfig, secrets: dict[str, str]) -> Any:
    """A session. Raises what the library raises; Misuse for a key that is none."""
    said: dict[str, Any] = {"role": config.role, "warehouse": config.warehouse}
    if "private_key_ref" in secrets:
        said |= {"private_key": private_key(secrets), "authenticator": "SNOWFLAKE_JWT"}
    elif "token_ref" in secrets:
        said |= {"token": secrets["token_ref"], "authenticator": "PROGRAMMATIC_ACCESS_TOKEN"}
    else:
        said |= {"password": secrets["password_ref"]}
    return driver().connect(
        account=config.account,
        host=config.server,
        port=config.port,
        protocol="http" if config.tls == "disable" else "https",
        user=config.user,
        database=config.database,
        **{name: value for name, value in said.items() if value is not None},
        paramstyle="qmark",  # values go beside the statement, never into its text
        arrow_number_to_decimal=True,
        validate_default_parameters=True,
        login_timeout=config.connect_timeout,
        network_timeout=max(config.connect_timeout, _ANSWER_SECONDS),
        client_prefetch_threads=1,
        enable_connection_diag=False,
        session_parameters={**_SETTINGS, "STATEMENT_TIMEOUT_IN_SECONDS": config.statement_timeout},
    )


def private_key(secrets: dict[str, str]) -> bytes:
    """The private key as the library takes it."""
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415 - only who logs in by a key needs it

    passphrase = secrets.get("private_key_passphrase_ref")
    try:
        key = serialization.load_pem_private_key(
            secrets["private_key_ref"].encode(), passphrase.encode() if passphrase else None
        )
    except (ValueError, TypeError):
        raise Misuse(
            "this is no private key, or its passphrase is not the right one",
            where="private_key_ref",
            valid="PEM, as `openssl genrsa 2048 | openssl pkcs8 -topk8` writes it",
        ) from None
    return key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


class SnowflakeSession:
    """One moment a statement."""

    def __init__(self, connection: Any, failure: type[Exception], said: Callable[[Exception], HeadwaterError]) -> None:
        self._connection = connection
        self._failure = failure
        self._said = said

    def close(self) -> None:
        """Give up the session; Snowflake drops what it holds for it."""
        with suppress(self._failure, OSError):
            self._connection.close(retry=False)

    def rows(self, statement: Statement) -> list[tuple[str | None, ...]]:
        """All rows of a small result, every value as a text."""
        try:
            with closing(self._connection.cursor()) as cursor:
                cursor.execute(statement.sql, statement.values or None)
                found = cursor.fetchall()
        except (self._failure, OSError) as error:
            raise self._said(error) from None
        return [tuple(None if value is None else str(value) for value in row) for row in found]

    def batches(self, statement: Statement, fields: Sequence[Field]) -> Generator[pa.RecordBatch, None, None]:
        """The rows of a result of whatever size, part after part as Snowflake keeps it."""
        made = schema(fields)
        try:
            with closing(self._connection.cursor()) as cursor:
                cursor.execute(statement.sql, statement.values or None)
                for part in cursor.fetch_arrow_batches():
                    for batch in part.to_batches(_BATCH_ROWS):
                        yield fitted(batch, fields, made, shaped)
        except (self._failure, OSError, pa.ArrowException, MisfitError) as error:
            raise self._said(error) from None


def shaped(column: Any, field: Field) -> Any:
    """As the field promises, from what Snowflake sends: numbers in the smallest type that holds them."""
    kind: Any = field.column.arrow
    if field.shape == "number":
        return column.cast(pa.decimal128(38, kind.scale)).cast(kind)
    return times(column.cast(kind), field.shape)
