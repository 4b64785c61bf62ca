"""A planted secret that is told anywhere fails the test in which it was; every secret of the tests is planted."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
SUITE = r"""
import logging, subprocess, sys
import httpx, pytest, typer
from typer.testing import CliRunner
from headwater.errors import Misuse
from tests.connectors.servers_http import http_server, json_reply
from tests.planted import HANDING_OUT, planted, planted_file

SECRET = planted("a secret, & more/of:it")
app = typer.Typer()

@app.command()
def answer():
    print(SECRET)

def test_printed():
    print("before", SECRET, "after")

def test_printed_and_looked_at(capsys):
    print(SECRET)
    assert "secret" in capsys.readouterr().out

def test_logged():
    logging.getLogger("a").warning("in a URL: %s", "https://u:a%20secret%2C%20%26%20more%2Fof%3Ait@host")

def test_error():
    with pytest.raises(Misuse):
        raise Misuse("wrong", value=SECRET)

def test_command():
    assert CliRunner().invoke(app, []).exit_code == 0

def test_process():
    subprocess.run([sys.executable, "-c", "import sys; sys.stderr.write(sys.argv[1])", SECRET], capture_output=True)

def answered(**headers):
    with http_server(lambda _: json_reply({"said": SECRET}, **headers)) as server:
        return httpx.get(server.url, trust_env=False)

def test_answer():
    assert answered().status_code == 200

def test_answer_in_parts():
    parts = httpx.Response(200, content=iter([b"..." + SECRET[:9].encode(), SECRET[9:].encode()]))
    assert list(parts.iter_lines())

def test_header():
    assert httpx.Response(200, headers={"Location": "/?key=" + SECRET}, content=b"x").read()

def test_file(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "kept.csv").write_text("a,b\n1," + SECRET)

def test_handed_out():
    assert answered(**HANDING_OUT).status_code == 200

def test_file_on_purpose(tmp_path):
    planted_file(tmp_path / "secret", SECRET)

def test_file_that_is_no_text(tmp_path):
    (tmp_path / "blob").write_bytes(b"\0" + SECRET.encode())

@pytest.fixture
def left_behind():
    yield
    print(SECRET)

def test_teardown(left_behind):
    pass

@pytest.mark.tells_secrets("that is what it is about")
def test_meant():
    print(SECRET)

def test_none():
    print("another secret")

@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shared")
    yield folder
    (folder / "server.log").write_text(SECRET)

def test_file_of_all(shared):
    pass
"""
TOLD = (
    "printed",
    "printed_and_looked_at",
    "logged",
    "error",
    "command",
    "process",
    "answer",
    "answer_in_parts",
    "header",
    "file",
    "file_of_all",
    "teardown",
)
_SECRET = re.compile(
    r"""^(?:\w+, )*\w*(?:PASSWORD|SECRET|TOKEN|PLANTED|ACCOUNT_KEY)\w*(?:: \w+)? = (f?".*)$""", re.MULTILINE
)
# Connectors that tell their secret on purpose are tried with this one; these are no secrets.
_MEANT = {"tests/unit/testing/memory_case.py"}


def test_whatever_tells_a_secret_fails(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(SUITE, encoding="utf-8")
    (tmp_path / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    options = ["-p", "tests.plugin_redaction", "-p", "no:cacheprovider", "-rA", "--rootdir", str(tmp_path)]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, "CI": ""},  # with it pytest says in its summary once more what failed
        capture_output=True,
        text=True,
        check=False,
    )
    failed = re.findall(r"^ERROR \S*test_it.py::test_(\w+)", done.stdout, re.MULTILINE)
    assert sorted(failed) == sorted(TOLD), done.stdout
    assert done.stdout.count("has a planted secret told") == len(TOLD)
    assert "in a URL: https://u:[a planted secret]@host" in done.stdout


def test_every_secret_of_the_tests_is_planted() -> None:
    bare = [
        f"{path.relative_to(ROOT)}: {said}"
        for path in sorted((ROOT / "tests").rglob("*.py"))
        for said in _SECRET.findall(path.read_text(encoding="utf-8"))
        if "planted(" not in said and str(path.relative_to(ROOT)) not in _MEANT
    ]
    assert bare == []
