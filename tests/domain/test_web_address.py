"""An address is one that a browser can open, not a text that begins like one."""

import pytest

from domain.web_address import is_web_address


@pytest.mark.parametrize(
    "address",
    [
        "https://images.example.org/star-wars.jpg",
        "http://localhost:8000/a?b=c#d",
        "HTTPS://EXAMPLE.ORG",
        "https://exämple.fr/ü.png",
        "https://my_bucket.s3.example.org/a",
        "http://127.0.0.1/x",
        "http://[::1]:65535/x",
        "https://example.org./x",
    ],
)
def test_accepts_addresses_that_browser_can_open(address: str) -> None:
    assert is_web_address(address)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "https://",
        "https:///x",
        "https:example.org",
        "https:/example.org",
        "https:\\\\example.org",
        "https://[",
        "https://[::1",
        "https://[::zz]/",
        "http:// x",
        "http://x y/",
        "https://example.org/a b",
        " https://example.org",
        "https://example.org\n",
        "https://exa\tmple.org",
        "https://example.org/\x00",
        "https://example.org/\u200b",
        "https://example.org/\u3000",
        "https://example.org:0/",
        "https://example.org:65536/",
        "https://example.org:http/",
        "https://user:password@example.org/",
        "https://@example.org/",
        "https://.",
        "https://a..b/",
        "https://-a-.org/",
        "https://%zz/",
        "https://1.2.3.4.5/",
        "https://" + "a" * 64 + ".org/",
        "https://" + "a." * 130 + "org/",
        "https://\ud800.org/",
        "https://example.org/\ud800",
        "javascript:alert(1)",
        "ftp://example.org/",
        "//example.org/x",
        "/posters/1.svg",
    ],
)
def test_refuses_text_that_only_looks_like_address(address: str) -> None:
    assert not is_web_address(address)
