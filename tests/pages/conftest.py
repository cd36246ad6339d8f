"""What the tests of pages share."""

from collections.abc import Iterator

import pytest
import streamlit as st

from ui.server.lifespan import warm


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A server of its own for a module, with nothing but the shipped runs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GENLIB_HOME", str(tmp_path_factory.mktemp("home")))
        st.cache_resource.clear()
        st.cache_data.clear()
        warm.set()
        yield
        st.cache_resource.clear()
        st.cache_data.clear()
