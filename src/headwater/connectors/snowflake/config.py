"""Which Snowflake account, and who asks."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from headwater.connectors.sql.counting import CountingConfig
from headwater.connectors.sql.refused import Login


class SnowflakeConfig(CountingConfig):
    """Which account, and who asks. Names are as in SQL: MYDB and mydb are one, "myDb" in quotes is another.

    account                     organisation and account: `myorg-account1`
    user                        who asks
    database                    whose tables are read
    port                        of the host
    host                        where it is not ACCOUNT.snowflakecomputing.com: a private link
    private_key_ref             reference to the login's private key, PEM
    private_key_passphrase_ref  reference to what that key is encrypted with
    token_ref                   reference to a programmatic access token
    password_ref                reference to a password, where the account still takes one
    role                        none for the login's own
    warehouse                   that reckons; none for the login's own
    schemas                     those whose tables are told; () for all
    time_travel                 whether all chunks of a plan are of the moment of the plan
    tls                         `disable` only for what stands in for Snowflake in tests
    connect_timeout             seconds to wait for a session
    statement_timeout           seconds a statement may take; 0 for as long as it likes
    """

    account: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
    host: str | None = None
    port: Annotated[int, Field(ge=1, le=65535)] = 443
    user: str
    private_key_ref: str | None = None
    private_key_passphrase_ref: str | None = None
    token_ref: str | None = None
    password_ref: str | None = None
    role: str | None = None
    warehouse: str | None = None
    database: str
    schemas: tuple[str, ...] = ()
    time_travel: bool = False
    tls: Literal["verify-full", "disable"] = "verify-full"
    connect_timeout: Annotated[int, Field(ge=1, le=600)] = 30
    statement_timeout: Annotated[int, Field(ge=0, le=86_400)] = 900

    @model_validator(mode="after")
    def _logs_in_one_way(self) -> SnowflakeConfig:
        if sum(ref is not None for ref in (self.private_key_ref, self.token_ref, self.password_ref)) != 1:
            raise ValueError("one of private_key_ref, token_ref and password_ref is needed, and only one")
        if self.private_key_passphrase_ref is not None and self.private_key_ref is None:
            raise ValueError("private_key_passphrase_ref goes with private_key_ref")
        return self

    @property
    def server(self) -> str:
        """The name of the host."""
        return self.host or f"{self.account.replace('_', '-')}.snowflakecomputing.com"

    @property
    def where(self) -> str:
        """The account and the database, for messages."""
        return f"{self.account}/{self.database}"

    @property
    def login(self) -> Login:
        """Who asks whom, for what is said where that is refused."""
        references = {name: getattr(self, name) for name in ("private_key_ref", "token_ref", "password_ref")}
        return Login(
            server=self.server,
            user=self.user,
            asked=f"the database {self.database!r}, or the account, role or warehouse of the config",
            where=self.where,
            secret=next((name, reference) for name, reference in references.items() if reference is not None),
        )
