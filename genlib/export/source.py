"""genlib's own source in parts, without annotations: what each defines, and what it needs."""

import ast
import builtins
import dis
import inspect
import re
import sys
import textwrap
from functools import lru_cache
from itertools import accumulate
from threading import RLock
from types import CodeType
from typing import Any, NamedTuple

WIDTH = 99
REMARK = re.compile(r" *# (?:type: ignore|noqa)\b.*$", re.MULTILINE)  # for linters
FIELDS = "NamedTuple", "dataclass"  # what makes a field of each annotation in a class
READING = RLock()  # inspect and ast may fail where several threads read source at once
Place = tuple[int, int]  # a line, and a byte in it
Edit = tuple[Place, Place, str]  # from, to, and what comes there instead


class Origin(NamedTuple):
    """Where a name is defined, in genlib or elsewhere, and what it is called where it is used."""

    module: str
    name: str  # empty for the module itself
    local: str

    @property
    def ours(self) -> bool:
        """Whether it is of genlib."""
        return self.module.partition(".")[0] == __name__.partition(".")[0]


class Part(NamedTuple):
    """A statement of a module or of a class.

    Attributes:
        text: its source without annotations; of a class, up to its docstring and without bases.
        names: that it defines.
        reads: names of its module that it looks up.
        asks: attributes that it asks anything for.
        always: whether its class cannot do without it.
        bases: of a class, as they are written.
        members: of a class.
    """

    text: str
    names: frozenset[str]
    reads: frozenset[str]
    asks: frozenset[str]
    always: bool = False
    bases: tuple[str, ...] = ()
    members: tuple["Part", ...] = ()


class Module(NamedTuple):
    """What a module defines, in order, and what it imports, by name."""

    parts: dict[str, Part]
    imports: dict[str, Origin]


def source_of(part: Any) -> str:
    """Return the source of a module, a class or a function; it is read once."""
    with READING:
        return _source_of(part)


@lru_cache(maxsize=256)
def _source_of(part: Any) -> str:
    return inspect.getsource(part)


@lru_cache(maxsize=256)
def read(name: str) -> Module:
    """Return a module that is imported already, as parts."""
    source = source_of(sys.modules[name])
    lines, module = source.split("\n"), Module({}, {})
    for node in ast.parse(source).body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            module.imports.update((origin.local, origin) for origin in _imported(node))
        elif isinstance(node, ast.ClassDef):
            module.parts[node.name] = _class(node, lines, vars(sys.modules[name])[node.name])
        elif isinstance(node, ast.FunctionDef | ast.Assign | ast.AnnAssign):
            part = _statement(node, lines)
            module.parts.update(dict.fromkeys(part.names, part))
    return module


def origin_of(module: str, name: str) -> Origin | None:
    """Return where a name in a module is defined, through all imports; None for built-in ones.

    Raises:
        ImportError: it is a module of genlib as a whole.
    """
    if name in read(module).parts:
        return Origin(module, name, name)
    origin = read(module).imports.get(name)
    if origin is None or not origin.ours:
        return origin
    definition = origin_of(origin.module, origin.name)
    if definition is None:
        raise ImportError(f"{module} imports {name} as a whole: import what it uses, by name")
    return definition


def order(module: str, seen: dict[str, None]) -> dict[str, None]:
    """Add a module to those seen, behind all that it imports of genlib: as Python ran them."""
    for origin in read(module).imports.values():
        if origin.ours and origin.module not in seen:
            order(origin.module, seen)
    seen[module] = None
    return seen


def module_names(text: str) -> list[ast.Name]:
    """Return the names in source that are its module's: the compiler says which are not local."""
    tree = ast.parse(text)
    codes: list[CodeType] = [compile(tree, "", "exec", dont_inherit=True)]
    module_level = set()
    for code in codes:
        codes += [inner for inner in code.co_consts if isinstance(inner, CodeType)]
        outer = {"STORE_NAME"} if code is codes[0] else set()
        for step in dis.get_instructions(code):
            if step.positions and step.opname in {"LOAD_GLOBAL", "LOAD_NAME"} | outer:
                module_level.add((step.argval, step.positions.lineno, step.positions.col_offset))
    names = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    return [node for node in names if (node.id, node.lineno, node.col_offset) in module_level]


def edited(text: str, edits: list[Edit]) -> str:
    """Return a text with some of its places replaced."""
    raw = text.encode()
    starts = [0, 0, *accumulate(len(line) for line in raw.splitlines(keepends=True))]
    for (line, byte), (last, end), new in sorted(edits, reverse=True):
        raw = raw[: starts[line] + byte] + new.encode() + raw[starts[last] + end :]
    return raw.decode()


