"""deploy/ against what runs: the settings of PostgreSQL in a PostgreSQL, the metrics that
rules and dashboard ask for on a node's page, the log as docs/logging.md tells of it."""
import re
import shutil
import subprocess
import unittest

from admin_test import ask
from deploy import DEPLOY, metrics_named
from service import Service
from tocsin import CONFIG, DONE, PATIENCE_S, run

# Nobody has this number, and no log may.
MARKED = "+12065550177"


class PostgresqlSettings(Service):
    def setUp(self):
        super().setUp()
        # Reachable for the user that PostgreSQL runs as.
        self.settings = shutil.copy(DEPLOY / "postgresql/tocsin.conf", self.folder)
        self.postgres.stop()
        with (self.postgres.folder / "postgresql.conf").open("a") as main:
            main.write(f"include '{self.settings}'\n"
                       "logging_collector = on\nlog_directory = 'log'\n")
        self.postgres.stop()
        # The collector takes the line that tells that it is ready.
        subprocess.Popen.wait(self.postgres.process)

    def start_with_pg_ctl(self):
        control = [*self.postgres._as_user, self.postgres._bin / "pg_ctl", "-s", "-w", "-D",
                   self.postgres.folder, "-o",
                   f"-c listen_addresses= -c unix_socket_directories={self.postgres.socket}"]
        started = subprocess.run([*control, "start"], stdout=subprocess.DEVNULL,
                                 stderr=subprocess.PIPE, text=True, cwd="/", check=False)
        self.assertEqual(started.returncode, 0, started.stderr)
        self.addCleanup(subprocess.run, [*control, "-m", "fast", "stop"], cwd="/", check=False)

    def test_each_is_accepted_and_in_force(self):
        self.start_with_pg_ctl()
        named = re.findall(r"(?m)^([a-z_]+) *=", (DEPLOY / "postgresql/tocsin.conf").read_text())
        self.assertGreater(len(named), 40)
        self.assertEqual(len(named), len(set(named)))

        told = {name: (applied, error) for name, applied, error in self.sql(
            "SELECT name, applied, coalesce(error, '') FROM pg_file_settings "
            f"WHERE sourcefile = '{self.settings}'")}
        self.assertEqual(told, {name: ("t", "") for name in named})
        self.assertEqual(self.sql("SELECT name FROM pg_settings WHERE pending_restart"), [])
        # Not overridden by anything that comes later.
        in_force = {name.lower() for name, in self.sql(
            f"SELECT name FROM pg_settings WHERE sourcefile = '{self.settings}'")}
        self.assertEqual(in_force, set(named))
        self.assertEqual(self.sql("SHOW shared_buffers") + self.sql("SHOW max_wal_size"),
                         [["4GB"], ["16GB"]])
        with self.subTest("nobody's number gets into the log"):
            self.make_mistakes()
            logs = "".join(path.read_text() for path in
                           (self.postgres.folder / "log").iterdir())
            self.assertIn("connection authorized", logs)
            self.assertNotIn(MARKED.lstrip("+"), logs)
        with self.subTest("each line has its reason"):
            self.assert_reasons()

    def make_mistakes(self):
        """Errors that quote a value, a statement that is slow, one that breaks a rule."""
        statements = [f"SELECT '{MARKED}'::int", f"SELECT pg_sleep(0.1), '{MARKED}'",
                      f"SELECT 1 / length(replace('{MARKED}', '{MARKED}', ''))",
                      "CREATE TABLE kept (number text PRIMARY KEY)",
                      f"INSERT INTO kept VALUES ('{MARKED}'), ('{MARKED}')",
                      f"DO $$ BEGIN RAISE EXCEPTION '%', '{MARKED}'; END $$"]
        for statement in statements:
            subprocess.run(["psql", "-h", self.socket, "-U", "tocsin", "-c", statement],
                           capture_output=True, timeout=PATIENCE_S, check=False)

    def assert_reasons(self):
        """A comment above each group of settings."""
        for group in re.split(r"\n\n", (DEPLOY / "postgresql/tocsin.conf").read_text()):
            if "=" in group:
                self.assertTrue(group.startswith("#"), group)


class Metrics(Service):
    def test_what_is_asked_for_is_told(self):
        self.call_server()
        self.ready_to_serve(rate=200)
        node = self.serve()
        campaign = self.create(self.customers(60), "--start")
        self.watch_to_the_end(campaign, rows=60, rate=200)

        page = ask(node.find(r"(?m)^metrics +http://(\S+)/metrics"), "/metrics")[1]

        told = set(re.findall(r"(?m)^(tocsin_\w+)(?:\{| )", page))
        for name, who in sorted(metrics_named().items()):
            self.assertIn(name, told, f"asked for by {who}")
        with self.subTest("names"):
            for name, kind in re.findall(r"(?m)^# TYPE (\w+) (\w+)$", page):
                self.assertEqual(name.endswith("_total"), kind == "counter", name)
                self.assertTrue(kind != "histogram" or name.endswith("_seconds"), name)
        with self.subTest("each has its help"):
            helped = set(re.findall(r"(?m)^# HELP (\w+) \S", page))
            self.assertEqual(helped, set(re.findall(r"(?m)^# TYPE (\w+) ", page)))
        self.assertEqual(node.stop(), DONE)


class CheckConfig(Service):
    def serve_check(self, *more, environment=None):
        return run("serve", "--check-config", *more, environment=environment)

    def test_says_all_that_is_wrong_at_once_and_starts_nothing(self):
        settings = self.file("tocsin.yaml", "api_prt: 7\nlog_level: loud\nadmin_port: 7233\n")
        told = self.serve_check("--config", settings, "--receiver-host", "no such host",
                                "--callback-keys-file", self.folder / "none.keys",
                                environment={"TOCSIN_DIALER_THREADS": "many"})
        self.assertEqual(told.code, CONFIG)
        for wrong in (f"{settings}:1: unknown key api_prt; did you mean api_port?",
                      f"{settings}:2: log_level: expected debug, info, warn or error",
                      "TOCSIN_DIALER_THREADS: expected a whole number from 1 to 4096",
                      "--callback-keys-file: expected the name of a file that can be read",
                      "--database-url: is needed",
                      "receiver_host: ", "admin_port: is 7233, and so is api_port"):
            self.assertIn(f"\n  {wrong}", told.err)
        self.assertEqual(told.out, "")

    def test_a_good_one_asks_no_database(self):
        told = self.serve_check("--database-url", "host=/nowhere", "--callback-keys-file",
                                self.keys)
        self.assertEqual((told.code, told.err), (DONE, ""))
        self.assertIn("can be used; nothing was started", told.out)

    def test_of_the_other_commands(self):
        data = self.folder / "data"
        told = run("up", "--check-config", "--data-dir", data, "--population", "storm")
        self.assertEqual(told.code, DONE, told.text)
        self.assertFalse(data.exists())
        ledger = self.folder / "l.jsonl"
        told = run("call-server", "--check-config", "--ledger", ledger)
        self.assertEqual(told.code, DONE, told.text)
        self.assertFalse(ledger.exists())
        told = run("call-server", "--check-config", "--population", self.keys, "--ledger",
                   self.folder / "no/l.jsonl")
        self.assertEqual(told.code, CONFIG)
        self.assertIn("population: ", told.err)
        self.assertIn("ledger: ", told.err)


if __name__ == "__main__":
    unittest.main()
