"""Files in a folder, in S3 and in Azure Blob: the suite on each, and what only one of them has."""

from __future__ import annotations

import platform
import tempfile
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs, quote

import obstore
import pytest

from headwater.connectors import azure_blob, folder, s3
from headwater.connectors.azure_blob.config import AzureBlobConfig
from headwater.connectors.folder.config import FolderConfig
from headwater.connectors.protocol import Cause, Config, Kind
from headwater.connectors.s3.config import S3Config
from headwater.errors import Misuse, RetryLater
from headwater.testing import FileCase, FileStoreConformance, no_network
from tests.connectors.servers_object_stores import (
    ACCOUNT,
    ACCOUNT_KEY,
    BUCKET,
    CONTAINER,
    SECRETS,
    AzureServer,
    S3Server,
    azurite,
    sas,
    seaweedfs,
    silent_server,
)

BESIDE = "beside/not-mine.csv"
"""A file out of the prefix, which no pattern may mean."""


class FolderCase(FileCase):
    kind: ClassVar[Kind] = folder.kind
    lacks: ClassVar[dict[str, str]] = no_network("a folder of this machine is read without a login")

    def __init__(self, top: Path) -> None:
        self.top = top

    def against(self) -> str:
        return platform.system()

    def config(self, pattern: str = "**") -> FolderConfig:
        return FolderConfig(path=self.top, pattern=pattern)

    def put(self, name: str, data: bytes) -> None:
        path = self.top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    def remove(self, name: str) -> None:
        (self.top / name).unlink()

    def empty(self) -> None:
        for path in sorted(self.top.rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()

    def limited(self, *, files: int | None = None, size: int | None = None) -> Config:
        return limited(self.config(), files, size)


def limited(config: Config, files: int | None, size: int | None) -> Config:
    """The config with limits; None leaves one as it is."""
    given = {"max_files": files, "max_bytes": size}
    return config.model_copy(update={name: limit for name, limit in given.items() if limit is not None})


class StoreCase(FileCase):
    """What both object stores share: an owner who fills them, through obstore."""

    owner: ClassVar[Any]
    silent: ClassVar[str]

    def put(self, name: str, data: bytes) -> None:
        obstore.put(self.owner, f"mine/{name}", data)

    def remove(self, name: str) -> None:
        obstore.delete(self.owner, f"mine/{name}")

    def empty(self) -> None:
        obstore.put(self.owner, BESIDE, b"")
        for page in obstore.list(self.owner, prefix="mine"):
            obstore.delete(self.owner, [meta["path"] for meta in page])

    def limited(self, *, files: int | None = None, size: int | None = None) -> Config:
        return limited(self.config(), files, size)

    def changed(self, cause: Cause, **changes: Any) -> Config:
        addresses = {
            "name_not_found": "http://no-such-host.invalid",
            "refused": "http://127.0.0.1:9",
            "timeout": f"http://{self.silent}",
        }
        if cause in addresses:
            changes = {"endpoint_url": addresses[cause], "timeout_seconds": 0.5}
        return self.config().model_copy(update=changes)


class S3Case(StoreCase):
    kind: ClassVar[Kind] = s3.kind
    server: ClassVar[S3Server]

    def against(self) -> str:
        return f"SeaweedFS {self.server.version}"

    def config(self, pattern: str = "**") -> S3Config:
        return S3Config(
            bucket=BUCKET,
            prefix="mine/",
            pattern=pattern,
            endpoint_url=self.server.url,
            access_key_id="reader",
            secret_access_key_ref="env:reader",
        )

    def resolve(self, reference: str) -> str:
        return SECRETS[reference.removeprefix("env:")]

    def wrong(self, cause: Cause) -> Config:
        nobody = {"access_key_id": "nobody", "secret_access_key_ref": "env:nobody"}
        changes: dict[Cause, dict[str, Any]] = {"tls": {"endpoint_url": self.server.tls_url}, "missing_right": nobody}
        return self.changed(cause, **changes.get(cause, {}))


class AzureCase(StoreCase):
    kind: ClassVar[Kind] = azure_blob.kind
    server: ClassVar[AzureServer]

    def against(self) -> str:
        return f"Azurite {self.server.version}"

    def config(self, pattern: str = "**") -> AzureBlobConfig:
        return AzureBlobConfig(
            account=ACCOUNT,
            container=CONTAINER,
            prefix="mine",
            pattern=pattern,
            endpoint_url=self.server.url,
            account_key_ref="env:key",
        )

    def resolve(self, reference: str) -> str:
        _, _, name = reference.partition(":")
        return ACCOUNT_KEY if name == "key" else sas(name)

    def wrong(self, cause: Cause) -> Config:
        changes: dict[Cause, dict[str, Any]] = {
            "tls": {"endpoint_url": self.server.url.replace("http:", "https:")},
            "missing_right": {"account_key_ref": None, "sas_ref": "env:r"},
        }
        return self.changed(cause, **changes.get(cause, {}))


@pytest.fixture(scope="module", autouse=True)
def _silent() -> Iterator[None]:
    with silent_server() as StoreCase.silent:
        yield


@pytest.fixture(scope="module")
def s3_server() -> Iterator[S3Server]:
    with seaweedfs() as S3Case.server:
        S3Case.owner = S3Case.server.owner
        yield S3Case.server


@pytest.fixture(scope="module")
def azure_server() -> Iterator[AzureServer]:
    with azurite() as AzureCase.server:
        AzureCase.owner = AzureCase.server.owner
        yield AzureCase.server


@pytest.mark.always
class TestFolder(FileStoreConformance):
    case_type = FolderCase

    @pytest.fixture
    def case(self) -> Iterator[FolderCase]:
        with tempfile.TemporaryDirectory() as top:
            yield FolderCase(Path(top))


@pytest.mark.usefixtures("s3_server")
@pytest.mark.always
class TestS3(FileStoreConformance):
    case_type = S3Case


@pytest.mark.usefixtures("azure_server")
@pytest.mark.always
class TestAzureBlob(FileStoreConformance):
    case_type = AzureCase


def s3_store(server: S3Server, **changes: Any) -> Any:
    case = S3Case()
    return s3.kind.open(
        case.config().model_copy(update={"prefix": "", "endpoint_url": server.url, **changes}), case.resolve
    )


def azure_store(server: AzureServer, secret: str, **changes: Any) -> Any:
    given = {"prefix": "", "account_key_ref": None, "endpoint_url": server.url, **changes}
    config = AzureCase().config().model_copy(update=given)
    return azure_blob.kind.open(config, lambda _: secret)


def test_a_certificate_of_a_private_authority_is_trusted_once_it_is_named(s3_server: S3Server) -> None:
    (untrusted,) = s3_store(s3_server, endpoint_url=s3_server.tls_url).validate()
    assert untrusted.cause == "tls"
    named = s3_store(s3_server, endpoint_url=s3_server.tls_url, ca_certificate=s3_server.authority)
    assert named.validate() == []
    assert named.files()


def test_a_bucket_that_is_not_there_is_told_apart_from_one_that_is_empty(s3_server: S3Server) -> None:
    missing = s3_store(s3_server, bucket="no-such-bucket")
    (problem,) = missing.validate()
    assert (problem.cause, problem.where) == ("not_found", "s3://no-such-bucket")
    assert "NoSuchBucket" in problem.what
    with pytest.raises(Misuse, match="NoSuchBucket"):
        missing.files()
    (empty,) = s3_store(s3_server, prefix="nothing/here").validate()
    assert (empty.cause, empty.what) == ("not_found", "no file matches the pattern **")
    assert empty.valid == "a place that holds files: nothing is there"
    (unmatched,) = s3_store(s3_server, pattern="**/*.nothing").validate()
    assert unmatched.valid is not None
    assert unmatched.valid.startswith("a pattern that means what is there: ")


def test_a_login_that_may_list_and_not_read_is_told_which_right_it_lacks(s3_server: S3Server, tmp_path: Path) -> None:
    lister = s3_store(s3_server, access_key_id="lister", secret_access_key_ref="env:lister")
    (problem,) = lister.validate()
    assert problem.cause == "missing_right"
    assert "s3:GetObject" in problem.what
    with pytest.raises(Misuse, match="s3:GetObject"):
        lister.fetch(lister.files()[0], tmp_path / "fetched")
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_key_and_a_wrong_secret_are_both_a_login(s3_server: S3Server) -> None:
    for changes in ({"access_key_id": "somebody"}, {"secret_access_key_ref": "env:lister"}, {"anonymous": True}):
        (problem,) = s3_store(s3_server, **changes).validate()
        assert problem.cause == ("missing_right" if "anonymous" in changes else "login"), changes


def test_nothing_is_taken_from_the_environment(s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_REGION"):
        monkeypatch.setenv(name, "of-somebody-else")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_SKIP_SIGNATURE", "true")
    assert s3_store(s3_server).validate() == []


def test_a_signature_that_lists_and_reads_is_enough(azure_server: AzureServer) -> None:
    store = azure_store(azure_server, sas("rl"), sas_ref="env:any")
    assert store.validate() == []
    assert store.files()


def test_a_signature_without_a_right_is_told_which(azure_server: AzureServer) -> None:
    obstore.put(azure_server.owner, BESIDE, b"")
    for rights, right in (("l", "Read"), ("r", "List")):
        (problem,) = azure_store(azure_server, sas(rights), sas_ref="env:any").validate()
        assert problem.cause == "missing_right", rights
        assert f"({right})" in problem.what


def test_a_container_that_is_not_there_is_told(azure_server: AzureServer) -> None:
    (problem,) = azure_store(azure_server, ACCOUNT_KEY, account_key_ref="env:key", container="nothing").validate()
    assert problem.cause == "not_found"
    assert "ContainerNotFound" in problem.what


@pytest.mark.parametrize("secret", ["no key at all", ""])
def test_what_is_no_login_of_azure_is_refused_before_it_is_sent(azure_server: AzureServer, secret: str) -> None:
    for field in ("account_key_ref", "sas_ref"):
        (problem,) = azure_store(azure_server, secret, **{field: "env:any"}).validate()
        assert problem.cause == "config"
        assert problem.where == field


def test_more_files_than_a_page_of_the_list_holds_are_all_listed(s3_server: S3Server) -> None:
    names = [f"pages/{number:04}.csv" for number in range(1050)]
    for name in names:
        obstore.put(s3_server.owner, name, b"x")
    assert [file.name for file in s3_store(s3_server, pattern="pages/*").files()] == names


@pytest.mark.parametrize("address", ["http://127.0.0.1:9", "http://no-such-host.invalid", None])
def test_a_signature_is_in_no_error_nor_in_what_it_came_from(azure_server: AzureServer, address: str | None) -> None:
    secret = sas("r")
    (mac,) = parse_qs(secret)["sig"]
    changes = {"endpoint_url": address} if address else {}
    with pytest.raises((RetryLater, Misuse)) as failed:
        azure_store(azure_server, secret, sas_ref="env:any", **changes).files()
    told = "".join(traceback.format_exception(failed.value)) + repr(vars(failed.value))
    assert mac not in told
    assert quote(mac, safe="") not in told
    assert failed.value.__context__ is None
