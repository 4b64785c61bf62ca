"""Kept files as tests look at them and change them."""

from __future__ import annotations

from pathlib import Path

from headwater.services.installation import Installation
from headwater.store.blobs import SEALED


def contents(installation: Installation) -> dict[str, bytes]:
    """What lies in the blob store of the organisation, opened, by name without what says that it is encrypted."""
    folder = installation.settings.blob_dir / str(installation.tenant_id)
    return {
        path.name.removesuffix(SEALED): content_of(installation, path) for path in folder.rglob("*") if path.is_file()
    }


def content_of(installation: Installation, path: Path) -> bytes:
    """What a file of the blob store says, which may lie beside others of the same hash."""
    if path.suffix != SEALED:
        return path.read_bytes()
    with installation.blobs._open_sealed(installation.tenant_id, path) as file:
        return file.read()


def in_clear(installation: Installation, sha256: bytes) -> Path:
    """A kept file as it was kept before files were encrypted, for who changes what it says: where it lies now."""
    path = installation.blobs.path(installation.tenant_id, sha256)
    plain = path.with_name(path.name.removesuffix(SEALED))
    if plain != path:
        plain.write_bytes(content_of(installation, path))
        path.unlink()
    return plain
