"""A copy of records goes from one organisation to another over HTTP."""

from __future__ import annotations

import uuid

from headwater.services.access.policy import Role
from tests.api.conftest import Api, token_of
from tests.river import activities


def test_an_offer_is_accepted_by_the_organisation_it_is_for(api: Api) -> None:
    key = f"shared-{uuid.uuid4().hex[:6]}"
    api.river.load(activities([{"activity_id": key}]), name=f"{key}.csv")
    taker = (
        f"taker-{uuid.uuid4().hex[:6]}"  # its own: the giver's chain names it, and tests hold it against nobody else
    )
    tenant = api.database.add_tenant(taker)
    for role in (Role.ADMIN, Role.VIEWER):
        api.tokens[taker, role.value] = token_of(api.database.database, tenant, role)
    with api.client("admin") as giver, api.client("admin", taker) as receiver, api.client("viewer", taker) as viewer:
        wanted = {"name": "plant", "contract": "activity@1", "licence": "one year", "filter": [f"activity_id:eq:{key}"]}
        made = giver.post("/dataset-offers", json=wanted | {"receiver": taker})
        assert made.status_code == 201, made.text
        text = {"text": made.json()["text"]}
        assert giver.post("/dataset-acceptances", json=text).status_code == 404
        assert viewer.post("/dataset-acceptances", json=text).json()["value"] == "transform"
        taken = receiver.post("/dataset-acceptances", json=text)
        assert (taken.status_code, taken.json()["records"], taken.json()["licence"]) == (201, 1, "one year")
        assert receiver.get(f"/records/activity@1/{key}").status_code == 200
        assert made.json()["text"] not in giver.get("/dataset-offers").text
        assert giver.delete(f"/dataset-offers/{made.json()['offer_id']}").status_code == 204
        assert receiver.post("/dataset-acceptances", json=text).status_code == 404
        assert viewer.get("/public-datasets").json() == []
        assert viewer.get("/public-datasets/none/content").status_code == 404
