from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import pytest

from headwater.errors import InputRefused
from headwater.services.uploads import receiving, viewing
from headwater.services.uploads.sweeping import sweep

if TYPE_CHECKING:
    from headwater.services.installation import Installation
    from tests.river import River

pytestmark = pytest.mark.server


def sent(installation: Installation, name: str, content: bytes, size: int) -> UUID:
    import_ = receiving.begin(installation, name, size, mapping=None)
    taking = receiving.receive(installation, import_.import_id, 0)
    taking.take(content)
    taking.close()
    return import_.import_id


def aged(river: River, import_id: UUID) -> None:
    river.change(
        "UPDATE imports SET updated_at = clock_timestamp() - interval '8 days' WHERE import_id = %(import_id)s",
        import_id=import_id,
    )


def test_uploads_have_a_quota_and_those_that_are_left_are_swept(river: River) -> None:
    ours = river.installation
    ours = replace(ours, settings=ours.settings.model_copy(update={"api_upload_quota": 2000}))
    left, fresh, at_work = (sent(ours, f"{name}.csv", b"a,b", 600) for name in ("left", "fresh", "at_work"))
    with pytest.raises(InputRefused, match="too many files") as refused:
        receiving.begin(ours, "more.csv", 300, mapping=None)
    assert refused.value.valid == "at most 200 bytes now, 2,000 in all"
    aged(river, left)
    receiving.begin(ours, "more.csv", 300, mapping=None)  # what nobody goes on with counts no more
    aged(river, at_work)
    lost = receiving.folder_of(ours, uuid4())
    lost.mkdir()
    (receiving.uploads_of(ours).parent / "notes").mkdir()
    receiving_ = receiving.receive(ours, at_work, 3)
    try:
        assert sweep(ours) == 2
    finally:
        receiving_.close()
    assert viewing.get(ours, left).state == "cancelled"
    assert viewing.get(ours, left).error == {
        "what": "nobody went on with it for 7 days", "remedy": "Send the file again."
    }  # fmt: skip
    assert (viewing.get(ours, fresh).state, viewing.get(ours, at_work).state) == ("uploading", "uploading")
    there = [receiving.folder_of(ours, import_id).exists() for import_id in (left, fresh, at_work)]
    assert (there, lost.exists()) == ([False, True, True], False)
    (receiving.uploads_of(ours).parent / str(UUID(int=0))).write_bytes(b"")  # what is no folder keeps nobody else's
    assert sweep(ours) == 1  # whoever was at work has left it too
    (noted,) = river.rows(
        "SELECT actor, resource FROM audit_entries WHERE action = 'import.given_up' ORDER BY seq LIMIT 1"
    )
    assert noted["resource"] == f"import/{left}"
