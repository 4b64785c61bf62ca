"""Keys of credentials that a KMS has encrypted: proven against moto's, which is not AWS's."""

from __future__ import annotations

import base64
import sys
from collections.abc import Iterator
from dataclasses import replace

import boto3
import pytest
from pydantic import SecretStr

from headwater.errors import Misuse, RetryLater
from headwater.services.connectors import wrapped_keys
from headwater.services.connectors.secrets import keys_of, resolve, rotate, store_secret, stored
from headwater.services.installation import Installation
from headwater.settings import load_settings
from tests.connectors.servers_kms import moto_kms
from tests.planted import planted
from tests.river import River

pytestmark = pytest.mark.server
SECRET = planted("planted-secret-of-the-tests")
REGION = "eu-central-1"
LOCAL = "k1:" + base64.b64encode(b"1" * 32).decode()


@pytest.fixture
def kms(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "tests")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "tests")
    with moto_kms() as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL_KMS", url)
        wrapped_keys.unwrapped.cache_clear()
        yield url
    wrapped_keys.unwrapped.cache_clear()


def with_keys(river: River, text: str) -> Installation:
    said = load_settings(environ={"HEADWATER_CREDENTIALS_KEYS": text}).credentials_keys
    assert isinstance(said, SecretStr)
    return replace(
        river.installation, settings=river.installation.settings.model_copy(update={"credentials_keys": said})
    )


def test_a_key_is_decrypted_by_the_kms_that_encrypted_it(
    river: River, kms: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = boto3.client("kms", region_name=REGION)
    arn = client.create_key()["KeyMetadata"]["Arn"]
    other = client.create_key()["KeyMetadata"]["Arn"]

    def wrapped(number_of_bytes: int = 32) -> str:
        made = client.generate_data_key_without_plaintext(KeyId=arn, NumberOfBytes=number_of_bytes)
        return base64.b64encode(made["CiphertextBlob"]).decode()

    ciphertext = wrapped()
    local, both = with_keys(river, LOCAL), with_keys(river, f"k2:aws-kms:{arn}:{ciphertext},{LOCAL}")
    store_secret(local, "plant", SECRET)
    assert resolve(both, "stored:plant") == SECRET
    assert rotate(both) == 1
    wrapped_keys.unwrapped.cache_clear()  # another process
    alone = with_keys(river, f"k2:aws-kms:{arn}:{ciphertext}")
    assert [each.key for each in stored(alone)] == ["k2"]
    assert resolve(alone, "stored:plant") == SECRET
    assert ciphertext not in repr(keys_of(alone.settings)) + repr(alone.settings)

    for said, why in (
        (f"{other}:{ciphertext}", "KMS does not decrypt the key"),
        (f"{arn}:{ciphertext[:-8]}AAAAAAA=", "KMS does not decrypt the key: InvalidCiphertextException"),
        (f"{arn}:{wrapped(16)}", "what KMS decrypted is no key"),
        (f"{arn[:-4]}0000:{ciphertext}", "KMS does not decrypt the key"),
    ):
        with pytest.raises(Misuse, match=why):
            store_secret(with_keys(river, f"k2:aws-kms:{said}"), "other", SECRET)
    monkeypatch.setenv("AWS_ENDPOINT_URL_KMS", "http://127.0.0.1:9")
    assert resolve(alone, "stored:plant") == SECRET  # a process that has the key goes on
    wrapped_keys.unwrapped.cache_clear()
    with pytest.raises(RetryLater, match="KMS does not answer"):
        resolve(alone, "stored:plant")
    # What another key encrypts needs no KMS: neither to be read nor, where that is the first, to be stored.
    store_secret(with_keys(river, f"{LOCAL},k2:aws-kms:{arn}:{ciphertext}"), "local", SECRET)
    assert resolve(both, "stored:local") == SECRET
    with pytest.raises(RetryLater, match="KMS does not answer"):
        store_secret(both, "local", SECRET)
    assert [each.key for each in stored(both)] == ["k1", "k2"]
    monkeypatch.setenv("AWS_ENDPOINT_URL_KMS", kms)
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(Misuse, match="KMS cannot be asked"):
        resolve(alone, "stored:plant")
    monkeypatch.setitem(sys.modules, "boto3", None)
    with pytest.raises(Misuse, match=r"\[kms\]"):
        resolve(alone, "stored:plant")
