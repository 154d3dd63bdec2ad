"""gzip is sent to clients that accept it, and to no others."""

import pytest

from edge.content_encoding import accepts_gzip


@pytest.mark.parametrize(
    "header", ["gzip", "br, gzip;q=0.5", "GZIP", "*", "deflate, *;q=0.1", "x-gzip", "gzip ; q=1.000"]
)
def test_accepts_gzip_by_name_or_wildcard(header: str) -> None:
    assert accepts_gzip(header)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "gzip;q=0",
        "notgzip",
        "gzip;q=0.000, *",
        "*;q=0",
        "identity",
        "gzipped",
        "br",
        "gzip;q=-1",
        "gzip;q=1e0",
        "gzip;q=x",
        "gzip;q=x, br",
    ],
)
def test_does_not_accept_gzip_with_weight_zero_or_other_names(header: str) -> None:
    assert not accepts_gzip(header)
