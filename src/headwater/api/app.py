"""The application: routes, errors, limits, and the OpenAPI document that says all of it."""

from __future__ import annotations

from contextlib import asynccontextmanager, closing
from functools import partial
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI

from headwater import __version__
from headwater.api import problems
from headwater.api.access import PREFIX, GuardedRoute, House
from headwater.api.access import problems as of_problems
from headwater.api.afterwards import Afterwards
from headwater.api.answers import tell_answers
from headwater.api.browser import SESSION
from headwater.api.envelope import Envelope
from headwater.api.idempotency import PARAMETER
from headwater.api.limits import LONG, OnceASecond, Pace, Places
from headwater.api.metrics import Measurement
from headwater.api.pages import account, sign_in
from headwater.api.routes import EVERY, health
from headwater.services.health import ready
from headwater.services.installation import open_installation, serving
from headwater.services.sign_in.authentication import authenticate

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from headwater.settings import Settings

DESCRIPTION = """Sustainability data from wherever it is kept to figures that can be followed back to their source.

Every route needs a token (`Authorization: Bearer …`) whose holder has the right that the route names as `x-right`. The
cookie of somebody who has signed in will do, from pages of the installation itself.
Errors are `application/problem+json` (RFC 9457). Lists take `filter`, `sort`, `limit` and `cursor`. Writes take an
`Idempotency-Key`: sent again within a day, the same request is done once. Decimals are texts, so that they stay exact.
"""


def create_app(settings: Settings) -> FastAPI:
    """The application for an installation, which is opened when the application starts."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        with (
            open_installation(settings) as opened,
            serving(opened) as installation,
            closing(Afterwards()) as afterwards,
        ):
            app.state.house = House(
                installation=installation,
                sign_in=authenticate,
                pace=Pace(settings.api_requests_a_minute),
                strangers=Pace(max(settings.api_requests_a_minute // 10, 1), of="address"),
                ready=OnceASecond(partial(ready, installation)),
                measurement=Measurement(installation),
                afterwards=afterwards,
                places={kind: Places(kind, each=settings.api_long_requests, most=most) for kind, most in LONG.items()},
            )
            yield

    app = FastAPI(
        title="Headwater",
        version=__version__,
        description=DESCRIPTION,
        lifespan=lifespan,
        openapi_url=f"{PREFIX}/openapi.json",
        docs_url=None,  # its page would fetch scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,
        telemetry={"tracing": False, "metrics": False, "logs": False},  # ours are in `metrics` and in the log
    )
    problems.install(app)
    for routes in (health.probes, *EVERY, sign_in.open_to_all, sign_in.routes, account.routes):
        app.router.routes.extend(routes.routes)  # as they are: included routers are looked through twice a request
    app.add_middleware(Envelope, most_bytes=settings.api_body_limit)
    app.openapi = _documented(app)  # type: ignore[method-assign]  # FastAPI's own way to add to it
    return app


def _take_a_key(method: dict[str, Any]) -> None:
    """Say of a write that it may be named, and is refused while another of its name is being done."""
    method.setdefault("parameters", []).append(PARAMETER)
    for status, told in of_problems(409).items():
        method["responses"].setdefault(str(status), {"description": "Conflict", "content": told["content"]})


def _documented(app: FastAPI) -> Any:
    made = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is not None:
            return app.openapi_schema
        document = made()
        tell_answers(document, (route for each in EVERY for route in each.routes if isinstance(route, GuardedRoute)))
        parts = document.setdefault("components", {})
        parts.setdefault("schemas", {})["Problem"] = problems.Problem.model_json_schema()
        parts["securitySchemes"] = {
            "token": {"type": "http", "scheme": "bearer"},
            "session": {"type": "apiKey", "in": "cookie", "name": SESSION},
        }
        for path, methods in document["paths"].items():
            for name, method in methods.items() if path.startswith(PREFIX) else ():
                method["security"] = [{"token": []}, {"session": []}]
                if name not in {"get", "head", "options"}:
                    _take_a_key(method)
        return document

    return openapi
