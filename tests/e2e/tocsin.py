"""What the end-to-end tests share: the real binary, started and stopped.

Everything here waits for something that can be seen (a line of output, a file, an
exit), never for a length of time; every wait has an end after which it fails.
"""
import csv
import io
import json
import os
import pathlib
import queue
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import unittest

BINARY = os.environ["E2E_BINARY"]
SOURCE = pathlib.Path(os.environ["E2E_SOURCE"])
EXAMPLES = SOURCE / "examples"
PATIENCE_S = 180

DONE, FAILED, USAGE, NOT_FOUND, CONFIG = 0, 1, 2, 3, 78


class Finished:
    """A command that has ended."""

    def __init__(self, completed):
        self.code = completed.returncode
        self.out, self.err = completed.stdout, completed.stderr
        self.text = self.out + self.err

    def json(self):
        return json.loads(self.out)


def run(*arguments, environment=None, input_text=None, timeout=PATIENCE_S, binary=BINARY):
    completed = subprocess.run([binary, *map(str, arguments)], capture_output=True, text=True,
                               env={**os.environ, **(environment or {})}, input=input_text,
                               timeout=timeout, check=False)
    return Finished(completed)


def wait_until(question, apart_s=0.05):
    """Asks until the answer is true, and returns it."""
    deadline = time.monotonic() + PATIENCE_S
    never = threading.Event()
    while time.monotonic() < deadline:
        if answer := question():
            return answer
        never.wait(apart_s)
    raise AssertionError(f"still {answer!r} after {PATIENCE_S} s")


class Up:
    """A `tocsin up`, or any other command that serves until it is told to stop."""

    def __init__(self, *arguments, command="up", environment=None, binary=BINARY):
        self.lines = []
        self._new = queue.Queue()
        self.process = subprocess.Popen([binary, command, *map(str, arguments)],
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                        text=True, env={**os.environ, **(environment or {})})
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        try:
            self.wait_for_line("ready", whole=True)
        except AssertionError:
            self.kill()
            self.process.stdout.close()
            raise

    def _read(self):
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))
            self._new.put(line)
        self._new.put(None)

    @property
    def output(self):
        return "\n".join(self.lines)

    def wait_for_line(self, text, whole=False):
        """Waits until a line holds, or is, `text`; fails if the process ends before."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                line = self._new.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"no {text!r} in:\n{self.output}") from None
            if line is None:
                raise AssertionError(f"ended without {text!r}:\n{self.output}")
            if line.rstrip("\n") == text if whole else text in line:
                return line.rstrip("\n")

    def find(self, pattern):
        """The first group of a pattern in what was said until it was ready."""
        found = re.search(pattern, self.output)
        if found is None:
            raise AssertionError(f"no {pattern!r} in:\n{self.output}")
        return found[1]

    def kill(self):
        """kill -9 of all of it: the process, and with it what it started."""
        self.process.kill()
        self.process.wait(PATIENCE_S)

    def stop(self):
        """As Ctrl-C does it. Returns the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(PATIENCE_S)
        self._reader.join(PATIENCE_S)
        return code


