from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from headwater.errors import Misuse
from headwater.services.connectors import keeping, outside, viewing
from tests.connectors.servers_http import http_server, json_reply

if TYPE_CHECKING:
    from tests.river import River

pytestmark = pytest.mark.server


def test_where_a_connector_of_others_leads_is_looked_at_each_time_it_is_opened(river: River) -> None:
    ours = river.installation
    with http_server(lambda _: json_reply([])) as server:
        config = {"url": server.url, "tables": [{"name": "rows", "path": "rows"}]}
        with pytest.raises(Misuse, match="behind it"):
            outside.add(ours, "inside", "rest", config)
        keeping.add(ours, "operators", "rest", config)
        outside.add(ours, "rebound", "rest", {**config, "url": "https://nowhere.invalid"})
        # What a name led to when it was looked at it need not lead to later.
        river.change(
            "UPDATE connectors SET config = jsonb_set(config, '{url}', to_jsonb(%(url)s::text)) WHERE name = 'rebound'",
            url=server.url.replace("127.0.0.1", "localhost"),
        )
        with pytest.raises(Misuse, match="behind it"):
            viewing.discover(ours, "rebound")
        assert server.asked == []
        keeping.change(ours, "rebound", {"requests_a_minute": 50})  # does not vouch for the rest
        assert keeping.find(ours, "rebound").from_outside
        allowed = replace(ours, settings=ours.settings.model_copy(update={"api_networks": "127.0.0.0/8,::1/128"}))
        with keeping.opened(allowed, keeping.find(ours, "rebound")) as source:
            assert source.client._addresses_of is not None  # type: ignore[union-attr]  # a source by HTTP
        with keeping.opened(ours, keeping.find(ours, "operators")) as source:
            assert source.client._addresses_of is None  # type: ignore[union-attr]  # a source by HTTP
        with pytest.raises(Misuse, match="behind it"):
            outside.change(ours, "operators", {"url": "https://192.168.1.1"})
