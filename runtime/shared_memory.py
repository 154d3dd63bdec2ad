"""Makes the file behind memory that the workers of a server share; it is deleted when the server ends."""

import mmap
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def make_shared_file(name: str, *, size: int, begin: Callable[[mmap.mmap], None]) -> Iterator[Path]:
    """Yield a file of `size` bytes, prepared by `begin`; delete it after the block."""
    with tempfile.TemporaryDirectory(prefix=f"matinee-{name}-") as folder:
        file = Path(folder) / name
        file.write_bytes(bytes(size))
        with file.open("r+b") as opened, mmap.mmap(opened.fileno(), size) as memory:
            begin(memory)
        yield file
