"""What the stories of `tocsin serve` share: its parts, each a process of its own.

PostgreSQL, the call server and the nodes are started by the test, so that it can
kill any of them and start it again.
"""
import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import threading
import time

from tocsin import DONE, PATIENCE_S, EndToEnd, Up, run

CALLER_NUMBER_CALLS = 100  # At once on each: what the trunk may and the call server allows.
KEYS = "k1:dGhpcnR5LXR3byBieXRlcyBmb3IgYSBzaWduYXR1cmU=\n"


def free_port():
    """A port of loopback for what must have the same one after a restart. Nobody is given
    one of these by chance: they are below those that the kernel hands out."""
    dice = random.SystemRandom()
    while True:
        port = dice.randrange(20_000, 32_000)
        with socket.socket() as taken:
            try:
                taken.bind(("127.0.0.1", port))
                return port
            except OSError:
                pass


def keep(stream, lines):
    with stream:
        for line in stream:
            lines.append(line.rstrip("\n"))


class Postgres:
    """A PostgreSQL 15 that belongs to a test and not to Tocsin: a socket, no TCP. What it
    begins with is nothing, or what a function brings into its folder."""

    def __init__(self, folder, brought=None):
        self.folder = folder / "pg"
        self.socket = folder / "pgrun"
        for made in (self.folder, self.socket):
            made.mkdir(mode=0o700)
        self._as_user = []
        if os.getuid() == 0:  # Which PostgreSQL refuses to run as.
            self._as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups",
                             "--reset-env"]
            for made in (self.folder, self.socket):
                shutil.chown(made, "postgres", "postgres")
        self._bin = pathlib.Path(os.environ.get("TOCSIN_POSTGRES_BIN",
                                                "/usr/lib/postgresql/15/bin"))
        self.process = None
        self.said = []  # Its log, line by line, over all of its lives.
        if brought is not None:
            brought(self)
            self.start()
            return
        self.run("initdb", "-D", self.folder, "-U", "tocsin", "-A", "trust", "-E", "UTF8",
                 "--locale=C.UTF-8", "--no-sync")
        self.start()
        self.run("createdb", "-h", self.socket, "-U", "tocsin", "tocsin")

    def command(self, program, *arguments):
        """One of PostgreSQL's own, or the system's, as the user that it runs as."""
        own = self._bin / program
        return [*self._as_user, own if own.exists() else program, *map(str, arguments)]

    def run(self, program, *arguments):
        subprocess.run(self.command(program, *arguments), check=True, capture_output=True,
                       cwd="/", timeout=PATIENCE_S)

    @property
    def url(self):
        return f"host={self.socket} user=tocsin dbname=tocsin"

    def start(self):
        """Also after kill(): what was killed may hold its memory for a moment longer."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            self.process = subprocess.Popen(
                [*self._as_user, self._bin / "postgres", "-D", self.folder, "-c",
                 "listen_addresses=", "-c", f"unix_socket_directories={self.socket}", "-c",
                 "fsync=off"],
                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, cwd="/")
            for line in self.process.stderr:
                self.said.append(line.rstrip("\n"))
                if "ready to accept connections" in line:
                    # It must never wait for a reader.
                    threading.Thread(target=keep, args=[self.process.stderr, self.said],
                                     daemon=True).start()
                    return
            self.process.stderr.close()
            self._reap()
        said = "\n".join(self.said[-20:])
        raise AssertionError(f"PostgreSQL does not come up:\n{said}")

    def kill(self):
        """kill -9 of the postmaster; its children end by themselves."""
        self.process.kill()
        self._reap()

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)  # Its word for a fast shutdown.
            self._reap()

    def _reap(self):
        self.process.wait(PATIENCE_S)


class Service(EndToEnd):
    """A test with a PostgreSQL, a call server and nodes of its own."""

    def setUp(self):
        super().setUp()
        self.postgres = Postgres(self.folder)
        self.addCleanup(self.postgres.stop)
        self.socket = self.postgres.socket
        self.keys = self.file("callback.keys", KEYS)
        self.keys.chmod(0o600)
        self.call_server_port = free_port()
        self.receiver_port = free_port()
        self.address = None  # Of the API.

    def api(self):
        return {"TOCSIN_SERVER": self.address}

    def migrate(self, word):
        return run("migrate", word, "--database-url", self.postgres.url)

    def call_server(self, *more, time_scale=60):
        started = Up("--call-server-port", self.call_server_port, "--ledger", self.ledger,
                     "--time-scale", time_scale, "--seed", 7,
                     "--caller-number-calls-max", CALLER_NUMBER_CALLS, *more,
                     command="call-server")
        self.started.append(started)
        return started

    def apply_trunk(self, rate=100, time_scale=60, dialect="2021-05",
                    per_caller=CALLER_NUMBER_CALLS, more=""):
        callers = ", ".join(f'"+120855501{n:02}"' for n in range(20))
        trunk = self.file("trunk.yaml", f"""\
name: local
endpoint: http://127.0.0.1:{self.call_server_port}
dialect: {dialect}
caller_numbers: [{callers}]
calls_per_second: {rate}
concurrent_max: 2000
concurrent_max_per_caller: {per_caller}
time_scale: {time_scale}
{more}
""")
        applied = run("trunk", "apply", trunk, "--database-url", self.postgres.url)
        self.assertEqual(applied.code, DONE, applied.text)

    def serve(self, *more, roles="api,scheduler,receiver"):
        started = Up("--database-url", self.postgres.url, "--callback-keys-file", self.keys,
                     "--roles", roles, "--api-port", 0, "--admin-port", 0,
                     "--receiver-port", self.receiver_port,
                     *more, command="serve")
        self.started.append(started)
        if "api" in roles:
            self.address = started.find(r"(?m)^API +(\S+)")
        return started

    def ready_to_serve(self, rate=100, dialect="2021-05", time_scale=60):
        migrated = self.migrate("up")
        self.assertEqual(migrated.code, DONE, migrated.text)
        self.apply_trunk(rate=rate, dialect=dialect, time_scale=time_scale)

    def watch_to_the_end(self, campaign, rows, rate=100):
        watched = self.campaign("watch", campaign)
        self.assertEqual(watched.code, DONE, watched.text)
        return self.judge(campaign, rows=rows, rate=rate)
