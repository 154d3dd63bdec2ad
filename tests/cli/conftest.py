"""Commands that run in the tests' own process leave its logging alone."""

import pytest


@pytest.fixture(autouse=True)
def _logging_of_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep commands from configuring logs: they would write to the command's standard error after it is closed."""
    monkeypatch.setattr("runtime.logs.configure_logs", lambda **_: None)
