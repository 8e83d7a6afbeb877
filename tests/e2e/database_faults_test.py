"""PostgreSQL away at the start, or killed under the work: it goes on, or stops and
says what to do; repeating it loses nothing and doubles nothing."""
import os
import subprocess
import unittest

from service import Service
from tocsin import BINARY, DONE, FAILED, PATIENCE_S, run

ROWS = 200


class DatabaseFaults(Service):
    def test_down_at_the_start(self):
        self.postgres.stop()
        url = ["--database-url", self.postgres.url]
        for command in (["serve", "--callback-keys-file", self.keys, *url],
                        ["migrate", "up", *url], ["migrate", "status", *url],
                        ["trunk", "list", *url]):
            with self.subTest(command[0]):
                told = run(*command)
                self.assertEqual(told.code, FAILED, told.text)
                self.assertEqual(len(told.err.splitlines()), 1, told.err)
                self.assertIn(str(self.postgres.socket), told.err)
                self.assertIn("--database-url", told.err)

    def test_killed_in_the_middle_of_a_campaign(self):
        self.call_server()
        self.ready_to_serve(rate=50)
        node = self.serve()
        campaign = self.create(self.customers(ROWS), "--start")
        self.watch_until(campaign, attempts=30)

        self.postgres.kill()
        node.wait_for_line("database_away")
        self.postgres.start()

        self.watch_to_the_end(campaign, rows=ROWS, rate=50)

    def import_until_killed(self, customers):
        """Begins an import and kills PostgreSQL in the middle of it."""
        importing = subprocess.Popen(
            [BINARY, "campaign", "create", "-f", self.impatient_campaign(), "--recipients",
             customers, "-o", "json"], env={**os.environ, **self.api()}, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True)
        self.addCleanup(importing.stderr.close)
        self.addCleanup(importing.stdout.close)
        for line in importing.stderr:
            if "rows" in line:
                break
        self.postgres.kill()
        return importing

    def assert_imported_once(self, rows):
        """Each row of the list is there, once."""
        counted = self.sql(
            "SELECT (SELECT count(*) FROM recipient), (SELECT count(*) FROM refused_row), "
            "(SELECT count(DISTINCT line) FROM (SELECT line FROM recipient UNION ALL "
            "SELECT line FROM refused_row) AS all_rows)")[0]
        people, not_taken, lines = map(int, counted)
        self.assertEqual(people + not_taken, rows)
        self.assertEqual(lines, rows)
        self.assert_audit_is_empty()

    def test_killed_in_the_middle_of_an_import_and_started_again(self):
        rows = 200_000
        self.ready_to_serve()
        self.serve("--database-connections", 4)
        importing = self.import_until_killed(self.customers(rows))

        self.postgres.start()

        out, err = importing.communicate(timeout=PATIENCE_S)
        self.assertEqual(importing.returncode, DONE, out + err)
        self.assertIn("trying again", err)
        self.assert_imported_once(rows)

    def test_killed_in_the_middle_of_an_import_for_longer(self):
        rows = 200_000
        self.ready_to_serve()
        self.serve()
        importing = self.import_until_killed(self.customers(rows))

        _, err = importing.communicate(timeout=PATIENCE_S)
        self.assertEqual(importing.returncode, FAILED, err)
        remedy = err.rstrip().splitlines()[-1].split()
        self.assertEqual(remedy[:3], ["tocsin", "campaign", "import"], err)
        self.postgres.start()

        again = run(*remedy[1:], environment=self.api())
        self.assertEqual(again.code, DONE, again.text)
        self.assert_imported_once(rows)


if __name__ == "__main__":
    unittest.main()
