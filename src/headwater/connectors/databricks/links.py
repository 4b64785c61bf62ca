"""Parts of a result, fetched as Arrow from the workspace's storage by links that hold a key to it and soon expire."""

from __future__ import annotations

import io
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import httpx
import pyarrow as pa

from headwater.connectors.databricks.config import DatabricksConfig
from headwater.connectors.databricks.refusals import StatementError
from headwater.connectors.http.reaching import AddressesOf, Reaching, proxy_of

_READ_SECONDS = 60


class ExpiredLinkError(Exception):
    """The storage does not take a link, or does not any more; another is to be had."""


class Links:
    """Fetches by links, of which no word leaves it. May be used by several threads."""

    def __init__(self, config: DatabricksConfig) -> None:
        self._config = config
        self._clients: dict[str | None, httpx.Client] = {}  # by the proxy that they go by
        self._addresses_of: AddressesOf | None = None

    def reach_only(self, addresses_of: AddressesOf) -> None:
        """Connect to these addresses of a host and no others: links lead where the answer says."""
        self.close()
        self._addresses_of = addresses_of

    def close(self) -> None:
        for client in self._clients.values():
            client.close()
        self._clients.clear()

    def batches(self, link: Any) -> Generator[pa.RecordBatch, None, None]:
        """The rows behind a link as they come; ExpiredLinkError before the first, or StatementError."""
        try:
            with self._answered(link) as response, pa.ipc.open_stream(_Body(response.iter_bytes())) as stream:
                yield from stream
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            said = f"the workspace's storage gave no result: {type(error).__name__}"
            raise StatementError(said, is_passing=True) from None  # its request holds the key

    @contextmanager
    def _answered(self, link: Any) -> Iterator[httpx.Response]:
        url = str(link.external_link)
        if urlsplit(url).scheme != urlsplit(self._config.url).scheme:
            raise StatementError("a link to a result leads elsewhere than by HTTPS")
        # No token goes there: the key is in the link, and in the headers that come with it.
        with self._opened(url).stream("GET", url, headers=dict(link.http_headers or {})) as response:
            if 400 <= response.status_code < 500 and response.status_code not in {408, 429}:
                raise ExpiredLinkError
            if response.status_code != 200:
                said = f"the workspace's storage answers {response.status_code}"
                raise StatementError(said, is_passing=True)
            yield response

    def _opened(self, url: str) -> httpx.Client:
        """The client for a link: of two links of one result one may lead past the proxy, and one by it."""
        proxy = None if self._addresses_of is None else proxy_of(url)
        if proxy not in self._clients:
            transport = None
            if self._addresses_of is not None and proxy is None:
                transport = Reaching(self._addresses_of, httpx.HTTPTransport)
            timeout = httpx.Timeout(_READ_SECONDS, connect=self._config.connect_timeout)
            self._clients[proxy] = httpx.Client(
                proxy=proxy, transport=transport, timeout=timeout, follow_redirects=False
            )
        return self._clients[proxy]


class _Body(io.RawIOBase):
    """A body that comes in blocks, as a file that Arrow reads."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        super().__init__()
        self._blocks = blocks
        self._left = memoryview(b"")

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        """So many bytes, fewer at the end only: Arrow asks once for a buffer."""
        parts, wanted = [], size
        while wanted:
            if not self._left:
                if (block := next(self._blocks, None)) is None:
                    break
                self._left = memoryview(block)
            part = self._left if wanted < 0 else self._left[:wanted]
            self._left = self._left[len(part) :]
            wanted = wanted if wanted < 0 else wanted - len(part)
            parts.append(part)
        return b"".join(parts)
