"""Numbers in options of commands."""

import pytest
from typer.testing import CliRunner

from cli.main import commands


@pytest.mark.parametrize("text", ["8_000", "８０００", "٨٠٠٠", " 8000", "+8000", "8e3", "8000.0", "-1", "65536", ""])
def test_refuses_port_that_is_not_written_in_plain_digits(text: str) -> None:
    # The wrong last option keeps a server that takes the port from starting.
    done = CliRunner().invoke(commands, ["serve", f"--port={text}", "--workers=none"])
    assert done.exit_code == 2
    assert f"'--port': must be a whole number from 0 to 65535, not {text!r}" in " ".join(done.output.split())


@pytest.mark.parametrize("text", ["０.5", "0_5", "5e-1", "+0.5", ".5", "nan", "1.1"])
def test_refuses_share_that_is_not_written_in_plain_digits(text: str) -> None:
    done = CliRunner().invoke(commands, ["upstreams", f"--error-rate={text}", "--latency-ms=none"])
    assert done.exit_code == 2
    assert f"'--error-rate': must be a number from 0 to 1, not {text!r}" in " ".join(done.output.split())


def test_accepts_number_in_plain_digits() -> None:
    done = CliRunner().invoke(commands, ["serve", "--port=08000", "--workers=none"])
    assert "'--workers': must be a whole number from 1 to 256, not 'none'" in " ".join(done.output.split())
