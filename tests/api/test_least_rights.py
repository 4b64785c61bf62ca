"""Where a service and its route could differ, they ask for the same right, the least that is right."""

from __future__ import annotations

from tests.api.conftest import Api


def test_to_look_needs_read_to_ask_for_values_and_to_calculate_needs_query(api: Api) -> None:
    with api.client("viewer") as viewer, api.client("reviewer") as reviewer:
        for path in ("/emissions", "/organisation", "/connector-kinds", "/contracts", "/indicators"):
            assert viewer.get(path).status_code == 200, path
        lines = "/inventories/none/lines"
        assert viewer.get(lines).json()["detail"] == reviewer.get(lines).json()["detail"]
        asked = viewer.get(lines, params={"scope": 1})
        assert (asked.status_code, asked.json()["value"]) == (403, "query")
        assert reviewer.get(lines, params={"scope": 1}).json()["detail"] == reviewer.get(lines).json()["detail"]
        verifying = viewer.post("/verifications")
        assert (verifying.status_code, verifying.json()["value"]) == (403, "query")
        assert reviewer.post("/verifications").json()["ok"] is True
