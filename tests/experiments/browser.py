"""A headless Chromium of this machine, driven over its debugging pipe: no port, no driver, no other package.

The browser is told to resolve no name and to reach nothing but 127.0.0.1, and every request it makes is noted.
"""

import base64
import itertools
import json
import os
import shutil
import subprocess
import tempfile
import threading
import time
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PATIENCE = 120.0  # seconds after which a browser that says nothing is taken for dead; no claim about speed


def found() -> str | None:
    """The path of a Chromium, or None."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


class Browser:
    """One page of a headless Chromium, as a context.

    requests: addresses asked for.  failures: of requests.  complaints: console errors and uncaught exceptions.
    """

    def __init__(self, path: str, width: int = 1600, height: int = 1000):
        self.requests: list[str] = []
        self.failures: list[str] = []
        self.complaints: list[str] = []
        self._numbers, self._answers = itertools.count(1), {}
        self._heard = threading.Condition()
        self._path, self._size = path, (width, height)

    def __enter__(self) -> "Browser":
        self._home = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        (there, self._say), (self._hear, back) = os.pipe(), os.pipe()
        options = [
            "--headless=new", "--remote-debugging-pipe", "--no-first-run", "--disable-gpu", "--disable-dev-shm-usage",
            "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions",
            "--no-default-browser-check", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
            f"--user-data-dir={self._home.name}", f"--window-size={self._size[0]},{self._size[1]}", "about:blank"]
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            options.insert(0, "--no-sandbox")  # it has none for root
        self._process = subprocess.Popen(  # it reads from 3 and writes to 4
            ["bash", "-c", f'exec "$@" 3<&{there} 4>&{back}', "bash", self._path, *options],
            pass_fds=(there, back), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(there)
        os.close(back)
        self._ear = threading.Thread(target=self._listen, daemon=True)
        self._ear.start()
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.ask(f"{domain}.enable")
        self.ask("Emulation.setDeviceMetricsOverride", width=self._size[0], height=self._size[1], deviceScaleFactor=1,
                 mobile=False)
        return self

    def __exit__(self, *exception):
        self._session = None
        try:
            self.ask("Browser.close")
        except (OSError, TimeoutError):
            self._process.kill()
        self._process.wait()
        self._ear.join()
        os.close(self._say)
        os.close(self._hear)
        self._home.cleanup()

    _session: str | None = None

    def ask(self, method: str, **parameters):
        """Call a method of the protocol and give its result. Raises: RuntimeError for what it refuses."""
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._say, json.dumps(message).encode() + b"\0")
        with self._heard:
            if not self._heard.wait_for(lambda: number in self._answers or "end" in self._answers, PATIENCE):
                raise TimeoutError(f"the browser does not answer {method}")
            answer = self._answers.pop(number, {"result": {}})
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error'].get('message')}")
        return answer["result"]

    def _listen(self):
        """Sort what the browser says into answers and events, until it ends."""
        rest = b""
        while piece := os.read(self._hear, 1 << 16):
            *whole, rest = (rest + piece).split(b"\0")
            for message in map(json.loads, whole):
                if "id" in message:
                    with self._heard:
                        self._answers[message["id"]] = message
                        self._heard.notify_all()
                else:
                    self._note(message["method"], message.get("params", {}))
        with self._heard:
            self._answers["end"] = {}
            self._heard.notify_all()

    def _note(self, event: str, said: dict):
        if event == "Network.requestWillBeSent":
            self.requests.append(said["request"]["url"])
        elif event == "Network.loadingFailed" and not said.get("canceled"):
            self.failures.append(said.get("errorText", "failed"))
        elif event == "Network.responseReceived" and said["response"]["status"] >= 400:
            self.failures.append(f"{said['response']['status']} {said['response']['url']}")
        elif event == "Runtime.exceptionThrown":
            details = said["exceptionDetails"]
            self.complaints.append(details.get("exception", {}).get("description", details["text"]))
        elif event == "Runtime.consoleAPICalled" and said["type"] in ("error", "warning", "assert"):
            self.complaints.append(" ".join(str(a.get("value", a.get("description"))) for a in said["args"]))
        elif event == "Log.entryAdded" and said["entry"]["level"] in ("error", "warning"):
            self.complaints.append(said["entry"]["text"])

    # ------------------------------------------------------------------------------------------------------ the hands

    def open(self, address: str):
        """Go to a page and wait until it stands."""
        self.ask("Page.navigate", url=address)
        self.until(f"location.href.startsWith({json.dumps(address)}) && document.readyState === 'complete'")

    def js(self, expression: str):
        """What an expression of the page's comes to. Raises: RuntimeError for one that throws."""
        answer = self.ask("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(answer["exceptionDetails"].get("exception", {}).get("description", expression))
        return answer["result"].get("value")

    def until(self, expression: str):
        """Wait until an expression is true. Raises: TimeoutError with what the page then shows."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            if self.js(f"Boolean({expression})"):
                return
            time.sleep(0.02)
        shown = self.js("document.body?.innerText ?? ''")[:800]
        raise TimeoutError(f"never: {expression}\nthe page: {shown}\n{self.complaints}")

    def text(self, selector: str) -> str:
        """What an element shows."""
        return self.js(f"document.querySelector({json.dumps(selector)}).textContent.trim()")

    def click(self, selector: str):
        """Press the mouse in the middle of an element, as a hand would: what covers it takes the click."""
        x, y = self.js(f"""(() => {{ const it = document.querySelector({json.dumps(selector)});
            it.scrollIntoView({{block: "center"}}); const b = it.getBoundingClientRect();
            return [b.x + b.width / 2, b.y + b.height / 2]; }})()""")
        for kind in ("mousePressed", "mouseReleased"):
            self.ask("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def drag(self, selector: str, share: float):
        """Press a slider where it would stand at a share of its range, from its left end."""
        x, y = self.js(f"""(() => {{ const it = document.querySelector({json.dumps(selector)});
            it.scrollIntoView({{block: "center"}}); const b = it.getBoundingClientRect(), thumb = 16;
            return [b.x + thumb / 2 + (b.width - thumb) * {share}, b.y + b.height / 2]; }})()""")
        for kind in ("mousePressed", "mouseReleased"):
            self.ask("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def picture(self, path: Path):
        """Write what the window shows as PNG."""
        Path(path).write_bytes(base64.b64decode(self.ask("Page.captureScreenshot", format="png")["data"]))
