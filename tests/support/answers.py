"""How tests read answers of the REST surfaces."""

from httpx import Response


def codes(response: Response) -> list[str]:
    """Return the codes of a refusal, after making sure that it has the one shape of errors and a message each."""
    assert response.headers["content-type"] == "application/json"
    body = response.json()
    assert set(body) == {"errors"}, body
    assert all(set(fault) == {"code", "message"} and fault["message"] for fault in body["errors"]), body
    return [fault["code"] for fault in body["errors"]]


def message(response: Response) -> str:
    """Return the message of the only fault."""
    (fault,) = response.json()["errors"]
    return str(fault["message"])
