"""The nginx in front of the receivers, as deploy/ has it, under attack: what a stranger
sends is cut off within nginx's limits, and honest callbacks go on being answered."""
import asyncio
import base64
import hashlib
import hmac
import re
import ssl
import threading
import time
import unittest

from admin_test import ask
from certificates import Authority
from deploy import needs
from front import Front
from service import KEYS, Service
from tocsin import DONE, PATIENCE_S

# Shorter than what is shipped, so that nobody waits for them; of the same order as
# each other.
HEAD_S, BODY_S = 2, 2
LIMITS = {"client_header_timeout": f"{HEAD_S}s", "client_body_timeout": f"{BODY_S}s",
          "lingering_time": "2s"}
# The receiver's, for a whole request.
REQUEST_S = 10
# What a busy machine may add to a limit.
SLACK_S = 20
# Between two bytes of somebody who drips.
DRIP_S = 0.25
ROWS, RATE = 400, 40
# Nobody has this number, and no log may.
MARKED = "+12065550177"


def signed_path(campaign, attempt):
    """As wire/callback_url.cc signs; an outsider could not."""
    key_id, _, secret = KEYS.strip().partition(":")
    text = f"tocsin callback 1\n{campaign}/{attempt}"
    mac = hmac.new(base64.b64decode(secret), text.encode(), hashlib.sha256).digest()[:24]
    return (f"/callbacks/{campaign}/{attempt}?k={key_id}&s="
            f"{base64.urlsafe_b64encode(mac).decode().rstrip('=')}")


class Cut:
    """How a connection ended: what was answered (0: nothing), and after how long."""

    def __init__(self, answer, seconds):
        found = re.match(rb"HTTP/1\.1 (\d{3}) ", answer)
        self.status = int(found[1]) if found else 0
        self.seconds = seconds

    def __repr__(self):
        return f"{self.status} after {self.seconds:.1f} s"


class Attacker:
    """One who connects and sends, and goes on until nginx has had enough."""

    def __init__(self, port, ca):
        self._port = port
        self._tls = ssl.create_default_context(cafile=ca)

    async def _connect(self, tls):
        return await asyncio.open_connection("127.0.0.1", self._port, ssl=tls)

    async def send(self, first, drip=b"", pause_s=DRIP_S, tls=True):
        """`first`, then `drip` again and again, until the other side closes."""
        begun = time.monotonic()
        answer = bytearray()

        async def listen(reader):
            while piece := await reader.read(1 << 16):
                answer.extend(piece)

        try:
            reader, writer = await self._connect(self._tls if tls else None)
        except (OSError, ssl.SSLError):
            return Cut(answer, time.monotonic() - begun)
        closed = asyncio.ensure_future(listen(reader))
        try:
            writer.write(first)
            await writer.drain()
            while drip and not closed.done():
                await asyncio.wait([closed], timeout=pause_s)
                writer.write(drip)
                await writer.drain()
            await closed
        except (OSError, ssl.SSLError):
            pass  # Reset, which is a way of cutting off.
        finally:
            closed.cancel()
            writer.transport.abort()
        return Cut(answer, time.monotonic() - begun)

    async def post(self, path, body=b"[]"):
        head = (f"POST {path} HTTP/1.1\r\nHost: calls.example.com\r\nContent-Type: "
                f"application/json\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n")
        return await self.send(head.encode() + body)


def head(path, *more, method="POST"):
    return "".join([f"{method} {path} HTTP/1.1\r\nHost: calls.example.com\r\n",
                    *(f"{line}\r\n" for line in more)]).encode()


