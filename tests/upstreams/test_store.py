"""A file is in the store whole or not at all, be it a folder or a bucket."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
from structlog.testing import capture_logs

from errors import UpstreamUnavailable
from tests.support.s3 import BUCKET, environment, s3
from upstreams.store import Store

NAME = "exp_1.csv"
PART = b"x" * 100_000


@pytest.fixture(scope="module")
def api() -> Iterator[str]:
    with s3() as address:
        yield address


@pytest.fixture(params=["folder", "bucket"])
def store(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    if request.param == "folder":
        return Store((tmp_path / "ex ports").as_uri())
    for name, value in environment(request.getfixturevalue("api")).items():
        monkeypatch.setenv(name, value)
    return Store(f"s3://{BUCKET}/{tmp_path.name}")


async def parts(count: int, *, fails_at: int | None = None) -> AsyncIterator[bytes]:
    for number in range(count):
        await asyncio.sleep(0)
        if number == fails_at:
            raise ZeroDivisionError
        yield PART


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def content(store: Store) -> bytes | None:
    found = await store.read(NAME)
    return None if found is None else b"".join([part async for part in found])


async def test_reads_written_file(store: Store) -> None:
    await store.write(NAME, parts(120))

    assert await content(store) == PART * 120


async def test_failed_write_leaves_no_file(store: Store) -> None:
    with pytest.raises(ZeroDivisionError):
        await store.write(NAME, parts(120, fails_at=110))

    assert await content(store) is None


async def test_failed_write_keeps_older_file(store: Store) -> None:
    await store.write(NAME, parts(1))
    with pytest.raises(ZeroDivisionError):
        await store.write(NAME, parts(120, fails_at=110))

    assert await content(store) == PART


async def test_second_write_replaces_file(store: Store) -> None:
    await store.write(NAME, parts(2))
    await store.write(NAME, parts(3))

    assert await content(store) == PART * 3


async def test_cancelled_write_leaves_no_file(store: Store) -> None:
    reached = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield PART
            reached.set()
            await asyncio.sleep(0.001)

    writing = asyncio.create_task(store.write(NAME, endless()))
    await reached.wait()
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing

    assert await content(store) is None


async def test_deletes_file_and_accepts_second_delete(store: Store) -> None:
    await store.write(NAME, parts(1))
    await store.delete(NAME)
    await store.delete(NAME)

    assert await content(store) is None


async def test_removes_temporary_files_of_killed_process(tmp_path: Path) -> None:
    (tmp_path / f"{NAME}#1").write_bytes(b"half of it")
    (tmp_path / "exp_10.csv#1").write_bytes(b"another's")
    await Store(tmp_path.as_uri()).write(NAME, parts(1))

    assert names(tmp_path) == [NAME, "exp_10.csv#1"]


async def test_missing_bucket_is_unavailable_without_revealing_key(api: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in environment(api).items():
        monkeypatch.setenv(name, value)
    with capture_logs() as lines, pytest.raises(UpstreamUnavailable):
        await Store("s3://nowhere/at/all").write(NAME, parts(120))

    assert len(lines) == 1
    assert "secret" not in str(lines)


def test_s3_api_of_tests_is_separate_server(api: str) -> None:
    assert "ListAllMyBucketsResult" in httpx.get(api).text
