"""The whole policy, in order of precedence.

1. The organisation: another's rows are not there at all. The database holds this whatever the code above it does.
2. A token's scopes: it does nothing that they do not name, whoever it belongs to.
3. A person's roles: in the organisation, or in a unit and all below it.
4. Grants: one right more, in the organisation or in a unit and all below it, for as long as they hold.

Rights only add up; nothing takes away what another rule gives. What none of these gives is refused, naming the right.
Records belong to the unit of the source they came from. What belongs to no unit (records of other sources, contracts,
factors, inventories of the whole organisation) needs the right in the organisation.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from headwater.errors import Forbidden

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID


class Right(StrEnum):
    """What somebody may do."""

    READ = "read"  # see what there is
    QUERY = "query"  # filter, calculate and export records
    WRITE = "write"  # bring data in, mend and enter it
    TRANSFORM = "transform"  # mappings, recipes, factors, connectors, inventories
    DELETE = "delete"
    MANAGE_USERS = "manage_users"  # people, units, roles, grants, tokens of services


class Role(StrEnum):
    """What a person is in an organisation or unit."""

    ADMIN = "admin"
    DATA_ENGINEER = "data_engineer"
    DATA_ANALYST = "data_analyst"
    REVIEWER = "reviewer"
    VIEWER = "viewer"


EVERY_RIGHT = frozenset(Right)
RIGHTS_OF: Mapping[Role, frozenset[Right]] = {
    Role.ADMIN: EVERY_RIGHT,
    Role.DATA_ENGINEER: frozenset({Right.READ, Right.QUERY, Right.WRITE, Right.TRANSFORM, Right.DELETE}),
    Role.DATA_ANALYST: frozenset({Right.READ, Right.QUERY, Right.WRITE, Right.TRANSFORM}),
    Role.REVIEWER: frozenset({Right.READ, Right.QUERY}),
    Role.VIEWER: frozenset({Right.READ}),
}


@dataclass(frozen=True, kw_only=True)
class Actor:
    """Whoever acts, and what they may do: in the whole organisation, and beyond that in single units.

    name: as the audit chain has it: `person/<id>`, `token/<id>`, `headwater`. No name or address of a person.
    in_units: rights by unit; the units below one stand in it by themselves.
    address_index: keyed hash of the network address they come from, told where they are refused.
    """

    name: str
    rights: frozenset[Right]
    in_units: Mapping[UUID, frozenset[Right]] = field(default_factory=dict)
    person_id: UUID | None = None
    session_id: UUID | None = None
    token_id: UUID | None = None
    address_index: bytes | None = None

    def may(self, right: Right, unit_id: UUID | None = None) -> bool:
        """Whether they have the right in the organisation or, where one is said, in this unit."""
        return right in self.rights or (unit_id is not None and right in self.in_units.get(unit_id, frozenset()))

    def within(self, scopes: frozenset[Right]) -> Actor:
        """The same, who does nothing that these scopes of a token do not name."""
        in_units = {unit: rights & scopes for unit, rights in self.in_units.items()}
        return replace(self, rights=self.rights & scopes, in_units=in_units)

    def signed_in_by(self) -> dict[str, str]:
        """Session and token, as the audit chain tells them of all that they do."""
        told = {"session": self.session_id, "token": self.token_id}
        return {name: str(value) for name, value in told.items() if value is not None}

    def came_by(self) -> dict[str, str]:
        """The same and the hash of their address, as the chain tells them of what concerns people or was refused.

        Not of everything: a chain forgets nothing, and a hash of an address can be tried out by who has its key.
        """
        return self.signed_in_by() | ({"address": self.address_index.hex()} if self.address_index else {})

    def units_with(self, right: Right) -> frozenset[UUID] | None:
        """The units in which they have the right; None where it is theirs everywhere."""
        if right in self.rights:
            return None
        return frozenset(unit for unit, rights in self.in_units.items() if right in rights)

    def require(self, right: Right, unit_id: UUID | None = None) -> None:
        """Forbidden, naming the right, where they have it not."""
        if not self.may(right, unit_id):
            raise Forbidden(
                f"this needs the right {right}",
                where="access",
                value=right.value,
                valid=", ".join(sorted(self.rights)) or "no right in the whole organisation",
                remedy="Ask somebody with the right manage_users for a role or a grant that has it.",
            )


OPERATOR = Actor(name="headwater", rights=EVERY_RIGHT)
"""Whoever has the installation's settings at hand: the command line."""