def start(node: ast.expr | ast.stmt) -> Place:
    """Return where a node starts."""
    return node.lineno, node.col_offset


def end(node: ast.expr | ast.stmt) -> Place:
    """Return where a node ends."""
    return node.end_lineno or node.lineno, node.end_col_offset or node.col_offset


def wrapped(text: str, width: int, indent: str) -> list[str]:
    """Return a text as lines, each after the same indent."""
    return textwrap.wrap(text, width, initial_indent=indent, subsequent_indent=indent)


def requoted(text: str) -> str:
    """Return source with double quotes around its strings, where they hold no quotes."""
    return re.sub(r"""'([^'"\\]*)'""", r'"\1"', text)


def _imported(node: ast.Import | ast.ImportFrom) -> list[Origin]:
    if isinstance(node, ast.ImportFrom):
        return [
            Origin(node.module or "", each.name, each.asname or each.name) for each in node.names
        ]
    roots = [each.asname or each.name.partition(".")[0] for each in node.names]
    return [Origin(each.name, "", root) for each, root in zip(node.names, roots, strict=True)]


def _class(node: ast.ClassDef, lines: list[str], kind: type) -> Part:
    """Return a class, without what is abstract in it."""
    bases = tuple(ast.unparse(base) for base in node.bases)
    decorators = [f"@{ast.unparse(decorator)}" for decorator in node.decorator_list]
    fields = any(name in text for text in (*bases, *decorators) for name in FIELDS)
    foreign = [base for base in kind.__mro__ if not Origin(base.__module__, "", "").ours]
    hooks = {name for base in foreign for name in dir(base)}  # others may call them
    has_docstring = ast.get_docstring(node) is not None
    members = []
    for member in node.body[has_docstring:]:
        declared = isinstance(member, ast.AnnAssign) and (fields or member.value is None)
        part = _statement(member, lines, field=declared)
        values = [vars(kind).get(name) for name in part.names]
        if any(getattr(value, "__isabstractmethod__", False) for value in values):
            continue
        if fields or not declared:
            called = all(name in hooks or name.startswith("__") for name in part.names)
            members.append(part._replace(always=declared or called))
    docstring = (
        lines[node.body[0].lineno - 1 : node.body[0].end_lineno] if has_docstring else ["    ..."]
    )
    head = _part("\n".join([*decorators, f"class {node.name}:", *docstring]), {node.name})
    return head._replace(bases=bases, members=tuple(members))


def _statement(node: ast.stmt, lines: list[str], *, field: bool = False) -> Part:
    """Return a statement; a field stays annotated, as it has to be, if only as any object."""
    first = min(each.lineno for each in (node, *getattr(node, "decorator_list", ())))
    text = REMARK.sub("", textwrap.dedent("\n".join(lines[first - 1 : node.end_lineno])))
    edits: list[Edit] = []
    for inner in ast.walk(ast.parse(text)):
        if isinstance(inner, ast.AnnAssign) and (field or inner.value is None):
            if not _builtin(inner.annotation):
                edits.append((start(inner.annotation), end(inner.annotation), "object"))
        elif isinstance(inner, ast.AnnAssign):
            edits.append((end(inner.target), end(inner.annotation), ""))
        elif isinstance(inner, ast.FunctionDef) and inner.returns:
            edits.append((start(inner), end(inner.returns), _signature(inner)))
    return _part(edited(text, edits), _defined(node))


def _builtin(annotation: ast.expr) -> bool:
    names = {node.id for node in ast.walk(annotation) if isinstance(node, ast.Name)}
    return names <= set(dir(builtins))


def _defined(node: ast.stmt) -> set[str]:
    """Return the names that a statement defines."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return {node.name}
    targets = node.targets if isinstance(node, ast.Assign) else []
    targets = [node.target] if isinstance(node, ast.AnnAssign) else targets
    inside = [each for target in targets for each in ast.walk(target)]
    return {each.id for each in inside if isinstance(each, ast.Name)}


def _part(text: str, names: set[str]) -> Part:
    attributes = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Attribute)]
    return Part(
        text,
        frozenset(names),
        frozenset(node.id for node in module_names(text)),
        frozenset(node.attr for node in attributes),
    )


def _signature(node: ast.FunctionDef) -> str:
    """Return the first lines of a function without annotations, up to its colon."""
    for given in ast.walk(node.args):
        if isinstance(given, ast.arg):
            given.annotation = None
    arguments, margin = requoted(ast.unparse(node.args)), " " * node.col_offset
    line = f"def {node.name}({arguments})"
    if len(margin + line) < WIDTH - 4:  # it may be a method, and there comes a colon
        return line
    lines = wrapped(arguments, WIDTH - 4, margin + " " * 4)
    return "\n".join([f"def {node.name}(", *lines, f"{margin})"])
