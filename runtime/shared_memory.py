"""The file behind memory that the workers of one server share: made before they start, gone when the server is."""

import mmap
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def common(name: str, *, size: int, begin: Callable[[mmap.mmap], None]) -> Iterator[Path]:
    """Yield a file of `size` bytes whose memory `begin` has prepared, for as long as the server runs."""
    with tempfile.TemporaryDirectory(prefix=f"matinee-{name}-") as folder:
        file = Path(folder) / name
        file.write_bytes(bytes(size))
        with file.open("r+b") as opened, mmap.mmap(opened.fileno(), size) as memory:
            begin(memory)
        yield file