class EndToEnd(unittest.TestCase):
    """A test with a folder of its own, and nothing left running after it."""

    def setUp(self):
        # Short, and reachable for the user that PostgreSQL runs as.
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="tocsin-e2e-", dir="/tmp"))
        self.folder.chmod(0o711)
        self.started = []
        self.variables = {}
        self.socket = self.folder / "data" / "postgres" / "run"  # PostgreSQL's.
        self.addCleanup(self._clean_up)

    def _clean_up(self):
        for up in self.started:
            try:
                up.stop()
            except subprocess.TimeoutExpired:
                up.kill()
            up.process.stdout.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    # --- tocsin up ---

    @property
    def ledger(self):
        return self.folder / "ledger.jsonl"

    def up(self, *more, rate=200, time_scale=60, seed=7):
        started = Up("--data-dir", self.folder / "data", "--ledger", self.ledger, "--cps", rate,
                     "--time-scale", time_scale, "--seed", seed, "--api-port", 0,
                     "--receiver-port", 0, "--admin-port", 0, *more)
        self.started.append(started)
        return started

    def enter(self, environment):
        """Variables for the commands of `tocsin campaign` from now on."""
        self.variables.update(environment)

    def api(self):
        """The environment in which `tocsin campaign` finds the API."""
        for line in (self.folder / "data" / "listening").read_text().splitlines():
            name, _, address = line.partition("=")
            if name == "api":
                return {"TOCSIN_SERVER": address, **self.variables}
        raise AssertionError("no API in the list of what listens")

    def campaign(self, *arguments, **more):
        return run("campaign", *arguments, environment=self.api(), **more)

    # --- input ---

    def file(self, name, text, encoding="utf-8"):
        path = self.folder / name
        path.write_bytes(text.encode(encoding))
        return path

    def customers(self, recipients, seed=1):
        made = subprocess.run([EXAMPLES / "make_customers.py", "--recipients", str(recipients),
                               "--seed", str(seed)], check=True, capture_output=True).stdout
        path = self.folder / "customers.csv"
        path.write_bytes(made)
        return path

    def impatient_campaign(self):
        """The example campaign, which tries again after seconds instead of minutes."""
        text = (EXAMPLES / "outage.yaml").read_text()
        for key in ("retry_after", "busy", "no_answer", "unreachable", "declined", "congestion",
                    "provider_error", "lost"):
            text, changed = re.subn(rf"^  {key}: \w+", f"  {key}: 30s", text, flags=re.MULTILINE)
            self.assertEqual(changed, 1, key)
        shutil.copy(EXAMPLES / "outage.wav", self.folder)
        return self.file("impatient.yaml", text.replace("backoff: 2.0", "backoff: 1.0"))

    def create(self, recipients, *more):
        """Creates a campaign with people; returns its id."""
        made = self.campaign("create", "-f", self.impatient_campaign(), "--recipients",
                             recipients, "-o", "json", *more)
        self.assertEqual(made.code, DONE, made.text)
        return self.id_of(made)

    @staticmethod
    def id_of(finished):
        return finished.json()["campaign"]["name"].removeprefix("campaigns/")

    # --- questions ---

    def sql(self, question):
        """Rows of a question to PostgreSQL, as psql tells them."""
        asked = subprocess.run(
            ["psql", "-h", self.socket, "-U", "tocsin", "-d", "tocsin", "--csv", "--tuples-only",
             "--no-psqlrc", "-c", question],
            capture_output=True, text=True, timeout=PATIENCE_S, check=False)
        self.assertEqual(asked.returncode, 0, asked.stderr)
        return list(csv.reader(io.StringIO(asked.stdout)))

    def assert_audit_is_empty(self):
        self.assertEqual(self.sql("SELECT * FROM reporting.audit()"), [])

    def judge_ledger(self):
        judged = run("call-server", "audit", "--ledger", self.ledger)
        self.assertEqual(judged.code, DONE, judged.text)
        return judged.json()

    def state_of(self, campaign):
        return self.campaign("get", campaign, "-o", "json").json()["campaign"]["state"]

    def watch_until(self, campaign, attempts):
        """Follows the campaign's plain lines until so many attempts have ended."""
        with subprocess.Popen([BINARY, "campaign", "watch", campaign, "-o", "json"],
                              env={**os.environ, **self.api()}, stdout=subprocess.PIPE,
                              text=True) as watching:
            try:
                for line in watching.stdout:
                    if int(json.loads(line).get("attempts", 0)) >= attempts:
                        return
                self.fail(f"the campaign ended before {attempts} attempts")
            finally:
                watching.kill()

    def most_sent_in_a_second(self, campaign):
        return int(self.sql(
            "SELECT coalesce(max(sends), 0) FROM (SELECT count(*) OVER (ORDER BY sent_at RANGE "
            "BETWEEN '999999 microseconds' PRECEDING AND CURRENT ROW) AS sends "
            f"FROM reporting.sends WHERE campaign_id = {campaign}) AS seconds")[0][0])

    def judge(self, campaign, rows, rate):
        """Everything that must hold when a campaign is complete."""
        self.assertEqual(self.state_of(campaign), "COMPLETED")
        self.assert_audit_is_empty()

        people = int(self.sql(
            f"SELECT count(*) FROM reporting.recipient_outcomes WHERE campaign_id = {campaign} "
            "AND outcome IS NOT NULL")[0][0])
        not_taken = int(self.sql(
            "SELECT duplicates + refused_rows FROM reporting.campaign_outcomes "
            f"WHERE campaign_id = {campaign}")[0][0])
        self.assertEqual(people + not_taken, rows)

        ledger = self.judge_ledger()
        self.assertEqual(ledger["overlapping_calls"], 0)
        # The law is about the time of sending; on a busy machine what left apart may
        # arrive together, so arrivals are for the demo to judge.
        self.assertLessEqual(self.most_sent_in_a_second(campaign), rate)
        return ledger
