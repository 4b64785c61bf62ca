"""Where a server listens, and that it says so before it begins anything."""

from __future__ import annotations

import pytest

from headwater.cli.serve import _is_here, _listening, _url
from headwater.errors import Misuse


def test_a_port_that_is_taken_is_told_before_anything_is_begun() -> None:
    with _listening("127.0.0.1", 0) as one:
        one.listen()
        port = one.getsockname()[1]
        assert (_url(one), _is_here(one)) == (f"http://127.0.0.1:{port}", True)
        with pytest.raises(Misuse, match="cannot be listened there") as refused, _listening("127.0.0.1", port):
            pass
        assert refused.value.value == f"127.0.0.1:{port}"


def test_who_listens_everywhere_is_found_here() -> None:
    with _listening("0.0.0.0", 0) as made:  # noqa: S104 - this is what it is about
        assert (_url(made), _is_here(made)) == (f"http://127.0.0.1:{made.getsockname()[1]}", True)
