#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Open a page in headless Chromium and tell what it is like, as JSON on stdout.

    browser.py PAGE.html SHOTS_DIR WIDTH[:dark|light|print]...

For every view: script errors, charts drawn and how many of them have pixels, what is wider
than the window, contrast problems, every request that is not the page itself; and a
screenshot SHOTS_DIR/WIDTH-THEME.png. Talks to the browser over its debugging pipe, so that
nothing but Python's own library is needed.
"""
import base64
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HEIGHT = 900
LIMIT_S = 90

# Evaluated in the page. `wide`: elements that stick out and are in no scrolling box.
PROBE = r"""
(() => {
  const width = document.documentElement.clientWidth;
  const scrolls = (e) => { for (; e && e !== document.body; e = e.parentElement)
    if (getComputedStyle(e).overflowX !== "visible") return true; return false; };
  const wide = [...document.body.querySelectorAll("*")].filter((e) => {
    const box = e.getBoundingClientRect();
    return box.width > 0 && (box.right > width + 0.5 || box.left < -0.5) && !scrolls(e.parentElement);
  }).map((e) => e.tagName + "." + e.className + " " + Math.round(e.getBoundingClientRect().right));
  const canvases = [...document.querySelectorAll("canvas")];
  const inked = canvases.filter((c) => {
    const pixels = c.getContext("2d").getImageData(0, 0, c.width, c.height).data;
    let n = 0;
    for (let i = 3; i < pixels.length; i += 4) n += pixels[i] > 0;
    return n > 500;
  }).length;
  const rgb = (s) => (s.match(/[\d.]+/g) || []).map(Number);
  const light = (c) => { const f = c.slice(0, 3).map((v) => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * f[0] + 0.7152 * f[1] + 0.0722 * f[2]; };
  const back = (e) => { for (; e; e = e.parentElement) { const c = rgb(getComputedStyle(e).backgroundColor);
    if (c.length === 3 || c[3] === 1) return c; } return [255, 255, 255]; };
  const faint = [];
  for (const e of document.body.querySelectorAll("*")) {
    if (![...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim()) || e.closest("script,noscript,canvas")) continue;
    const a = light(rgb(getComputedStyle(e).color)), b = light(back(e));
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) faint.push(e.tagName + "." + e.className + " " + ratio.toFixed(2));
  }
  return {
    ready: document.documentElement.dataset.ready === "1", errors: document.documentElement.dataset.errors || "",
    charts: Number(document.documentElement.dataset.charts || 0), canvases: canvases.length, inked,
    unlabelled: canvases.filter((c) => !c.getAttribute("aria-label") || !c.textContent.trim()).length,
    width, scroll_width: document.documentElement.scrollWidth, wide: wide.slice(0, 10), faint: [...new Set(faint)].slice(0, 10),
    headings: [...document.querySelectorAll("h1,h2,h3")].map((h) => Number(h.tagName[1])),
    tables: document.querySelectorAll("table").length, text: document.body.innerText,
    scripts: document.scripts.length, injected: Number(document.documentElement.dataset.injected || 0),
    background: getComputedStyle(document.body).backgroundColor,
  };
})()
"""


class Browser:
    def __init__(self, profile):
        binary = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
        if not binary:
            sys.exit("browser.py: no chromium: install the package chromium")
        to_browser, self.out = os.pipe()
        self.inp, from_browser = os.pipe()

        def wire():  # the browser reads commands on 3 and answers on 4
            high_in, high_out = os.dup(to_browser), os.dup(from_browser)
            while min(high_in, high_out) < 5:
                high_in, high_out = os.dup(high_in), os.dup(high_out)
            os.dup2(high_in, 3)
            os.dup2(high_out, 4)

        self.process = subprocess.Popen(
            [binary, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
             "--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars",
             "--disable-dev-shm-usage", "--user-data-dir=" + profile, "--remote-debugging-pipe", "about:blank"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            close_fds=False, preexec_fn=wire, start_new_session=True)
        os.close(to_browser)
        os.close(from_browser)
        self.buffer, self.next_id, self.events = b"", 0, []

    def receive(self):
        while b"\0" not in self.buffer:
            chunk = os.read(self.inp, 1 << 20)
            if not chunk:
                sys.exit("browser.py: the browser ended")
            self.buffer += chunk
        message, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(message)

    def call(self, method, session=None, **params):
        self.next_id += 1
        message = {"id": self.next_id, "method": method, "params": params}
        if session:
            message["sessionId"] = session
        os.write(self.out, json.dumps(message).encode() + b"\0")
        while True:
            answer = self.receive()
            if answer.get("id") == self.next_id:
                if "error" in answer:
                    sys.exit("browser.py: %s: %s" % (method, answer["error"]))
                return answer["result"]
            self.events.append(answer)

    def wait_event(self, method):
        while not any(e.get("method") == method for e in self.events):
            self.events.append(self.receive())

    def close(self):
        """End the browser, and wait until nothing of it can write into the profile any more."""
        try:
            os.killpg(self.process.pid, signal.SIGKILL)  # the group started above: its own session
            self.process.wait()
            for _ in range(100):
                os.killpg(self.process.pid, 0)
                time.sleep(0.05)
        except ProcessLookupError:
            pass


def view(browser, url, width, theme, shot):
    target = browser.call("Target.createTarget", url="about:blank")["targetId"]
    s = browser.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
    browser.events.clear()
    for domain in ("Page", "Network", "Runtime"):
        browser.call(domain + ".enable", s)
    browser.call("Emulation.setDeviceMetricsOverride", s, width=width, height=HEIGHT, deviceScaleFactor=1, mobile=False)
    browser.call("Emulation.setEmulatedMedia", s, media="print" if theme == "print" else "screen",
                 features=[{"name": "prefers-color-scheme", "value": "dark" if theme == "dark" else "light"}])
    browser.call("Page.navigate", s, url=url)
    browser.wait_event("Page.loadEventFired")
    found = browser.call("Runtime.evaluate", s, expression=PROBE, returnByValue=True)
    if "exceptionDetails" in found:
        sys.exit("browser.py: probe: %s" % found["exceptionDetails"])
    result = found["result"]["value"]
    image = browser.call("Page.captureScreenshot", s, format="png", captureBeyondViewport=True)["data"]
    with open(shot, "wb") as f:
        f.write(base64.b64decode(image))
    result["requests"] = [e["params"]["request"]["url"][:200] for e in browser.events
                          if e.get("method") == "Network.requestWillBeSent" and e["params"]["request"]["url"] != url]
    result["exceptions"] = [e["params"]["exceptionDetails"].get("text", "") for e in browser.events
                            if e.get("method") == "Runtime.exceptionThrown"]
    browser.call("Target.closeTarget", targetId=target)
    return result


def main():
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    url, shots, views = "file://" + os.path.abspath(sys.argv[1]), sys.argv[2], sys.argv[3:]
    signal.alarm(LIMIT_S)
    with tempfile.TemporaryDirectory(prefix="isolab-browser-", ignore_cleanup_errors=True) as profile:
        browser = Browser(profile)
        signal.signal(signal.SIGALRM, lambda *_: (browser.close(), os._exit(3)))
        try:
            found = {}
            for v in views:
                width, _, theme = v.partition(":")
                theme = theme or "light"
                found["%s-%s" % (width, theme)] = view(
                    browser, url, int(width), theme, os.path.join(shots, "%s-%s.png" % (width, theme)))
        finally:
            browser.close()
    json.dump(found, sys.stdout, indent=1)


if __name__ == "__main__":
    main()
