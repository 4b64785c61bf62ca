"""A store of files behind obstore: listed by pattern, fetched as the very version that was listed."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from headwater.connectors.object_store.config import RemoteFilesConfig
from headwater.connectors.object_store.limits import LOOKED_AT, changed, chosen, nothing_meant
from headwater.connectors.object_store.obstacles import Obstacle, error_of, obstacle, problem
from headwater.connectors.object_store.patterns import Pattern
from headwater.connectors.protocol import Problem, RemoteFile, Selection
from headwater.errors import HeadwaterError, Misuse, Stopped, unasked
from headwater.extras import how_to_install

T = TypeVar("T")
PIECE = 4 * 2**20
NO_SUCH_KEY = "headwater-asks-whether-this-is-a-store"
NO_KEY_CODES = {"NoSuchKey", "BlobNotFound"}


class ObjectStore:
    """What S3 and Azure Blob have in common.

    where  how the store is called in problems: s3://bucket, without login
    address where requests go, of which problems tell host and port
    make   the store of obstore, made at the first call; Misuse where a secret is missing
    rights what listing, reading and writing need, in the store's own words
    """

    def __init__(
        self,
        config: RemoteFilesConfig,
        *,
        where: str,
        address: str,
        make: Callable[[], Any],
        rights: tuple[str, str, str],
    ) -> None:
        self._config = config
        self._where = where
        self._address = address
        self._make = make
        self._rights = rights
        self._made: Any = None

    def validate(self, selection: Selection | None = None) -> Sequence[Problem]:  # noqa: ARG002 - files, no tables
        """List, and begin to read the first file that is meant."""
        try:
            _ = self._store
        except Misuse as error:  # a secret that is none, an authority's file that is not there
            where = error.where or self._where
            return [Problem(cause="config", what=error.what, where=where, valid=error.valid, remedy=error.remedy)]
        listed, refused = self._asked(lambda: next(iter(self._listed()), None))
        if listed is None:
            refused = self._of_a_list(refused)
            if refused is not None:
                return [problem(refused, self._where, self._listing, self._address)]
            there, _ = self._asked(lambda: list(islice(self._names(), LOOKED_AT)))
            return [nothing_meant(self._config, self._where, there or [])]
        where = f"{self._where}, {listed.name}"
        # Not a HEAD request: its refusal has no body that says why.
        _, refused = self._asked(lambda: library().get(self._store, listed.name).meta)
        if refused is None:
            return []
        return [problem(refused, where, f"reading {listed.name} ({self._rights[1]})", self._address)]

    def files(self) -> Sequence[RemoteFile]:
        """The files that the pattern means, by name."""
        found, refused = self._asked(lambda: chosen(self._config, self._where, self._listed()))
        if not found:
            refused = self._of_a_list(refused)
        if refused is not None:
            raise error_of(refused, self._where, self._listing, self._address)
        return found or []

    def fetch(self, file: RemoteFile, to: Path) -> None:
        """Stream a file to disk, in one request for the version listed; a broken one leaves nothing."""
        part = to.with_name(f"{to.name}.part")
        try:
            with part.open("wb") as target:
                _, refused = self._asked(lambda: self._stream(file, target))
            if refused is None:
                part.replace(to)
                return
        except OSError as error:
            what = f"the file cannot be written: {error.strerror}"
            raise Stopped(what, where=str(to), remedy="Make room on the disk, or look at the rights") from error
        finally:
            part.unlink(missing_ok=True)
        if refused.kind == "changed":
            raise changed(self._where, file.name)
        if refused.kind == "not_found" and refused.code not in {"NoSuchBucket", "ContainerNotFound"}:
            raise changed(self._where, file.name, "the file is gone since it was listed")
        raise error_of(
            refused, f"{self._where}, {file.name}", f"reading {file.name} ({self._rights[1]})", self._address
        )

    def put(self, name: str, path: Path) -> None:
        """Write a file under a name; one of that name is replaced, whole or not at all."""
        _, refused = self._asked(lambda: library().put(self._store, name, path))
        if refused is not None:
            raise error_of(refused, f"{self._where}, {name}", f"writing {name} ({self._rights[2]})", self._address)

    def close(self) -> None:
        """Let the connections go with the store that holds them."""
        self._made = None

    def _stream(self, file: RemoteFile, target: BinaryIO) -> None:
        found = library().get(self._store, file.name, options={"if_match": f'"{file.version}"'})
        if version_of(found.meta) != file.version:  # a server that does not know If-Match
            raise changed(self._where, file.name)
        written = 0
        for piece in found.stream(min_chunk_size=PIECE):
            written += target.write(piece)
        if written != file.size:
            raise changed(self._where, file.name, f"{written:,} bytes came of the {file.size:,} that were listed")

    def _listed(self) -> Iterator[RemoteFile]:
        """Every file below the pattern's fixed part that the pattern means, page after page."""
        pattern = Pattern(self._config.pattern)
        for page in library().list(self._store, prefix=pattern.folder or None):
            for meta in page:
                if pattern.means(meta["path"]) and (meta["size"] or self._is_file(meta["path"])):
                    yield RemoteFile(
                        name=meta["path"],
                        size=meta["size"],
                        version=version_of(meta),
                        modified=meta["last_modified"].isoformat(),
                        address=f"{self._where.rstrip('/')}/{meta['path']}",
                    )

    def _names(self) -> Iterator[str]:
        """Of everything that is there, meant or not."""
        for page in library().list(self._store):
            yield from (meta["path"] for meta in page)

    def _is_file(self, name: str) -> bool:
        """Whether an empty file is one. A console's mark for a folder ends in a slash, which the list leaves out."""
        _, refused = self._asked(lambda: library().get(self._store, name).meta)
        return refused is None or refused.kind != "not_found"

    def _of_a_list(self, refused: Obstacle | None) -> Obstacle | None:
        """What stands behind a list that is empty or refused.

        obstore takes any XML, a web page too, for an empty list: only a store says that there is no such key.
        """
        if refused is None:
            _, refused = self._asked(lambda: library().get(self._store, NO_SUCH_KEY).meta)
            if refused is None:  # what gives any name gives no files
                return Obstacle(kind="protocol")
            if refused.code in NO_KEY_CODES or refused.kind == "missing_right":
                return None
        no_store = refused.kind == "not_found" and not refused.code
        return Obstacle(kind="protocol") if no_store else refused

    @property
    def _listing(self) -> str:
        return f"listing {self._where} ({self._rights[0]})"

    @property
    def _store(self) -> Any:
        if self._made is None:
            self._made = self._make()
        return self._made

    def _asked(self, question: Callable[[], T]) -> tuple[T | None, Obstacle | None]:
        """The answer, or what stands in the way. The library's own error ends here: it shows signed addresses."""
        refused = None
        try:
            return question(), None
        except HeadwaterError:
            raise
        except (FileNotFoundError, ValueError, library().exceptions.BaseError) as error:
            refused = obstacle(error)
        return None, refused


