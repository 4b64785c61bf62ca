"""Where a server listens, and that it says so before it begins anything."""

from __future__ import annotations

import asyncio
import socket
import sys

import pytest

from headwater.cli.listening import bound, is_here, own_listener, url_of
from headwater.errors import Misuse


def test_a_port_that_is_taken_is_told_before_anything_is_begun() -> None:
    with bound("127.0.0.1", 0) as one:
        one.listen()
        port = one.getsockname()[1]
        assert (url_of(one), is_here(one)) == (f"http://127.0.0.1:{port}", True)
        with pytest.raises(Misuse, match="cannot be listened there") as refused, bound("127.0.0.1", port):
            pass
        assert refused.value.value == f"127.0.0.1:{port}"


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere processes share one socket")
def test_processes_listen_each_by_its_own_and_nobody_else_does() -> None:
    with bound("127.0.0.1", 0, shared=True) as address, own_listener(address) as one, own_listener(address) as other:
        at = address.getsockname()
        assert one.getsockname() == other.getsockname() == at
        one.listen()
        other.listen()
        assert one.proto == socket.IPPROTO_TCP
        with pytest.raises(Misuse, match="cannot be listened there"), bound(*at):
            pass


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere one port is bound once")
def test_an_address_is_taken_though_nobody_listens_there_yet() -> None:
    """Two servers begun in the same second would both have listened there, each by its own."""
    with bound("127.0.0.1", 0, shared=True) as address:
        at = address.getsockname()
        with pytest.raises(Misuse, match="cannot be listened there"), bound(*at, shared=True):
            pass
    with bound(*at, shared=True):
        pass  # its end gives the address back


def test_who_listens_everywhere_is_found_here() -> None:
    with bound("0.0.0.0", 0) as made:  # noqa: S104 - this is what it is about
        assert (url_of(made), is_here(made)) == (f"http://127.0.0.1:{made.getsockname()[1]}", True)


def test_what_is_sent_waits_for_no_acknowledgement() -> None:
    """Head and body of an answer are two sends; the second waited 40 ms on every connection that was kept."""

    async def option_of_an_accepted_connection() -> int:
        accepted: asyncio.Future[int] = asyncio.get_running_loop().create_future()

        async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            own = writer.get_extra_info("socket")
            accepted.set_result(own.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            writer.close()

        with bound("127.0.0.1", 0) as listening:
            async with await asyncio.start_server(answer, sock=listening):
                _, writer = await asyncio.open_connection(*listening.getsockname())
                option = await accepted
                writer.close()
        return option

    assert asyncio.run(option_of_an_accepted_connection())
