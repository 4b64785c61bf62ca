from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from starlette.requests import Request

from headwater.api.metrics import refuse_strangers
from headwater.api.problems import StatusError
from headwater.errors import Unauthenticated
from headwater.services.installation import Installation
from headwater.settings import Settings
from headwater.store.blobs import BlobStore
from headwater.store.database import Database
from tests.planted import planted, planted_file

TOKEN = planted("metrics-token-of-the-test")


def installation(tmp_path: Path, **settings: Any) -> Installation:
    made = Settings(data_dir=tmp_path, **settings)
    return Installation(
        settings=made, database=Database("postgresql:///none"), blobs=BlobStore(tmp_path), tenant_id=uuid4()
    )


def asked(address: str, **headers: str) -> Request:
    named = [(name.replace("_", "-").lower().encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "headers": named, "client": (address, 1)})


def test_without_a_token_only_this_machine_reads_metrics_and_through_no_proxy(tmp_path: Path) -> None:
    ours = installation(tmp_path)
    for address in ("127.0.0.1", "::1"):
        refuse_strangers(ours, asked(address))
    for request in (
        asked("192.0.2.1"),
        asked("10.0.0.1", authorization=f"Bearer {TOKEN}"),
        asked("127.0.0.1", x_forwarded_for="127.0.0.1"),
        asked("127.0.0.1", forwarded="for=127.0.0.1"),
        asked("testclient"),
    ):
        with pytest.raises(StatusError, match="this machine only"):
            refuse_strangers(ours, request)


def test_with_a_token_whoever_sends_it_reads_metrics_from_anywhere(tmp_path: Path) -> None:
    planted_file(tmp_path / "token", f"{TOKEN}\n")
    ours = installation(tmp_path, metrics_token=f"file:{tmp_path / 'token'}")
    refuse_strangers(ours, asked("192.0.2.1", authorization=f"Bearer {TOKEN}", x_forwarded_for="192.0.2.9"))
    for headers in ({}, {"authorization": "Bearer other"}, {"authorization": f"Basic {TOKEN}"}):
        with pytest.raises(Unauthenticated, match="metrics_token"):
            refuse_strangers(ours, asked("127.0.0.1", **headers))


@pytest.mark.parametrize("content", [None, "", " \n"])
def test_a_token_that_cannot_be_read_or_is_none_lets_nobody_in_and_its_place_is_not_told(
    tmp_path: Path, content: str | None
) -> None:
    if content is not None:
        (tmp_path / "token").write_text(content)
    ours = installation(tmp_path, metrics_token=f"file:{tmp_path / 'token'}")
    for headers in ({}, {"authorization": "Bearer "}, {"authorization": "Bearer"}):
        with pytest.raises(StatusError) as refused:
            refuse_strangers(ours, asked("127.0.0.1", **headers))
        assert refused.value.status == 503
        assert str(tmp_path) not in str(refused.value)
