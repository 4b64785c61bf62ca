"""An S3 store (SeaweedFS) and an Azure Blob store (Azurite) of the tests' own, and the requests that fill them."""

from __future__ import annotations

import base64
import contextlib
import datetime
import hmac
import json
import os
import random
import re
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import obstore
import pytest
from obstore.store import AzureStore, S3Store

from tests.connectors.certificates import make_certificates
from tests.planted import planted
from tests.servers import own_folder

ROOT = Path(__file__).parents[2]
BUCKET = "reports"
CONTAINER = "reports"
ACCOUNT = "headwatertests"
ACCOUNT_KEY = planted("cGxhbnRlZC1rZXktb2YtdGhlLXRlc3RzLXdoaWNoLWlzLWxvbmctZW5vdWdoLWZvci1henVyZQ==")
SECRETS = {name: planted(f"planted-secret-of-{name}") for name in ("owner", "reader", "lister", "nobody")}
"""Those of S3: the owner writes, the reader lists and reads, the lister lists only, nobody may nothing."""


@dataclass(frozen=True, kw_only=True)
class S3Server:
    """A store at `url`, and with TLS at `tls_url` by a certificate that `authority` signed; `owner` fills it."""

    version: str
    url: str
    tls_url: str
    authority: Path
    owner: S3Store


@dataclass(frozen=True, kw_only=True)
class AzureServer:
    """A store at `url`, the account in its path; `owner` fills it."""

    url: str
    owner: AzureStore

    @property
    def version(self) -> str:
        """As it says in every answer: Azurite-Blob/3.37.0."""
        with pytest.raises(urllib.error.HTTPError) as refused, urllib.request.urlopen(self.url):  # noqa: S310 - our own
            pass
        with refused.value:
            return _version(refused.value.headers["Server"])


def _version(said: str) -> str:
    """Major and minor version in what a program says of itself."""
    (found,) = re.findall(r"\b(\d+\.\d+)(?:\.\d+)?\b", said)
    return str(found)


def folder_of(name: str) -> Path:
    """Where `tools/services` put a server; a skip with its reason where it could not."""
    found, missing = ROOT / ".services" / name, ROOT / ".services" / f"{name}.missing"
    if found.is_file():
        return Path(found.read_text(encoding="utf-8").strip())
    pytest.skip(
        f"no {name}: {missing.read_text(encoding='utf-8').strip() if missing.is_file() else 'run make services'}"
    )


def free_ports(count: int) -> list[int]:
    """Ports that nobody uses, nor those 10,000 above them, which SeaweedFS opens too."""
    found: list[int] = []
    while len(found) < count:
        port = random.SystemRandom().randrange(20_000, 32_000)
        with contextlib.suppress(OSError), socket.socket() as one, socket.socket() as other:
            one.bind(("127.0.0.1", port))
            other.bind(("127.0.0.1", port + 10_000))
            found.append(port)
    return found


@contextlib.contextmanager
def running(command: list[str], url: str, folder: Path, **environment: str) -> Iterator[None]:
    """A server that runs until the block ends; it is there once it answers HTTP, whatever it says."""
    log = folder / "server.log"
    with (
        log.open("wb") as out,
        subprocess.Popen(command, stdout=out, stderr=out, cwd=folder, env={**os.environ, **environment}) as process,
    ):
        try:
            deadline = time.monotonic() + 60
            while not _answers(url):
                assert process.poll() is None, log.read_text(encoding="utf-8")[-2000:]
                assert time.monotonic() < deadline, f"{command[0]} does not answer: {log.read_text()[-2000:]}"
                time.sleep(0.1)
            yield
        finally:
            process.kill()


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2):  # noqa: S310 - our own server
            return True
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False


def _s3_identities() -> dict[str, Any]:
    rights = {"owner": ["Admin"], "reader": ["Read", "List"], "lister": ["List"], "nobody": []}
    return {
        "identities": [
            {"name": name, "credentials": [{"accessKey": name, "secretKey": SECRETS[name]}], "actions": rights[name]}
            for name in rights
        ]
    }


