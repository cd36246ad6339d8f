"""A header and arrays come back from the bytes that are sent, whatever they hold."""

from hypothesis import given
from hypothesis import strategies as some

from tests.support.unpacked import unpacked
from ui.widgets.message import packed


@given(
    some.dictionaries(some.sampled_from("abc"), some.text() | some.integers(), max_size=3),
    some.dictionaries(some.text(max_size=9), some.binary(max_size=40), max_size=4),
)
def test_what_is_packed_is_read_again(header, arrays):
    assert unpacked(packed(header, arrays)) == (header, arrays)
