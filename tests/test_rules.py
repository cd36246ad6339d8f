"""The house's rules that no linter knows, checked over the source."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = {"genlib": 300, "ui": 300, "pages": 120, "benchmarks": 300, "tests": 500}
FILES = [path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"))]
every_file = pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))


def body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return the lines of a function without its docstring and decorators."""
    first = function.body[0]
    messages = ast.get_docstring(function, clean=False) is not None
    docstring = first.end_lineno - first.lineno + 1 if messages else 0
    return function.end_lineno - function.lineno + 1 - docstring


@every_file
def test_files_and_functions_are_short(path):
    source = path.read_text()
    assert len(source.splitlines()) <= ROOMS[path.relative_to(ROOT).parts[0]]
    if path.is_relative_to(ROOT / "tests"):
        return  # a test is as long as the story that it tells
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    actual = [node for node in ast.walk(ast.parse(source)) if isinstance(node, functions)]
    assert {node.name: body_lines(node) for node in actual if body_lines(node) > 40} == {}


@every_file
def test_annotations_are_executed(path):
    """Strings in their place would take the shapes from the type checker of the tests."""
    assert "from __future__ import annotations" not in path.read_text().splitlines()


def test_no_module_is_named_after_nothing():
    vague = {"utils", "helpers", "common", "base", "manager", "misc"}
    assert not vague & {part for path in FILES for part in (path.stem, path.parent.name)}


def test_abstract_classes_are_in_family_alone():
    for path in FILES:
        imported = {
            name.name
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.ImportFrom | ast.Import)
            for name in node.names
        }
        assert path.name == "family.py" or not imported & {"ABC", "abstractmethod", "abc"}, path


def test_a_family_is_one_folder_of_settings_and_model_and_one_lesson():
    from genlib.models import FAMILIES

    models = ROOT / "genlib" / "models"
    files = {str(path.relative_to(models)) for path in models.rglob("[!_]*.py")}
    assert files == {f"{name}/{file}.py" for name in FAMILIES for file in ("config", "model")}
    assert set(FAMILIES) <= {path.stem for path in (ROOT / "pages").glob("[!_]*.py")}


@every_file
def test_names_say_more_than_that_something_was_made_or_found(path):
    """Attributes and methods are left out: shipped weights have the names of some."""
    placeholders = {"made", "found", "told", "what", "kept", "said", "known"}
    tree = ast.parse(path.read_text())
    fields = {
        field.target
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
        for field in node.body
        if isinstance(field, ast.AnnAssign)
    }
    names = [
        node.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node not in fields
    ]
    names += [node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)]
    names += [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]
    assert not placeholders & set(names)
