"""Texts that are their own reading, told from the bytes of a whole column: most are, and no pattern is asked for them.

What is said to be plain has the plain form of its kind for certain; what is not may have it all the same.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, TypeVar, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from headwater.values.kinds import Code, Date, Integer, Number, Text
from headwater.values.text_format import absent_words

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy.typing as npt

    from headwater.values.kinds import Kind
    from headwater.values.text_format import TextFormat

    Mask = npt.NDArray[np.bool_]

_T = TypeVar("_T", np.int32, np.uint8)

SEEN = (Text, Code, Number, Integer, Date)
"""The kinds whose plain form is seen in bytes."""

_SPACE = 0x20
_PRINTABLE = 0x7E - _SPACE
_ZERO, _NINE = 0x30, 9
_DAY_FROM = np.frombuffer(b"1000-00-00", np.uint8)
_DAY_TO = np.frombuffer(b"9999-19-39", np.uint8)
_DAY_LENGTH = _DAY_FROM.size


def plain_texts(texts: pa.ChunkedArray[Any], kind: Kind, fmt: TextFormat) -> Mask:
    """For each text whether its reading (`Kind.reading_sql`) is the text itself, or no value because it is blank.

    `texts` are strings without nulls, `kind` one of SEEN.
    """
    column = _Column(texts)
    match kind:
        case Date():
            return _without(column.days(), texts, _words(fmt, "[0-9-]+"))
        case Number():
            plain = column.numbers(kind.precision - kind.scale, kind.scale, fmt.decimal)
            return _without(plain, texts, _words(fmt, "[0-9.,]+"))
        case Integer():
            return _without(column.numbers(Integer.digits, 0, fmt.decimal), texts, _words(fmt, "[0-9.,]+"))
    return _without(column.printable(), texts, absent_words(fmt, with_defaults=False))


def _words(fmt: TextFormat, pattern: str) -> list[str]:
    return [word for word in absent_words(fmt, with_defaults=True) if re.fullmatch(pattern, word)]


def _without(plain: Mask, texts: pa.ChunkedArray[Any], words: Iterable[str]) -> Mask:
    """An absent word is no value, whatever its form."""
    listed = pa.array(list(words), pa.string())
    if len(listed):
        plain &= ~pc.is_in(pc.ascii_lower(texts), listed).to_numpy()
    return plain


class _Column:
    """A column of strings as its bytes and the place in them where each text begins."""

    def __init__(self, texts: pa.ChunkedArray[Any]) -> None:
        array = cast("pa.Array[Any]", texts.chunk(0) if texts.num_chunks == 1 else texts.combine_chunks())
        if not len(array):
            self._places, self._data = np.zeros(1, np.int32), np.empty(0, np.uint8)
        else:
            places = _content(array.buffers()[1], np.int32)[array.offset : array.offset + len(array) + 1]
            self._places = places - places[0]
            self._data = _content(array.buffers()[2], np.uint8)[places[0] : places[-1]]
        self._lengths: npt.NDArray[np.int32] = np.diff(self._places)

    def printable(self) -> Mask:
        """Printable ASCII without a space at either end, or blank."""
        plain = np.ones(self._lengths.size, np.bool_)
        others = np.flatnonzero((self._data - np.uint8(_SPACE)) > _PRINTABLE)
        if others.size > plain.size:
            plain[:] = self._lengths == 0
            return plain
        plain[self._rows_of(others)] = False
        if (self._data == _SPACE).any():
            filled = np.flatnonzero(self._lengths)
            at_an_end = self._data[self._places[filled]] == _SPACE
            at_an_end |= self._data[self._places[filled + 1] - 1] == _SPACE
            plain[filled[at_an_end]] = False
        return plain

    def numbers(self, whole: int, scale: int, decimal: str) -> Mask:
        """Up to `whole` digits, perhaps a decimal sign with up to `scale` digits behind it, or blank."""
        others = np.flatnonzero((self._data - np.uint8(_ZERO)) > _NINE)
        rows = self._rows_of(others)
        signs = np.bincount(rows, minlength=self._lengths.size)
        plain: Mask = (signs == 0) & (self._lengths <= whole)
        if scale:
            once = (signs[rows] == 1) & (self._data[others] == ord(decimal))
            rows, before = rows[once], (others - self._places[rows])[once]
            behind = self._lengths[rows] - before - 1
            plain[rows] = (before >= 1) & (before <= whole) & (behind >= 1) & (behind <= scale)
        return plain

    def days(self) -> Mask:
        """2024-03-31, perhaps no day of the calendar, or blank."""
        plain: Mask = self._lengths == 0
        fit = np.flatnonzero(self._lengths == _DAY_LENGTH)
        starts = self._places[fit]
        right = np.ones(fit.size, np.bool_)
        for place, (low, high) in enumerate(zip(_DAY_FROM, _DAY_TO, strict=True)):
            right &= (self._data[starts + place] - low) <= high - low
        plain[fit] = right
        return plain

    def _rows_of(self, places: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
        """The row of each byte. Of rows that begin at the same place only the last holds anything."""
        return np.searchsorted(self._places, places, side="right") - 1


def without_blanks(texts: pa.ChunkedArray[Any]) -> pa.ChunkedArray[Any]:
    """The texts with null for blank; the bytes are shared."""
    return pa.chunked_array([_without_blanks(array) for array in texts.chunks], pa.string())


def _without_blanks(array: pa.Array[Any]) -> pa.Array[Any]:
    _, offsets, data = array.buffers()
    if not len(array):
        return array
    ends = _content(offsets, np.int32)[: array.offset + len(array) + 1]
    filled = pa.py_buffer(np.packbits(ends[1:] > ends[:-1], bitorder="little").tobytes())
    return pa.Array.from_buffers(pa.string(), len(array), [filled, offsets, data], offset=array.offset)


def _content(buffer: pa.Buffer | None, kind: type[_T]) -> npt.NDArray[_T]:
    """The buffer itself as numbers; pyarrow leaves it out where there would be nothing in it."""
    return np.empty(0, kind) if buffer is None else np.frombuffer(memoryview(buffer), kind)
