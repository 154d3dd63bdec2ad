"""Models and migrations agree, and every step leads up and down again."""

import importlib.metadata
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlmodel import SQLModel

from db import migrate, models, revision
from db.migrations.versions import __name__ as versions
from tests.support.own_database import own_database

# Everything that a migration can leave behind, outside PostgreSQL's own schemas; types of tables go with their tables.
OBJECTS: Final = """
    SELECT 'relation', nspname || '.' || relname FROM pg_class JOIN pg_namespace AS n ON n.oid = relnamespace
        WHERE nspname !~ '^(pg_|information_schema)' AND relname <> 'alembic_version' AND relname <> 'alembic_version_pkc'
    UNION ALL
    SELECT 'function', nspname || '.' || proname FROM pg_proc JOIN pg_namespace AS n ON n.oid = pronamespace
        WHERE nspname !~ '^(pg_|information_schema)'
    UNION ALL
    SELECT 'type', nspname || '.' || typname FROM pg_type JOIN pg_namespace AS n ON n.oid = typnamespace
        WHERE nspname !~ '^(pg_|information_schema)' AND typname !~ 'alembic_version'
    UNION ALL
    SELECT 'schema', nspname FROM pg_namespace WHERE nspname !~ '^(pg_|information_schema)' AND nspname <> 'public'
    ORDER BY 1, 2
"""
# What compare_metadata does not look at.
COLUMNS: Final = """
    SELECT table_name, column_name, is_nullable, is_generated, generation_expression, column_default, collation_name
    FROM information_schema.columns WHERE table_schema = 'public' AND table_name <> 'alembic_version' ORDER BY 1, 2
"""
CONSTRAINTS: Final = """
    SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
    WHERE connamespace = 'public'::regnamespace AND contype <> 'n' AND conrelid::regclass::text <> 'alembic_version'
    ORDER BY 1, 2
"""
INDEXES: Final = """
    SELECT indexname, indexdef FROM pg_indexes
    WHERE schemaname = 'public' AND tablename <> 'alembic_version' ORDER BY 1
"""


@pytest.fixture
def url(database_url: str) -> Iterator[str]:
    with own_database(database_url) as made:
        yield made


def rows(url: str, statement: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(statement.encode()).fetchall()


# PostgreSQL writes a generated column's expression in its own way; the next test lets it write both.
@pytest.mark.filterwarnings("ignore:Computed default on")
def test_migrations_make_the_tables_of_the_models(database_url: str) -> None:
    with migrate.open_connection(database_url) as opened:
        context = MigrationContext.configure(opened, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, SQLModel.metadata) == []


def test_models_and_migrations_make_equal_columns_constraints_and_indexes(url: str, database_url: str) -> None:
    migrate.upgrade(url)
    with migrate.open_connection(url) as opened:
        opened.exec_driver_sql(f"DROP TABLE {', '.join(SQLModel.metadata.tables)}")
        SQLModel.metadata.create_all(opened)
    for statement in (COLUMNS, CONSTRAINTS, INDEXES):
        assert rows(url, statement) == rows(database_url, statement)


def test_migrations_run_up_down_and_up_again(url: str) -> None:
    empty = rows(url, OBJECTS)
    migrate.upgrade(url)
    whole = rows(url, OBJECTS)
    assert revision.read_revision(url) == revision.find_head()
    migrate.downgrade(url, "base")
    assert revision.read_revision(url) is None
    assert rows(url, OBJECTS) == empty
    migrate.upgrade(url)
    assert rows(url, OBJECTS) == whole


def test_every_migration_can_be_undone(url: str) -> None:
    steps = list(ScriptDirectory.from_config(migrate.make_config()).walk_revisions())[::-1]
    for step in steps:
        before = rows(url, OBJECTS)
        migrate.upgrade(url, step.revision)
        migrate.downgrade(url, str(step.down_revision or "base"))
        assert rows(url, OBJECTS) == before, step.revision
        migrate.upgrade(url, step.revision)


def test_migrations_have_one_line_of_history() -> None:
    scripts = ScriptDirectory.from_config(migrate.make_config())
    assert len(scripts.get_heads()) == 1
    assert len(scripts.get_bases()) == 1


def test_search_migration_computes_derived_columns_of_existing_rows(url: str) -> None:
    migrate.upgrade(url, "0007")
    with psycopg.connect(url) as connection:
        for title in ("S.W.A.T.", "天空の城", "हिन्दी", "Casablanca"):
            connection.execute(
                "INSERT INTO movies (title, description, poster, duration) VALUES (%s, '', '/p.svg', 90)", [title]
            )
    stored = "SELECT title_key, title_trigrams FROM movies ORDER BY id"
    before = rows(url, stored)
    migrate.upgrade(url, "0008")
    after = rows(url, stored)
    assert [key for key, _ in after] == ["swat", "天空の城", "हिन्दी", "casablanca"]
    assert after == rows(url, "SELECT fold(title), trigrams(fold(title)) FROM movies ORDER BY id")
    assert "城" in after[1][1]
    migrate.downgrade(url, "0007")
    assert rows(url, stored) == before


def test_second_migration_does_nothing(url: str) -> None:
    migrate.upgrade(url)
    migrate.upgrade(url)
    assert revision.read_revision(url) == revision.find_head()


def test_concurrent_migrations_run_once(url: str) -> None:
    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(migrate.upgrade, url) for _ in range(2)]:
            done.result()
    assert revision.read_revision(url) == revision.find_head()


