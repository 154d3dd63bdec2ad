"""Settings are read once, checked at once, and never tell a secret."""

import pickle
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from config.settings import VARIABLES, Settings, find_unknown_variables
from config.variables import SettingsError
from runtime.rate_limits import Rate

SECRET = "0123456789abcdef0123456789abcdef"


def test_every_variable_has_its_documented_default() -> None:
    settings = Settings.from_env({"MATINEE_SECRET": SECRET})

    assert settings == Settings.from_env(
        {"MATINEE_SECRET": SECRET} | {each.name: each.default for each in VARIABLES if each.default}
    )
    assert settings.hold_seconds == 60
    assert settings.timezone == ZoneInfo("Europe/Paris")
    assert not settings.production


def test_address_of_list_is_not_changed() -> None:
    addresses = ["https://catalogue.test/movies/", "https://catalogue.test/movies"]
    given = [Settings.from_env({"MATINEE_SECRET": SECRET, "MATINEE_CATALOGUE_URL": each}) for each in addresses]

    assert [settings.catalogue_url for settings in given] == addresses


@pytest.mark.parametrize(
    ("text", "expected"),
    [("10/minute", Rate(10, 60)), ("7/10second", Rate(7, 10)), ("1000/hour", Rate(1000, 3600)), ("off", None)],
)
def test_reads_rates(text: str, expected: Rate | None) -> None:
    settings = Settings.from_env({"MATINEE_SECRET": SECRET, "MATINEE_LIMIT_SIGN_IN": text})
    assert settings.limits.sign_in == expected


@pytest.mark.parametrize(("text", "expected"), [("", 400), ("1", 1), ("36500", 36500), ("off", None)])
def test_reads_days(text: str, expected: int | None) -> None:
    settings = Settings.from_env({"MATINEE_SECRET": SECRET, "MATINEE_PAGE_VIEW_DAYS": text})
    assert settings.page_view_days == expected


def test_accepts_example_of_every_variable() -> None:
    examples = {each.name: each.example for each in VARIABLES} | {"MATINEE_SECRET": SECRET}

    settings = Settings.from_env(examples)

    assert settings.public_url == "https://cinema.example.org"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MATINEE_PAGE_VIEW_DAYS", "0"),
        ("MATINEE_PAGE_VIEW_DAYS", "36501"),
        ("MATINEE_PAGE_VIEW_DAYS", "never"),
        ("MATINEE_HOLD_SECONDS", "0"),
        ("MATINEE_HOLD_SECONDS", "3601"),
        ("MATINEE_HOLD_SECONDS", "1.5"),
        ("MATINEE_HOLD_SECONDS", "-1"),
        ("MATINEE_HOLD_SECONDS", "6\u0661"),
        ("MATINEE_POOL_SIZE", "many"),
        ("MATINEE_STATEMENT_SECONDS", "0"),
        ("MATINEE_STATEMENT_SECONDS", "nan"),
        ("MATINEE_LOCK_SECONDS", "1e3"),
        (
            "MATINEE_TOKEN_SECONDS",
            """ 5
6""",
        ),
        ("MATINEE_LIMIT_COST", "0/minute"),
        ("MATINEE_LIMIT_COST", "60000"),
        ("MATINEE_LIMIT_COST", "60000/fortnight"),
        ("MATINEE_LIMIT_SIGN_IN", "none"),
        ("MATINEE_LIMIT_DEPTH", "0"),
        ("MATINEE_LIMIT_IDS", "off"),
        ("MATINEE_TRUSTED_PROXIES", "10.0.0.1/8"),
        ("MATINEE_TRUSTED_PROXIES", "proxy.example.org"),
        ("MATINEE_CORS_ORIGINS", "app.example.org"),
        ("MATINEE_CORS_ORIGINS", "https://app.example.org/path"),
        ("MATINEE_CORS_ORIGINS", "https://app.example.org,*"),
        ("MATINEE_ENV", "prod"),
        ("MATINEE_TIMEZONE", "Europe"),
        ("MATINEE_COUNTER_TIMEZONE", "India"),
        ("MATINEE_COUNTER_OPEN", "yes"),
        ("MATINEE_COUNTER_TOKEN", "é"),
        ("MATINEE_COUNTER_TOKEN", "x" * 1025),
        ("MATINEE_TIMEZONE", "../etc/passwd"),
        ("MATINEE_PUBLIC_URL", "cinema.example.org"),
        ("MATINEE_PUBLIC_URL", "https://example.org/?a=b"),
        ("MATINEE_PUBLIC_URL", "https://example.org:65536"),
        ("MATINEE_PUBLIC_URL", "https://example.org:0"),
        ("MATINEE_PUBLIC_URL", "https://[:::]"),
        ("MATINEE_CATALOGUE_URL", "https://1.2.3.4.5/movies/"),
        ("MATINEE_CINEMAWORLD_URL", "https://."),
        ("MATINEE_CATALOGUE_URL", "catalogue.example.org"),
        ("MATINEE_CATALOGUE_URL", "https://user:hunter2@catalogue.example.org/"),
        ("MATINEE_CATALOGUE_URL", "https://catalogue.example.org/?page=1"),
        ("MATINEE_CATALOGUE_USER", "a:b"),
        ("MATINEE_CATALOGUE_PASSWORD", "two\nlines"),
        ("MATINEE_PLANNER", "check=2"),
        ("MATINEE_PLANNER", "check="),
        ("MATINEE_SECRET", "short"),
        ("MATINEE_SECRET", f"{SECRET},"),
        ("DATABASE_URL", "mysql://root@localhost/x"),
        ("DATABASE_URL", "postgresql://localhost:port/x?nonsense"),
    ],
)
def test_wrong_value_is_reported_in_one_line_with_variable_and_example(name: str, value: str) -> None:
    with pytest.raises(SettingsError) as raised:
        Settings.from_env({"MATINEE_SECRET": SECRET, name: value})

    line = str(raised.value)
    assert line.startswith(f"{name} must ")
    assert f"Example: {name}=" in line
    assert "\n" not in line


