"""The right that each service asks for: what faces call, read from the code of the services and of the faces."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SOURCE = Path(__file__).parents[1] / "src/headwater"
FACES = ("cli", "api", "jobs")
SERVICES = "headwater.services"
WITHOUT = {
    "connectors.keeping.opened": "opens what a service has found, which has asked",
    "health.ready": "tells nothing of an organisation",
    "installation.serving": "tells nothing of an organisation",
    "job_ends.end_job": "a worker ends what it was asked to do",
    "job_ends.put_off_job": "a worker puts off what it was asked to do",
    "kept_recipes.laid_out": "a worker lays out what whoever asked for the job was allowed to name",
    "notifications.delivering.deliver": "a worker sends on behalf of whoever made the channel",
    "notifications.stuck.tell_stuck_jobs": "a worker tells channels what it sees",
    "once.named": "names a write, which asks for its right itself",
    "once.hold": "keeps for whoever calls what they were answered",
    "records.contract_of": "contracts are those of the installation",
    "schedules.tick": "a worker asks on behalf of whoever made the schedule",
    "connectors.secrets.resolve": "the token of metrics, for whoever runs the installation",
    "watching.measuring.measure_all": "totals for whoever runs the installation, which name no organisation",
    "sign_in.authentication.authenticate": "finds out who acts",
    "sign_in.by_oidc.begin": "finds out who acts",
    "sign_in.by_oidc.finish": "finds out who acts",
    "sign_in.by_password.sign_in": "finds out who acts",
    "sign_in.by_password.change_password": "oneself, signed in, who knows the password there is",
    "sign_in.forgotten.mail_link": "whoever reads the mail of the address",
    "sign_in.links.accept": "whoever has the link, which somebody with the right has made",
    "sign_in.links.look_at": "whoever has the link, which somebody with the right has made",
    "sign_in.oneself.oneself": "oneself, to nobody else",
    "sign_in.tokens.create_personal": "one's own, which does no more than oneself",
    "notifications.forgetting.forget_messages": "a worker tidies up for all organisations",
    "uploads.sweeping.sweep": "a worker tidies up for all organisations",
    "uploads.looking.go_on_quietly": "goes on as whoever uploaded; that they may not is told to the log",
    "sign_in.tokens.revoke": "one's own; `manage_users` for another's, which else is not there",
}
"""Functions that faces call and that ask for no right first, and why not."""

ASKING = {"require", "seeing", "reached_run", "reached_import"}


@dataclass(frozen=True, order=True)
class Service:
    """A function that a face calls with the installation first; `rights` are those that it names."""

    module: str
    name: str
    rights: tuple[str, ...]
    sentence: str

    @property
    def full(self) -> str:
        """As it is called below the room of services."""
        return f"{self.module}.{self.name}"


def called_by_faces() -> list[Service]:
    """All services that the command line, the API and the worker call for an organisation."""
    called = set(_called())
    found = []
    for path in sorted((SOURCE / "services").rglob("*.py")):
        module = ".".join(path.relative_to(SOURCE / "services").with_suffix("").parts).removesuffix(".__init__")
        functions = {
            node.name: node
            for node in ast.parse(path.read_text(encoding="utf-8")).body
            if isinstance(node, ast.FunctionDef)
        }
        for name, node in functions.items():
            if (module, name) in called and _takes_an_installation(node):
                sentence = (ast.get_docstring(node) or "").split("\n")[0]
                found.append(Service(module, name, tuple(sorted(set(_rights(node, functions, set())))), sentence))
    return found


def rights_page(note: str) -> str:
    """The page of what each service asks for."""
    lines = [
        "# Rights",
        "",
        note,
        "What each service asks of whoever calls it, by command line, API or a job. Who lacks the right is refused,",
        "and noted in the audit chain: see [who may do what](../explanation/access.md). Of several rights, what is",
        "wanted decides which is asked for. Whoever has the settings of the installation, as the command line does,",
        "has all.",
        "",
        "| service | rights | what it does |",
        "|---|---|---|",
    ]
    for each in called_by_faces():
        rights = ", ".join(f"`{right}`" for right in each.rights) or f"none: {WITHOUT.get(each.full, '')}"
        lines.append(f"| `{each.full}` | {rights} | {each.sentence} |")
    return "\n".join(lines) + "\n"


def _called() -> Iterator[tuple[str, str]]:
    """Module below services, and name, of everything of theirs that a face names."""
    for face in FACES:
        for path in (SOURCE / face).rglob("*.py"):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            modules: dict[str, str] = {}
            for node in ast.walk(tree):
                if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(SERVICES):
                    below = (node.module or "").removeprefix(SERVICES).removeprefix(".")
                    for name in node.names:
                        modules[name.asname or name.name] = f"{below}.{name.name}".removeprefix(".")
                        yield below, name.name
            for node in ast.walk(tree):
                if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in modules:
                    yield modules[node.value.id], node.attr


def _takes_an_installation(node: ast.FunctionDef) -> bool:
    arguments = [*node.args.posonlyargs, *node.args.args]
    first = arguments[0].annotation if arguments else None
    return isinstance(first, ast.Name) and first.id == "Installation"


def _rights(node: ast.FunctionDef, functions: dict[str, ast.FunctionDef], seen: set[str]) -> Iterator[str]:
    """Rights named in what a function requires, itself or by a function beside it that it calls."""
    seen.add(node.name)
    for call in ast.walk(node):
        if not isinstance(call, ast.Call):
            continue
        called = getattr(call.func, "attr", None) or getattr(call.func, "id", None)
        if called in ASKING:
            yield from _named(call)
        elif isinstance(call.func, ast.Name) and call.func.id in {"may_give", "show_clear"}:
            yield "manage_users"
        elif isinstance(call.func, ast.Name) and call.func.id in functions.keys() - seen:
            yield from _rights(functions[call.func.id], functions, seen)


def _named(call: ast.Call) -> Iterator[str]:
    for part in ast.walk(call):
        if isinstance(part, ast.Attribute) and isinstance(part.value, ast.Name) and part.value.id == "Right":
            yield part.attr.lower()
