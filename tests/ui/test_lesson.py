"""The parts that every lesson has."""

import inspect

import pytest

from genlib.models import FAMILIES
from genlib.studies import STUDIES
from ui.lesson import displayed

THEORIES = {name: entry.theory for name, entry in FAMILIES.items()} | {
    name: inspect.getdoc(inspect.getmodule(entry.load())) or "" for name, entry in STUDIES.items()
}


@pytest.mark.parametrize("name", THEORIES)
def test_every_display_formula_begins_and_ends_on_a_line_of_its_own(name: str):
    text = displayed(THEORIES[name])
    fences = [line for line in text.splitlines() if "$$" in line]
    assert all(line == "$$" for line in fences)
    assert len(fences) == THEORIES[name].count("$$"), "none is lost"
    assert len(fences) % 2 == 0


def test_a_formula_of_several_lines_is_kept_as_it_is():
    assert displayed("Let $$a\n= b$$ be.") == "Let \n$$\na\n= b\n$$\n be."
