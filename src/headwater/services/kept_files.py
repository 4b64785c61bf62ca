"""Kept files as files in clear, for readers that need a path: those of workbooks, archives and Parquet."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

from headwater.services.scratch import scratch
from headwater.store.blobs import BLOCK

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from headwater.services.installation import Installation


@contextmanager
def clear_file(installation: Installation, sha256: bytes) -> Iterator[Path]:
    """A kept file in clear, in a folder that goes when the block ends; not to be written to.

    Stopped as by `BlobStore.open`. Where a stream will do, open that instead: nothing of it lies in clear then.
    """
    kept = installation.blobs.clear_path(installation.tenant_id, sha256)
    if kept is not None:
        yield kept
        return
    with scratch(installation.settings.data_dir, "opened") as folder:
        path = folder / sha256.hex()
        with installation.blobs.open(installation.tenant_id, sha256) as sealed, path.open("wb") as out:
            shutil.copyfileobj(sealed, out, BLOCK)
        yield path
