from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr

from headwater.errors import Misuse
from headwater.settings import PREFIX, Settings, load_settings

URL = "postgresql://app:s3cret@localhost/headwater"
WRONG = {
    "database_url": "mysql://app:s3cret@localhost/headwater",
    "owner_url": "s3cret",
    "chunk_size": "many",
    "memory_limit": "1MiB",
    "credentials_keys": "k1:c2hvcnQ=",
    "dead_letters": "s3://bucket",
    "log_level": "loud",
    "log_format": "xml",
    "organisation": "Åre kommun",
    "api_body_limit": "12B",
    "api_upload_limit": "no limit",
    "api_upload_quota": "much",
    "api_upload_days": "0",
    "notification_days": "0",
    "api_requests_a_minute": "0",
    "metrics_token": "a-token-as-it-is",
    "health_limits": "disk_free_percent=low",
    "api_long_requests": "0",
    "api_local_sources": "perhaps",
    "api_networks": "10.0.0.1/8",
    "public_url": "http://headwater.example.org",
    "session_idle_minutes": "4",
    "session_hours": "0",
    "token_days": "0",
    "token_days_max": "4000",
    "oidc_issuer": "https://id.example.org/?realm=1",
    "oidc_client_id": "x" * 256,
    "oidc_client_secret": "s3cret",
    "oidc_organisation": "Åre kommun",
    "smtp_host": "mail.example.org/x",
    "smtp_port": "0",
    "smtp_security": "ssl",
    "smtp_user": "x" * 256,
    "smtp_password": "s3cret",
    "smtp_from": "nobody",
}
SECRET = {"database_url", "owner_url", "credentials_keys", "metrics_token", "oidc_client_secret", "smtp_password"}


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_defaults_need_nothing() -> None:
    settings = load_settings(environ={})
    assert settings.database_url is None
    assert settings.chunk_size == 50_000
    assert settings.blob_dir == settings.data_dir / "blobs"
    assert settings.organisation == "default"


def test_a_variable_goes_before_the_file_and_the_file_before_the_default() -> None:
    Path("headwater.toml").write_text('chunk_size = 7\norganisation = "acme"\n', encoding="utf-8")
    settings = load_settings(environ={"HEADWATER_CHUNK_SIZE": "9"})
    assert (settings.chunk_size, settings.organisation, settings.log_level) == (9, "acme", "warning")


def test_an_empty_variable_is_not_set() -> None:
    assert load_settings(environ={"HEADWATER_DATABASE_URL": ""}).database_url is None


def test_the_file_can_be_named_and_its_folders_start_at_it(tmp_path: Path) -> None:
    folder = tmp_path / "etc"
    folder.mkdir()
    (folder / "h.toml").write_text('data_dir = "data"\n', encoding="utf-8")
    for settings in (
        load_settings(folder / "h.toml", environ={}),
        load_settings(environ={"HEADWATER_CONFIG": str(folder / "h.toml")}),
    ):
        assert settings.data_dir == folder / "data"
        assert settings.blob_dir == folder / "data" / "blobs"


@pytest.mark.parametrize("name", sorted(WRONG))
@pytest.mark.parametrize("where", ["variable", "file"])
def test_a_bad_value_is_refused_in_one_sentence(name: str, where: str) -> None:
    value = WRONG[name]
    environ = {}
    if where == "variable":
        environ[PREFIX + name.upper()] = value
    else:
        Path("headwater.toml").write_text(f"{name} = '{value}'\n", encoding="utf-8")
    with pytest.raises(Misuse) as refused:
        load_settings(environ=environ)
    text = str(refused.value)
    assert text.startswith(f"{PREFIX + name.upper() if where == 'variable' else 'headwater.toml'}: {name} must be ")
    assert text.count(". ") == 0
    assert "s3cret" not in text
    assert refused.value.__cause__ is None
    assert (value[:200] in text) is (name not in SECRET)


