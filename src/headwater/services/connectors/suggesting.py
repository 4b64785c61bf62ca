"""A first mapping of what a connector brings: of a table by its columns and first rows, or of a file of a store."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from headwater.connectors.files import FileConfig
from headwater.errors import Misuse
from headwater.mapping.draft import SHOWN, draft
from headwater.mapping.profile import profile
from headwater.mapping.totals import totals_in
from headwater.services.access.policy import Right
from headwater.services.connectors.asking import Asker
from headwater.services.connectors.keeping import find, is_store, opened, tables_of
from headwater.services.connectors.kept_rows import keep_rows
from headwater.services.connectors.store_viewing import file_sample
from headwater.services.samples import RECORDS
from headwater.services.scratch import scratch
from headwater.services.suggestions import Suggested, fitted, suggested_of

if TYPE_CHECKING:
    import pyarrow as pa

    from headwater.mapping.profile import Profile
    from headwater.services.connectors.kept_rows import KeptRows
    from headwater.services.installation import Installation


def suggest_for(
    installation: Installation, connector: str, table: str, contract: str | None, hints: FileConfig, *, name: str
) -> Suggested:
    """Look at the first rows of a table, or records of a file of a store, and suggest a mapping called `name`.

    Misuse where `hints` say how a table is to be read, InputRefused where there is no row to look at.
    """
    installation.require(Right.TRANSFORM)
    stored = find(installation, connector)
    with (
        scratch(installation.settings.data_dir, "suggested") as folder,
        opened(installation, stored) as source,
    ):
        if is_store(source):
            sample = file_sample(installation, stored, source, table, hints)
            return suggested_of(sample, contract, name=name, source={"connector": connector, "file": table})
        if hints != FileConfig():
            raise Misuse(
                "a table is read as the source gives it",
                where=f"connector {connector}, {table}",
                remedy="Leave out what says how a file is to be read, such as --format or --sheet.",
            )
        tables = tables_of(source, stored)
        rows = Asker(installation, stored.connector_id, connector).ask(
            lambda: tables.sample(table, RECORDS), about=table
        )
        where = f"connector {connector}, {table}"
        kept = keep_rows(rows.to_batches(), rows.schema, folder, where=where)
        texts = kept.dataset.to_table()
    seen = _profile(kept, texts)
    best, others = fitted(seen, contract, where=where, what="table")
    yaml = draft(best, name=name, source={}, totals=[(_places(each.places), each) for each in totals_in(texts)])
    source_said = {"connector": connector, "table": table}
    return Suggested(source=source_said, records=kept.rows, suggestion=best, yaml=yaml, others=others)


def _profile(kept: KeptRows, texts: pa.Table) -> Profile:
    """A sync writes numbers under the mapping's own locale: what the locale must be, other texts alone tell."""
    seen = profile(texts)
    of_texts = profile(texts.select([column.name for column in kept.columns if column.is_text and not column.numbers]))
    return replace(seen, decimal=of_texts.decimal, group=of_texts.group, date_order=of_texts.date_order)


def _places(places: tuple[int, ...]) -> str:
    """A table has no line numbers: rows are those of the sample, as `connectors sample` shows them."""
    more = f" and {len(places) - SHOWN:,} more" if len(places) > SHOWN else ""
    return f"row {', '.join(str(place + 1) for place in places[:SHOWN])}{more} of the first {RECORDS:,}"
