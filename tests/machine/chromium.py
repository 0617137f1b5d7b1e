# SPDX-License-Identifier: GPL-3.0-or-later
"""A page in headless Chromium, driven through the pipe of its DevTools protocol. Needs nothing but Python."""
import base64
import json
import os
import select
import shutil
import subprocess
import tempfile
import time

LIMIT = 60  # seconds for any answer


def missing():
    """A sentence if there is no Chromium, else None."""
    return None if shutil.which('chromium') else 'there is no chromium (tools/deps.sh --tests installs it)'


class PageError(Exception):
    """What the page threw, or Chromium refused."""


class Page:
    """One tab. Use it in a with statement."""

    def __init__(self, size=(1600, 950), dark=False):
        self.folder = tempfile.TemporaryDirectory(prefix='addend-chromium-')
        to_read, self.to = os.pipe()
        self.back, to_write = os.pipe()
        options = ['--headless', '--no-sandbox', '--disable-gpu', '--remote-debugging-pipe', '--no-first-run',
                   '--disable-dev-shm-usage', f'--window-size={size[0]},{size[1]}',
                   f'--user-data-dir={self.folder.name}']
        # Chromium expects its pipes at 3 and 4.
        script = f'exec 3<&{to_read} 4>&{to_write}; exec chromium "$@"'
        self.log = open(os.path.join(self.folder.name, 'log'), 'wb')
        self.process = subprocess.Popen(['bash', '-c', script, 'bash', *options], pass_fds=(to_read, to_write),
                                        stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
                                        env={**os.environ, 'HOME': self.folder.name})
        os.close(to_read)
        os.close(to_write)
        self.number, self.rest, self.session, self.events = 0, b'', None, []
        target = self.call('Target.createTarget', url='about:blank')['targetId']
        self.session = self.call('Target.attachToTarget', targetId=target, flatten=True)['sessionId']
        for domain in 'Page', 'Runtime', 'Log':
            self.call(f'{domain}.enable')
        self.call('Emulation.setDeviceMetricsOverride', width=size[0], height=size[1], deviceScaleFactor=1,
                  mobile=False)
        self.call('Emulation.setEmulatedMedia',
                  features=[{'name': 'prefers-color-scheme', 'value': 'dark' if dark else 'light'}])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        os.close(self.to)
        os.close(self.back)
        self.log.close()
        shutil.rmtree(self.folder.name, ignore_errors=True)

    def message(self):
        end = time.monotonic() + LIMIT
        while b'\0' not in self.rest:
            if not select.select([self.back], [], [], max(0, end - time.monotonic()))[0]:
                raise PageError('Chromium does not answer')
            data = os.read(self.back, 1 << 20)
            if not data:
                raise PageError('Chromium has ended')
            self.rest += data
        one, _, self.rest = self.rest.partition(b'\0')
        return json.loads(one)

    def call(self, method, **parameters):
        self.number += 1
        request = {'id': self.number, 'method': method, 'params': parameters}
        if self.session:
            request['sessionId'] = self.session
        data = json.dumps(request).encode() + b'\0'
        while data:
            data = data[os.write(self.to, data):]
        while True:
            answer = self.message()
            if answer.get('id') == self.number:
                if 'error' in answer:
                    raise PageError(f'{method}: {answer["error"]}')
                return answer['result']
            self.events.append(answer)

    def errors(self):
        """What was thrown or logged as an error so far."""
        thrown = [e['params']['exceptionDetails'].get('exception', {}).get('description', '?') for e in self.events
                  if e.get('method') == 'Runtime.exceptionThrown']
        logged = [e['params']['entry']['text'] for e in self.events
                  if e.get('method') == 'Log.entryAdded' and e['params']['entry']['level'] == 'error']
        return thrown + logged

    def open(self, path, fragment=''):
        self.call('Page.navigate', url='about:blank')
        self.call('Page.navigate', url='file://' + os.path.abspath(path) + fragment)
        self.until('location.protocol === "file:" && document.documentElement?.dataset.ready')

    def eval(self, expression):
        r = self.call('Runtime.evaluate', expression=expression, returnByValue=True, awaitPromise=True)
        if 'exceptionDetails' in r:
            raise PageError(f'{expression}: {r["exceptionDetails"].get("exception", {}).get("description")}')
        return r['result'].get('value')

    def until(self, expression):
        """Waits until an expression is true, and returns its value."""
        end = time.monotonic() + LIMIT
        while True:
            value = self.eval(expression)
            if value:
                return value
            if time.monotonic() > end:
                raise PageError(f'never true: {expression}')
            time.sleep(0.02)

    def point(self, element):
        """The middle of what a JavaScript expression stands for, brought into view."""
        return self.eval(f'(() => {{ const e = {element}; e.scrollIntoView({{block: "nearest"}});'
                         'const r = e.getBoundingClientRect();'
                         'return [r.left + Math.min(r.width, 60) / 2, r.top + r.height / 2]; })()')

    def mouse(self, kind, x, y, **more):
        self.call('Input.dispatchMouseEvent', type=kind, x=x, y=y, **more)

    def hover(self, element):
        self.mouse('mouseMoved', *self.point(element))

    def click(self, element):
        x, y = self.point(element)
        self.mouse('mouseMoved', x, y)
        for kind in 'mousePressed', 'mouseReleased':
            self.mouse(kind, x, y, button='left', clickCount=1)

    def key(self, key):
        """A key by its name of the DOM: "ArrowDown", "/", "a"."""
        text = {'text': key} if len(key) == 1 else {}
        codes = {'ArrowLeft': 37, 'ArrowUp': 38, 'ArrowRight': 39, 'ArrowDown': 40, 'Enter': 13, 'Escape': 27}
        for kind in 'keyDown', 'keyUp':
            self.call('Input.dispatchKeyEvent', type=kind, key=key, windowsVirtualKeyCode=codes.get(key, 0),
                      **(text if kind == 'keyDown' else {}))

    def type(self, text):
        for c in text:
            self.key(c)

    def back_button(self):
        self.eval('history.back()')

    def screenshot(self, path):
        with open(path, 'wb') as f:
            f.write(base64.b64decode(self.call('Page.captureScreenshot')['data']))
