"""The command loads with the collector of garbage off and without what it does not use, and works with the collector on."""

import subprocess
import sys


def run_after_load(script: str) -> list[str]:
    """Return the words that a script prints in a process that has loaded the command as `startup`."""
    whole = f"from cli import __main__ as startup; {script}"
    done = subprocess.run([sys.executable, "-c", whole], capture_output=True, text=True, check=True)  # noqa: S603 - our own words
    return done.stdout.split()


def test_garbage_collector_runs_once_modules_are_loaded() -> None:
    assert run_after_load("import gc; print(gc.isenabled(), startup.main.__module__)") == ["True", "cli.main"]


def test_garbage_collector_does_not_search_what_was_loaded() -> None:
    loaded, searched = run_after_load("import gc; print(gc.get_freeze_count(), len(gc.get_objects()))")

    assert int(loaded) > 100 * int(searched)


def test_patterns_of_addresses_are_not_loaded() -> None:
    assert run_after_load("import sys; print('email_validator' in sys.modules)") == ["False"]


def test_rich_is_not_loaded_and_can_be_imported_later() -> None:
    words = run_after_load("import sys; print('rich' in sys.modules); import rich; print('rich' in sys.modules)")

    assert words == ["False", "True"]
