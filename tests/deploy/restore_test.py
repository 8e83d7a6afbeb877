"""Backups taken in the middle of a campaign, and what docs/operating.md says of a restore
from each: who was rung is known again, or rung again, and nobody else is."""
import collections
import json
import subprocess
import threading
import unittest

from service import Postgres, Service, keep
from tocsin import DONE, FAILED, PATIENCE_S, run

ROWS, RATE = 300, 40


class Restore(Service):
    def setUp(self):
        super().setUp()
        # The world goes on, whatever becomes of our memory of it.
        self.call_server()
        self.ready_to_serve(rate=RATE)
        self.node = self.serve("--log-level", "debug")
        self.campaign_id = self.create(self.customers(ROWS), "--start")
        self.watch_until(self.campaign_id, attempts=40)

    def go_on_with(self, postgres):
        self.addCleanup(postgres.stop)
        self.postgres = postgres
        self.socket = postgres.socket

    def stop_all(self):
        self.assertEqual(self.node.stop(), DONE)
        self.postgres.stop()

    def rung(self):
        """number -> how often somebody's telephone was rung there, by the ledger."""
        calls = collections.Counter()
        for line in self.ledger.read_text().splitlines():
            entry = json.loads(line)
            if entry["what"] == "create" and entry["status"] in (200, 201):
                calls[entry["number"]] += 1
        return calls

    def sent(self):
        """number -> how often, by the database."""
        return collections.Counter({number: int(sends) for number, sends in self.sql(
            "SELECT number, count(*) FROM reporting.sends GROUP BY 1")})

    def assert_complete(self, known):
        """`known`: how often each number was rung that the database still knows of."""
        watched = self.campaign("watch", self.campaign_id)
        self.assertEqual(watched.code, DONE, watched.text)
        ledger = self.judge(self.campaign_id, rows=ROWS, rate=RATE)
        self.assertEqual(ledger["repeated_attempts"], 0)
        for number, calls in self.rung().items():
            self.assertEqual(calls, self.sent()[number] + known[number], number)
        self.assertEqual(self.sql(
            "SELECT recipient_id FROM reporting.call_attempts GROUP BY campaign_id, recipient_id "
            "HAVING count(*) > 4"), [], "more than attempts_max")

    def test_to_the_end_of_the_log_nothing_is_missing(self):
        archive = self.folder / "archive"
        archive.mkdir(mode=0o777)
        archive.chmod(0o777)
        at = ["-h", self.postgres.socket, "-U", "tocsin"]
        self.postgres.run("pg_receivewal", "-D", archive, *at, "--slot", "tocsin",
                          "--create-slot")
        receiving = subprocess.Popen(
            self.postgres.command("pg_receivewal", "-D", archive, *at, "--slot", "tocsin",
                                  "--verbose"),
            stderr=subprocess.PIPE, text=True, cwd="/")
        self.addCleanup(receiving.wait)
        self.addCleanup(receiving.terminate)
        # Before the backup: the log is whole from there on.
        for line in receiving.stderr:
            if "starting log streaming" in line:
                break
        threading.Thread(target=keep, args=[receiving.stderr, []], daemon=True).start()

        def brought(restored):
            self.postgres.run("pg_basebackup", "-D", restored.folder, *at, "--checkpoint=fast",
                              "--wal-method=none")
            self.watch_until(self.campaign_id, attempts=100)
            self.stop_all()  # Its last words are in the archive before it ends.
            receiving.terminate()
            receiving.wait(PATIENCE_S)
            with (restored.folder / "postgresql.auto.conf").open("a") as settings:
                settings.write(f"restore_command = 'cp {archive}/%f %p || "
                               f"cp {archive}/%f.partial %p'\n")
            restored.run("touch", restored.folder / "recovery.signal")

        self.go_on_with(Postgres(self.folder_of("restored"), brought))
        self.assertGreaterEqual(sum(self.sent().values()), 100)
        self.node = self.serve()
        self.assert_complete(known=collections.Counter())
        self.assertEqual(self.node.stop(), DONE)

    def folder_of(self, name):
        folder = self.folder / name
        folder.mkdir()
        folder.chmod(0o711)
        return folder

    def test_from_a_dump_those_are_rung_again_of_whom_it_does_not_know(self):
        dump = self.folder / "tocsin.dump"
        dumped = subprocess.run(["pg_dump", "--format=custom", "--file", dump, self.postgres.url],
                                check=False, capture_output=True, text=True, timeout=PATIENCE_S)
        self.assertEqual(dumped.returncode, 0, dumped.stderr)
        self.watch_until(self.campaign_id, attempts=120)

        with self.subTest("not under a node that runs"):
            told = run("restored", "--database-url", self.postgres.url)
            self.assertEqual(told.code, FAILED, told.text)
            self.assertIn("node", told.err)
        self.assertEqual(self.node.stop(), DONE)
        before = self.rung()
        self.postgres.stop()

        self.go_on_with(Postgres(self.folder_of("restored")))
        self.sql("CREATE ROLE tocsin_analyst NOLOGIN")
        subprocess.run(["pg_restore", "--dbname", self.postgres.url, "--no-owner", dump],
                       check=True, timeout=PATIENCE_S)
        forgotten = before - self.sent()
        self.assertGreater(sum(forgotten.values()), 20)
        told = run("restored", "--database-url", self.postgres.url)
        self.assertEqual(told.code, DONE, told.text)
        self.assertRegex(told.out, rf"campaigns/{self.campaign_id} +PAUSED")
        self.assertRegex(told.out, r"Do not resume before\n20\d\d-")
        with self.subTest("it may be repeated"):
            self.assertEqual(run("restored", "--database-url", self.postgres.url).code, DONE)

        # A node starts, and the calls that were live at the backup come to their end;
        # nobody is rung before somebody has decided.
        live = int(self.sql("SELECT count(*) FROM call_attempt WHERE state IN "
                            "('DIALING', 'UNRESOLVED')")[0][0])
        self.assertGreater(live, 0)
        self.node = self.serve("--log-level", "debug")
        # Some before it said that it is ready.
        while sum(" attempt_ended " in line or " attempt_lost " in line
                  for line in list(self.node.lines)) < live:
            self.node.wait_for_line(" attempt_")
        self.assertEqual(self.state_of(self.campaign_id), "PAUSED")
        self.assertEqual(self.rung(), before)

        resumed = self.campaign("resume", self.campaign_id)
        self.assertEqual(resumed.code, DONE, resumed.text)
        self.assert_complete(known=forgotten)
        self.assertEqual(self.node.stop(), DONE)


if __name__ == "__main__":
    unittest.main()
