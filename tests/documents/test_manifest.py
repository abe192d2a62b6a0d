"""Manifests of trusted documents: the output of build tools is read; anything else is refused in one line."""

from __future__ import annotations

import json

import pytest

from app.documents.manifest import ManifestError, read_manifest
from app.documents.persisted import sha256
from app.documents.plan_cache import PlanCache
from app.documents.trusted import TrustedDocuments
from app.settings import load
from schema.root import build_schema
from tests.documents.requests import CONTEXT, DELETE

PLANS = PlanCache(
    build_schema()._schema,  # noqa: SLF001 - Strawberry's only way to it
    load({}),
    introspection=False,
)


def apollo(*operations: object, version: object = 1, kind: object = "apollo-persisted-query-manifest") -> object:
    return {"format": kind, "version": version, "operations": list(operations)}


def operation(key: object, body: object) -> dict[str, object]:
    return {"id": key, "name": "Any", "type": "mutation", "body": body}


READ: dict[str, tuple[object, dict[str, str]]] = {
    "codegen-and-relay": ({"ab": DELETE, "cd": CONTEXT}, {"ab": DELETE, "cd": CONTEXT}),
    "apollo": (apollo(operation("ab", DELETE), operation("cd", CONTEXT)), {"ab": DELETE, "cd": CONTEXT}),
    "apollo-twice-the-same": (apollo(operation("ab", DELETE), operation("ab", DELETE)), {"ab": DELETE}),
    "apollo-further-keys": (apollo(operation("ab", DELETE) | {"clientName": None}), {"ab": DELETE}),
}


@pytest.mark.parametrize(("manifest", "texts"), READ.values(), ids=READ)
def test_every_format_gives_texts_by_key(manifest: object, texts: dict[str, str]) -> None:
    assert read_manifest(json.dumps(manifest).encode()) == texts


def run_with(content: bytes) -> TrustedDocuments:
    return TrustedDocuments(content, PLANS)


def encoded(manifest: object) -> bytes:
    return json.dumps(manifest).encode()


KEY_AND_TEXT = "must have a key and a text, both strings"
FORMAT = "its format must be apollo-persisted-query-manifest, its version 1"
TOO_WIDE = "mutation Wide { " + " ".join(f'd{i}: deleteContact(id: "{i}") {{ __typename }}' for i in range(21)) + " }"

REFUSED: dict[str, tuple[bytes, str]] = {
    "empty-file": (b"", "it is not JSON: Expecting value: it ends too early"),
    "not-json": (
        b"{\n  'ab': 1}",
        "it is not JSON: Expecting property name enclosed in double quotes: line 2, column 3",
    ),
    "not-utf-8": (b'{"ab": "\xff"}', "it is not JSON: byte 8 is not UTF-8"),
    "list": (b"[]", "it is no manifest: a JSON object is expected"),
    "null": (b"null", "it is no manifest: a JSON object is expected"),
    "no-document": (b"{}", "it holds no document"),
    "no-operation": (encoded(apollo()), "it holds no document"),
    "number-for-text": (encoded({"ab": 7}), f"the document ab {KEY_AND_TEXT}"),
    "empty-key": (encoded({"": DELETE}), f"the document  {KEY_AND_TEXT}"),
    "number-for-key": (encoded(apollo(operation(7, DELETE))), f"the document 7 {KEY_AND_TEXT}"),
    "no-body": (encoded(apollo({"id": "ab"})), f"the document ab {KEY_AND_TEXT}"),
    "no-id": (encoded(apollo({"body": DELETE})), f"the document None {KEY_AND_TEXT}"),
    "another-format": (encoded(apollo(kind="other")), FORMAT),
    "another-version": (encoded(apollo(version=2)), FORMAT),
    "operations-by-key": (
        encoded({"format": "apollo-persisted-query-manifest", "version": 1, "operations": {"ab": {}}}),
        "its operations must be a list of objects",
    ),
    "operations-as-texts": (encoded(apollo(DELETE)), "its operations must be a list of objects"),
    "one-key-two-documents": (
        encoded(apollo(operation("ab", DELETE), operation("ab", CONTEXT))),
        "the key ab stands for two documents",
    ),
    "unknown-field": (
        encoded({"cd": CONTEXT, "ab": "mutation Delete {\n  deletContact(id: 1) { __typename }\n}"}),
        (
            "the document Delete (ab) cannot be run: Cannot query field 'deletContact' on type 'Mutation'. "
            "Did you mean 'deleteContact' or 'deleteContacts'? (line 2, column 3)"
        ),
    ),
    "several-errors": (
        encoded({"ab": "query Two { a b }"}),
        "the document Two (ab) cannot be run: Cannot query field 'a' on type 'Query'. (line 1, column 13), and 1 more",
    ),
    "syntax": (
        encoded({"ab": "query Broken { "}),
        "the document Broken (ab) cannot be run: Syntax Error: Expected Name, found <EOF>. (line 1, column 16)",
    ),
    "anonymous": (encoded({"ab": "{ a }"}), "the document ab cannot be run: Cannot query field 'a' on type 'Query'."),
    "only-a-fragment": (
        encoded({"ab": "fragment F on Query { __typename }"}),
        "the document ab cannot be run: Fragment 'F' is never used. (line 1, column 1)",
    ),
    "subscription": (encoded({"ab": "subscription S { a }"}), "the document S (ab) cannot be run: "),
    "too-many-tokens": (
        encoded({"ab": "query Long {" + "__typename " * 1_000 + "}"}),
        "the document Long (ab) cannot be run: The document has more than 1000 tokens, or as many comments.",
    ),
    "too-many-root-fields": (
        encoded({"ab": TOO_WIDE}),
        "the document Wide (ab) cannot be run: The operation has more than 20 root fields. (line 1, column 1)",
    ),
    "control-characters": (
        encoded({"a\x1b[31m\n\ud800": "{ a }"}),
        "the document a\\x1b[31m\\n\\ud800 cannot be run: Cannot query field 'a' on type 'Query'.",
    ),
    "endless-key": (encoded({"a" * 100: "{ a }"}), f"the document {'a' * 77}... cannot be run: "),
}


@pytest.mark.parametrize(("content", "message"), REFUSED.values(), ids=REFUSED)
def test_a_bad_manifest_is_refused_in_one_line(content: bytes, message: str) -> None:
    """With the document's name and key, and the place in its text."""
    with pytest.raises(ManifestError) as refusal:
        run_with(content)
    assert str(refusal.value).startswith(message)
    assert str(refusal.value).isprintable()


def test_a_document_of_a_manifest_may_introspect() -> None:
    assert len(run_with(encoded({"ab": "{ __schema { queryType { name } } }"})).by_text) == 1


def test_a_key_of_the_manifest_precedes_a_digest() -> None:
    """A key may be the digest of another text."""
    trusted = run_with(encoded({sha256(CONTEXT): DELETE, "other": CONTEXT}))
    assert trusted.by_id[sha256(CONTEXT)] is trusted.by_text[DELETE]
    assert trusted.by_id[f"sha256:{sha256(CONTEXT)}"] is trusted.by_text[CONTEXT]
    assert len(trusted.by_text) == 2
