"""A headless Chromium, driven over the DevTools protocol: pages that tests click, type into and inspect."""

import asyncio
import base64
import itertools
import json
import os
import shutil
import signal
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp

FINDER_SCRIPT = Path(__file__).parents[1] / "node" / "browser.mjs"
START_S = 60
WAIT_S = 15
FLAGS = (
    "--headless=new",
    "--no-sandbox",  # runs as root in containers; it opens nothing but our own pages
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--disable-background-timer-throttling",
    "--disable-renderer-backgrounding",
    "--disable-backgrounding-occluded-windows",
    "--no-first-run",
    "--no-default-browser-check",
    "--no-proxy-server",
    "--hide-scrollbars",
    "--lang=en-GB",
    "--remote-debugging-port=0",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "about:blank",
)
KEY_CODES = {
    "Enter": 13,
    "Tab": 9,
    "Escape": 27,
    "ArrowUp": 38,
    "ArrowDown": 40,
    "Home": 36,
    "End": 35,
    " ": 32,
}

# Check again after every change of the page, and every 40 ms for changes without an event.
_WAIT_SCRIPT = """
new Promise((resolve, reject) => {
  const look = () => {
    let found;
    try { found = (() => %s)(); } catch { found = null; }
    if (!found) return false;
    stop();
    resolve(typeof found === "object" ? true : found);
    return true;
  };
  const observer = new MutationObserver(look);
  const often = setInterval(look, 40);
  const stop = () => { observer.disconnect(); clearInterval(often); clearTimeout(end); };
  const end = setTimeout(() => { stop(); reject(new Error("not in time")); }, %d);
  observer.observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
  look();
})
"""

# The point to press: the middle of an element, once nothing covers it and it has stopped moving.
_CENTER_SCRIPT = """
(() => {
  const element = %s;
  const box = element.getBoundingClientRect();
  const at = { x: box.x + box.width / 2, y: box.y + box.height / 2 };
  const still = element.lastAt === JSON.stringify(at);
  element.lastAt = JSON.stringify(at);
  return still && element.contains(document.elementFromPoint(at.x, at.y)) && element.lastAt;
})()
"""

_ANIMATIONS_SCRIPT = """
Promise.all(document.getAnimations()
  .filter((each) => each.effect.getTiming().iterations !== Infinity)
  .map((each) => each.finished.catch(() => null)))
  .then(() => true)
"""


# The reply of Chromium for a script whose document was replaced during the wait.
_NAVIGATION_ERRORS = (
    "Inspected target navigated",
    "Execution context was destroyed",
    "Cannot find context",
    "Promise was collected",
)


class BrowserError(Exception):
    """The browser, or a page in it, failed."""


async def find_chromium() -> str:
    """The Chromium to drive; raises BrowserProblem if there is none.

    It is the one named by `CHROME`, else one on the path, else the one that the tests' Node modules carry.
    """
    if path := os.environ.get("CHROME"):
        return path
    node = shutil.which("node")
    if node is None:
        raise BrowserError("No Node.js to find a Chromium with: install it, or set CHROME to a Chromium.")
    process = await asyncio.create_subprocess_exec(
        node, FINDER_SCRIPT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    stdout, stderr = await process.communicate()
    if process.returncode:
        raise BrowserError(f"No Chromium: {stderr.decode(errors='replace')}")
    return stdout.decode().strip()


@asynccontextmanager
async def launch_browser() -> AsyncIterator["Browser"]:
    """Start a browser for one test. All its files and processes are removed afterwards."""
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(
            tempfile.TemporaryDirectory(prefix="hubbub-browser-", ignore_cleanup_errors=True)
        )
        url = await _start(stack, folder)
        session = await stack.enter_async_context(aiohttp.ClientSession())
        socket = await stack.enter_async_context(session.ws_connect(url, max_msg_size=0))
        yield await stack.enter_async_context(Browser(socket))


async def _start(stack: AsyncExitStack, folder: str) -> str:
    process = await asyncio.create_subprocess_exec(
        await find_chromium(),
        f"--user-data-dir={folder}",
        *FLAGS,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "HOME": folder},
        start_new_session=True,
    )
    stack.push_async_callback(_stop, process)
    output = []
    with suppress(TimeoutError):
        async with asyncio.timeout(START_S):
            assert process.stderr is not None
            async for line in process.stderr:
                output.append(line.decode(errors="replace"))
                if line.startswith(b"DevTools listening on "):
                    return output[-1].split()[-1]
    raise BrowserError(f"Chromium did not start:\n{''.join(output[-20:])}")


