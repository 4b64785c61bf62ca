"""The settings of an installation: typed, from HEADWATER_* variables and `headwater.toml`, refused at start when wrong.

A variable goes before the file, the file before the default. The file is `headwater.toml` in the current folder, or the
one that HEADWATER_CONFIG names; relative folders in it start at the file, those in variables at the current folder.
"""

from __future__ import annotations

import base64
import difflib
import os
import re
import tomllib
from collections.abc import Iterable, Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ByteSize, ConfigDict, Field, SecretStr, ValidationError

from headwater.errors import Misuse

PREFIX = "HEADWATER_"
CONFIG_VARIABLE = "HEADWATER_CONFIG"
CONFIG_FILE = "headwater.toml"

_MIB = 2**20
KEY_BYTES = 32
"""Of a key that encrypts credentials: AES-256."""
HEALTH_LIMITS = {
    "connections_percent": 80, "disk_free_percent": 10, "memory_used_percent": 90, "queue_minutes": 15,
    "stuck_minutes": 30, "quarantine_percent": 10,
}  # fmt: skip
VALID_KEYS = "ID:KEY[,ID:KEY…], each key 32 bytes in base64, or aws-kms:ARN:CIPHERTEXT"
WRAPPED_KEY = re.compile(
    r"aws-kms:(?P<arn>arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:(?:key|alias)/[\w/-]+):(?P<ciphertext>[\w+/]+=*)",
    re.ASCII,
)
"""A key that a key management service has encrypted, and by which of its keys."""


def _setting(description: str, *, valid: str, default: Any = ..., shown: str | None = None, **constraints: Any) -> Any:
    """A field that also says what is valid (for errors and docs) and how its default is shown in the docs."""
    if default is not ...:
        constraints["default"] = default
    return Field(description=description, json_schema_extra={"valid": valid, "shown": shown}, **constraints)


def _default_data_dir() -> Path:
    """Never below root's home: PostgreSQL needs its parents readable, and a home's rights are not ours to loosen."""
    if os.geteuid() == 0:
        return Path("/var/lib/headwater")
    base = Path(os.environ.get("XDG_DATA_HOME", ""))
    if not base.is_absolute():  # the XDG rules say to ignore a relative one
        base = Path("~/.local/share").expanduser()
    return base / "headwater"


def _postgresql_url(url: SecretStr) -> SecretStr:
    parts = urlsplit(url.get_secret_value())
    if parts.scheme not in {"postgresql", "postgres"} or not parts.path.strip("/"):
        raise ValueError
    return url


def are_keys(text: str) -> bool:
    """Whether a text is ID:KEY[,ID:KEY…], each id once, each key 32 bytes in base64 or encrypted by a KMS."""
    parts = [part.strip().partition(":") for part in text.split(",")]
    names = [name for name, _, _ in parts]
    return all(names) and len(set(names)) == len(names) and all(_is_key(key) for _, _, key in parts)


def _is_key(text: str) -> bool:
    wrapped = WRAPPED_KEY.fullmatch(text)
    try:
        found = base64.b64decode(wrapped["ciphertext"] if wrapped else text, validate=True)
    except ValueError:
        return False
    return wrapped is not None or len(found) == KEY_BYTES


def _keys(said: SecretStr) -> SecretStr:
    if not are_keys(said.get_secret_value()):
        raise ValueError
    return said


def _secret_reference(said: SecretStr) -> SecretStr:
    if not re.fullmatch(r"(env|stored):.+|file:/.+", said.get_secret_value()):
        raise ValueError
    return said


def _server_secret(said: SecretStr) -> SecretStr:
    """Of the server, not of an organisation: none is stored."""
    if not re.fullmatch(r"env:.+|file:/.+", said.get_secret_value()):
        raise ValueError
    return said


def _health_limits(text: str) -> str:
    for each in text.split(",") if text.strip() else ():
        name, _, number = each.strip().partition("=")
        if name not in HEALTH_LIMITS or not 0 < float(number) < 1_000_000:
            raise ValueError
    return text


def _networks(text: str) -> str:
    for each in text.split(",") if text.strip() else ():
        ip_network(each.strip())
    return text


