"""A real OData server: SAP's CAP, which speaks V4 and, by its adapter, V2."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.connectors.cap_models import from_edmx, stock_from_envelope
from tests.planted import planted
from tests.servers import free_port, own_folder

ROOT = Path(__file__).parents[2]
ERP = ROOT.parent / "shared/data/erp/sap"
PROJECT = Path(__file__).parent / "cap"
USER, PASSWORD = "reader", planted("reads-the-tests")


@dataclass(frozen=True, kw_only=True)
class ODataServer:
    """A running server; SAP's services are there where their descriptions are at hand."""

    url: str
    has_sap_services: bool

    def service(self, name: str, version: str) -> str:
        """The URL of a service, as V2 or V4."""
        return f"{self.url}/odata/{version}/{name}"

    def versions(self) -> dict[str, str]:
        """Of CAP, and of what makes V2 of it, as they tell."""
        found = httpx.get(f"{self.url}/test/versions", timeout=60, trust_env=False).raise_for_status().json()
        return {name: ".".join(version.split(".")[:2]) for name, version in found.items()}

    def run(self, entity: str, *, remove: bool | Sequence[Mapping[str, Any]] = False, insert: Any = ()) -> None:
        """Rows go and come, straight in the database."""
        rows = list(insert)
        body = {"entity": entity, "remove": remove, "insert": rows}
        answer = httpx.post(
            f"{self.url}/test/run", content=json.dumps(body), headers=_JSON, timeout=60, trust_env=False
        )
        assert answer.status_code == 200, answer.text


_JSON = {"Content-Type": "application/json"}


def installed(name: str) -> Path:
    """What `tools/services` found."""
    found, missing = ROOT / f".services/{name}", ROOT / f".services/{name}.missing"
    if found.is_file():
        return Path(found.read_text(encoding="utf-8").strip())
    why = missing.read_text(encoding="utf-8").strip() if missing.is_file() else "`make services` was not run"
    pytest.skip(f"no {name}: {why}")


@contextlib.contextmanager
def running_odata_server() -> Iterator[ODataServer]:
    """CAP with the services of `cap/` and, where their descriptions are at hand, those of SAP."""
    node, packages = installed("node"), installed("cap")
    with own_folder() as folder:
        (folder / "srv").mkdir()
        (folder / "node_modules").symlink_to(packages)
        for file in PROJECT.iterdir():
            shutil.copy(file, folder / "srv" if file.suffix == ".cds" else folder)
        has_sap_services = ERP.is_dir()
        if has_sap_services:
            _add_sap_services(folder / "srv")
        port = free_port()
        command = [str(node / "node"), "node_modules/@sap/cds/bin/serve.js", "all", "--in-memory"]
        environment = {**os.environ, "PORT": str(port), "NO_COLOR": "1", "CDS_TELEMETRY_DISABLED": "true"}
        log = (folder / "log").open("w+", encoding="utf-8")
        with (
            log,
            subprocess.Popen(
                command,
                cwd=folder,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,
            ) as process,
        ):
            try:
                _wait(process, log)
                yield ODataServer(url=f"http://localhost:{port}", has_sap_services=has_sap_services)
            finally:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)


def _add_sap_services(folder: Path) -> None:
    orders = from_edmx(ERP / "API_PURCHASEORDER_PROCESS_SRV.edmx")
    (folder / "orders.cds").write_text(orders, encoding="utf-8")
    stock = stock_from_envelope(ERP / "material_stock_envelope_example.json")
    (folder / "stock.cds").write_text(stock, encoding="utf-8")


def _wait(process: subprocess.Popen[str], log: Any) -> None:
    """Until it says that it listens; what it says later goes nowhere."""
    said = []
    assert process.stdout is not None
    for line in process.stdout:
        said.append(line)
        if "launched in" in line:
            return
    log.seek(0)
    message = f"the OData server does not start: {''.join(said)} {log.read()}"
    raise AssertionError(message)


@pytest.fixture(scope="session")
def odata_server() -> Iterator[ODataServer]:
    with running_odata_server() as server:
        yield server
