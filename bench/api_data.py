"""What `bench.api` reads: organisations with as many records each, brought in by Headwater's own river.

Fast, for one process keeps everything loaded and imports the same file into one organisation after another: each is a
run with ledger, figures, lineage and audit entry, as any other. Keys are the same in all, so that only row-level
security tells them apart.
"""

from __future__ import annotations

import random
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import psycopg
from psycopg.rows import dict_row

from bench.inputs import Inputs
from headwater.services.access.organisations import add_organisation
from headwater.services.access.policy import OPERATOR, Right, Role
from headwater.services.folders import SourceFile
from headwater.services.imports import carry_out, file_recipe, plan_source
from headwater.services.installation import Installation, open_installation
from headwater.services.schema import upgrade_schema
from headwater.services.sign_in.tokens import create_for_service
from headwater.store.tenants import tenant_id
from headwater.telemetry import SilentProgress

if TYPE_CHECKING:
    from headwater.settings import Settings

MAPPING: Final = Path(__file__).parent / "activity.yaml"
#: Of a thousand requests, so many of each kind.
MIX: Final = {"page": 400, "record": 250, "filtered": 150, "trace": 100, "emissions": 95, "sums": 5}
PAGE: Final = 50


@dataclass(frozen=True, kw_only=True)
class Organisation:
    """One of those that read, and a token that may read all of it."""

    name: str
    token: str
    records: int


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One request, by its path and query below /api/v1."""

    kind: str
    path: str
    token: str


def prepare(settings: Settings, inputs: Inputs, organisations: int) -> tuple[list[Organisation], float]:
    """Organisations with the first file of `inputs` each, and how many seconds the records took to come in."""
    names = [f"bench-{number:03}" for number in range(organisations)]
    upgrade_schema(settings)
    for name in names:
        add_organisation(settings, name)
    made: list[Organisation] = []
    with open_installation(settings) as opened:
        began = time.monotonic()
        for name in names:
            made.append(_filled(opened, name, inputs))
            print(f"\r{len(made)} of {organisations} organisations are filled", end="", flush=True)
        print()
        seconds = time.monotonic() - began
    return made, seconds


def _filled(opened: Installation, name: str, inputs: Inputs) -> Organisation:
    own = opened.acting(OPERATOR, tenant_id(name))
    _load(own, inputs.factors, "emission_factor_form")
    _load(own, inputs.first.path, str(MAPPING))
    rights = [Right.READ, Right.QUERY, Right.WRITE, Right.TRANSFORM]
    token = create_for_service(own, "bench", Role.DATA_ENGINEER, scopes=rights).text
    return Organisation(name=name, token=token, records=inputs.first.rows)


def _load(own: Installation, path: Path, mapping: str) -> None:
    file = SourceFile(path=path, name=path.name, alone=True)
    recipe = file_recipe(path.name, mapping)
    carry_out(own, plan_source(own, recipe, path.parent, file), progress=SilentProgress())


def requests(url: str, made: list[Organisation], count: int, *, seed: int) -> list[Asked]:
    """So many requests in the proportions of `MIX`, of organisations and records drawn at random."""
    draw = random.Random(seed)
    keys = _keys(url, draw)
    kinds = draw.choices(list(MIX), weights=list(MIX.values()), k=count)
    return [_asked(kind, draw.choice(made), draw, keys) for kind in kinds]


def _keys(url: str, draw: random.Random) -> list[str]:
    """Keys of activities that have a figure."""
    with closing(psycopg.connect(url, row_factory=dict_row)) as connection:
        found = connection.execute(
            "SELECT activity_id FROM emission_v1 "
            "WHERE tenant_id = (SELECT tenant_id FROM emission_v1 LIMIT 1) LIMIT 20000"
        ).fetchall()
    return draw.sample([str(row["activity_id"]) for row in found], min(2000, len(found)))


def _asked(kind: str, of: Organisation, draw: random.Random, keys: list[str]) -> Asked:
    key = draw.choice(keys)
    paths = {
        "page": f"/records/activity@1?limit={PAGE}&filter=activity_id:gte:{key}",
        "record": f"/records/activity@1/{key}",
        "filtered": f"/records/activity@1?limit={PAGE}&filter=activity_id:gte:{key}&filter=quantity:gt:100",
        "trace": f"/emissions/{key}/trace",
        "emissions": f"/records/emission@1?limit={PAGE}&filter=activity_id:gte:{key}",
        "sums": "/emissions",
    }
    return Asked(kind=kind, path=paths[kind], token=of.token)