def test_failed_migration_leaves_nothing(url: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE ratings ()")
    with pytest.raises(Exception, match="ratings"):
        migrate.upgrade(url)
    assert [name for kind, name in rows(url, OBJECTS) if kind == "relation"] == ["public.ratings"]
    assert revision.read_revision(url) is None


def test_separate_process_brings_schema_up_to_date(url: str) -> None:
    revision.reach_head(url)
    assert revision.read_revision(url) == revision.find_head()


def test_failed_migration_reports_answer_of_database(url: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE ratings ()")
    with pytest.raises(revision.MigrationError, match="ratings"):
        revision.reach_head(url)


def test_empty_database_has_no_revision(url: str) -> None:
    assert revision.read_revision(url) is None


def test_queue_is_that_of_installed_procrastinate() -> None:
    queue = importlib.import_module(f"{versions}.0002_queue")
    assert importlib.metadata.version("procrastinate") == queue.PROCRASTINATE


def test_queue_has_its_own_schema(database_url: str) -> None:
    stray = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relname LIKE 'procrastinate%'"
    assert rows(database_url, stray) == []
    assert ("procrastinate_jobs",) in rows(database_url, "SELECT tablename FROM pg_tables WHERE schemaname = 'queue'")


def test_every_table_has_model() -> None:
    assert {models.find_table(model).name for model in SQLModel.__subclasses__()} >= set(SQLModel.metadata.tables)


def test_newest_file_is_head() -> None:
    assert revision.find_head() == ScriptDirectory.from_config(migrate.make_config()).get_current_head()


def test_older_server_is_ready_on_newer_schema() -> None:
    assert revision.is_behind(None)
    assert revision.is_behind("0000")
    assert not revision.is_behind(revision.find_head())
    assert not revision.is_behind("9999")


def test_migration_normalizes_stored_names(url: str) -> None:
    migrate.upgrade(url, "0008")
    names = [
        ("zoe\u0308@xn--exmple-cua.fr", None),
        ("Ada@Example.org", "ａｄａ"),
        # Two accounts of one name: neither is changed.
        ("first@exämple.fr", "ﬁ"),
        ("first@xn--exmple-cua.fr", "fi"),
        ("xn--not an address", None),
    ]
    with psycopg.connect(url) as connection:
        connection.cursor().executemany(
            "INSERT INTO users (email, username, password_hash) VALUES (%s, %s, 'hash')", names
        )
    migrate.upgrade(url, "0009")
    assert rows(url, "SELECT email, username FROM users ORDER BY id") == [
        ("zoë@exämple.fr", None),
        ("Ada@Example.org", "ada"),
        *names[2:],
    ]
