"""The state of the machine: its device, and what the queue holds."""

import importlib

import streamlit as st

from ui.server.lifespan import warm


def machine() -> None:
    """Draw the device and the queue; looks again every second until torch is there."""
    st.fragment(_machine, run_every=None if warm.is_set() else 1.0)()


def _machine() -> None:
    with st.container(horizontal=True, height=96, border=False):
        if not warm.is_set():
            st.skeleton(height=72)
            return
        device, queue, sentences = _state()
        st.metric("Trains on", device)
        st.metric("In the queue", queue)
    for sentence in sentences:
        st.warning(sentence, icon=":material/developer_board_off:")


def _state() -> tuple[str, str, list[str]]:
    """Return what trains here, how many jobs wait, and what the workers say of themselves.

    It imports torch, hence only when warm.
    """
    devices = importlib.import_module("genlib.device")
    jobs = importlib.import_module("genlib.jobs")
    cache = importlib.import_module("ui.cache")
    names = ", ".join(devices.name(device) for device in devices.available())
    queue = cache.jobs()
    sentences = importlib.import_module("genlib.jobs.notices").read(queue.settings)
    try:
        waiting = len(queue.waiting())
    except jobs.QueueUnavailableError:
        return names, "not reachable", sentences
    return names, f"{waiting} jobs" if waiting != 1 else "1 job", sentences