@pytest.mark.parametrize("name", ["MATINEE_SECRET", "DATABASE_URL"])
def test_error_never_shows_secret(name: str) -> None:
    with pytest.raises(SettingsError) as raised:
        Settings.from_env({name: "hunter2:@/x"})

    assert "hunter2" not in str(raised.value)


def test_repr_of_settings_never_shows_secret() -> None:
    settings = Settings.from_env({"MATINEE_SECRET": SECRET, "DATABASE_URL": "postgresql://u:hunter2@h/x"})

    assert SECRET not in repr(settings)
    assert "hunter2" not in repr(settings)


def test_empty_variable_counts_as_unset() -> None:
    settings = Settings.from_env({"MATINEE_SECRET": SECRET, "MATINEE_POOL_SIZE": " "})

    assert settings.pool_size == 10


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_accepts_every_spelling_of_database_address(scheme: str) -> None:
    settings = Settings.from_env({"MATINEE_SECRET": SECRET, "DATABASE_URL": f"{scheme}://u@h/x?connect_timeout=9"})

    assert settings.database_url == "postgresql://u@h/x?connect_timeout=9"


def test_address_with_several_hosts_prefers_primary() -> None:
    settings = Settings.from_env(
        {
            "MATINEE_SECRET": SECRET,
            "DATABASE_URL": "postgresql://u@a:1,b:2/x?sslmode=require",
            "DATABASE_READ_URL": "postgresql://u@a,b/x",
        }
    )

    assert settings.database_url is not None
    assert settings.database_url.endswith("?sslmode=require&target_session_attrs=read-write")
    assert settings.database_read_url is not None
    assert settings.database_read_url.endswith("target_session_attrs=prefer-standby")


def test_secrets_keep_their_order() -> None:
    settings = Settings.from_env({"MATINEE_SECRET": f"{SECRET} , {SECRET[::-1]}"})

    assert settings.secrets == (SECRET.encode(), SECRET[::-1].encode())


def test_generated_secret_is_stored_readable_by_owner_only(tmp_path: Path) -> None:
    folder = tmp_path / "data"

    first = Settings.from_env({"MATINEE_DATA_DIR": str(folder)})
    second = Settings.from_env({"MATINEE_DATA_DIR": str(folder)})

    assert first.secrets == second.secrets
    assert len(first.secrets[0]) >= 32
    assert stat.S_IMODE((folder / "secret").stat().st_mode) == 0o600
    assert [file.name for file in folder.iterdir()] == ["secret"]


def test_concurrent_processes_generate_one_secret(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = set(pool.map(lambda _: Settings.from_env({"MATINEE_DATA_DIR": str(tmp_path)}).secrets, range(32)))

    assert len(made) == 1


def test_names_data_directory_that_cannot_be_created(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(SettingsError, match="MATINEE_DATA_DIR must be a folder"):
        Settings.from_env({"MATINEE_DATA_DIR": str(tmp_path / "file")})


def test_production_generates_no_secret(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="MATINEE_SECRET must be set"):
        Settings.from_env({"MATINEE_ENV": "production", "MATINEE_DATA_DIR": str(tmp_path)})

    assert not (tmp_path / "secret").exists()


@pytest.mark.parametrize(
    ("given", "starts"),
    [
        ({}, False),
        ({"MATINEE_COUNTER_OPEN": "false"}, False),
        ({"MATINEE_COUNTER_OPEN": "true"}, True),
        ({"MATINEE_COUNTER_TOKEN": "a-token"}, True),
        ({"MATINEE_ENV": "development"}, True),
    ],
)
def test_production_needs_counter_token_or_open_counter(given: dict[str, str], *, starts: bool) -> None:
    settings = Settings.from_env({"MATINEE_ENV": "production", "MATINEE_SECRET": SECRET} | given)
    if starts:
        settings.require_counter()
    else:
        with pytest.raises(
            SettingsError, match=r"^MATINEE_COUNTER_TOKEN must be set .* Example: MATINEE_COUNTER_TOKEN="
        ):
            settings.require_counter()


def test_error_never_shows_counter_token() -> None:
    settings = Settings.from_env({"MATINEE_SECRET": SECRET, "MATINEE_COUNTER_TOKEN": "hunter2"})

    assert settings.counter_token == b"hunter2"
    assert "hunter2" not in repr(settings)
    with pytest.raises(SettingsError) as raised:
        Settings.from_env({"MATINEE_SECRET": SECRET, "MATINEE_COUNTER_TOKEN": "hunter2é"})
    assert "hunter2" not in str(raised.value)


def test_settings_can_be_pickled() -> None:
    settings = Settings.from_env({"MATINEE_SECRET": SECRET, "DATABASE_URL": "postgres://u@h/x"})

    assert pickle.loads(pickle.dumps(settings)) == settings  # noqa: S301 - our own bytes


def test_warns_of_unknown_variable_with_most_similar_one() -> None:
    warnings = find_unknown_variables({"MATINEE_HOLD_SECOND": "60", "MATINEE_XYZZY": "", "MATINEE_ENV": "", "PATH": ""})

    assert warnings == [
        "MATINEE_HOLD_SECOND is not a variable of Matinee; did you mean MATINEE_HOLD_SECONDS?",
        "MATINEE_XYZZY is not a variable of Matinee.",
    ]
