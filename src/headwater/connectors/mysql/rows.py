"""Rows of a result as the server sends them: packets of texts, each with its length before it.

The driver makes objects of every packet and calls of every value, which costs more than all the rest of a read; this
takes the same bytes off the same connection in one loop (PyMySQL 1.2; a test holds it to what the driver reads).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pymysql.constants import CR
from pymysql.err import OperationalError, raise_mysql_exception

Row = tuple[bytes | None, ...]

_LARGEST = 0xFFFFFF  # a packet of this length goes on in the next
_NULL, _TWO_BYTES, _THREE_BYTES, _EIGHT_BYTES = 0xFB, 0xFC, 0xFD, 0xFE
_END, _ERROR = 0xFE, 0xFF
_END_LENGTH = 9  # a row may begin with the same byte, and is longer then


def packets(connection: Any) -> Iterator[bytes]:
    """The rows' packets, up to the last; the result is then read to its end. Raises what the driver raises."""
    connection._sock.settimeout(connection._read_timeout)  # noqa: SLF001 - see above
    read = connection._rfile.read  # noqa: SLF001
    while True:
        data = _packet(read)
        if data[0] == _END and len(data) < _END_LENGTH:
            connection._result.unbuffered_active = False  # noqa: SLF001
            return
        if data[0] == _ERROR:
            connection._result.unbuffered_active = False  # noqa: SLF001
            raise_mysql_exception(data)
        yield data


def _packet(read: Any) -> bytes:
    data = b""
    while True:
        header = read(4)
        length = int.from_bytes(header[:3], "little")
        part = read(length) if len(header) == 4 else b""
        if len(header) < 4 or len(part) < length:
            raise OperationalError(CR.CR_SERVER_LOST, "the connection was lost in the middle of a result")
        data = data + part if data else part
        if length < _LARGEST:
            return data


def values(data: bytes) -> Row:
    """The values of one row, as bytes in the connection's encoding; None for NULL."""
    found: list[bytes | None] = []
    place, end = 0, len(data)
    while place < end:
        length = data[place]
        place += 1
        if length >= _NULL:
            if length == _NULL:
                found.append(None)
                continue
            size = {_TWO_BYTES: 2, _THREE_BYTES: 3, _EIGHT_BYTES: 8}[length]
            length = int.from_bytes(data[place : place + size], "little")
            place += size
        found.append(data[place : place + length])
        place += length
    return tuple(found)
