"""A real browser for the tests: Chromium without a window, told what to do over the DevTools protocol."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
START_SECONDS = 30
ANSWER_SECONDS = 20

_LISTENING = re.compile(rb"DevTools listening on ws://([^/]+)/")
_OPTIONS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--disable-dev-shm-usage"),
    *("--no-first-run", "--disable-extensions", "--disable-background-networking", "--remote-debugging-port=0"),
)


def browser_program() -> str | None:
    """Where a Chromium is, if there is one. `make report-check` installs Debian's."""
    return next(filter(None, map(shutil.which, PROGRAMS)), None)


class ScriptError(Exception):
    """The page's script raised."""


@dataclass
class Page:
    """One page of the browser, and what it complained of and asked the network for."""

    socket: aiohttp.ClientWebSocketResponse
    complaints: list[str] = field(default_factory=list)
    """Exceptions, errors on its console, what its policy blocked."""
    requests: list[str] = field(default_factory=list)
    """Addresses that it asked for, those of the page itself and of data in it included."""
    _number: int = 0

    async def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Call a method of the protocol, and take what the page tells meanwhile."""
        self._number += 1
        await self.socket.send_json({"id": self._number, "method": method, "params": parameters})
        async with asyncio.timeout(ANSWER_SECONDS):
            while True:
                message = await self.socket.receive_json()
                if message.get("id") == self._number:
                    assert "error" not in message, message
                    result: dict[str, Any] = message["result"]
                    return result
                self._take(message)

    async def open(self, url: str) -> None:
        """Go there, and wait until its script has run."""
        for domain in ("Runtime", "Log", "Network", "Page"):
            await self.call(f"{domain}.enable")
        await self.call("Page.navigate", url=url)
        await self.run(
            "new Promise((ready) => document.readyState === 'complete' ? ready() : addEventListener('load', ready))"
        )

    async def run(self, script: str) -> Any:
        """Evaluate an expression in the page; return its value."""
        given = await self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in given:
            raise ScriptError(json.dumps(given["exceptionDetails"]))
        return given["result"].get("value")

    async def texts(self, selector: str) -> list[str]:
        """The visible text of every element that the selector finds."""
        found: list[str] = await self.run(
            f"[...document.querySelectorAll({json.dumps(selector)})].map((e) => e.innerText)"
        )
        return found

    async def click(self, selector: str, number: int = 0) -> None:
        """Click into the middle of an element as a person does."""
        place = await self.run(
            f"(() => {{ const e = document.querySelectorAll({json.dumps(selector)})[{number}];"
            "e.scrollIntoView({block: 'center'}); const r = e.getBoundingClientRect();"
            "return [r.x + r.width / 2, r.y + r.height / 2]; })()"
        )
        await self.drag(place, place)

    async def drag(self, start: list[float], end: list[float]) -> None:
        """Press at one point, move, and release at another."""
        await self._mouse("mouseMoved", start)
        await self._mouse("mousePressed", start)
        if start != end:
            await self._mouse("mouseMoved", [(start[0] + end[0]) / 2, end[1]])
            await self._mouse("mouseMoved", end)
        await self._mouse("mouseReleased", end)

    async def press(self, key: str) -> None:
        """Press and release a key, by the name that the page will see."""
        text = {"Enter": "\r", "Tab": "", "Escape": ""}.get(key, key)
        code = {"Enter": 13, "Tab": 9, "Escape": 27}.get(key, ord(key[0]))
        about: Mapping[str, Any] = {"key": key, "windowsVirtualKeyCode": code} | ({"text": text} if text else {})
        await self.call("Input.dispatchKeyEvent", type="keyDown", **about)
        await self.call("Input.dispatchKeyEvent", type="keyUp", key=key, windowsVirtualKeyCode=code)

    async def type(self, text: str) -> None:
        """Type into what has the focus."""
        await self.call("Input.insertText", text=text)

    async def _mouse(self, kind: str, place: list[float]) -> None:
        pressed = 0 if kind == "mouseMoved" else 1
        await self.call(
            "Input.dispatchMouseEvent", type=kind, x=place[0], y=place[1], button="left", buttons=1, clickCount=pressed
        )

    def _take(self, message: dict[str, Any]) -> None:
        parameters = message.get("params", {})
        match message.get("method"):
            case "Runtime.exceptionThrown":
                self.complaints.append(json.dumps(parameters["exceptionDetails"]))
            case "Log.entryAdded":
                self.complaints.append(parameters["entry"]["text"])
            case "Runtime.consoleAPICalled":
                self.complaints.append(json.dumps(parameters["args"]))
            case "Network.requestWillBeSent":
                self.requests.append(parameters["request"]["url"])


@asynccontextmanager
async def browser_page(folder: Path, *, width: int = 1440, height: int = 1000) -> AsyncIterator[Page]:
    """Start a browser of its own, with its profile in the folder, and give its page; end it afterwards."""
    program = browser_program()
    assert program is not None, "ask browser_program() first"
    process = await asyncio.create_subprocess_exec(
        *(
            program,
            *_OPTIONS,
            f"--user-data-dir={folder / 'profile'}",
            f"--window-size={width},{height}",
            "about:blank",
        ),
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    try:
        assert process.stderr is not None
        async with asyncio.timeout(START_SECONDS):
            host = await _listening(process.stderr)
        async with aiohttp.ClientSession() as session:
            async with session.get(f"http://{host}/json/list") as answer:
                targets = await answer.json(content_type=None)
            url = next(each["webSocketDebuggerUrl"] for each in targets if each["type"] == "page")
            async with session.ws_connect(url, max_msg_size=0) as socket:
                yield Page(socket)
    finally:
        process.send_signal(signal.SIGTERM)
        await process.communicate()


async def _listening(errors: asyncio.StreamReader) -> str:
    while line := await errors.readline():
        if found := _LISTENING.search(line):
            return found[1].decode()
    raise RuntimeError("the browser ended before it listened")
