"""A file of factors sent from outside: a run for each mapping that its name stands for, carried out by workers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headwater.errors import InputRefused, Misuse
from headwater.services import kept_mappings
from headwater.services.access.policy import Right
from headwater.services.factors.factor_sets import FACTORS
from headwater.services.folders import SourceFile
from headwater.services.imports import file_recipe, plan_source
from headwater.services.jobs import ask_resume

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from uuid import UUID

    from headwater.services.answers.figures import FactorsLoaded
    from headwater.services.installation import Installation


def load_factors(installation: Installation, path: Path, mapping: str) -> list[FactorsLoaded]:
    """Plan a file of factors by a mapping, or by each of a series as `desnz_2020` names one; each with its run and job.

    A table that cannot be read says so in place of them, and leaves the others be. Misuse where a mapping is of
    something else.
    """
    installation.require(Right.TRANSFORM, on="factors")
    return [_loaded(installation, path, name) for name in _series(installation, mapping)]


def _series(installation: Installation, mapping: str) -> Sequence[str]:
    """The mapping itself, or all whose names begin with it."""
    known = {each["name"]: each["contract"] for each in kept_mappings.list_mappings(installation)}
    names = [mapping] if mapping in known else [name for name in sorted(known) if name.startswith(f"{mapping}_")]
    if not names:
        kept_mappings.known(installation, mapping)  # which says what to do
    wanted = "@".join(map(str, FACTORS))
    other = next((name for name in names if known[name] != wanted), None)
    if other is not None:
        raise Misuse("this mapping does not read factors", where="mapping", value=other, valid=f"one of {wanted}")
    return names


def _loaded(installation: Installation, path: Path, name: str) -> FactorsLoaded:
    run_id: UUID | None = None
    job_id: UUID | None = None
    error: str | None = None
    try:
        with kept_mappings.mapping_file(installation, name) as document:
            file = SourceFile(path=path, name=path.name, alone=True)
            run_id = plan_source(installation, file_recipe(path.name, document.name), document.parent, file)
        job_id = ask_resume(installation, str(run_id))
    except (InputRefused, Misuse) as refused:
        error = str(refused)
    return {
        "mapping": name,
        "run_id": str(run_id) if run_id else None,
        "job_id": str(job_id) if job_id else None,
        "error": error,
    }
