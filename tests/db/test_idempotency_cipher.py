"""What is kept of a request tells nothing to who has the table and not the secret."""

import pytest
from nacl.exceptions import CryptoError

from db.idempotency_cipher import make_cipher

OLD, NEW = b"an old secret of thirty-two bytes.", b"a newer secret of thirty-two bytes"
ASKED = (b"usr_1", b"POST", b"/v1/exports", b"", b"{}")


def test_decrypts_encrypted_response_that_is_unreadable() -> None:
    kept = make_cipher([OLD]).encrypt(b"a token")
    assert b"token" not in kept
    assert make_cipher([OLD]).decrypt(kept) == b"a token"


def test_encrypts_same_response_differently_each_time() -> None:
    assert make_cipher([OLD]).encrypt(b"a token") != make_cipher([OLD]).encrypt(b"a token")


def test_first_secret_encrypts_and_all_secrets_decrypt() -> None:
    before, meanwhile, after = make_cipher([OLD]), make_cipher([NEW, OLD]), make_cipher([NEW])
    assert meanwhile.decrypt(before.encrypt(b"a token")) == b"a token"
    assert meanwhile.matches(before.fingerprint(ASKED), ASKED)
    assert after.decrypt(meanwhile.encrypt(b"a token")) == b"a token"
    assert after.matches(meanwhile.fingerprint(ASKED), ASKED)


def test_other_secret_neither_decrypts_nor_matches() -> None:
    with pytest.raises(CryptoError):
        make_cipher([NEW]).decrypt(make_cipher([OLD]).encrypt(b"a token"))
    assert not make_cipher([NEW]).matches(make_cipher([OLD]).fingerprint(ASKED), ASKED)


@pytest.mark.parametrize("place", range(len(ASKED)))
def test_fingerprint_depends_on_every_part_of_request(place: int) -> None:
    other = tuple(part + b"x" if number == place else part for number, part in enumerate(ASKED))
    assert not make_cipher([OLD]).matches(make_cipher([OLD]).fingerprint(ASKED), other)


def test_fingerprint_depends_on_bounds_of_parts() -> None:
    assert not make_cipher([OLD]).matches(make_cipher([OLD]).fingerprint((b"ab", b"c")), (b"a", b"bc"))