def test_all_bad_values_are_told_at_once_and_no_secret_among_them() -> None:
    Path("headwater.toml").write_text("log_level = 'loud'\n", encoding="utf-8")
    environ = {PREFIX + "CHUNK_SIZE": "many", PREFIX + "OWNER_URL": "mysql://a:s3cret@b/c"}
    with pytest.raises(Misuse) as refused:
        load_settings(environ=environ)
    text = str(refused.value)
    assert text.startswith("HEADWATER_OWNER_URL: owner_url must be ")
    assert " (value: 'many'). headwater.toml: log_level must be " in text
    assert ".." not in text
    assert "s3cret" not in text


def test_every_setting_has_a_wrong_value_that_was_tried() -> None:
    assert set(WRONG) | {"data_dir", "blob_dir"} == set(Settings.model_fields)


def test_secrets_are_not_shown() -> None:
    settings = load_settings(environ={"HEADWATER_DATABASE_URL": URL, "HEADWATER_OWNER_URL": URL})
    assert "s3cret" not in repr(settings) + str(settings) + settings.model_dump_json()
    assert isinstance(settings.database_url, SecretStr)
    assert settings.database_url.get_secret_value() == URL


def test_an_unknown_key_is_refused_and_the_nearest_named() -> None:
    Path("headwater.toml").write_text("chunksize = 7\n", encoding="utf-8")
    with pytest.raises(Misuse, match=r"no setting chunksize.*Did you mean chunk_size") as refused:
        load_settings(environ={})
    assert len(str(refused.value)) < 160, "the nearest, and where all of them stand"


def test_a_misspelt_variable_is_refused_and_somebody_elses_is_left_alone() -> None:
    with pytest.raises(Misuse, match="Did you mean HEADWATER_DATABASE_URL"):
        load_settings(environ={"HEADWATER_DATABSE_URL": URL})
    load_settings(environ={"HEADWATER_SERVICE_HOST": "10.0.0.1", "HEADWATER_PORT": "tcp://10.0.0.1:80"})


@pytest.mark.parametrize("text", ["chunk_size = ", "\udcff"])
def test_a_file_that_is_not_toml_is_refused(text: str) -> None:
    Path("headwater.toml").write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(Misuse, match="not TOML"):
        load_settings(environ={})


def test_a_named_file_must_exist() -> None:
    with pytest.raises(Misuse, match="does not exist"):
        load_settings(environ={"HEADWATER_CONFIG": "nowhere.toml"})


def test_an_owner_without_a_database_is_refused() -> None:
    with pytest.raises(Misuse, match="HEADWATER_DATABASE_URL"):
        load_settings(environ={"HEADWATER_OWNER_URL": URL})


def test_half_a_provider_and_a_default_above_the_maximum_are_refused() -> None:
    with pytest.raises(Misuse, match="only one is set"):
        load_settings(environ={"HEADWATER_OIDC_ISSUER": "https://id.example.org"})
    with pytest.raises(Misuse, match="token_days is more than token_days_max"):
        load_settings(environ={"HEADWATER_TOKEN_DAYS_MAX": "30"})
    load_settings(environ={"HEADWATER_OIDC_ISSUER": "http://127.0.0.1:9000/", "HEADWATER_OIDC_CLIENT_ID": "headwater"})


@pytest.mark.parametrize(
    "wrong",
    ["k1", ":aws-kms:x", "k1:aws-kms:arn:aws:s3:::bucket:QUJD", "k1:aws-kms:arn:aws:kms:eu-west-1:1:key/a:QUJD",
     "k1:aws-kms:arn:aws:kms:eu-west-1:111122223333:key/a:QUJ", "k1:aws-kms:arn:aws:kms:eu-west-1:111122223333:key/a"],
)  # fmt: skip
def test_keys_that_are_none_are_refused_and_not_shown(wrong: str) -> None:
    with pytest.raises(Misuse, match="aws-kms:ARN:CIPHERTEXT") as refused:
        load_settings(environ={"HEADWATER_CREDENTIALS_KEYS": wrong})
    assert wrong not in str(refused.value)
    load_settings(environ={"HEADWATER_CREDENTIALS_KEYS": "k1:aws-kms:arn:aws:kms:eu-west-1:111122223333:key/a:QUJD"})
