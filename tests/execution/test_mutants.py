"""A compiler that is wrong anywhere is found out by the corpus."""

from __future__ import annotations

import gc
import importlib
import importlib.util
import shutil
import sys
import warnings
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from app.execution import plan as plan_module
from tests.execution.comparison import Case, Observation, observe, operation_of, parsed
from tests.execution.contacts import StubContacts, build_contact_schema
from tests.execution.corpus import CONTACT_CASES, RICH_CASES
from tests.execution.rich_schema import Context, build_rich_schema

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from graphql import DocumentNode, GraphQLSchema

EXECUTION = Path(plan_module.__file__).parent


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change to one module of the compiler."""

    module: str
    old: str
    new: str


MUTANTS = {
    "leaves-let-any-integer-pass": Mutant("leaves", "bool(GRAPHQL_MIN_INT <= value <= GRAPHQL_MAX_INT)", "True"),
    "attributes-let-any-integer-pass": Mutant("selection", "class_ is not int or is_within_int(value)", "True"),
    "items-let-any-integer-pass": Mutant("lists", "unchanged is not int or is_within_int(item)", "True"),
    "attributes-let-null-pass": Mutant("selection", "value is not None or not nullable", "value is not None"),
    "attributes-never-let-null-pass": Mutant("selection", "value is not None or not nullable", "False"),
    "unreadable-attributes-are-null": Mutant("selection", "self._reading(key).fail(run, error, path)", "None"),
    "leaves-accept-undefined": Mutant("leaves", "coerced is None or coerced is Undefined", "coerced is None"),
    "leaves-return-exceptions": Mutant("leaves", "isinstance(value, Exception)", "False"),
    "leaves-forget-the-enum-name": Mutant("leaves", "names[value] = otherwise(", "names[None] = value or otherwise("),
    "lists-count-from-one": Mutant("lists", "enumerate(iterator)", "enumerate(iterator, 1)"),
    "lists-make-a-task-for-one": Mutant("lists", "len(pending) == 1", "not pending"),
    "lists-abandon-what-is-pending": Mutant("lists", "*(results[index] for index in pending), ", ""),
    "lists-abandon-what-is-left": Mutant("lists", ", *_awaitables(iterator)", ""),
    "lists-abandon-what-streams": Mutant(
        "lists", "settle_in_background([results[index] for index in pending])", "pass"
    ),
    "lists-leave-streams-open": Mutant("lists", "await close()", "pass"),
    "lists-take-anything": Mutant("lists", "not is_iterable(value)", "False"),
    "lists-do-not-stream": Mutant("lists", "is_async_iterable(value)", "False"),
    "lists-locate-streams-elsewhere": Mutant("lists", "site.nodes, path.as_list())", "site.nodes, at.as_list()[:1])"),
    "null-stands-anywhere": Mutant("completion", "completed is None", "False"),
    "casts-are-not-seen": Mutant("objects", "select is not None and not is_cast(value)", "select is not None"),
    "every-class-tells-its-type": Mutant("objects", "follows_from_class(value, type_, abstract)", "True"),
    "types-are-not-asked": Mutant("objects", "            if not verdict:", "            if False:"),
    "types-are-not-asked-later": Mutant("objects", "if not await verdict:", "if not verdict:"),
    "objects-accept-undefined": Mutant("objects", "value is None or value is Undefined", "value is None"),
    "generics-are-taken-at-their-word": Mutant(
        "classes", "and definition is expected\n        and not definition.is_graphql_generic\n", "\n"
    ),
    "a-type-of-its-own-mind-is-not-asked": Mutant(
        "classes", "known is not None and _inherits_plainly(", "known is None or _inherits_plainly("
    ),
    "errors-rise-without-need": Mutant(
        "site", "if is_non_null_type(type_):\n            raise", "if True:\n            raise"
    ),
    "errors-never-rise": Mutant(
        "site", "if is_non_null_type(type_):\n            raise", "if False:\n            raise"
    ),
    "errors-stand-at-the-root": Mutant("site", "run.add(located, path)", "run.add(located, None)"),
    "errors-have-the-first-node-only": Mutant(
        "site", "located_error(error, self.nodes,", "located_error(error, self.nodes[:1],"
    ),
    "info-of-another-type": Mutant(
        "site", "self.field.type, self.parent)", "self.field.type, self.core.schema.query_type)"
    ),
    "nothing-is-awaited": Mutant("site", "await completed if is_pending(completed) else completed", "completed"),
    "errors-below-null-are-kept": Mutant(
        "run", "self.collected.add(error, path)", "self.collected.errors.append(error)"
    ),
    "paths-have-the-name-for-a-key": Mutant("selections", "key=key", "key=details[0].node.name.value"),
    "resolvers-are-called-with-too-little": Mutant("fields", "len(values) != expected", "False"),
    "resolvers-get-no-source": Mutant("fields", "values[name] = source", "values[name] = None"),
    "literals-are-shared": Mutant(
        "arguments", "steady and isinstance(node, _LITERALS)", "not isinstance(node, VariableNode)"
    ),
    "scalars-are-asked-once": Mutant("arguments", "steady and isinstance", "isinstance"),
    "arguments-may-be-null": Mutant("arguments", "value is None and not nullable", "False"),
    "absent-variables-hide-defaults": Mutant("arguments", "elif value is Undefined:", "elif True:"),
    "variables-may-be-null": Mutant("variables", "Undefined if nullable is not type_ else None", "None"),
    "variables-may-be-deep": Mutant("variables", "input_is_nested_too_deeply(value, type_)", "False"),
    "variables-may-be-missing": Mutant("variables", "elif not required:", "else:"),
    "variables-share-their-default": Mutant(
        "variables",
        "else (lambda: coerce_input_literal(node, type_))",
        "else (lambda value=coerce_input_literal(node, type_): value)",
    ),
    "sources-are-forgotten": Mutant("variables", "sources[name] = absent", "pass"),
    "conditions-may-be-null": Mutant("compiler", "all(type(value) is bool for value in values)", "True"),
    "conditions-are-decided-once": Mutant(
        "compiler", "self._choices.get(values)", "next(iter(self._choices.values()), None)"
    ),
    "mutations-overlap": Mutant("compiler", "core.operation is OperationType.MUTATION", "False"),
    "steps-go-on-after-the-end": Mutant("selections", "await value if is_pending(value) else value", "value"),
    "failures-are-not-told": Mutant("compiler", "run.add(error, None)", "pass"),
    "types-share-selections": Mutant("selections", "key = type_.name, tuple(", 'key = "", tuple('),
    "nodes-share-selections": Mutant(
        "selections", "tuple(id(detail.node) for detail in details)", "(id(details[0].node),)"
    ),
    "typename-is-null": Mutant("selection", "self._blank[key] = type_.name", "self._blank[key] = None"),
    "keys-come-as-they-are-ready": Mutant("selection", "self._blank[key] = None", "pass"),
    "selections-abandon-what-is-pending": Mutant(
        "selection", "settle_in_background([results[key] for key in pending])", "pass"
    ),
    "selections-make-a-task-for-one": Mutant("selection", "len(pending) == 1", "not pending"),
    "permissions-are-passed-by": Mutant("resolvers", "or definition.extensions", ""),
    "arguments-are-not-converted": Mutant(
        "resolvers", "if type_ is GlobalID or not (plain or has_enum_definition(type_)):", "if False:"
    ),
    "arguments-keep-the-schema-s-names": Mutant(
        "resolvers", "= argument.python_name", "= converter.config.name_converter.from_argument(argument)"
    ),
    "fields-read-another-attribute": Mutant("resolvers", "return definition.python_name", "return 'id'"),
}


@dataclass(frozen=True, slots=True)
class Expectation:
    """What graphql-core shows of one case."""

    case: Case
    schema: GraphQLSchema
    document: DocumentNode
    make_context: Callable[[], Any]
    observations: list[Observation]


@cache
def expectations() -> tuple[Expectation, ...]:
    """The corpus on graphql-core, run once for all mutants."""
    contact, rich = build_contact_schema(), build_rich_schema()
    found = []
    for schema, make_context, cases in ((contact, StubContacts, CONTACT_CASES), (rich, Context, RICH_CASES)):
        for case in cases:
            document = parsed(schema, case.source)
            assert document is not None
            plan = plan_module.plan_operation(
                schema, document, operation_of(document), hide_suggestions=case.hide_suggestions, compiled=False
            )
            found.append(Expectation(case, schema, document, make_context, observe(plan, case.variables, make_context)))
    return tuple(found)


@pytest.fixture
def package(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """The name of a package that is a copy of the compiler with the requested mutant in it."""
    name = "mutated_compiler"
    root = tmp_path / name
    shutil.copytree(EXECUTION, root, ignore=shutil.ignore_patterns("__pycache__"))
    for path in root.glob("*.py"):
        source = path.read_text(encoding="utf-8").replace("app.execution", name)
        if request.param is not None and path.stem == request.param.module:
            assert source.count(request.param.old) == 1, "a mutant must fit the module it is written for"
            source = source.replace(request.param.old, request.param.new)
        path.write_text(source, encoding="utf-8")
    spec = importlib.util.spec_from_file_location(name, root / "__init__.py", submodule_search_locations=[str(root)])
    assert spec is not None
    sys.modules[name] = importlib.util.module_from_spec(spec)
    yield name
    for module in [each for each in sys.modules if each.partition(".")[0] == name]:
        del sys.modules[module]


def differing(package: str) -> str | None:
    """The first case in which a copy of the compiler does not answer as graphql-core; None where there is none."""
    plan = importlib.import_module(f"{package}.plan")
    # A wrong compiler may forget to await something; that it is told of is not what is asked here.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            for each in expectations():
                try:
                    compiled = plan.plan_operation(
                        each.schema,
                        each.document,
                        operation_of(each.document),
                        hide_suggestions=each.case.hide_suggestions,
                    )
                    observations = observe(compiled, each.case.variables, each.make_context)
                except Exception as error:  # noqa: BLE001 - that it breaks is a difference, too
                    return f"{each.case.name}: {error!r}"
                if observations != each.observations:
                    return each.case.name
        finally:
            gc.collect()
    return None


@pytest.mark.parametrize("package", [None], indirect=True, ids=["unchanged"])
def test_a_faithful_copy_is_not_found_out(package: str) -> None:
    """The comparison finds nothing in the compiler as it is, copied the way the mutants are."""
    assert differing(package) is None


@pytest.mark.parametrize("package", MUTANTS.values(), indirect=True, ids=MUTANTS)
def test_a_mutant_is_found_out(package: str) -> None:
    """The comparison finds every mutant; one that survives shows a hole in the corpus."""
    assert differing(package) is not None
