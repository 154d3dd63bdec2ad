"""Documents that a client was built with, as its tools write them down: .graphql files, and JSON manifests."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from graphql import GraphQLError, GraphQLSchema, OperationDefinitionNode, parse, specified_rules

from config.limits import RequestLimits
from domain.trusted_document import compute_digest
from errors import QueryTooCostly
from graphql_server.prepared_documents import Prepared, prepare

SUFFIXES: Final = (".graphql", ".gql", ".json")
PREFIX: Final = "sha256:"
# What Apollo's manifest says that it is.
APOLLO: Final = "apollo-persisted-query-manifest"


@dataclass(frozen=True, slots=True)
class ClientDocument:
    """A document, and where it was found: the file, and in a manifest its key."""

    where: str
    text: str


class ManifestError(ValueError):
    """A file cannot be registered. The text has a line for each fault: file, line, what is wrong."""


def collect_documents(path: Path, *, schema: GraphQLSchema, limits: RequestLimits) -> list[ClientDocument]:
    """Return the documents of a file, or all below a folder, each once; raise ManifestError with all that is wrong."""
    found: dict[str, ClientDocument] = {}
    faults: list[str] = []
    for file in find_files(path):
        try:
            for document in read_file(file):
                found.setdefault(document.text, document)
        except ManifestError as error:
            faults.append(str(error))
    faults += [fault for document in found.values() for fault in find_document_faults(document, schema, limits)]
    if faults:
        raise ManifestError("\n".join(faults))
    if not found:
        raise ManifestError(f"{path}: there is no document in here, neither in *.graphql nor in a JSON manifest.")
    return list(found.values())


def find_files(path: Path) -> list[Path]:
    """Return the file itself, or all files below a folder that may have documents; raise ManifestError for neither."""
    if path.is_dir():
        return sorted(each for each in path.rglob("*") if each.suffix in SUFFIXES and each.is_file())
    if path.is_file() and path.suffix in SUFFIXES:
        return [path]
    raise ManifestError(f"{path}: this is neither a folder nor a .graphql, .gql or .json file. Give one of these.")


def read_file(file: Path) -> list[ClientDocument]:
    """Return the documents in a file; raise ManifestError where it cannot be read."""
    try:
        # As bytes: a line's end is part of what the hash is of.
        text = file.read_bytes().decode("utf-8")
        return (
            list(read_manifest(file, json.loads(text))) if file.suffix == ".json" else [ClientDocument(str(file), text)]
        )
    except json.JSONDecodeError as error:
        raise ManifestError(f"{file}:{error.lineno}: this is no JSON: {error.msg}.") from error
    except (OSError, UnicodeDecodeError) as error:
        problem = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise ManifestError(f"{file}: this cannot be read: {problem}.") from error


def read_manifest(file: Path, manifest: Any) -> Iterator[ClientDocument]:
    """Yield the documents of a manifest: Relay's and graphql-codegen's `{hash: text}`, or Apollo's list of operations.

    Raise ManifestError where it is neither, or where clients would ask by something else than the SHA-256, which
    graphql-codegen may write with `sha256:` in front.
    """
    pairs = read_entries(manifest)
    if pairs is None:
        raise ManifestError(
            f"{file}: this is no manifest. Relay's and graphql-codegen's are objects of texts by their hashes."
        )
    for key, text in pairs.items():
        if key.removeprefix(PREFIX) != compute_digest(text):
            raise ManifestError(
                f"{file}: {key[:80]} is not the SHA-256 of its document."
                ' Have Relay make it by "persistConfig": {"algorithm": "SHA256"}, graphql-codegen by'
                ' "persistedDocuments": {"hashAlgorithm": "sha256"}.'
            )
        yield ClientDocument(f"{file}: {key}", text)


def read_entries(manifest: Any) -> Mapping[str, str] | None:
    """Return a manifest's texts by their hashes, None where it is none."""
    if isinstance(manifest, dict) and manifest.get("format") == APOLLO:
        operations = manifest.get("operations")
        listed = operations if isinstance(operations, list) else [None]
        manifest = {each.get("id"): each.get("body") for each in listed if isinstance(each, dict)}
        if len(manifest) != len(listed):
            return None
    is_texts = isinstance(manifest, dict) and all(isinstance(each, str) for each in (*manifest, *manifest.values()))
    return manifest if is_texts else None


def find_document_faults(found: ClientDocument, schema: GraphQLSchema, limits: RequestLimits) -> list[str]:
    """Return a line for each fault of a document, with the file and the line in it."""
    try:
        prepared = prepare(schema, found.text, tuple(specified_rules), limits)
    except GraphQLError as error:
        return [format_fault(found, error)]
    except QueryTooCostly as refusal:
        return [f"{found.where}: {refusal}"]
    return [format_fault(found, error) for error in prepared.faults or find_missing_operation(prepared)]


def find_missing_operation(prepared: Prepared) -> list[GraphQLError]:
    """Return a fault where a document has fragments only: they belong into the documents that use them."""
    kinds = {type(each) for each in prepared.document.definitions}
    return [] if OperationDefinitionNode in kinds else [GraphQLError("There is no operation in it.")]


def format_fault(found: ClientDocument, error: GraphQLError) -> str:
    """Return a fault in one line."""
    at = f":{error.locations[0].line}" if error.locations else ""
    return f"{found.where}{at}: {error.message}"


def name_operations(text: str) -> str:
    """Return a document's operations in words, such as `query WhatIsOn`."""
    definitions = parse(text, no_location=True).definitions
    operations = [each for each in definitions if isinstance(each, OperationDefinitionNode)]
    return ", ".join(
        f"{each.operation.value} {each.name.value}" if each.name else each.operation.value for each in operations
    )
