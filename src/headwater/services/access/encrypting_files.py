"""Kept files encrypted by the organisation's newest key: those of an older one, and those that lie in clear."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headwater.services.access.file_keys import FileKeysOf
from headwater.services.access.keys import keyring
from headwater.services.access.policy import Right
from headwater.store import audit
from headwater.store.erasures import hold_erasing

if TYPE_CHECKING:
    from headwater.services.installation import Installation


def encrypt_files_again(installation: Installation) -> int:
    """Have the newest key encrypt the keys of files that an older one encrypts; how many.

    Begun again it goes on; files are read and kept meanwhile. One that is being kept at this moment may be left under
    the key of before, which is kept too, until this is done again. Stopped, once all others are done and noted, for
    the first that does not open.
    """
    installation.require(Right.MANAGE_USERS, on="files")
    with installation.database.asking(installation.tenant_id) as connection:
        keys = keyring(installation, connection)  # asks over this connection for keys that others made since
        blobs = installation.blobs.sealed_by(FileKeysOf(keys))
        files, refused = blobs.wrap_again(installation.tenant_id, newest=keys.newest)
    done = _noted(installation, files, keys.newest)
    if refused is not None:
        raise refused
    return done


def encrypt_files(installation: Installation) -> int:
    """Encrypt the files that were kept before files were encrypted; how many. Begun again it goes on. One that is not
    what its name says stays, for `verify` to name.

    Whoever reads a file at this moment by its path may find it gone, and reads it again.
    """
    installation.require(Right.MANAGE_USERS, on="files")
    with installation.database.connect(installation.tenant_id) as connection:
        newest = keyring(installation, connection).newest
    with installation.database.connect(installation.tenant_id) as connection:
        hold_erasing(connection, installation.tenant_id)  # a copy that is read must be the one that stands
        files = installation.blobs.seal_clear(installation.tenant_id)
    return _noted(installation, files, newest)


def _noted(installation: Installation, files: int, key: int) -> int:
    if files:
        with installation.database.connect(installation.tenant_id) as connection:
            payload = {"key": key, "files": files}
            audit.append(
                connection, installation.tenant_id, action="files.encrypted", resource="files", payload=payload
            )
    return files
