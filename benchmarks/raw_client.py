"""A browser tab without the browser: Streamlit's websocket, spoken by hand.

It costs a few milliseconds of CPU a rerun, so that a class of them fits beside the server.
"""

import time
from types import TracebackType
from typing import Self

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import ClientConnection, connect

DONE = (ForwardMsg.FINISHED_SUCCESSFULLY, ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY)

FAILED = "Something went wrong"  # as ui.server.errors says it


class Session:
    """One session on one page. Use as `async with`; entering it runs the page once.

    Args:
        address: host and port of the server.
        page: the page's name in the address bar.
        query: the knobs that differ from their defaults, as in a shared link.
    """

    def __init__(self, address: str, page: str, query: str = "") -> None:
        self.address, self.page, self.query = address, page, query
        self.script = ""  # the page's name on the server
        self.sliders: dict[str, tuple[str, str]] = {}  # key → id and fragment
        self.clocks: dict[str, float] = {}  # fragment → seconds between its own reruns
        self.values: dict[str, float] = {}  # id → value of what was moved
        self.known: set[str] = set()  # hashes of messages that need not be sent again
        self.texts: list[str] = []  # of the last rerun
        self.failures: list[str] = []  # parts of the page that failed in it
        self.socket: ClientConnection

    async def __aenter__(self) -> Self:
        """Connect and run the page."""
        self.socket = await connect(
            f"ws://{self.address}/_stcore/stream",
            subprotocols=["streamlit"],  # type: ignore[list-item]
            compression=None,
            max_size=None,
        )
        await self._run("")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the tab."""
        await self.socket.close()

    async def move(self, key: str, value: float) -> float:
        """Move the slider of that key; return the seconds until its rerun has ended."""
        name, fragment = self.sliders[key]
        self.values[name] = value
        return await self._run(fragment)

    async def tick(self) -> float:
        """Rerun the fragment that lives by a clock, as the browser would; return the seconds.

        Raises:
            StopIteration: nothing lives on this page now.
        """
        return await self._run(next(iter(self.clocks)), by_clock=True)

    async def _run(self, fragment: str, *, by_clock: bool = False) -> float:
        message = BackMsg()
        state = message.rerun_script
        state.query_string, state.fragment_id, state.is_auto_rerun = self.query, fragment, by_clock
        state.page_script_hash, state.page_name = self.script, "" if self.script else self.page
        state.context_info.url = f"http://{self.address}/{self.page}"
        state.context_info.timezone = "UTC"
        state.cached_message_hashes.extend(self.known)
        for name, value in self.values.items():
            widget = state.widget_states.widgets.add(id=name)
            widget.double_array_value.data.append(value)
        self.texts.clear()
        self.failures.clear()
        began = time.perf_counter()
        await self.socket.send(message.SerializeToString())
        while not self._take(ForwardMsg.FromString(await self.socket.recv(decode=False))):
            pass
        return time.perf_counter() - began

    def _take(self, message: ForwardMsg) -> bool:
        """Note what the page consists of; return whether the rerun has ended."""
        kind = message.WhichOneof("type")
        if message.metadata.cacheable:
            self.known.add(message.hash)
        if kind == "navigation":
            self.script = message.navigation.page_script_hash
            self.clocks.clear()  # the whole page runs: what still lives says so again
        elif kind == "auto_rerun":
            self.clocks[message.auto_rerun.fragment_id] = message.auto_rerun.interval
        elif kind == "stop_auto_rerun":
            for name in message.stop_auto_rerun.fragment_ids:
                self.clocks.pop(name, None)
        elif kind == "delta":
            self._look(message)
        return kind == "script_finished" and message.script_finished in DONE

    def _look(self, message: ForwardMsg) -> None:
        element = message.delta.new_element
        kind = element.WhichOneof("type")
        if kind == "slider":
            key = element.slider.id.split("-", 2)[-1]
            self.sliders[key] = (element.slider.id, message.delta.fragment_id)
        elif kind == "exception":
            self.failures.append(element.exception.message)
        elif kind == "alert" and element.alert.body.startswith(FAILED):
            self.failures.append(element.alert.body)
        elif kind == "markdown":
            self.texts.append(element.markdown.body)
