"""What errors say to do by a command, said by the route that does the same over HTTP.

Services name commands, since they do not know by which face they were called. Who asks over HTTP has no terminal at
the server: the routes are named beside.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_RECORD = "/records/{reference}"
ROUTES: Mapping[str, str] = {
    "audit list": "GET /audit",
    "compare": "GET /comparisons",
    "connectors add": "POST /connectors",
    "connectors change": "PATCH /connectors/{name}",
    "connectors discover": "POST /connectors/{name}/discovery",
    "connectors kinds": "GET /connector-kinds",
    "connectors list": "GET /connectors",
    "connectors retry-failed": "POST /runs/{run}/resumption",
    "connectors show": "GET /connectors/{name}",
    "connectors sync": "POST /connectors/{name}/syncs",
    "connectors validate": "POST /connectors/{name}/validation",
    "contracts diff": "GET /contract-changes",
    "contracts list": "GET /contracts",
    "contracts show": "GET /contracts/{reference}",
    "contracts template": "GET /contracts/{reference}/template.xlsx",
    "datasets list": "GET /public-datasets and GET /dataset-offers",
    "factors list": "GET /factors",
    "health": "GET /health",
    "import": "POST /imports",
    "indicators list": "GET /indicators",
    "inventory choices": "GET /inventories/{inventory}/lines/{activity}/choices",
    "inventory list": "GET /inventories",
    "inventory show": "GET /inventories/{inventory}",
    "jobs list": "GET /jobs",
    "notifications channels add": "POST /notification-channels",
    "notifications channels list": "GET /notification-channels",
    "notifications list": "GET /notification-deliveries",
    "people list": "GET /people",
    "people sessions": "GET /people/{person_id}/sessions",
    "people show": "GET /people/{person_id}",
    "quarantine export": "GET /quarantine/export",
    "quarantine list": "GET /quarantine",
    "records deleted": "GET /deleted-records/{reference}",
    "records destroy": f"POST {_RECORD}/destructions",
    "records export": f"GET {_RECORD}/export",
    "records list": f"GET {_RECORD}",
    "records restore": f"POST {_RECORD}/restorations",
    "runs list": "GET /runs",
    "runs resume": "POST /runs/{run}/resumption",
    "runs show": "GET /runs/{run}",
    "schedules history": "GET /schedules/{name}/history",
    "schedules list": "GET /schedules",
    "schedules remove": "DELETE /schedules/{name}",
    "tokens create": "POST /tokens",
    "tokens list": "GET /tokens",
    "trace": f"GET {_RECORD}/{{key}}/trace",
    "trace emission": "GET /emissions/{activity}/trace",
    "units assign": "PUT /sources/{source_id}/unit",
    "units list": "GET /units",
    "units sources": "GET /sources",
    "verify": "POST /verifications",
}
"""Command → the route that does the same, below `/api/v1`. Commands that errors name and that no route does are left
out: a test names them, too.
"""
_COMMAND = re.compile(r"\bheadwater ([a-z][a-z-]*(?: [a-z][a-z-]*){0,2})")
_TOLD = frozenset({"remedy", "mend"})


def commands_in(text: str) -> Iterator[str]:
    """What stands in a text after the word of the command line, three words at most: the command, and what follows."""
    for found in _COMMAND.finditer(text):
        yield found[1]


def route_of(said: str) -> str | None:
    """The route of the command that a text begins with; None where there is none."""
    words = said.split()
    named = (" ".join(words[:count]) for count in range(len(words), 0, -1))
    return next((ROUTES[name] for name in named if name in ROUTES), None)


def with_routes(remedy: str | None) -> str | None:
    """What to do, with the routes of the commands that it names."""
    routes = [route for said in commands_in(remedy or "") if (route := route_of(said))]
    if remedy is None or not routes:
        return remedy
    told = remedy if remedy.endswith((".", "!", "?")) else f"{remedy}."
    return f"{told} Over HTTP: {', '.join(dict.fromkeys(routes))}."


def told_with_routes(answer: Any) -> Any:
    """An answer, or a part of it, in which whatever says what to do names routes."""
    match answer:
        case dict():
            return {
                name: with_routes(each) if name in _TOLD and isinstance(each, str) else told_with_routes(each)
                for name, each in answer.items()
            }
        case list():
            return [told_with_routes(each) for each in answer]
    return answer
