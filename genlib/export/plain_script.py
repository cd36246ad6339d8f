"""One script of what a model uses, from the family's class on, and of the settings of a run.

Each name is followed to where it is defined, and what is used comes along; of a class, only what
is asked for by name stays. All stands in the order in which Python ran it.
"""

import builtins
import re
import sys
import textwrap
from itertools import pairwise

from genlib.data import DATASETS
from genlib.entry import FamilyEntry
from genlib.export import running
from genlib.export.source import (
    READING,
    WIDTH,
    Edit,
    Origin,
    Part,
    edited,
    end,
    module_names,
    order,
    origin_of,
    read,
    requoted,
    start,
    wrapped,
)
from genlib.family import Family
from genlib.models import FAMILIES
from genlib.runs.spec import RunSpec

NEEDED = {"torch", "safetensors"}  # beside the standard library
ENTRIES = {"preview", "encode", "decode", "generate", "sample"}  # what a student may call
ABSTRACT = Origin("abc", "ABC", "ABC")  # a base that nobody misses
Definitions = dict[Origin, Part | None]  # None for what is not genlib's
TITLE = """A model of the family "{family}", trained on {dataset}, in one script.

Run {fingerprint} of genlib.

It needs torch and safetensors (pip install torch safetensors), and the run's weights beside it:

    python {module}.py [{weights}.safetensors]

loads them, and shows the model the examples in pictures.safetensors (random ones, where that is
missing). What it makes of them is saved as made.safetensors, and as made.png where it is pictures.
To go on from there:

    from {module} import *
    model = loaded({name}(CONFIG, SHAPE), "{weights}.safetensors")
    {uses}

genlib wrote this from its own source: it is the code that ran, but for what only training takes.
Comments name the files of genlib.

{theory}
"""


def plain_script(spec: RunSpec, module: str = "plain", weights: str = "model") -> str:
    """Return one Python script that uses a run's weights with torch and safetensors alone.

    Args:
        spec: the run's.
        module: what the script's file is called, without its ending.
        weights: what that of the weights beside it is called.

    Raises:
        ImportError: the family needs another package, or a module of genlib as a whole.
    """
    entry, family = FAMILIES[spec.family], FAMILIES[spec.family].load()
    with READING:
        return _script(_title(spec, entry, module, weights), spec, family)


def _script(title: str, spec: RunSpec, family: type[Family]) -> str:
    """Return the script: what the model uses, in the order in which Python ran it."""
    space = "SimpleNamespace"
    model = Origin(family.__module__, family.__name__, family.__name__)
    main = Origin(running.__name__, "main", "main")
    definitions, attributes = _used(model, main, Origin("types", space, space))
    names = _names(definitions)
    modules = order(main.module, order(model.module, {}))
    first, *others = filter(None, (_section(module, definitions, names) for module in modules))
    call = f"{names[main]}({names[model]}(CONFIG, SHAPE), SHOWS)"
    return "\n\n\n".join(
        [
            f'r"""{title}"""\n\n{_imports(definitions, names)}\n\n{first}',
            *others,
            _settings(spec, attributes),
            f'if __name__ == "__main__":\n    {call}\n',
        ]
    )


def _settings(spec: RunSpec, attributes: set[str]) -> str:
    """Return the constants of a run, below what they mean."""
    shows = [f'    "{kind}",' for kind in dict.fromkeys(FAMILIES[spec.family].shows)]
    remark = "# The run: its settings, (channels, height, width) of its data, and what it shows."
    config, shape = _config(spec, attributes), DATASETS[spec.dataset].shape
    return "\n".join(
        [remark, "", f"CONFIG = {config}", f"SHAPE = {shape}", "SHOWS = [", *shows, "]"]
    )


def _title(spec: RunSpec, entry: FamilyEntry, module: str, weights: str) -> str:
    """Return the script's docstring: what it is, how to use it, and the family's theory."""
    uses = ['x = examples(Path("pictures.safetensors"), SHAPE)']
    if "encodes" in entry.abilities:
        uses += ["z = model.encode(x)", "x = model.decode(z)"]
    if "generates" in entry.abilities:
        uses += ["new = model.sample(16, torch.Generator().manual_seed(1))"]
    return TITLE.format(
        fingerprint=spec.fingerprint,
        family=spec.family,
        dataset=DATASETS[spec.dataset].title,
        name=entry.class_name,
        uses="\n    ".join(uses),
        theory=entry.theory,
        module=module,
        weights=weights,
    )


def _config(spec: RunSpec, attributes: set[str]) -> str:
    """Return the settings that the kept code reads, each below what it means."""
    fields, lines = type(spec.model).model_fields, ["SimpleNamespace("]
    for name, value in spec.model.model_dump().items():
        if name in attributes:
            lines += wrapped(str(fields[name].description), WIDTH, "    # ")
            lines += [f"    {name}={requoted(repr(value))},"]
    return "\n".join([*lines, ")"])


