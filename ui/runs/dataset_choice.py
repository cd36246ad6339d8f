"""Choosing a data set: the link holds its short key, such as `fashion_mnist`."""

from collections.abc import Callable, Iterable, Sequence

import streamlit as st

from genlib.data import DATASETS, DatasetName
from ui import links


def dataset_choice(
    label: str,
    key: str,
    names: Sequence[DatasetName],
    usual: DatasetName,
    explained: str,
    on_change: Callable[[], None] | None = None,
) -> DatasetName:
    """Draw the choice among data sets, which is what the link says, or `usual`.

    A widget that is bound to the link would write its titles there; those of before still open.
    """
    links.warn([links.settle(key, possible_datasets(names))])
    by_key = {short_key(name): name for name in names}
    st.session_state[key] = by_key.get(st.query_params.get(key, ""), usual)
    link_dataset(key, st.session_state[key], usual)

    def chosen() -> None:
        link_dataset(key, st.session_state[key], usual)
        if on_change is not None:
            on_change()

    name: DatasetName = st.selectbox(
        label,
        names,
        format_func=lambda name: DATASETS[name].title,
        key=key,
        help=explained,
        on_change=chosen,
    )
    return name


def possible_datasets(names: Iterable[DatasetName]) -> links.Names:
    """Return what a link may say for a choice of data sets: their keys, or their titles."""
    both = {called: short_key(name) for name in names for called in (DATASETS[name].title, name)}
    return links.Names(both | {key: key for key in map(short_key, names)})


def short_key(name: DatasetName) -> str:
    """Return what a data set is called in a link; which points a drawing has is another view."""
    return name.partition("-")[0]


def link_dataset(key: str, name: DatasetName, usual: DatasetName) -> None:
    """Write the choice of a data set to the link, which then decides it; not where it is usual."""
    if name == usual:
        st.query_params.pop(key, None)
    elif st.query_params.get(key) != short_key(name):
        st.query_params[key] = short_key(name)
