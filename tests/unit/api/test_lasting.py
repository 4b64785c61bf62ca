"""Requests that one caller could fill a process with have places of their own."""

from __future__ import annotations

import pytest
from fastapi import APIRouter
from fastapi.routing import APIRoute

from headwater.api.access import LONG_KIND, PREFIX
from headwater.api.limits import LONG
from headwater.api.routes import connectors, datasets, evidence, notifications


@pytest.mark.parametrize(
    ("routes", "method", "path"),
    [
        (notifications.routes, "POST", "/notification-channels/{channel}/test"),
        (connectors.routes, "POST", "/connectors/{name}/validation"),
        (connectors.routes, "POST", "/connectors/{name}/discovery"),
        (evidence.routes, "POST", "/verifications"),
        (datasets.routes, "POST", "/dataset-offers"),
        (datasets.routes, "POST", "/dataset-acceptances"),
        (datasets.routes, "GET", "/public-datasets/{dataset}/content"),
        (datasets.routes, "POST", "/public-datasets/{dataset}/copies"),
    ],
)
def test_what_waits_for_others_or_copies_whole_datasets_takes_a_place(
    routes: APIRouter, method: str, path: str
) -> None:
    (said,) = [
        each.openapi_extra
        for each in routes.routes
        if isinstance(each, APIRoute) and each.path == PREFIX + path and method in (each.methods or ())
    ]
    assert said is not None
    assert said[LONG_KIND] in LONG
