"""Every service that a face calls refuses who has no right, and names the right it asks for."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator
from contextlib import AbstractContextManager
from types import NoneType
from typing import TYPE_CHECKING, Any, Union, get_args, get_origin, get_type_hints
from uuid import UUID, uuid4

import pytest

from headwater.errors import Forbidden
from headwater.services.access.policy import Actor, Right, Role
from headwater.services.listing import Question
from tools.reference_rights import SERVICES, WITHOUT, Service, called_by_faces

if TYPE_CHECKING:
    from tests.river import River

NOBODY = Actor(name="person/00000000-0000-0000-0000-000000000000", rights=frozenset())


def test_every_service_that_a_face_calls_asks_for_a_right() -> None:
    found = called_by_faces()
    assert len(found) > 100
    unasked = {each.full for each in found if not each.rights} - WITHOUT.keys()
    assert unasked == set(), "write installation.require(Right.X) first in each, or say in WITHOUT why not"


@pytest.mark.server
def test_who_has_no_right_is_refused_by_each_of_them_and_noted(river: River) -> None:
    installation = river.installation.acting(NOBODY)
    asked = [each for each in called_by_faces() if each.full not in WITHOUT]
    wrong = {each.full: told for each in asked if (told := refusal(each, installation))}
    assert wrong == {}
    noted = river.rows("SELECT DISTINCT actor, action, result FROM audit_entries")
    assert {(row["actor"], row["result"]) for row in noted} == {(NOBODY.name, "refused")}


def refusal(each: Service, installation: Any) -> str | None:
    """What is wrong with how a service refuses; None where it does as it should."""
    function = getattr(importlib.import_module(f"{SERVICES}.{each.module}"), each.name)
    try:
        told = function(installation, **arguments(function))
        if isinstance(told, AbstractContextManager):
            told.__enter__()
        elif isinstance(told, Iterator):
            next(told, None)
    except Forbidden as error:
        return None if error.value is None or error.value in each.rights else f"it names {error.value}"
    except Exception as error:  # noqa: BLE001 - whatever it is, it came before the question
        return f"{type(error).__name__}: {error}"
    return "it was not refused"


def arguments(function: Any) -> dict[str, Any]:
    """Something of the right type for each parameter after the first that has no default."""
    parameters = list(inspect.signature(function).parameters.values())[1:]
    try:
        hints = get_type_hints(inspect.unwrap(function))
    except NameError:  # imported for the type checker only
        hints = {}
    return {
        each.name: sample(hints.get(each.name, each.annotation)) for each in parameters if each.default is each.empty
    }


def sample(hint: Any) -> Any:
    """A value of a type, as far as one is needed to be refused."""
    choices = get_args(hint) if get_origin(hint) is Union else (hint,)
    if NoneType in choices or hint is None:
        return None
    name = hint if isinstance(hint, str) else getattr(hint, "__name__", "")
    known = {"Question": Question(), "UUID": uuid4(), "str": "x", "int": 1, "bool": False, "Right": Right.READ}
    known["Role"] = Role.VIEWER
    return known.get(name) if not isinstance(hint, type(UUID)) or name in known else None
