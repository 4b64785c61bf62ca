"""The process that a fault test kills: imports a file or resumes a run, and says `begun` when it starts with it.

    python -m tests.faults.worker <database URL> <data folder> import <file> <mapping> <chunk size>
    python -m tests.faults.worker <database URL> <data folder> resume <run>

It ends with 0; with 3 and its words on stderr for an error of Headwater's; any other error shows its traceback.
"""

from __future__ import annotations

import sys
from pathlib import Path

from headwater.errors import HeadwaterError
from headwater.services.imports import import_file, resume
from headwater.services.installation import Installation
from headwater.settings import Settings
from headwater.store.blobs import BlobStore
from headwater.store.database import Database
from headwater.store.tenants import tenant_id
from headwater.telemetry import SilentProgress

REFUSED = 3


def main(url: str, folder: str, command: str, *arguments: str) -> int:
    settings = Settings(data_dir=Path(folder), database_url=None)
    installation = Installation(
        settings=settings, database=Database(url), blobs=BlobStore(settings.blob_dir), tenant_id=tenant_id("default")
    )
    sys.stdout.write("begun\n")
    sys.stdout.flush()
    try:
        if command == "resume":
            resume(installation, arguments[0], progress=SilentProgress())
        else:
            path, mapping, chunk_size = arguments
            import_file(installation, Path(path), mapping, progress=SilentProgress(), chunk_size=int(chunk_size))
    except HeadwaterError as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        return REFUSED
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