def _imports(definitions: Definitions, names: dict[Origin, str]) -> str:
    """Return the import statements, the standard library's first."""
    together: dict[str, list[str]] = {}
    lines = []
    for origin in sorted(origin for origin, part in definitions.items() if part is None):
        root, called = origin.module.partition(".")[0], names[origin]
        if root not in sys.stdlib_module_names | NEEDED:
            raise ImportError(f"a plain script cannot import {origin.module}")
        if called == origin.name:
            together.setdefault(f"from {origin.module} import ", []).append(called)
            continue
        line = f"from {origin.module} import {origin.name}" if origin.name else ""
        line = line or f"import {origin.module}"
        lines.append(line if (called, origin.name) == (root, "") else f"{line} as {called}")
    lines += [line + ", ".join(parts) for line, parts in together.items()]
    lines.sort(key=lambda line: (line.startswith("from"), line))
    ours = [line for line in lines if line.split()[1].partition(".")[0] in NEEDED]
    return "\n".join([*(line for line in lines if line not in ours), "", *ours])


def _section(module: str, definitions: Definitions, names: dict[Origin, str]) -> str:
    """Return the definitions of a module, below its path; empty where there are none."""
    origins = [Origin(module, name, name) for name in read(module).parts]
    written = [
        _written(origin, part, names) for origin in origins if (part := definitions.get(origin))
    ]
    if not written:
        return ""
    space = "\n\n\n" if _block(written[0]) else "\n\n"
    return f"# {module.replace('.', '/')}.py{space}{_stacked([*dict.fromkeys(written)], 2)}"


def _written(origin: Origin, part: Part, names: dict[Origin, str]) -> str:
    """Return the source of a definition, under the names of the script."""
    members = [textwrap.indent(member.text, " " * 4) for member in part.members]
    head = part.text.removesuffix("\n    ...") if members else part.text
    text = _stacked([head, *members], 1)
    if part.bases:
        text = re.sub(r"(?m)^(class \w+):", rf"\1({', '.join(part.bases)}):", text, count=1)
    edits: list[Edit] = []
    for node in module_names(text):
        target = origin_of(origin.module, node.id)
        called = names[target] if target else node.id
        if called != node.id:
            edits.append((start(node), end(node), called))
    text = edited(text, edits)
    heading = rf"(?m)^(def|class) {origin.name}\b"
    return re.sub(heading, rf"\1 {names[origin]}", text, count=1)


def _stacked(texts: list[str], gap: int) -> str:
    """Return pieces of source below each other, with blank lines around functions and classes."""
    stacked = texts[0]
    for pair in pairwise(texts):
        stacked += "\n" * (1 + gap * any(map(_block, pair))) + pair[1]
    return stacked


def _block(text: str) -> bool:
    return text.lstrip().startswith(("def ", "class ", "@"))


def _names(definitions: Definitions) -> dict[Origin, str]:
    """Return what each is called in the script: as where it is used, unless that is taken."""
    names: dict[Origin, str] = {}
    taken = {*dir(builtins), "CONFIG", "SHAPE", "SHOWS"}
    for origin in definitions:
        longer = f"{origin.module}.{origin.local}".removeprefix("genlib.").replace(".", "_")
        names[origin] = longer if origin.local in taken else origin.local
        taken.add(names[origin])
    return names


def _used(*roots: Origin) -> tuple[Definitions, set[str]]:
    """Return what the roots use, and the attributes that are asked for in it."""
    definitions: Definitions = dict.fromkeys(roots)
    attributes, size = set(ENTRIES), (0, 0)
    while size != (len(definitions), len(attributes)):
        size = len(definitions), len(attributes)
        for origin in [origin for origin in definitions if origin.ours]:
            part = read(origin.module).parts[origin.name]
            bases = tuple(base for base in part.bases if _base(origin, base) != ABSTRACT)
            members = tuple(
                each for each in part.members if each.always or each.names & attributes
            )
            definitions[origin] = part = part._replace(bases=bases, members=members)
            attributes.update(part.asks, *(member.asks for member in members))
            targets = _reads(origin, part) | {_base(origin, base) for base in bases}
            for target in sorted(target for target in targets if target):
                definitions.setdefault(target, None)
    return _without_idle(definitions), attributes


def _without_idle(definitions: Definitions) -> Definitions:
    """Leave out classes of which nothing is left and that are bases and nothing else."""
    parts = {origin: part for origin, part in definitions.items() if part}
    named = {target for origin, part in parts.items() for target in _reads(origin, part)}
    idle = {
        origin
        for origin, part in parts.items()
        if re.search(r"(?m)^class ", part.text)
        if not (part.bases or part.members or origin in named)
    }
    for origin, part in parts.items():
        bases = tuple(base for base in part.bases if _base(origin, base) not in idle)
        definitions[origin] = part._replace(bases=bases)
    return {origin: part for origin, part in definitions.items() if origin not in idle}


def _reads(origin: Origin, part: Part) -> set[Origin | None]:
    pieces = part, *part.members
    return {origin_of(origin.module, name) for piece in pieces for name in piece.reads}


def _base(origin: Origin, base: str) -> Origin | None:
    return origin_of(origin.module, re.split(r"\W", base)[0])