def _web_address(url: str) -> str:
    """With TLS, unless it never leaves this machine."""
    parts = urlsplit(url)
    is_here = parts.hostname in {"localhost", "127.0.0.1", "::1"}
    if parts.scheme not in ({"http", "https"} if is_here else {"https"}) or not parts.hostname:
        raise ValueError
    if parts.query or parts.fragment or parts.username is not None:
        raise ValueError
    return url


_Keys = Annotated[SecretStr, AfterValidator(_keys)]
_SecretReference = Annotated[SecretStr, AfterValidator(_secret_reference)]
_ServerSecret = Annotated[SecretStr, AfterValidator(_server_secret)]
_WebAddress = Annotated[str, AfterValidator(_web_address)]
_HealthLimits = Annotated[str, AfterValidator(_health_limits)]
_Networks = Annotated[str, AfterValidator(_networks)]
_PostgresUrl = Annotated[SecretStr, AfterValidator(_postgresql_url)]
_Folder = Annotated[Path, AfterValidator(lambda path: path.expanduser().absolute())]
_WEB_FORM = "a URL that begins with https:// (http:// where it leads to this machine), with no user, query or fragment"
_URL_FORM = "a URL like postgresql://role:password@host:5432/database"


class Settings(BaseModel):
    """One installation. Secrets are shown neither by `repr` nor by errors: ask them by `get_secret_value()`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    database_url: _PostgresUrl | None = _setting(
        "The PostgreSQL (15 or newer) that holds everything, as the application's role, which owns nothing. "
        "Left out: an embedded server in `data_dir`.",
        valid=_URL_FORM,
        default=None,
        shown="embedded server",
    )
    owner_url: _PostgresUrl | None = _setting(
        "The same database as the role that owns the tables. Used by `headwater db upgrade` only.",
        valid=_URL_FORM,
        default=None,
        shown="embedded server",
    )
    data_dir: _Folder = _setting(
        "Where the embedded server, raw files and temporary files are kept. Made when missing; "
        "its parents stay as they are.",
        valid="the path of a folder",
        default_factory=_default_data_dir,
        shown="`/var/lib/headwater` as root, else `~/.local/share/headwater`",
    )
    blob_dir: _Folder = _setting(
        "Where raw files are kept whole, by organisation and SHA-256.",
        valid="the path of a folder",
        default_factory=lambda data: data.get("data_dir", Path()) / "blobs",
        shown="`blobs` in `data_dir`",
    )
    chunk_size: int = _setting(
        "Records in one chunk, which is one transaction.",
        valid="a whole number from 1 to 1000000",
        default=50_000,
        ge=1,
        le=1_000_000,
    )
    memory_limit: ByteSize = _setting(
        "Memory that DuckDB may use in a run; what needs more goes to temporary files in `data_dir`.",
        valid="a size of at least 64 MiB, like 256MiB or 1GB",
        default=ByteSize(256 * _MIB),
        shown="`256MiB`",
        ge=64 * _MIB,
    )
    credentials_keys: _Keys | None = _setting(
        "Keys that encrypt stored credentials, as `ID:KEY` with a comma between them: the first encrypts, all decrypt. "
        "A key is 32 random bytes in base64, or `aws-kms:ARN:CIPHERTEXT` where AWS KMS has encrypted them. "
        "Left out: one that is made in `data_dir` when first needed.",
        valid=VALID_KEYS,
        default=None,
        shown="`credentials.key` in `data_dir`",
    )
    dead_letters: str | None = _setting(
        "The connector (a folder, S3 or Azure Blob) that a copy of what each run refused is written to, as CSV. "
        "A copy that fails stops no run and is tried again.",
        valid="the name of a connector",
        default=None,
        shown="no copy",
        pattern=r"^[a-z][a-z0-9_-]{0,62}$",
    )
    log_level: Literal["debug", "info", "warning", "error"] = _setting(
        "The least important log entry that is written.",
        valid="one of debug, info, warning, error",
        default="warning",
    )
    log_format: Literal["auto", "human", "json"] = _setting(
        "How log entries are written to standard error: `auto` is `json`, one object a line, of `serve` and `worker` "
        "where that is no terminal, else `human`.",
        valid="one of auto, human, json",
        default="auto",
    )
    api_body_limit: ByteSize = _setting(
        "The largest body of a request to the API, but for files that are sent as imports.",
        valid="a size of at least 1 KiB, like 1MiB",
        default=ByteSize(_MIB),
        shown="`1MiB`",
        ge=1024,
    )
    api_upload_limit: ByteSize = _setting(
        "The largest file that may be sent to the API as an import.",
        valid="a size of at least 1 KiB, like 20GiB",
        default=ByteSize(20 * 1024 * _MIB),
        shown="`20GiB`",
        ge=1024,
    )
    api_upload_quota: ByteSize = _setting(
        "How large the files that one organisation has sent as imports, and that are no runs yet, may be together.",
        valid="a size of at least 1 KiB, like 100GiB",
        default=ByteSize(100 * 1024 * _MIB),
        shown="`100GiB`",
        ge=1024,
    )
    api_upload_days: int = _setting(
        "An import that nobody goes on with for so long is given up, and its file removed.",
        valid="a whole number from 1 to 365",
        default=7,
        ge=1,
        le=365,
    )
    notification_days: int = _setting(
        "A message to a notification channel that was sent, failed or dropped is forgotten after so long, and what "
        "happened with it once no other message tells of it.",
        valid="a whole number from 1 to 3650",
        default=90,
        ge=1,
        le=3650,
    )
    api_requests_a_minute: int = _setting(
        "Requests to the API that one token may send in a minute to each server process; a tenth of them at once. An "
        "address may send a tenth as many without a token that is recognised.",
        valid="a whole number from 1 to 10000000",
        default=6_000,
        ge=1,
        le=10_000_000,
    )
    api_long_requests: int = _setting(
        "Requests that last (uploads, exports, event streams, writes with an Idempotency-Key, what asks another "
        "server), of each kind so many, that one token may have open at once in each server process.",
        valid="a whole number from 1 to 256",
        default=8,
        ge=1,
        le=256,
    )
    api_local_sources: bool = _setting(
        "Whether connectors made through the API may read folders, database files, variables, certificates and secret "
        "files of the server, and reach what only the server itself does: its sockets, its loopback, link-local and "
        "private addresses. Only where everybody who may transform is trusted with the server itself.",
        valid="true or false",
        default=False,
    )
    api_networks: _Networks = _setting(
        "Networks that connectors made through the API, and notifications, may reach beside public addresses, with a "
        "comma between them. "
        "Private, loopback and link-local addresses are refused unless they are in one of these.",
        valid="networks like 10.20.0.0/16,fd00:1::/64",
        default="",
        shown="none",
    )
    metrics_token: _SecretReference | None = _setting(
        "Where the token stands by which Prometheus reads `/metrics`; a raw token is refused. Left out: only this "
        "machine may read it, and nobody through a proxy.",
        valid="env:NAME, file:/PATH or stored:NAME",
        default=None,
        shown="this machine only",
    )
    health_limits: _HealthLimits = _setting(
        "From where on the health report warns, as NAME=NUMBER with a comma between them; those not named stay at "
        + ", ".join(f"`{name}={value}`" for name, value in HEALTH_LIMITS.items())
        + ".",
        valid="names and numbers like disk_free_percent=20,queue_minutes=5",
        default="",
        shown="as below",
    )
    organisation: str = _setting(
        "The organisation (tenant) whose records commands read and write.",
        valid="1 to 63 of a-z, 0-9, _ and -, beginning with a letter",
        default="default",
        pattern=r"^[a-z][a-z0-9_-]{0,62}$",
    )
    public_url: _WebAddress = _setting(
        "Where people's browsers find this installation: links that it sends and prints begin with it, and cookies are "
        "for TLS only where it does. Left out, `headwater serve` takes where it listens on this machine.",
        valid=_WEB_FORM,
        default="http://localhost:8000",
    )
    session_idle_minutes: int = _setting(
        "A session that is not used for so long has ended.",
        valid="a whole number from 5 to 10080",
        default=120,
        ge=5,
        le=10_080,
    )
    session_hours: int = _setting(
        "A session ends so long after signing in, used or not.",
        valid="a whole number from 1 to 720",
        default=12,
        ge=1,
        le=720,
    )
    token_days: int = _setting(
        "How long an API token holds where whoever makes it says nothing else.",
        valid="a whole number from 1 to 3650",
        default=90,
        ge=1,
        le=3650,
    )
    token_days_max: int = _setting(
        "How long an API token may hold at most.",
        valid="a whole number from 1 to 3650",
        default=366,
        ge=1,
        le=3650,
    )
    oidc_issuer: _WebAddress | None = _setting(
        "The OpenID Connect provider people sign in with, as it calls itself (`issuer` of its discovery document).",
        valid=_WEB_FORM,
        default=None,
        shown="passwords only",
    )
    oidc_client_id: str | None = _setting(
        "What the provider calls this installation.",
        valid="1 to 255 signs",
        default=None,
        min_length=1,
        max_length=255,
    )
    oidc_client_secret: _SecretReference | None = _setting(
        "Where the secret stands that the provider gave this installation; a raw secret is refused. "
        "Left out: a client without one.",
        valid="env:NAME, file:/PATH or stored:NAME",
        default=None,
    )
    oidc_organisation: str | None = _setting(
        "The organisation that people belong to who sign in with the provider.",
        valid="1 to 63 of a-z, 0-9, _ and -, beginning with a letter",
        default=None,
        shown="`organisation`",
        pattern=r"^[a-z][a-z0-9_-]{0,62}$",
    )
    smtp_host: str | None = _setting(
        "The server that e-mail is sent through.",
        valid="the name or address of a host",
        default=None,
        shown="no e-mail",
        pattern=r"^[A-Za-z0-9._:-]{1,253}$",
    )
    smtp_port: int = _setting("Its port.", valid="a whole number from 1 to 65535", default=587, ge=1, le=65_535)
    smtp_security: Literal["starttls", "tls", "none"] = _setting(
        "How the way to it is encrypted: `starttls` begins in clear and goes on encrypted or not at all, `tls` is "
        "encrypted from the first (usually port 465), `none` is for a server on this machine.",
        valid="one of starttls, tls, none",
        default="starttls",
    )
    smtp_user: str | None = _setting(
        "Who this installation is to it.",
        valid="1 to 255 signs",
        default=None,
        shown="no login",
        min_length=1,
        max_length=255,
    )
    smtp_password: _ServerSecret | None = _setting(
        "Where the password of `smtp_user` stands; a raw one is refused.",
        valid="env:NAME or file:/PATH",
        default=None,
    )
    smtp_from: str | None = _setting(
        "The address that e-mail comes from.",
        valid="one like headwater@example.org",
        default=None,
        pattern=r"^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,253}$",
    )

    def health(self, name: str) -> float:
        """A limit of the health report."""
        said = dict(each.strip().split("=") for each in self.health_limits.split(",") if each.strip())
        return float(said.get(name, HEALTH_LIMITS[name]))


_PAIRS = (("oidc_issuer", "oidc_client_id"), ("smtp_host", "smtp_from"), ("smtp_user", "smtp_password"))
"""Settings of which one is nothing without the other."""
_ALL_OF_THEM = "docs/reference/settings.md lists them all."


def load_settings(config: Path | None = None, environ: Mapping[str, str] | None = None) -> Settings:
    """The settings that hold here and now.

    `config` goes before HEADWATER_CONFIG and must exist; `environ` stands for the process's environment.
    Raises Misuse naming the setting, the value (unless it is secret) and what is valid.
    """
    environ = os.environ if environ is None else environ
    _refuse_misspelt(environ)
    path = _config_path(config, environ)
    values = _from_file(path) if path else {}
    origin = dict.fromkeys(values, str(path))
    for name in Settings.model_fields:
        variable = PREFIX + name.upper()
        if environ.get(variable):  # an empty variable is one that is not set
            values[name] = environ[variable]
            origin[name] = variable
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        raise _refusal(error, values, origin) from None  # the cause would show secrets
    except RuntimeError as error:
        message = "the default data_dir is below the home folder, and this user has none"
        raise Misuse(message, remedy=f"Set {PREFIX}DATA_DIR") from error
    if settings.owner_url and not settings.database_url:
        message = "owner_url is set but database_url is not"
        raise Misuse(message, where=origin["owner_url"], remedy=f"Set {PREFIX}DATABASE_URL too, or neither")
    for one, other in _PAIRS:
        if bool(getattr(settings, one)) != bool(getattr(settings, other)):
            where = origin.get(one) or origin[other]
            raise Misuse(f"of {one} and {other} only one is set", where=where, remedy="Set both, or neither")
    if settings.token_days > settings.token_days_max:
        where = origin.get("token_days") or origin["token_days_max"]
        valid = f"at most {settings.token_days_max}"
        raise Misuse("token_days is more than token_days_max", where=where, value=settings.token_days, valid=valid)
    return settings


def _config_path(config: Path | None, environ: Mapping[str, str]) -> Path | None:
    where = None
    if config is None and environ.get(CONFIG_VARIABLE):
        where, config = CONFIG_VARIABLE, Path(environ[CONFIG_VARIABLE])
    if config is not None:
        if not config.is_file():
            message = "the configuration file does not exist"
            raise Misuse(message, where=where, value=config, valid="the path of a TOML file")
        return config
    return Path(CONFIG_FILE) if Path(CONFIG_FILE).is_file() else None


def _from_file(path: Path) -> dict[str, Any]:
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        valid = 'lines like chunk_size = 50000 and organisation = "default"'
        raise Misuse(f"the file is not TOML: {error}", where=str(path), valid=valid) from None
    except OSError as error:
        message = f"the file cannot be read: {error.strerror}"
        raise Misuse(message, where=str(path), remedy="Give this user the right to read it") from error
    unknown = [name for name in values if name not in Settings.model_fields]
    if unknown:
        near = _near(unknown[0], Settings.model_fields, alike=0.6)
        raise Misuse(f"there is no setting {unknown[0]}", where=str(path), remedy=f"{near}{_ALL_OF_THEM}")
    for name in ("data_dir", "blob_dir"):
        if isinstance(values.get(name), str):
            values[name] = path.parent.absolute() / Path(values[name]).expanduser()
    return values


def _refuse_misspelt(environ: Mapping[str, str]) -> None:
    """A variable close to a setting's name is a slip; others may belong to anybody (Kubernetes sets HEADWATER_PORT)."""
    known = [CONFIG_VARIABLE, *(PREFIX + name.upper() for name in Settings.model_fields)]
    for variable in sorted(environ):
        if not variable.startswith(PREFIX) or variable in known:
            continue
        near = _near(variable, known, alike=0.9)
        if near:
            raise Misuse(f"there is no setting {variable}", remedy=f"{near}{_ALL_OF_THEM}")


def _near(word: str, known: Iterable[str], *, alike: float) -> str:
    """A question for what is most like it; empty where nothing is."""
    close = difflib.get_close_matches(word, list(known), n=2, cutoff=alike)
    return f"Did you mean {' or '.join(close)}? " if close else ""


def _refusal(error: ValidationError, values: Mapping[str, Any], origin: Mapping[str, str]) -> Misuse:
    wrong = dict.fromkeys(str(each["loc"][0]) for each in error.errors(include_url=False, include_input=False))
    found = [_wrong(name, values[name], origin[name]) for name in wrong if name in values]  # not defaults of others
    return found[0] if len(found) == 1 else Misuse(" ".join(map(str, found)))


def _wrong(name: str, value: object, origin: str) -> Misuse:
    field = Settings.model_fields[name]
    valid = field.json_schema_extra["valid"] if isinstance(field.json_schema_extra, dict) else ""
    is_secret = field.annotation in {_PostgresUrl | None, _Keys | None, _SecretReference | None, _ServerSecret | None}
    return Misuse(f"{name} must be {valid}", where=origin, value=None if is_secret else value)
