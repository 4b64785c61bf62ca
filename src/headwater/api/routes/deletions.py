"""Records deleted by hand, restored as they were, or destroyed with all that hangs on them."""

from __future__ import annotations

from typing import Annotated

from fastapi import Header, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from headwater.api.access import Here, needs, router
from headwater.api.asking import Asked, etag, expected_hash, page_of
from headwater.services import deletions
from headwater.services.access import erasing
from headwater.services.access.erasing import Erasure
from headwater.services.access.policy import Right
from headwater.services.answers.kinds import Page
from headwater.services.answers.records import Admitted, DeletedRecord
from headwater.services.deletions import Deletion, Hanging

routes = router("records")
Reason = Annotated[str, Query(min_length=1, max_length=500, description="Why; kept in the audit chain.")]
IfMatch = Annotated[str | None, Header(description="The ETag of the record that was looked at; else 412.")]
Confirmation = Annotated[
    str, Header(alias="if-match", description="The ETag of what hangs on it; 412 where that is another by now.")
]


class Named(BaseModel):
    """Records by their keys."""

    model_config = ConfigDict(extra="forbid")
    keys: list[str] = Field(min_length=1, max_length=deletions.MOST)


class Chosen(Named):
    """The same, and why."""

    reason: str = Field(min_length=1, max_length=500, description="Kept in the audit chain.")


class Subject(BaseModel):
    """Whom records are about, and why they are erased."""

    model_config = ConfigDict(extra="forbid")
    subject: str = Field(min_length=1, max_length=1000, description="What the subject fields say, or the key.")
    reason: str = Field(min_length=1, max_length=500, description="Kept in the audit chain.")


@routes.post("/records/{reference}/deletions", **needs(Right.DELETE, 404, 409, anywhere=True))
def delete_records(here: Here, reference: str, chosen: Chosen) -> Deletion:
    """Delete several records, all of them or none."""
    return deletions.delete(here, reference, chosen.keys, reason=chosen.reason)


@routes.post("/records/{reference}/restorations", **needs(Right.DELETE, 404, 409, anywhere=True))
def restore_records(here: Here, reference: str, chosen: Chosen) -> Deletion:
    """Put deleted records back exactly as they were, with their figures, all of them or none."""
    return deletions.restore(here, reference, chosen.keys, reason=chosen.reason)


@routes.post("/records/{reference}/admissions", **needs(Right.DELETE, 404, 409))
def admit_records(here: Here, reference: str, chosen: Chosen) -> Admitted:
    """Let destroyed records come in again when a source brings them."""
    return {"admitted": deletions.admit(here, reference, chosen.keys, reason=chosen.reason)}


@routes.post("/records/{reference}/hanging", **needs(Right.DELETE, 404))
def show_all_hanging(here: Here, reference: str, named: Named, response: Response) -> Hanging:
    """What would be gone with several records were they destroyed, all together. Nothing is changed."""
    found = deletions.hanging_on(here, reference, named.keys)
    response.headers["ETag"] = etag(found.confirmation)
    return found


@routes.post("/records/{reference}/destructions", **needs(Right.DELETE, 404, 409, 412))
def destroy_records(here: Here, reference: str, chosen: Chosen, if_match: Confirmation) -> Deletion:
    """Destroy several records with all that hangs on them, all of them or none. There is no way back."""
    confirmation = expected_hash(if_match) or ""
    return deletions.destroy(here, reference, chosen.keys, reason=chosen.reason, confirmation=confirmation)


@routes.post("/records/{reference}/erasures", **needs(Right.DELETE, 404))
def erase_subject(here: Here, reference: str, named: Subject) -> Erasure:
    """Erase whom records are about: nobody reads what is personal of them any more. Rows and figures stay."""
    return erasing.erase_subject(here, reference, named.subject, reason=named.reason)


@routes.get("/records/{reference}/{key:path}/hanging", **needs(Right.DELETE, 404))
def show_hanging(here: Here, reference: str, key: str, response: Response) -> Hanging:
    """What would be gone with the record were it destroyed, and what rests on it. The ETag confirms a destruction."""
    found = deletions.hanging_on(here, reference, [key])
    response.headers["ETag"] = etag(found.confirmation)
    return found


@routes.delete("/records/{reference}/{key:path}/hanging", **needs(Right.DELETE, 404, 409, 412))
def destroy_record(here: Here, reference: str, key: str, reason: Reason, if_match: Confirmation) -> Deletion:
    """Destroy a record with all that hangs on it: figures, older versions, findings. There is no way back."""
    confirmation = expected_hash(if_match) or ""
    return deletions.destroy(here, reference, [key], reason=reason, confirmation=confirmation)


@routes.delete("/records/{reference}/{key:path}", **needs(Right.DELETE, 404, 409, 412, anywhere=True))
def delete_record(here: Here, reference: str, key: str, reason: Reason, *, if_match: IfMatch = None) -> Deletion:
    """Delete a record: it leaves lists and figures, no import brings it back, and it can be restored."""
    return deletions.delete(here, reference, [key], reason=reason, expected=expected_hash(if_match))


@routes.get("/deleted-records/{reference}", **needs(Right.READ, 404, anywhere=True))
def list_deleted(here: Here, reference: str, asked: Asked) -> Page[DeletedRecord]:
    """Records of a contract that are deleted or destroyed, the latest first, each with who, when and why."""
    return page_of(deletions.deleted_records(here, reference, asked))
