"""Nodes of the service and a call server, each a process of its own, on one database."""
import re
import time

from place import BENCH, BenchError, PATIENCE_S

# Of the provider's life; its minute lasts six seconds, so that calls overlap as they do.
TIME_SCALE = 10
TRUNK = """\
name: local
endpoint: http://127.0.0.1:{port}
caller_numbers: ["+12085550100"]
calls_per_second: {rate}
concurrent_max: 1000000
concurrent_max_per_caller: 1000000
time_scale: {time_scale}
"""
# Those of which ten thousand numbers of the exchange 555 are nobody's, but for two lines
# that do something in every area.
LINES = [line for line in range(10_000) if line not in (1212, 4334)]
AREAS = """206 303 312 415 503 602 702 713 801 907 212 305 404 512 617 703 808 919 214 313 414
    201 202 203 205 207 208 209 213 215 216 217 218 225 228 239 240 248 251 253 254 256 262 267
    301 302 307 308 309 310 314 315 316 318 319 320 321 323 330 331 334 336 337 347 352 360 361
    385 386 401 402 405 406 407 408 409 410 412 413 417 419 425 434 435 440 443 469 479 480 484
    501 504 505 507""".split()


class Service:
    """Nodes, and a call server where everybody answers and presses the key, usually."""

    def __init__(self, place, database):
        self.place, self.database = place, database
        self._started = []
        self._keys = place.folder / "callback.keys"
        self._keys.write_text("k1:dGhpcnR5LXR3byBieXRlcyBmb3IgYSBzaWduYXR1cmU=\n")
        self._keys.chmod(0o600)
        self.address = None
        self.receiver_ports = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for up in reversed(self._started):
            up.stop()
            up.process.stdout.close()

    def apply_trunk(self, port, rate=10_000, time_scale=TIME_SCALE):
        """The trunk "local"; what is usual is without limits that anything here comes near."""
        file = self.place.folder / "trunk.yaml"
        file.write_text(TRUNK.format(port=port, rate=rate, time_scale=time_scale))
        self.place.run("tocsin", "trunk", "apply", file, "--database-url",
                       self.place.postgres.url(self.database))

    def _start(self, *arguments, command):
        from tocsin import Up  # Of the end-to-end tests; asks for what Place has set.
        self._started.append(Up("--log-level", "warn", *arguments, command=command))
        return self._started[-1]

    def call_server(self, *more, time_scale=TIME_SCALE,
                    population=BENCH / "everybody_answers.yaml"):
        up = self._start("--call-server-port", 0, "--time-scale", time_scale, "--population",
                         population, "--caller-number-calls-max", 0, *more,
                         command="call-server")
        return int(up.find(r"(?m)^call server +\S+:(\d+)"))

    def choose_receiver_ports(self, count):
        """Those of nodes that are to have them again after a restart."""
        from service import free_port  # Likewise.
        self.receiver_ports = [free_port() for _ in range(count)]

    def forget(self, up):
        """A process that has been killed."""
        self._started.remove(up)
        up.process.stdout.close()

    def serve(self, *more, receiver_port=0):
        up = self._start("--database-url", self.place.postgres.url(self.database),
                         "--callback-keys-file", self._keys, "--api-port", 0, "--admin-port", 0,
                         "--receiver-port", receiver_port, *more, command="serve")
        self.address = up.find(r"(?m)^API +(\S+)")
        return up

    def start_campaign(self, people, file="campaign.yaml"):
        """Its id, with so many people in it, running."""
        from tocsin import run  # Of the end-to-end tests; asks for what Place has set.
        rows = self.place.folder / "people.csv"
        with open(rows, "w", encoding="utf-8") as out:
            out.write("person_key,phone\n")
            for i in range(people):
                area, line = AREAS[i // len(LINES)], LINES[i % len(LINES)]
                out.write(f"customer-{i:08},+1{area}555{line:04}\n")
        made = run("campaign", "create", "-f", BENCH / file, "--recipients", rows, "--start",
                   "-o", "json", environment={"TOCSIN_SERVER": self.address},
                   timeout=PATIENCE_S)
        if made.code != 0:
            raise BenchError(made.text)
        return int(re.search(r"campaigns/(\d+)", made.out)[1])

    def sql(self, question):
        return self.place.postgres.sql(self.database, question)

    def wait_until(self, question, patience_s=PATIENCE_S, every_s=0.2):
        """Until the database answers `question` with true."""
        deadline = time.monotonic() + patience_s
        while self.sql(question) != [["t"]]:
            if time.monotonic() > deadline:
                raise BenchError(f"in vain waited for: {question}")
            time.sleep(every_s)

    def calls_per_second(self):
        """From the first send until the campaign was complete, with all of it durable."""
        seconds, calls = self.sql("""
            SELECT extract(epoch FROM (SELECT max(ended_at) FROM campaign) - min(sent_at)), count(*)
            FROM call_attempt""")[0]
        return int(calls) / float(seconds)

    def wait_for_the_end(self, campaign):
        self.wait_until("SELECT state IN ('COMPLETED', 'PAUSED') FROM campaign "
                        f"WHERE campaign_id = {campaign}", every_s=0.5)
        state, reason = self.sql("SELECT state, state_reason FROM campaign "
                                 f"WHERE campaign_id = {campaign}")[0]
        findings = self.sql(f"SELECT * FROM reporting.audit({campaign})")
        if state != "COMPLETED" or findings:
            raise BenchError(f"the campaign is {state} ({reason}); audit: {findings[:5]}")
