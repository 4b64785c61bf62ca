"""What the OpenAPI document says of what FastAPI does not see: keys, and files that are sent."""

from __future__ import annotations

from typing import Any

import pytest

from headwater.api.app import create_app
from headwater.settings import Settings


@pytest.fixture(scope="module")
def paths() -> dict[str, Any]:
    app = create_app(Settings())
    app.openapi()  # asked for twice, for it is made once
    found: dict[str, Any] = app.openapi()["paths"]
    return {path.removeprefix("/api/v1"): told for path, told in found.items()}


def headers(told: dict[str, Any]) -> dict[str, bool]:
    """The headers a route takes, and whether it must have them."""
    return {each["name"]: each["required"] for each in told.get("parameters", ()) if each["in"] == "header"}


def test_every_write_takes_a_key_once_and_may_be_in_conflict_by_it(paths: dict[str, Any]) -> None:
    for path, methods in paths.items():
        for method, told in methods.items():
            names = [each["name"] for each in told.get("parameters", ())]
            writes = method in {"post", "put", "patch", "delete"} and "x-right" in told
            assert names.count("Idempotency-Key") == int(writes), (method, path)
            assert not writes or "409" in told["responses"], (method, path)


def test_uploads_say_which_body_and_headers_they_take_and_what_is_answered(paths: dict[str, Any]) -> None:
    begun, piece = paths["/imports"]["post"], paths["/imports/{import_id}/file"]["patch"]
    assert {"Upload-Length", "Upload-Metadata"} <= headers(begun).keys()
    assert headers(piece)["Upload-Offset"]
    for told, required in ((begun, False), (piece, True)):
        assert told["requestBody"]["required"] is required
        assert list(told["requestBody"]["content"]) == ["application/offset+octet-stream"]
    answer = begun["responses"]["201"]
    assert answer["content"]["application/json"]["schema"]["required"] == ["import_id"]
    assert {"Location", "Upload-Offset"} <= answer["headers"].keys()
    assert {"Upload-Offset", "Upload-Length"} <= paths["/imports/{import_id}/file"]["head"]["responses"]["200"][
        "headers"
    ].keys()
