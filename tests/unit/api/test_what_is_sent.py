from __future__ import annotations

import pytest

from headwater.api.access import refuse_depth
from headwater.api.envelope import brings_a_file
from headwater.api.problems import StatusError

FILE = "application/offset+octet-stream"
ID = "6f1c1b5e-9d0f-4c55-8a55-0d6d7c1c2b11"


@pytest.mark.parametrize("body", [b'\\"' * 500_000, b'"' + b"\\" * 1_000_000, b'"' * 999_999])
def test_a_text_without_an_end_is_gone_through_once(body: bytes) -> None:
    refuse_depth(body)


def test_brackets_in_texts_are_no_depth_and_those_outside_are() -> None:
    refuse_depth(b'{"a\\"[[[[": "' + b"[" * 100 + b'"}')
    with pytest.raises(StatusError):
        refuse_depth(b"[" * 33)


@pytest.mark.parametrize(
    ("method", "path", "kind", "brings"),
    [
        ("POST", "/api/v1/imports", FILE, True),
        ("PATCH", f"/api/v1/imports/{ID}/file", FILE, True),
        ("PATCH", f"/below/api/v1/imports/{ID}/file", FILE, True),
        ("PATCH", f"/api/v1/imports/{ID}/file", "application/json", False),
        ("POST", f"/api/v1/imports/{ID}/mapping", FILE, False),
        ("PATCH", "/api/v1/connectors/imports", FILE, False),
        ("POST", f"/api/v1/people/{ID}/links", FILE, False),
    ],
)
def test_only_a_file_where_files_are_taken_is_counted_elsewhere(
    method: str, path: str, kind: str, *, brings: bool
) -> None:
    scope = {"method": method, "path": path, "headers": [(b"content-type", kind.encode())]}
    assert brings_a_file(scope) is brings
