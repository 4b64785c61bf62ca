"""E-mail through a real SMTP server: encrypted or not at all, with a login, refused for now and for good."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiosmtpd.smtp import AuthResult, LoginPassword
from pydantic import SecretStr

from headwater.errors import Misuse
from headwater.services.notifications import channels
from headwater.services.notifications.delivering import send_test
from headwater.services.notifications.outcomes import Outcome
from headwater.services.notifications.wishes import Target
from tests.connectors.certificates import Certificates, make_certificates
from tests.integration.notifications.conftest import Told
from tests.integration.notifications.test_telling import happening, tell_each
from tests.mailbox import Mailbox, mail_server
from tests.planted import planted

pytestmark = pytest.mark.server
PASSWORD = planted("planted-password-of-the-mail-server")
ANN, BO = planted("ann.planted@example.org"), "bo@example.org"


def login(_: Any, __: Any, ___: Any, mechanism: str, said: Any) -> AuthResult:
    right = isinstance(said, LoginPassword) and said == LoginPassword(b"headwater", PASSWORD.encode())
    return AuthResult(success=right and mechanism in {"LOGIN", "PLAIN"}, handled=False)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


def by(told: Told, port: int, **more: Any) -> Told:
    """The same installation with a server for e-mail."""
    said = {"smtp_host": "localhost", "smtp_port": port, "smtp_from": "headwater@example.org", "smtp_security": "none"}
    settings = told.installation.settings.model_copy(update={**said, **more})
    return replace(told, installation=replace(told.installation, settings=settings))


@pytest.mark.filterwarnings("ignore:Requiring AUTH")  # aiosmtpd does not see that all of it is encrypted
@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_people_are_told_encrypted_and_by_login(
    told: Told, certificates: Certificates, monkeypatch: pytest.MonkeyPatch, security: str
) -> None:
    box = Mailbox()
    monkeypatch.setenv("MAIL_PASSWORD", PASSWORD)
    with mail_server(box, certificates, login, at_once=security == "tls") as port:
        secure = {"smtp_security": security, "smtp_user": "headwater", "smtp_password": SecretStr("env:MAIL_PASSWORD")}
        mailing = by(told, port, **secure)
        added = mailing.add("people", "email", Target(to=[ANN, BO]))
        assert "not trusted" in str(send_test(mailing.installation, "people").error), "nobody knows this authority"
        monkeypatch.setenv("SSL_CERT_FILE", str(certificates.authority))
        assert send_test(mailing.installation, "people") == Outcome()
        tell_each(mailing, *(happening("run.failed", datetime.now(UTC), f"run/{number}") for number in range(8)))
        assert mailing.deliver() == [None]
        monkeypatch.setenv("MAIL_PASSWORD", "another")
        refused = send_test(mailing.installation, "people")
        assert (refused.is_sent, refused.passes, refused.status) == (False, False, 535)
    (_, _), (envelope, was_encrypted) = box.taken
    # A port that speaks nothing but TLS does not tell its sessions so.
    assert (envelope.rcpt_tos, was_encrypted) == ([ANN, BO], security == "starttls")
    mail = box.read(1)
    assert mail["Subject"] == "[Headwater] 8 runs have failed (default)"
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]
    text = mail.get_body(("plain",))
    assert text is not None
    assert text.get_content().count("run.failed at ") == 5
    assert "And 3 more" in text.get_content()
    assert added.as_json()["target"] == {"to": ["a***d@example.org", "***@example.org"]}
    assert told.river.rows("SELECT config FROM notification_channels")[0]["config"] == added.as_json()["target"]


def test_a_server_without_tls_gets_neither_password_nor_message(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    box = Mailbox()
    monkeypatch.setenv("MAIL_PASSWORD", PASSWORD)
    with mail_server(box) as port:
        secure = {
            "smtp_security": "starttls",
            "smtp_user": "headwater",
            "smtp_password": SecretStr("env:MAIL_PASSWORD"),
        }
        mailing = by(told, port, **secure)
        mailing.add("people", "email", Target(to=[BO]))
        outcome = send_test(mailing.installation, "people")
    assert (outcome.passes, box.taken) == (False, [])
    assert "offers no TLS" in str(outcome.error)


def test_what_a_server_refuses_for_now_is_tried_again_and_what_for_good_is_not(told: Told) -> None:
    box = Mailbox()
    with mail_server(box) as port:
        mailing = by(told, port)
        mailing.add("people", "email", Target(to=[ANN, BO]))

        def outcome(**refuse: str) -> Outcome:
            box.refuse = {{"ann": ANN, "bo": BO}.get(name, name): answer for name, answer in refuse.items()}
            return send_test(mailing.installation, "people")

        for_now, for_good = "451 later", "550 no such person"
        for refuse, passes, code in (
            ({"DATA": for_now}, True, 451),
            ({"DATA": "552 too much"}, False, 552),
            ({"ann": for_now, "bo": for_now}, True, 451),
            ({"ann": for_good, "bo": for_now}, False, 550),
            ({"bo": for_good}, False, 550),
        ):
            came = outcome(**refuse)
            assert (came.is_sent, came.passes, came.status) == (False, passes, code), refuse
        assert "some of the addresses were refused, the others have it: ***@example.org (550)" in str(came.error)
        box.refuse = {"DATA": for_now}
        tell_each(mailing, happening("run.failed", datetime.now(UTC)))
        assert mailing.deliver() != [None]
        box.refuse = {}
        taken = len(box.taken)
        assert mailing.deliver(datetime.now(UTC) + timedelta(seconds=10)) == [None]
        assert len(box.taken) == taken + 1
    gone = send_test(mailing.installation, "people")
    assert (gone.passes, gone.error) == (True, "the server cannot be reached: ConnectionRefusedError")


def test_without_a_server_for_it_there_is_no_channel_of_mail(told: Told) -> None:
    with pytest.raises(Misuse, match="no server for e-mail"):
        told.add("people", "email", Target(to=[BO]))
    with pytest.raises(Misuse, match="no address of e-mail") as refused:
        by(told, 1).add("people", "email", Target(to=["Ann <ann@example.org>"]))
    assert refused.value.value is None
    with pytest.raises(Misuse, match="goes to people"):
        by(told, 1).add("people", "email", Target(url="https://example.org"))
    assert channels.list_channels(told.installation) == []
