"""What routes answer has the fields that the OpenAPI document tells, all of them, of these types, and no others."""

from __future__ import annotations

from headwater.api.access import GuardedRoute
from headwater.api.routes import EVERY
from headwater.services.access.policy import Role
from tests.api.closed import JSON
from tests.api.conftest import Api, token_of
from tests.api.test_schema import LAST
from tests.api.things import sent, things

MADE = ("/notification-channels/c", "/schedules/s")
"""What requests have made that would go on by itself."""


def test_answers_are_as_the_document_tells(api: Api) -> None:
    operations = [
        (method, each.path_format.removeprefix("/api/v1"))
        for router in EVERY
        for each in router.routes
        if isinstance(each, GuardedRoute)
        for method in each.methods or ()
    ]
    token_of(api.database.database, api.tenants["default"], Role.VIEWER)  # the latest, which is ended here
    named, reached = things(api), set()
    with api.client(Role.ADMIN.value) as client:  # which holds each answer against the document
        for method, path in sorted(operations, key=lambda each: bool(LAST.search(" ".join(each)))):
            answer = sent(client, method, path, named)
            if answer.is_success and answer.headers.get("content-type") == JSON:
                reached.add(f"{method} {path}")
        for made in MADE:
            assert client.delete(made).status_code == 204, made
    assert len(reached) > 60, sorted(reached)
