"""An OData service of meter readings 1 to N with a key: answered by the tests' own HTTP server, page by page."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass, field

from tests.connectors.servers_http import Asked, Reply, json_reply

METADATA = """<?xml version="1.0" encoding="utf-8"?>
<edmx:Edmx Version="4.0" xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx"><edmx:DataServices>
<Schema Namespace="plant" xmlns="http://docs.oasis-open.org/odata/ns/edm">
<EntityType Name="Reading"><Key><PropertyRef Name="reading_id"/></Key>
<Property Name="reading_id" Type="Edm.Int64" Nullable="false"/><Property Name="site" Type="Edm.String"/>
<Property Name="month" Type="Edm.Date"/><Property Name="kwh" Type="Edm.Decimal" Precision="12" Scale="3"/>
</EntityType>
<EntityContainer Name="Plant"><EntitySet Name="Readings" EntityType="plant.Reading"/></EntityContainer>
</Schema></edmx:DataServices></edmx:Edmx>"""
_BOUND = re.compile(r"reading_id (ge|gt|lt) (\d+)")


@dataclass
class Readings:
    """The service. `together` holds each page of rows but the first back until so many are asked for at once."""

    rows: int
    together: threading.Barrier | None = None
    failing: dict[int, int] = field(default_factory=dict)
    """How often the page that begins at a reading is answered by 503, asking to come back at once."""

    def answer(self, asked: Asked) -> Reply:
        if asked.path.endswith("$metadata"):
            return Reply(body=METADATA.encode(), headers={"Content-Type": "application/xml"})
        low, high = self._range(asked.params.get("$filter", ""))
        if asked.path.endswith("/$count"):
            return Reply(body=str(high - low).encode(), headers={"Content-Type": "text/plain"})
        if asked.params.get("$select") == "reading_id":  # where a chunk begins
            place = low + int(asked.params.get("$skip", 0))
            return json_reply({"value": [{"reading_id": place}] if place < high else []})
        if self.failing.get(low, 0):
            self.failing[low] -= 1
            return Reply(status=503, headers={"Retry-After": "0"})
        if self.together is not None and low > 1:
            self.together.wait()
        last = min(high, low + int(asked.params["$top"]))
        rows = [{"reading_id": n, "site": f"site-{n % 7}", "month": "2024-01-01", "kwh": n} for n in range(low, last)]
        return json_reply({"@odata.count": high - low, "value": rows})

    def _range(self, condition: str) -> tuple[int, int]:
        low, high = 1, self.rows + 1
        for sign, text in _BOUND.findall(condition):
            bound = int(text)
            low = max(low, bound if sign == "ge" else bound + 1) if sign != "lt" else low
            high = min(high, bound) if sign == "lt" else high
        return low, max(low, high)
