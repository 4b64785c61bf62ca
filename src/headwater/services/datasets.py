"""Records handed to others: copied to a named organisation that accepts them, or public to all of the installation.

What is shared is a copy. Whoever takes it has rows of their own, from a source that says whose it was, and its licence.
Nothing personal goes along, nor factors that their licence keeps back. Neither side learns more of the other than was
told: an offer is opened by its text, which names whose it is, and only by the organisation it was made for.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any
from uuid import UUID

from headwater.errors import Conflict, Misuse, NotFound
from headwater.services.access.masking import personal_fields
from headwater.services.access.policy import Right
from headwater.services.contracts_view import loadable
from headwater.services.folders import SourceFile
from headwater.services.imports import carry_out, file_recipe, plan_source
from headwater.services.listing import Question, choice_of
from headwater.services.records import contract_of, listed_of
from headwater.services.runs_view import show_run
from headwater.services.sign_in.bearers import Bearer, Kind, read_bearer
from headwater.store import audit, datasets, listing, tenants
from headwater.store.listing import Condition
from headwater.telemetry import SilentProgress

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from headwater.contracts import Document
    from headwater.services.answers.contracts import OfferListed, OfferTaken, PublicDataset, PublicTaken
    from headwater.services.installation import Installation

MOST_RECORDS = 100_000
MOST_BYTES = 64 * 2**20
MOST_OFFERS = 100
"""Of an organisation, that hold: each is a copy in the database that all share."""
LONGEST_DAYS = 365
OFFERED, WITHDRAWN, HANDED_OVER = "dataset.offered", "dataset.withdrawn", "dataset.handed_over"
PUBLISHED, TAKEN = "dataset.published", "dataset.taken"
REDISTRIBUTABLE = "redistributable"
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,62}", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class Offered:
    """An offer that was made.

    records  how many there are in it
    sha256   of the copy
    text     what opens it; shown this once
    """

    offer_id: str
    name: str
    records: int
    sha256: str
    text: str

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


@dataclass(frozen=True, kw_only=True)
class _Copy:
    """Records as they are shared, as CSV of canonical texts."""

    document: Document
    content: bytes
    records: int

    def facts(self) -> dict[str, Any]:
        """What is kept beside it."""
        return {
            "contract": self.document.reference,
            "records": self.records,
            "content": self.content,
            "sha256": hashlib.sha256(self.content).digest(),
        }


def offer(
    installation: Installation,
    name: str,
    reference: str,
    receiver: str,
    *,
    licence: str,
    filters: Sequence[str] = (),
    days: int = 30,
) -> Offered:
    """Records of a contract for another organisation, by its name. Whether there is one of that name is not told."""
    installation.require(Right.MANAGE_USERS, on="datasets")
    _check(name, licence)
    if not 1 <= days <= LONGEST_DAYS:
        raise Misuse("an offer does not hold so long", where="days", value=days, valid=f"1 to {LONGEST_DAYS}")
    copy, bearer = _copied(installation, reference, filters), Bearer.new(Kind.DATASET, installation.tenant_id)
    values = {
        **copy.facts(), "offer": bearer.id, "name": name, "receiver": tenants.tenant_id(receiver), "licence": licence,
        "secret_hash": bearer.secret_hash, "actor": installation.actor.name, "days": days,
    }  # fmt: skip
    with installation.database.connect(installation.tenant_id) as connection:
        if datasets.clear(connection, installation.tenant_id) >= MOST_OFFERS:
            raise Misuse("so many offers are not kept", where="offers", valid=f"{MOST_OFFERS}", remedy="Withdraw some.")
        datasets.offer(connection, installation.tenant_id, values)
        told = {"name": name, "receiver": str(values["receiver"]), "filters": list(filters), "licence": licence}
        _note(installation, connection, OFFERED, f"dataset-offer/{bearer.id}", told | _known(copy))
    sha256 = values["sha256"].hex()
    return Offered(offer_id=str(bearer.id), name=name, records=copy.records, sha256=sha256, text=bearer.text)


def list_offers(installation: Installation) -> list[OfferListed]:
    """What was offered to others, the latest first."""
    installation.require(Right.MANAGE_USERS, on="datasets")
    with installation.database.connect(installation.tenant_id) as connection:
        return [_plain(row) for row in datasets.offers(connection, installation.tenant_id)]


def no_such_offer(offer_id: UUID | str) -> NotFound:
    """What is said where there is none that can be taken back."""
    return NotFound(
        "there is no such offer",
        where="offer",
        value=offer_id,
        valid="an offer that was not withdrawn",
        remedy="`headwater datasets list` shows them.",
    )


def withdraw(installation: Installation, offer_id: UUID) -> None:
    """Nobody takes an offer from now on; what was taken is theirs."""
    installation.require(Right.MANAGE_USERS, on="datasets")
    with installation.database.connect(installation.tenant_id) as connection:
        if not datasets.withdraw(connection, installation.tenant_id, offer_id):
            raise no_such_offer(offer_id)
        _note(installation, connection, WITHDRAWN, f"dataset-offer/{offer_id}", {})


def accept(installation: Installation, text: str) -> OfferTaken:
    """Take what another organisation has offered to this one; the run that brings it in. Both chains have it.

    The giver's has it first: a run that fails or is killed is made anew by accepting again, while the offer holds.
    NotFound for every text that opens nothing here, whatever the reason.
    """
    installation.require(Right.TRANSFORM, on="datasets")
    bearer = read_bearer(text.strip(), Kind.DATASET)
    given = None if bearer is None else _handed_over(installation, bearer)
    if bearer is None or given is None:
        raise NotFound(
            "this opens no dataset here", where="text", remedy="Ask whoever offered it for another, made for you."
        )
    giver = f"organisation {bearer.tenant_id}"
    source = {"offer": str(bearer.id), "giver": str(bearer.tenant_id)}
    taken: OfferTaken = _take(installation, given, giver, source)
    return taken


def list_public(installation: Installation) -> list[PublicDataset]:
    """Datasets that all organisations of the installation may read; without a publisher they are the installation's."""
    installation.require(Right.READ, on="datasets")
    with installation.database.connect(installation.tenant_id) as connection:
        return [_plain(row) for row in datasets.public(connection)]


