"""Whether an installation can serve."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headwater.errors import Stopped
from headwater.services.installation import is_behind

if TYPE_CHECKING:
    from headwater.services.installation import Installation


def ready(installation: Installation) -> None:
    """RetryLater where the database does not answer, Stopped where it is not at the schema of this version."""
    if is_behind(installation):
        raise Stopped("the database is not at the schema of this version", remedy="Run `headwater db upgrade`.")
