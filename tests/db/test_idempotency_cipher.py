"""What is kept of a request tells nothing to who has the table and not the secret."""

import pytest
from nacl.exceptions import CryptoError

from db.idempotency_cipher import seal

OLD, NEW = b"an old secret of thirty-two bytes.", b"a newer secret of thirty-two bytes"
ASKED = (b"usr_1", b"POST", b"/v1/exports", b"", b"{}")


def test_what_was_sealed_is_opened_and_cannot_be_read_before() -> None:
    kept = seal([OLD]).close(b"a token")
    assert b"token" not in kept
    assert seal([OLD]).open(kept) == b"a token"


def test_the_same_answer_is_sealed_differently_each_time() -> None:
    assert seal([OLD]).close(b"a token") != seal([OLD]).close(b"a token")


def test_the_first_secret_seals_and_all_of_them_open() -> None:
    before, meanwhile, after = seal([OLD]), seal([NEW, OLD]), seal([NEW])
    assert meanwhile.open(before.close(b"a token")) == b"a token"
    assert meanwhile.knows(before.fingerprint(ASKED), ASKED)
    assert after.open(meanwhile.close(b"a token")) == b"a token"
    assert after.knows(meanwhile.fingerprint(ASKED), ASKED)


def test_another_secret_opens_and_knows_nothing() -> None:
    with pytest.raises(CryptoError):
        seal([NEW]).open(seal([OLD]).close(b"a token"))
    assert not seal([NEW]).knows(seal([OLD]).fingerprint(ASKED), ASKED)


@pytest.mark.parametrize("place", range(len(ASKED)))
def test_every_part_of_a_request_counts(place: int) -> None:
    other = tuple(part + b"x" if number == place else part for number, part in enumerate(ASKED))
    assert not seal([OLD]).knows(seal([OLD]).fingerprint(ASKED), other)


def test_no_part_runs_into_the_next() -> None:
    assert not seal([OLD]).knows(seal([OLD]).fingerprint((b"ab", b"c")), (b"a", b"bc"))
