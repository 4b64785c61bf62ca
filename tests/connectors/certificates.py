"""Certificates for servers of tests, made by the openssl program."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Certificates:
    """An authority, a certificate for 127.0.0.1 and localhost by it, and an authority that has signed nothing."""

    authority: Path
    certificate: Path
    key: Path
    other_authority: Path


def make_certificates(folder: Path) -> Certificates:
    """Files that the account of any server may read; they are good for a day and for nobody else."""
    for name in ("authority", "other"):
        _openssl(
            *("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1"),
            *("-subj", f"/CN={name}", "-keyout", folder / f"{name}.key", "-out", folder / f"{name}.crt"),
        )
    _openssl(
        *("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=localhost"),
        *("-keyout", folder / "server.key", "-out", folder / "server.csr"),
    )
    names = folder / "names.txt"
    names.write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n", encoding="ascii")
    _openssl(
        *("x509", "-req", "-days", "1", "-in", folder / "server.csr", "-extfile", names, "-CAcreateserial"),
        *("-CA", folder / "authority.crt", "-CAkey", folder / "authority.key", "-out", folder / "server.crt"),
    )
    return Certificates(
        authority=folder / "authority.crt",
        certificate=folder / "server.crt",
        key=folder / "server.key",
        other_authority=folder / "other.crt",
    )


def _openssl(*arguments: object) -> None:
    done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
