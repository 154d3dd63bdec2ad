"""Documents are taken from what client tools write, and faults are told with file and line, all at once."""

import json
from pathlib import Path

import pytest

from config.limits import RequestLimits
from domain.trusted_document import compute_digest
from graphql_server.document_manifests import ManifestError, collect_documents
from graphql_server.executable_schema import SCHEMA

LIMITS = RequestLimits.from_env({})
GOOD = "query Titles { movies { nodes { title } } }\n"
OTHER = "{ places { totalCount } }"


def texts(folder: Path) -> set[str]:
    return {each.text for each in collect_documents(folder, schema=SCHEMA.graphql, limits=LIMITS)}


def faults(folder: Path) -> list[str]:
    """Return what is wrong, without the folder."""
    with pytest.raises(ManifestError) as raised:
        collect_documents(folder, schema=SCHEMA.graphql, limits=LIMITS)
    return str(raised.value).replace(f"{folder}/", "").splitlines()


def test_a_document_over_a_limit_would_be_refused_and_is_not_registered(tmp_path: Path) -> None:
    (tmp_path / "a.graphql").write_text("{ " + "__typename " * 11 + "}")
    (fault,) = faults(tmp_path)
    assert fault.startswith("a.graphql: The document has 11 times `__typename` in one selection, and 10 is the most")


def test_files_are_documents_to_the_letter(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "a.graphql").write_bytes(GOOD.replace("\n", "\r\n").encode())
    (tmp_path / "b.gql").write_text(OTHER)
    (tmp_path / "c.txt").write_text("not looked at")
    assert texts(tmp_path) == {GOOD.replace("\n", "\r\n"), OTHER}


@pytest.mark.parametrize(
    "manifest",
    [
        {compute_digest(GOOD): GOOD, compute_digest(OTHER): OTHER},
        {f"sha256:{compute_digest(text)}": text for text in (GOOD, OTHER)},
        {
            "format": "apollo-persisted-query-manifest",
            "version": 1,
            "operations": [
                {"id": compute_digest(text), "name": "A", "type": "query", "body": text} for text in (GOOD, OTHER)
            ],
        },
    ],
    ids=["Relay", "graphql-codegen", "Apollo"],
)
def test_manifests_are_read(tmp_path: Path, manifest: object) -> None:
    (tmp_path / "queries.json").write_text(json.dumps(manifest))
    (tmp_path / "same.graphql").write_text(GOOD)
    assert texts(tmp_path) == {GOOD, OTHER}
    assert texts(tmp_path / "queries.json") == {GOOD, OTHER}


def test_all_faults_are_told_at_once_with_their_lines(tmp_path: Path) -> None:
    (tmp_path / "a.graphql").write_text("query A {\n  movies {\n    nothing\n  }\n  places { nope }\n}")
    (tmp_path / "b.graphql").write_text("query B {\n  movies {\n")
    (tmp_path / "c.graphql").write_text("fragment F on Movie { title }")
    (tmp_path / "d.graphql").write_bytes(b"\xff")
    (tmp_path / "e.json").write_text('{\n  "a": \n}')
    (tmp_path / "f.json").write_text(json.dumps({"0cc175b9c0f1b6a831c399e269772661": GOOD}))
    (tmp_path / "g.json").write_text("[]")
    bad = "{\n nope }"
    (tmp_path / "h.json").write_text(json.dumps({compute_digest(bad): bad}))
    told = faults(tmp_path)
    assert [line.split(" ")[0] for line in told] == [
        "d.graphql:",
        "e.json:3:",
        "f.json:",
        "g.json:",
        "a.graphql:3:",
        "a.graphql:5:",
        "b.graphql:3:",
        "c.graphql:1:",
        "h.json:",
    ]
    assert "Cannot query field 'nothing' on type 'Movie" in told[4]
    assert '"algorithm": "SHA256"' in told[2]
    assert f"h.json: {compute_digest(bad)}:2: Cannot query field" in told[8]


@pytest.mark.parametrize(
    "manifest",
    [
        "x",
        7,
        {"a": 1},
        {"format": "apollo-persisted-query-manifest"},
        {"format": "apollo-persisted-query-manifest", "operations": [7]},
    ],
)
def test_other_json_is_no_manifest(tmp_path: Path, manifest: object) -> None:
    (tmp_path / "a.json").write_text(json.dumps(manifest))
    (told,) = faults(tmp_path)
    assert told.startswith("a.json: this is no manifest.")


def test_tells_empty_folder_from_missing_one(tmp_path: Path) -> None:
    assert "there is no document in here" in faults(tmp_path)[0]
    assert "neither a folder nor a .graphql" in faults(tmp_path / "nowhere")[0]
