"""What a student reads where a page fails."""

import logging
import uuid

import streamlit as st

log = logging.getLogger(__name__)


def report_error(error: Exception) -> bool:
    """Say one sentence on the page, under a number by which the log has the traceback."""
    number = uuid.uuid4().hex[:8]
    log.error("error %s", number, exc_info=error)
    st.error(
        f"Something went wrong here (error {number}). Reload the page; "
        "if it comes back, open the lesson from the menu to start from its defaults.",
        icon=":material/error:",
    )
    return True
