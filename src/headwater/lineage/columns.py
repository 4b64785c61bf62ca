"""Column lineage read from SQL that ran: for each column of a result the columns of the sources it was made of.

Direct edges carry a value (`quantity * factor`), indirect ones only decide (`CASE WHEN unit = 'kWh'`, a join's
condition). What decides whether a row is there at all is kept once a result, as its filter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import sqlglot
from sqlglot import exp

Leaf = tuple[str, str]
"""A dataset and one of its columns."""


@dataclass(frozen=True)
class Origins:
    """The leaves a column was made of, and those that only decided about it."""

    direct: frozenset[Leaf] = frozenset()
    indirect: frozenset[Leaf] = frozenset()

    @property
    def all(self) -> frozenset[Leaf]:
        """Both."""
        return self.direct | self.indirect

    def __or__(self, other: Origins) -> Origins:
        return Origins(self.direct | other.direct, self.indirect | other.indirect)

    def deciding(self) -> Origins:
        """The same leaves where they only decide."""
        return Origins(indirect=self.all)


@dataclass(frozen=True, kw_only=True)
class Relation:
    """A table or query: its columns in order, and what decides which of its rows are there."""

    columns: Mapping[str, Origins]
    filter: frozenset[Leaf] = frozenset()


@dataclass(kw_only=True)
class LineageReader:
    """Reads statements one after the other; each may select from what those before it made.

    `unread` collects names that no source has: it stays empty unless the SQL outgrows this reader, and is kept with the
    lineage, so that a missing edge is never silent.
    """

    relations: dict[str, Relation] = field(default_factory=dict)
    unread: set[str] = field(default_factory=set)

    def add_source(self, name: str, columns: Sequence[str]) -> None:
        """A dataset that lineage ends at."""
        self.relations[name] = Relation(columns={column: Origins(frozenset({(name, column)})) for column in columns})

    def add_columns(self, name: str, made_of: Mapping[str, str]) -> None:
        """Columns beside those of a source, each with the one it was made of."""
        columns = self.relations[name].columns
        made = {column: columns[origin] for column, origin in made_of.items()}
        self.relations[name] = Relation(columns={**columns, **made})

    def read(self, sql: str) -> Relation:
        """The lineage of a SELECT, or of a CREATE TABLE … AS, whose table later statements then see."""
        statement = sqlglot.parse_one(sql, dialect="duckdb")
        if isinstance(statement, exp.Create):
            relation = self._query(statement.expression, self.relations)
            self.relations[statement.this.name] = relation
            return relation
        return self._query(statement, self.relations)

    def _query(self, query: exp.Expr, visible: Mapping[str, Relation]) -> Relation:
        if isinstance(query, exp.Subquery):
            return self._query(query.this, visible)
        if isinstance(query, exp.SetOperation):
            return self._union(self._query(query.left, visible), self._query(query.right, visible))
        if not isinstance(query, exp.Query):
            self.unread.add(query.sql(dialect="duckdb"))
            return Relation(columns={})
        known = dict(visible)
        for common in query.ctes:
            known[common.alias] = self._query(common.this, known)
        scope = _Scope(reader=self, visible=known)
        first = query.args.get("from_") or query.args.get("from")
        if first is not None:
            scope.filter |= scope.sources[scope.add(first.this)].filter
        for join in query.args.get("joins") or ():
            scope.join(join)
        decided = scope.filter
        for clause in ("where", "having", "qualify"):
            condition = query.args.get(clause)
            if condition is not None:
                decided |= scope.origins(condition.this).all
        columns: dict[str, Origins] = {}
        for projection in query.selects:
            columns.update(scope.project(projection))
        return Relation(columns=columns, filter=decided)

    @staticmethod
    def _union(left: Relation, right: Relation) -> Relation:
        both = zip(left.columns.items(), right.columns.values(), strict=True)
        columns = {name: mine | theirs for (name, mine), theirs in both}
        return Relation(columns=columns, filter=left.filter | right.filter)


@dataclass(kw_only=True)
class _Scope:
    """What the expressions of one SELECT can name."""

    reader: LineageReader
    visible: Mapping[str, Relation]
    sources: dict[str, Relation] = field(default_factory=dict)
    filter: frozenset[Leaf] = frozenset()

    def add(self, source: exp.Expr) -> str:
        if isinstance(source, exp.Table):
            relation = self.visible.get(source.name)
            if relation is None:
                self.reader.unread.add(source.name)
                relation = Relation(columns={})
        else:
            relation = self.reader._query(source, self.visible)  # noqa: SLF001  one recursion in two classes
        name = source.alias_or_name or f"source {len(self.sources)}"
        self.sources[name] = relation
        return name

    def join(self, join: exp.Join) -> None:
        """What joins decides about the columns that come in; but for a left join also about which rows there are."""
        name = self.add(join.this)
        joined = self.sources[name]
        deciding = Origins(indirect=joined.filter)
        if join.args.get("on") is not None:
            deciding |= self.origins(join.args["on"]).deciding()
        for column in join.args.get("using") or ():
            for relation in self.sources.values():
                deciding |= relation.columns.get(column.name, Origins()).deciding()
        if join.side == "LEFT":
            columns = {column: origins | deciding for column, origins in joined.columns.items()}
            self.sources[name] = Relation(columns=columns, filter=joined.filter)
        else:
            self.filter |= deciding.indirect

    def project(self, projection: exp.Expr) -> dict[str, Origins]:
        """The columns that one item of a SELECT list gives."""
        if isinstance(projection, exp.Star):
            return self._star(tuple(self.sources), projection)
        if isinstance(projection, exp.Column) and isinstance(projection.this, exp.Star):
            return self._star((projection.table,), projection.this)
        value = projection.this if isinstance(projection, exp.Alias) else projection
        return {projection.alias_or_name: self.origins(value)}

    def _star(self, sources: Sequence[str], star: exp.Star) -> dict[str, Origins]:
        left_out = {column.name for column in star.args.get("except_") or star.args.get("except") or ()}
        return {
            column: origins
            for name in sources
            for column, origins in self.sources[name].columns.items()
            if column not in left_out
        }

    def origins(self, expression: exp.Expr) -> Origins:
        """What an expression is made of. Walked with a stack: generated SQL nests deeper than Python likes."""
        direct: set[Leaf] = set()
        indirect: set[Leaf] = set()
        waiting: list[tuple[exp.Expr, bool, frozenset[str]]] = [(expression, True, frozenset())]
        while waiting:
            node, carries, bound = waiting.pop()
            if isinstance(node, exp.Column):
                found = self._column(node, bound)
                (direct if carries else indirect).update(found.direct)
                indirect.update(found.indirect)
            elif isinstance(node, exp.Query):
                inner = self.reader._query(node, {**self.visible, **self.sources})  # noqa: SLF001
                for found in inner.columns.values():
                    (direct if carries else indirect).update(found.direct)
                    indirect.update(found.indirect)
                indirect.update(inner.filter)
            else:
                waiting.extend(_parts(node, carries=carries, bound=bound))
        return Origins(frozenset(direct), frozenset(indirect - direct))

    def _column(self, column: exp.Column, bound: frozenset[str]) -> Origins:
        name = column.name
        if name in bound or column.table in bound:
            return Origins()
        sources = [self.sources[column.table]] if column.table in self.sources else list(self.sources.values())
        for relation in sources:
            if name in relation.columns:
                return relation.columns[name]
        self.reader.unread.add(column.sql())
        return Origins()


def _parts(node: exp.Expr, *, carries: bool, bound: frozenset[str]) -> list[tuple[exp.Expr, bool, frozenset[str]]]:
    """The children of a node; the conditions of a CASE decide and carry nothing, a lambda binds its names."""
    if isinstance(node, exp.Lambda):
        bound = bound | {name.name for name in node.expressions}
        return [(node.this, carries, bound)]
    deciding = node.this if isinstance(node, exp.If | exp.Case) else None
    return [(child, carries and child is not deciding, bound) for child in node.iter_expressions()]