@contextlib.contextmanager
def seaweedfs() -> Iterator[S3Server]:
    """SeaweedFS, with and without TLS; the owner's first file makes the bucket."""
    weed = folder_of("seaweedfs") / "weed"
    master, volume, filer, plain, tls = free_ports(5)
    with own_folder() as folder:
        made = make_certificates(folder)
        (folder / "s3.json").write_text(json.dumps(_s3_identities()), encoding="utf-8")
        command = [str(weed), "server", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", f"-dir={folder}"]
        command += [f"-master.port={master}", f"-volume.port={volume}", "-filer", f"-filer.port={filer}"]
        command += ["-s3", f"-s3.port={plain}", f"-s3.port.https={tls}", f"-s3.config={folder / 's3.json'}"]
        command += [f"-s3.cert.file={made.certificate}", f"-s3.key.file={made.key}"]
        command += ["-s3.port.iceberg=0", "-s3.port.lance=0"]  # whose ports a second server would find taken
        command += ["-volume.max=20", "-master.volumeSizeLimitMB=256"]
        url = f"http://127.0.0.1:{plain}"
        with running(command, f"{url}/status", folder):
            owner = S3Store(
                BUCKET,
                endpoint=url,
                region="us-east-1",
                access_key_id="owner",
                secret_access_key=SECRETS["owner"],
                virtual_hosted_style_request=False,
                client_options={"allow_http": True},
            )
            _until_put(owner)
            version = _version(subprocess.run([weed, "version"], capture_output=True, text=True, check=True).stdout)
            yield S3Server(
                version=version, url=url, tls_url=f"https://127.0.0.1:{tls}", authority=made.authority, owner=owner
            )


def _until_put(owner: Any) -> None:
    """A volume server joins its master a moment after the gate answers."""
    deadline = time.monotonic() + 60
    while True:
        try:
            obstore.put(owner, "first", b"")
        except obstore.exceptions.BaseError:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        else:
            return


def sas(rights: str, *, key: str = ACCOUNT_KEY) -> str:
    """A shared access signature of the account, for containers and blobs, good for a day."""
    expiry = (datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    said = {"sv": "2019-12-12", "ss": "b", "srt": "sco", "sp": rights, "se": expiry, "spr": "https,http"}
    signed = [ACCOUNT, rights, said["ss"], said["srt"], "", expiry, "", said["spr"], said["sv"], ""]
    mac = hmac.new(base64.b64decode(key), "\n".join(signed).encode(), "sha256")
    return urlencode({**said, "sig": base64.b64encode(mac.digest()).decode()})


@contextlib.contextmanager
def azurite() -> Iterator[AzureServer]:
    """Azurite with one container and one file."""
    node, program = folder_of("node") / "node", folder_of("azurite") / "main.js"
    (port,) = free_ports(1)
    with own_folder() as folder:
        command = [str(node), str(program), "--silent", "--skipApiVersionCheck", "--location", str(folder)]
        command += ["--blobHost", "127.0.0.1", "--blobPort", str(port)]
        url = f"http://127.0.0.1:{port}/{ACCOUNT}"
        with running(command, url, folder, AZURITE_ACCOUNTS=f"{ACCOUNT}:{ACCOUNT_KEY}"):
            asked = urllib.request.Request(  # noqa: S310 - our own server
                f"{url}/{CONTAINER}?restype=container&{sas('rwdlac')}", method="PUT"
            )
            with urllib.request.urlopen(asked):  # noqa: S310
                pass
            owner = AzureStore(
                CONTAINER,
                account_name=ACCOUNT,
                account_key=ACCOUNT_KEY,
                endpoint=url,
                client_options={"allow_http": True},
            )
            obstore.put(owner, "first", b"")
            yield AzureServer(url=url, owner=owner)


@contextlib.contextmanager
def silent_server() -> Iterator[str]:
    """Takes connections and says nothing; gives its address."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield f"127.0.0.1:{listening.getsockname()[1]}"