@needs("nginx")
class FrontUnderAttack(Service):
    def setUp(self):
        super().setUp()
        self.authority = Authority(self.folder / "tls")
        self.node = self.front = None

    def front_of(self, name, connections=4096, receiver=None):
        self.front = Front(self.folder / name, self.authority,
                           [receiver or f"127.0.0.1:{self.receiver_port}"],
                           connections=connections, limits=LIMITS)
        self.addCleanup(self.front.stop)
        self.attacker = Attacker(self.front.port, self.authority.ca)
        return self.front

    def acknowledged(self):
        page = ask(self.node.find(r"(?m)^metrics +http://(\S+)/metrics"), "/metrics")[1]
        return float(re.search(r"(?m)^tocsin_callbacks_acknowledged_total (\S+)$", page)[1])

    # --- The attacks: each returns how all of its connections ended ---

    async def drip_heads(self, signed):
        """Slowloris: a head that never ends, on many connections."""
        held = [self.attacker.send(head(signed), b"X-a: b\r\n") for _ in range(300)]
        gathered = asyncio.gather(*held)
        # Meanwhile somebody honest.
        honest = await self.attacker.post(signed)
        self.assertEqual(honest.status, 200, honest)
        return await gathered

    async def silent_handshakes(self, _):
        """A connection that says nothing, and does not even begin with TLS."""
        return await asyncio.gather(*(self.attacker.send(b"", tls=False) for _ in range(50)))

    async def many_headers(self, signed):
        lines = [f"X-{n}: {n}" for n in range(20_000)]
        return [await self.attacker.send(head(signed, *lines) + b"\r\n")]

    async def one_long_header(self, signed):
        return [await self.attacker.send(head(signed, "X-a: " + "b" * 100_000) + b"\r\n")]

    async def endless_chunks(self, signed):
        """A body without end, as fast as it goes, with a signature even."""
        chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
        return [await self.attacker.send(head(signed, "Transfer-Encoding: chunked") + b"\r\n",
                                         chunk, pause_s=0)]

    async def declared_too_long(self, signed):
        return [await self.attacker.send(head(signed, "Content-Length: 1048577") + b"\r\n")]

    async def silent_body(self, signed):
        """Announces a body and sends none of it."""
        return await asyncio.gather(*(
            self.attacker.send(head(signed, "Content-Length: 1000") + b"\r\n[")
            for _ in range(20)))

    async def dripping_body(self, signed):
        """A byte now and then: nginx lets that go on, the receiver counts all of it."""
        return await asyncio.gather(*(
            self.attacker.send(head(signed, "Content-Length: 100000") + b"\r\n", b" ")
            for _ in range(20)))

    async def unsigned_bodies(self, signed):
        """Without a signature not a byte of a body is waited for."""
        forged = signed[:-1] + ("A" if signed[-1] != "A" else "B")
        return await asyncio.gather(*(
            self.attacker.send(head(forged, "Content-Length: 100000") + b"\r\n", b" ")
            for _ in range(100)))

    async def no_tls(self, signed):
        return [await self.attacker.send(head(signed) + b"\r\n", tls=False)]

    async def broken_tls(self, _):
        garbage = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(200)) * 5
        return await asyncio.gather(*(self.attacker.send(garbage, tls=False) for _ in range(20)))

    async def two_lengths(self, signed):
        """Where one server sees one request, and the next one two."""
        return [await self.attacker.send(head(
            signed, "Content-Length: 2", "Transfer-Encoding: chunked") + b"\r\n0\r\n\r\n")]

    async def other_methods(self, signed):
        return [await self.attacker.send(head(signed, "Connection: close", method=method) + b"\r\n")
                for method in ("GET", "PUT", "DELETE", "PATCH")]

    # attack -> what is answered, if anything is, and within what. Whoever is too busy
    # sending to read finds the connection reset.
    EXPECTED = {
        drip_heads: ({408}, HEAD_S),
        silent_handshakes: ({}, HEAD_S),
        many_headers: ({400}, HEAD_S),
        one_long_header: ({400}, HEAD_S),
        endless_chunks: ({413}, REQUEST_S),
        declared_too_long: ({413}, HEAD_S),
        silent_body: ({408}, BODY_S),
        dripping_body: ({400, 408, 502}, REQUEST_S),
        unsigned_bodies: ({401}, HEAD_S),
        no_tls: ({400}, HEAD_S),
        broken_tls: ({400}, HEAD_S),
        two_lengths: ({400}, HEAD_S),
        other_methods: ({403}, HEAD_S),
    }

    def test_each_attack_is_cut_off_while_a_campaign_goes_on(self):
        self.front_of("front")
        self.call_server("--tls-ca-file", self.authority.ca)
        self.ready_to_serve(rate=RATE)
        self.node = self.serve("--callback-url", self.front.url)
        campaign = self.create(self.customers(ROWS), "--start")
        self.watch_until(campaign, attempts=10)
        attempt = self.sql("SELECT min(attempt_id) FROM reporting.call_attempts "
                           f"WHERE campaign_id = {campaign}")[0][0]
        signed = signed_path(campaign, attempt)

        # All at once, and again, for as long as somebody is rung.
        over = threading.Event()
        rounds = []

        async def attack():
            while not rounds or not over.is_set():
                cuts = await asyncio.wait_for(asyncio.gather(
                    *(attack(self, signed) for attack in self.EXPECTED)), PATIENCE_S)
                rounds.append(dict(zip(self.EXPECTED, cuts, strict=True)))
                acknowledged.append(self.acknowledged())

        acknowledged = [self.acknowledged()]
        failures = []

        def run():
            try:
                asyncio.run(attack())
            except BaseException as error:  # Told by the thread that judges.
                failures.append(error)

        attacking = threading.Thread(target=run)
        attacking.start()
        try:
            # Before the campaign is over: its callbacks came through all of this.
            self.watch_to_the_end(campaign, rows=ROWS, rate=RATE)
        finally:
            over.set()
            attacking.join(PATIENCE_S)
        self.assertEqual(failures, [])

        for number, cuts in enumerate(rounds):
            for attack, (statuses, limit) in self.EXPECTED.items():
                with self.subTest(attack.__name__, round=number):
                    self.assertLessEqual({cut.status for cut in cuts[attack]}, {0, *statuses})
                    self.assertLess(max(cut.seconds for cut in cuts[attack]), limit + SLACK_S)
        self.assertGreater(acknowledged[1], acknowledged[0])
        self.assertEqual(self.sql("SELECT DISTINCT disposition FROM reporting.call_attempts "
                                  "WHERE disposition = 'LOST'"), [])
        with self.subTest("by nginx's own account"):
            by_status = {}
            for words in self.front.requests():
                by_status.setdefault(int(words[3]), []).append(float(words[5]))
            # Of each round: the heads and silent bodies, the endless and the long body, ...
            # Of the 320 that drip or are silent a busy machine sees some only after
            # their time, and cuts those off before there is a request to answer.
            for status, of_a_round in ((408, 100), (413, 2), (401, 100), (400, 4), (403, 4)):
                self.assertGreaterEqual(len(by_status.get(status, [])), of_a_round * len(rounds),
                                        status)
            self.assertLess(max(map(max, by_status.values())), REQUEST_S + SLACK_S)
        with self.subTest("signed callbacks were answered by a commit"):
            taken = [words for words in self.front.requests()
                     if words[2].startswith("/callbacks/") and words[3] == "200"]
            self.assertGreater(len(taken), ROWS)
        self.assertEqual(self.node.stop(), DONE)

    def test_nothing_personal_stands_in_its_logs(self):
        self.ready_to_serve()
        self.node = self.serve("--log-level", "debug")
        campaign = self.create(self.customers(5))
        signed = signed_path(campaign, 4711)
        secret = signed[signed.index("s=") + 2:]
        prompt = self.sql("SELECT DISTINCT public_name FROM prompt")[0][0]
        encoded = signed.replace("?", "%3F", 1)

        async def all_of_it():
            paths = [signed, encoded, f"/prompts/{prompt}", f"/prompts/{prompt}?n={MARKED}",
                     f"/{MARKED}", f"/callbacks/{MARKED}/1", f"/callbacks/1/{MARKED}?{MARKED}",
                     f"/callbacks/1/2/{secret}"]
            await asyncio.gather(*(self.attacker.post(path) for path in paths))
            for path in paths:
                await self.attacker.send(head(path, f"Referer: {MARKED}", f"User-Agent: {MARKED}",
                                              "Connection: close", method="GET") + b"\r\n")
            # Broken off at each place, and more of them than there are connections.
            await asyncio.gather(*(self.attacker.send(head(path), b"X-a: b\r\n")
                                   for path in paths * 6))
            await asyncio.gather(*(self.attacker.post(signed) for _ in range(200)))
            # The receiver is gone: nginx must not say whose request it could not pass on.
            self.node.stop()
            await asyncio.gather(*(self.attacker.post(path) for path in paths))
            self.front.stop()
            # One that cannot be there, which nginx finds critical.
            nowhere = self.front_of("nowhere", receiver="unix:/nowhere")
            refused = await asyncio.gather(*(self.attacker.post(path) for path in paths))
            self.assertIn(500, {cut.status for cut in refused})
            nowhere.stop()

        # So few connections that it complains of their number, in the middle of requests.
        small = self.front_of("small", connections=24)
        asyncio.run(asyncio.wait_for(all_of_it(), PATIENCE_S))

        said = {path: text for front in (small, self.front)
                for path, text in front.everything_said().items()}
        self.assertIn("worker_connections are not enough", "".join(said.values()))
        self.assertGreater(len(small.requests()), 50)
        # What is wrong can be told from the lines that are left.
        self.assertIn(["POST", "500", "502"],
                      [words[1:4:2] + words[-1:] for words in self.front.requests()])
        for path, text in said.items():
            for what, marked in (("a number", MARKED.lstrip("+")), ("a signature", secret),
                                 ("a query", "?k="), ("the name of a recording", prompt)):
                with self.subTest(path.name, what=what):
                    self.assertNotIn(marked, text)


if __name__ == "__main__":
    unittest.main()