async def _stop(process: asyncio.subprocess.Process) -> None:
    """End the process group that `_start` created, and read the rest, so that no pipe stays open."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    await process.communicate()


class Browser:
    """The connection to a running Chromium. `new_page` opens a page with separate storage."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._command_ids = itertools.count(1)
        self._pending: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._page_progress: dict[str, Page] = {}

    async def __aenter__(self) -> Self:
        self._reader = asyncio.create_task(self._read())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._reader.cancel()
        with suppress(asyncio.CancelledError):
            await self._reader

    async def new_page(
        self, width: int = 1280, height: int = 800, *, touch: bool = False, dark: bool = False
    ) -> "Page":
        """Open an empty page with separate cookies and storage."""
        context = await self.call("Target.createBrowserContext")
        target = await self.call("Target.createTarget", url="about:blank", **context)
        session = await self.call("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        page = self._page_progress[session["sessionId"]] = Page(self, session["sessionId"])
        for domain in ("Page", "Runtime", "Log", "Network"):
            await page.call(f"{domain}.enable")
        await page.set_viewport(width, height, touch=touch)
        await page.set_color_scheme("dark" if dark else "light")
        # Two tabs are used in turn. Both behave as if they had the focus.
        await page.call("Emulation.setFocusEmulationEnabled", enabled=True)
        return page

    async def call(self, method: str, session: str | None = None, **params: Any) -> dict[str, Any]:
        """Send one command and return its reply. Raises BrowserError."""
        number = next(self._command_ids)
        result_future = self._pending[number] = asyncio.get_running_loop().create_future()
        await self._socket.send_json(
            {"id": number, "method": method, "params": params, **({"sessionId": session} if session else {})}
        )
        async with asyncio.timeout(WAIT_S * 2):
            result: dict[str, Any] = await result_future
            return result

    async def _read(self) -> None:
        async for frame in self._socket:
            if frame.type != aiohttp.WSMsgType.TEXT:
                break
            message = json.loads(frame.data)
            if result_future := self._pending.pop(message.get("id"), None):
                if "error" in message:
                    result_future.set_exception(BrowserError(message["error"]["message"]))
                else:
                    result_future.set_result(message["result"])
            elif page := self._page_progress.get(message.get("sessionId")):
                page.record_event(message["method"], message["params"])
        for result_future in self._pending.values():
            result_future.set_exception(BrowserError("Chromium went away."))


class Page:
    """One tab. `problems` holds errors of the console, of scripts, of the content policy and of requests."""

    def __init__(self, browser: Browser, session: str) -> None:
        self._browser = browser
        self._session = session
        self.errors: list[str] = []

    async def call(self, method: str, **params: Any) -> dict[str, Any]:
        """One DevTools command for this page."""
        return await self._browser.call(method, self._session, **params)

    def record_event(self, method: str, params: dict[str, Any]) -> None:
        """Keep what must not happen."""
        if method == "Runtime.exceptionThrown":
            thrown = params["exceptionDetails"]
            self.errors.append(thrown.get("exception", {}).get("description", thrown["text"]))
        elif method == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning", "assert"):
            values = [str(arg.get("value", arg.get("description"))) for arg in params["args"]]
            self.errors.append(" ".join(values))
        elif method == "Log.entryAdded" and params["entry"]["level"] in ("error", "warning"):
            self.errors.append(f"{params['entry']['text']} {params['entry'].get('url', '')}")

    async def goto(self, url: str) -> None:
        """Open a URL."""
        result = await self.call("Page.navigate", url=url)
        if "errorText" in result:
            raise BrowserError(f"{url}: {result['errorText']}")
        await self.wait_until(
            f"location.href.startsWith({json.dumps(url)}) && document.readyState === 'complete'"
        )

    async def evaluate(self, script: str) -> Any:
        """Return the value of a JavaScript expression. Promises are awaited."""
        result = await self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in result:
            thrown = result["exceptionDetails"]
            raise BrowserError(thrown.get("exception", {}).get("description", thrown["text"]))
        return result["result"].get("value")

    async def wait_until(self, condition: str) -> Any:
        """Wait until a JavaScript expression is true, on the current document of the page.

        Raises BrowserError with the text of the page.
        """
        deadline = time.monotonic() + WAIT_S
        while True:
            try:
                remaining = deadline - time.monotonic()
                return await self.evaluate(_WAIT_SCRIPT % (condition, max(remaining, 0) * 1000))
            except BrowserError as problem:
                if _has_navigated(problem) and time.monotonic() < deadline:
                    continue
                page_text = await self.evaluate("document.body?.innerText ?? ''")
                raise BrowserError(f"{condition}: {problem}\n{page_text}\n{self.errors}") from None

    async def wait_for_text(self, text: str, within: str = "body") -> None:
        """Wait until a part of the page contains a text."""
        element = f"document.querySelector({json.dumps(within)})"
        await self.wait_until(f"{element}.innerText.includes({json.dumps(text)})")

    async def texts(self, selector: str) -> list[str]:
        """Return the text of each element of a selector."""
        found: list[str] = await self.evaluate(
            f"[...document.querySelectorAll({json.dumps(selector)})].map((each) => each.innerText.trim())"
        )
        return found

    async def hover(self, selector: str) -> dict[str, float]:
        """Move the mouse to the middle of an element, once it is there to be pointed at."""
        element = f"document.querySelector({json.dumps(selector)})"
        await self.wait_until(f"{element}?.checkVisibility()")
        await self.evaluate(f"{element}.scrollIntoView({{ block: 'nearest' }})")
        at: dict[str, float] = json.loads(await self.wait_until(_CENTER_SCRIPT % element))
        await self.call("Input.dispatchMouseEvent", type="mouseMoved", **at)
        return at

    async def click(self, selector: str) -> None:
        """Press the mouse on an element."""
        at = await self.hover(selector)
        for kind in ("mousePressed", "mouseReleased"):
            await self.call("Input.dispatchMouseEvent", type=kind, button="left", clickCount=1, **at)

    async def type(self, text: str, selector: str | None = None) -> None:
        """Type into what has the focus, or into an element that is clicked first."""
        if selector:
            await self.click(selector)
        await self.call("Input.insertText", text=text)

    async def press(self, key: str, *, shift: bool = False) -> None:
        """One key down and up."""
        code = KEY_CODES.get(key) or ord(key.upper())
        common = {"key": key, "code": key, "windowsVirtualKeyCode": code, "modifiers": 8 if shift else 0}
        text = {"Enter": "\r", "Tab": "", "Escape": ""}.get(key, key if len(key) == 1 else "")
        down = "keyDown" if text else "rawKeyDown"
        await self.call("Input.dispatchKeyEvent", type=down, **common, text=text)
        await self.call("Input.dispatchKeyEvent", type="keyUp", **common)

    async def set_viewport(self, width: int, height: int, *, touch: bool = False) -> None:
        """Set the size of the page. `touch` makes it a phone."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": touch}
        await self.call("Emulation.setDeviceMetricsOverride", **size)
        await self.call("Emulation.setTouchEmulationEnabled", enabled=touch)

    async def set_color_scheme(self, scheme: str) -> None:
        """Prefer `light` or `dark`."""
        feature = {"name": "prefers-color-scheme", "value": scheme}
        await self.call("Emulation.setEmulatedMedia", features=[feature])

    async def screenshot(self, path: Path) -> None:
        """Keep what the page looks like once nothing moves any more."""
        await self.evaluate(_ANIMATIONS_SCRIPT)
        result = await self.call("Page.captureScreenshot", format="png")
        await asyncio.to_thread(_write_file, path, base64.b64decode(result["data"]))


def _has_navigated(problem: BrowserError) -> bool:
    return any(text in str(problem) for text in _NAVIGATION_ERRORS)


def _write_file(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
