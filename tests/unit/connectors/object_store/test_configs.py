from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from headwater.connectors.azure_blob.config import AzureBlobConfig
from headwater.connectors.s3.config import S3Config

KEY: dict[str, Any] = {"access_key_id": "reader", "secret_access_key_ref": "env:SECRET"}
HERE = "http://127.0.0.1:8333"


@pytest.mark.parametrize(
    ("changes", "address", "in_path"),
    [
        ({}, "https://reports.s3.us-east-1.amazonaws.com", False),
        ({"region": "eu-central-1"}, "https://reports.s3.eu-central-1.amazonaws.com", False),
        ({"path_style": True}, "https://s3.us-east-1.amazonaws.com", True),
        ({"endpoint_url": "http://127.0.0.1:8333/"}, HERE, True),
        ({"endpoint_url": "https://store.example", "path_style": False}, "https://reports.store.example", False),
    ],
)
def test_where_requests_of_s3_go(changes: dict[str, Any], address: str, in_path: bool) -> None:
    config = S3Config(bucket="reports", **KEY, **changes)
    assert (config.address, config.in_path) == (address, in_path)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({}, "either access_key_id with secret_access_key_ref, or anonymous"),
        ({**KEY, "anonymous": True}, "either access_key_id"),
        ({"access_key_id": "reader"}, "either access_key_id"),
        ({**KEY, "endpoint_url": "store.example"}, "https://"),
        ({**KEY, "endpoint_url": "https://user:secret@store.example"}, "no login"),
        ({**KEY, "pattern": "../*.csv"}, "can mean nothing"),
        ({**KEY, "secret_access_key": "planted"}, "Extra inputs"),
    ],
)
def test_what_a_config_of_s3_refuses(given: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        S3Config(bucket="reports", **given)


def test_an_account_in_azures_public_cloud_has_a_host_of_its_own() -> None:
    config = AzureBlobConfig(account="acme", container="reports", sas_ref="env:SAS", prefix="/2024/")
    assert config.address == "https://acme.blob.core.windows.net"
    assert config.prefix == "2024"


@pytest.mark.parametrize("given", [{}, {"sas_ref": "env:A", "account_key_ref": "env:B"}])
def test_a_container_is_read_by_one_login(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="one of account_key_ref, sas_ref and anonymous"):
        AzureBlobConfig(account="acme", container="reports", **given)