def read_public(installation: Installation, name: str, version: int | None = None) -> bytes:
    """What is in a public dataset, as CSV."""
    installation.require(Right.READ, on="datasets")
    return bytes(_public(installation, name, version)["content"])


def take_public(installation: Installation, name: str, version: int | None = None) -> PublicTaken:
    """Bring a public dataset in as rows of one's own; the run. Its newest version takes the place of an older one."""
    installation.require(Right.TRANSFORM, on="datasets")
    found = _public(installation, name, version)
    publisher = found["publisher"] or "the installation"
    taken: PublicTaken = _take(installation, found, publisher, {"publisher": publisher, "version": found["version"]})
    return taken


def publish(
    installation: Installation,
    owner_url: str,
    name: str,
    reference: str,
    *,
    licence: str,
    filters: Sequence[str] = (),
    of_installation: bool = False,
) -> int:
    """Make a copy public to all organisations, in the name of the one at hand or of the installation; its version.

    Only the owner of the tables can: nobody who signs in puts rows where all read them. Conflict where the name is
    another's.
    """
    installation.require(Right.MANAGE_USERS, on="datasets")
    _check(name, licence)
    copy = _copied(installation, reference, filters)
    publisher = None if of_installation else _own_name(installation)
    values = {**copy.facts(), "name": name, "publisher": publisher, "licence": licence}

    def note(connection: Any, version: int) -> None:
        told = {"version": version, "filters": list(filters), "licence": licence}
        _note(installation, connection, PUBLISHED, f"dataset/{name}", told | _known(copy))

    version = datasets.publish(owner_url, installation.tenant_id, values, note)
    if version is None:
        raise Conflict("this name is another publisher's", where="name", value=name, remedy="Choose another name.")
    return version


def take_back(installation: Installation, owner_url: str, name: str, *, of_installation: bool = False) -> int:
    """Show a public dataset no more; how many versions there were. What was taken stays with who took it."""
    installation.require(Right.MANAGE_USERS, on="datasets")
    publisher = None if of_installation else _own_name(installation)

    def note(connection: Any, count: int) -> None:
        _note(installation, connection, WITHDRAWN, f"dataset/{name}", {"versions": count})

    count = datasets.take_back(owner_url, installation.tenant_id, name, publisher, note)
    if not count:
        raise NotFound(
            "there is no such public dataset of this publisher",
            where="name",
            value=name,
            remedy="`headwater datasets list` shows what is public, and who made it so.",
        )
    return count


def _copied(installation: Installation, reference: str, filters: Sequence[str]) -> _Copy:
    document = contract_of(installation, reference)
    loadable(document, where="contract")
    personal = personal_fields(document)
    needed = sorted(spec.name for spec in document.fields if spec.name in personal and (spec.key or spec.required))
    if needed:
        raise Misuse(
            "records of this contract are personal, and not shared",
            where="contract",
            value=", ".join(needed),
            valid="a contract whose key and needed fields are not personal",
        )
    listed, fields = listed_of(document), [spec for spec in document.fields if spec.name not in personal]
    may = listed.columns.get(REDISTRIBUTABLE)
    also = [] if may is None else [Condition(column=may, operator="eq", value="true")]
    choice = choice_of(listed, Question(filters=filters), also=also)
    columns = [listed.columns[spec.name] for spec in fields]
    out, count = io.StringIO(), 0
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([spec.name for spec in fields])
    with installation.database.snapshot(installation.tenant_id) as connection:
        chosen = listing.Choice(table=choice.table, columns=columns, conditions=choice.conditions, order=choice.order)
        for rows in listing.batches(connection, installation.tenant_id, chosen):
            count += len(rows)
            if count > MOST_RECORDS:
                raise Misuse("a dataset holds fewer records", where="filter", valid=f"at most {MOST_RECORDS:,}")
            for row in rows:
                cells = zip(fields, row, strict=True)
                writer.writerow(["" if value is None else spec.kind.canonical(value) for spec, value in cells])
            if out.tell() > MOST_BYTES:
                raise Misuse("a dataset is smaller", where="filter", valid=f"at most {MOST_BYTES // 2**20} MiB")
    if not count:
        raise Misuse(
            "there is no record to share",
            where="filter",
            value=", ".join(filters) or None,
            valid="a filter that finds records whose licence lets them be passed on",
        )
    return _Copy(document=document, content=out.getvalue().encode(), records=count)


