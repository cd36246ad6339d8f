"""`streamlit run app.py`: the whole application. The script of each session is ui/main.py."""

from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware

from ui.server.guard import Guard
from ui.server.lifespan import framed, lifespan, report_error, settle

settle()
app = st.App(
    Path(__file__).resolve().with_name("ui") / "main.py",
    lifespan=lifespan,
    middleware=[Middleware(Guard), Middleware(framed)],
    on_script_error=report_error,
)