def version_of(meta: Any) -> str:
    """The ETag, which changes with the bytes. Azure lists it without the quotes that it is given with elsewhere."""
    return str(meta["e_tag"] or "").strip('"')


def library() -> Any:
    """obstore, which only those need who read such stores."""
    try:
        import obstore  # noqa: PLC0415 - optional
        import obstore.store  # noqa: PLC0415
    except ImportError:
        message = "the library for object stores is not installed"
        raise unasked(Misuse(message, remedy=how_to_install("s3", "azure"))) from None
    return obstore


def client_options(config: RemoteFilesConfig, endpoint: str) -> dict[str, Any]:
    """How obstore connects: with time limits, and without TLS only where the address says so."""
    options: dict[str, Any] = {
        "connect_timeout": timedelta(seconds=config.connect_seconds),
        "read_timeout": timedelta(seconds=config.timeout_seconds),
        "timeout": timedelta(hours=24),  # of a whole file; the two above are those that count
        "allow_http": endpoint.startswith("http://"),
    }
    if config.ca_certificate is not None:
        with contextlib.suppress(FileNotFoundError):
            options["root_certificate"] = config.ca_certificate.read_bytes()
        if "root_certificate" not in options:
            raise Misuse(
                "the file with the authority's certificate does not exist",
                where="ca_certificate",
                value=str(config.ca_certificate),
                valid="the path of a PEM file",
            )
    return options


RETRIES: dict[str, Any] = {"max_retries": 1, "retry_timeout": timedelta(seconds=20)}
"""Whoever asks tries again, and says so; the library tries once more in silence."""