def _handed_over(installation: Installation, bearer: Bearer) -> dict[str, Any] | None:
    """The offer, read as the organisation that its text names, and noted there in the same transaction: who withdraws
    it does so before or after. None where it is not for this one.
    """
    database = installation.database.acting(f"organisation/{installation.tenant_id}")
    with database.connect(bearer.tenant_id) as connection:
        found = datasets.open_offer(connection, bearer.tenant_id, bearer.id)
        if (
            found is None
            or not bearer.is_of(bytes(found["secret_hash"]))
            or found["receiver"] != installation.tenant_id
        ):
            connection.rollback()
            return None
        contract_of(installation, _major(found["contract"]))  # what cannot be loaded here is not taken
        datasets.note_taken(connection, bearer.tenant_id, bearer.id)
        audit.append(
            connection,
            bearer.tenant_id,
            action=HANDED_OVER,
            resource=f"dataset-offer/{bearer.id}",
            payload={"receiver": str(installation.tenant_id), "sha256": bytes(found["sha256"]).hex()},
        )
    return found


def _public(installation: Installation, name: str, version: int | None) -> dict[str, Any]:
    with installation.database.connect(installation.tenant_id) as connection:
        found = datasets.content(connection, name, version)
    if found is None:
        raise NotFound(
            "there is no such public dataset",
            where="dataset",
            value=name if version is None else f"{name} {version}",
            remedy="`headwater datasets list` shows what is public, with the versions there are.",
        )
    return found


def _take(installation: Installation, given: Mapping[str, Any], giver: str, source: Mapping[str, Any]) -> Any:
    """Bring a copy in as a file is brought in: its rows are traced to it, and verified from it."""
    content = bytes(given["content"])
    document = contract_of(installation, _major(given["contract"]))
    names = next(csv.reader(io.StringIO(content.decode())))
    with TemporaryDirectory(prefix="headwater-") as folder:
        mapping, path = Path(folder) / "shared.yaml", Path(folder) / f"{given['name']}.csv"
        mapping.write_text(json.dumps(_mapping(document, names)), encoding="utf-8")
        path.write_bytes(content)
        recipe = file_recipe(path.name, mapping.name, source_name=f"dataset {given['name']} of {giver}")
        run_id = plan_source(installation, recipe, mapping.parent, SourceFile(path=path, name=path.name, alone=True))
    carry_out(installation, run_id, progress=SilentProgress())
    told = {
        **source, "licence": given["licence"], "contract": given["contract"], "records": given["records"],
        "sha256": bytes(given["sha256"]).hex(), "run": str(run_id),
    }  # fmt: skip
    with installation.database.connect(installation.tenant_id) as connection:
        _note(installation, connection, TAKEN, f"dataset/{given['name']}", told)
    return {"dataset": given["name"], **told, "ledger": show_run(installation, run_id).as_json()}


def _major(reference: str) -> str:
    name, _, version = reference.partition("@")
    return f"{name}@{version.partition('.')[0]}"


def _mapping(document: Document, names: Sequence[str]) -> dict[str, Any]:
    known = [name for name in names if name in document.by_name]
    return {
        "mapping": f"{document.name.replace('.', '_')}_shared",
        "version": document.version,
        "contract": f"{document.name}@{document.major}",
        "source": {"format": "csv", "delimiter": ",", "encoding": "utf-8", "quote": '"'},
        "fields": {name: {"column": name} for name in known},
    }


def _note(installation: Installation, connection: Any, action: str, resource: str, told: Mapping[str, Any]) -> None:
    payload = {**told, **installation.actor.came_by()}
    audit.append(
        connection,
        installation.tenant_id,
        actor=installation.actor.name,  # also over the owner's connection, which is opened for nobody
        action=action,
        resource=resource,
        payload=payload,
    )


def _known(copy: _Copy) -> dict[str, Any]:
    return {
        name: value.hex() if name == "sha256" else value for name, value in copy.facts().items() if name != "content"
    }


def _own_name(installation: Installation) -> str:
    with installation.database.connect(installation.tenant_id) as connection:
        return tenants.name_of(connection, installation.tenant_id)


def _check(name: str, licence: str) -> None:
    if not _NAME.fullmatch(name):
        valid = "1 to 63 of a-z, 0-9, _ and -, beginning with a letter"
        raise Misuse("this is no name of a dataset", where="name", value=name, valid=valid)
    if not 1 <= len(licence.strip()) <= 500:
        raise Misuse("a licence must be said", where="licence", valid="what others may do with it, in 500 signs")


def _plain(row: Mapping[str, Any]) -> Any:
    return {
        name: value.isoformat() if hasattr(value, "isoformat") else str(value) if isinstance(value, UUID) else value
        for name, value in row.items()
    }
