"""`streamlit run app.py`: the whole application. The script of each session is ui/main.py."""

from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware

from ui.server.addresses import forgiving
from ui.server.errors import report_error
from ui.server.guard import Guard
from ui.server.lifespan import lifespan
from ui.server.space import framed, settle
from ui.server.student import remember_students

settle()
app = st.App(
    Path(__file__).resolve().with_name("ui") / "main.py",
    lifespan=lifespan,
    middleware=[
        Middleware(Guard),
        Middleware(forgiving),
        Middleware(framed),
        Middleware(remember_students),
    ],
    on_script_error=report_error,
)
