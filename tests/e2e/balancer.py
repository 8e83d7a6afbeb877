"""What stands before the receivers of several nodes: one address, whoever of them lives.

As nginx does it in deploy/: a connection goes to the next node that takes it; one that
takes a request and answers nothing for a second is left alone for some seconds, and
whoever sent it is cut off, so that it sends again.
"""
import asyncio
import threading
import time

ANSWER_S = 1.0
ASIDE_S = 5.0


class Balancer:
    """Begins at once on a free port of loopback; close() ends it."""

    def __init__(self):
        self._backends = []
        self._turn = 0
        self._aside = {}  # Port -> until when.
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        self._ready.wait()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def add(self, port):
        """From now on this one is given connections too."""
        self._loop.call_soon_threadsafe(self._backends.append, port)

    def close(self):
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _run(self):
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(
            asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()
        server.close()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()

    async def _connect(self):
        now = time.monotonic()
        for _ in range(len(self._backends)):
            self._turn += 1
            port = self._backends[self._turn % len(self._backends)]
            if self._aside.get(port, 0) > now:
                continue
            try:
                return port, *await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                self._aside[port] = now + ASIDE_S
        return None

    async def _serve(self, reader, writer):
        connected = await self._connect()
        if connected is None:
            writer.close()
            return
        port, answers, requests = connected
        owed_since = [None]  # An answer, since a request was passed on.

        async def pump(source, sink, is_request):
            try:
                while data := await source.read(65536):
                    owed_since[0] = time.monotonic() if is_request else None
                    sink.write(data)
                    await sink.drain()
            except OSError:
                pass

        async def watch():
            while True:
                await asyncio.sleep(ANSWER_S / 4)
                if owed_since[0] and time.monotonic() - owed_since[0] > ANSWER_S:
                    self._aside[port] = time.monotonic() + ASIDE_S
                    return

        pumps = [asyncio.ensure_future(work) for work in
                 (pump(reader, requests, True), pump(answers, writer, False), watch())]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            pass  # close(): the ends below are all there is to do.
        finally:
            for work in pumps:
                work.cancel()
            for end in (writer, requests):
                end.close()
