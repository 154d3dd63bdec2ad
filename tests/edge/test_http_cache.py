"""Entity tags, and how `If-None-Match` names them."""

import pytest

from edge.http_cache import hash_body, matches_tag

TAG = '"a"'


@pytest.mark.parametrize(
    "lines",
    [['"a"'], ['W/"a"'], ["*"], [" * "], ['"b", "a"'], ['"b"', '"a"'], ['"b,c" ,, W/"a"'], ['\t"a"\t,'], [',"a"']],
)
def test_matches_tag_in_list(lines: list[str]) -> None:
    assert matches_tag(TAG, lines)


@pytest.mark.parametrize(
    "lines",
    [
        [],
        [""],
        ["a"],
        ['"aa"'],
        ['"b, "a""'],
        ['w/"a"'],
        ['"a" "b"'],
        ['"a", *'],
        ["**"],
        ['"a'],
        ['W/ "a"'],
        ['"a";x'],
    ],
)
def test_does_not_match_other_tags_and_malformed_lists(lines: list[str]) -> None:
    assert not matches_tag(TAG, lines)


def test_different_bodies_have_different_tags() -> None:
    assert hash_body(b"a") == hash_body(b"a") != hash_body(b"b")
    assert matches_tag(hash_body(b""), [hash_body(b"")])
