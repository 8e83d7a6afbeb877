"""A rolling upgrade: first the schema, then one node after the other, while calls go on.

The next version is this one with a migration more (next_migrations.cc)."""
import os
import unittest

from several_nodes import BUSY_S, SCALE, SUCCESSOR_S, SeveralNodes
from tocsin import BINARY, DONE, FAILED, run, wait_until

NEXT = os.environ["E2E_NEXT_BINARY"]
RATE = 20
ROWS = 600


class Upgrade(SeveralNodes):
    def migrate_to_next(self, word, environment=None):
        return run("migrate", word, "--database-url", self.postgres.url, binary=NEXT,
                   environment=environment)

    def migrations_known(self):
        return sorted({entry["newestMigration"] for entry in self.list_nodes()})

    def sends_so_far(self):
        return int(self.sql("SELECT count(*) FROM reporting.sends")[0][0])

    def test_node_by_node_while_calls_go_on(self):
        self.call_server(time_scale=SCALE)
        self.ready_to_serve(rate=RATE, time_scale=SCALE)
        old = [self.node(), self.node()]
        known = self.migrations_known()[0]
        campaign = self.create(self.customers(ROWS), "--start")
        self.watch_until(campaign, attempts=20)
        since = self.time()

        migrated = self.migrate_to_next("up")
        self.assertEqual(migrated.code, DONE, migrated.text)
        self.assertEqual(self.migrate("status").code, DONE)
        self.assertIn("next                      ", self.migrate("status").out)
        self.assertIn("of a newer program", self.migrate("status").out)
        self.watch_until(campaign, attempts=60)

        with self.subTest("an old node that ends comes back"):
            self.stop(old[1])
            old[1] = self.node()
        with self.subTest("old and new together"):
            new = [self.node(binary=NEXT)]
            self.assertEqual(self.migrations_known(), [known, known + 1])
            self.speak_to(new[0])
            self.watch_until(campaign, attempts=100)
        with self.subTest("a schema that a node needs is not taken away"):
            refused = self.migrate_to_next("down")
            self.assertEqual(refused.code, FAILED, refused.text)
            self.assertIn("stop it first", refused.err)
        with self.subTest("the old ones make room"):
            self.stop(old[0])
            new.append(self.node(binary=NEXT))
            self.stop(old[1])
            self.assertEqual(self.migrations_known(), [known + 1])
        passed_over = self.sends_so_far()
        wait_until(lambda: self.sends_so_far() > passed_over + RATE)
        until = self.time()

        self.watch_to_the_end(campaign, rows=ROWS, rate=RATE)
        # Nobody waited longer than for a pacer that hands over.
        gap = self.longest_gap(campaign, since, until)
        print(f"\nthe longest time without a call: {gap:.2f} s", flush=True)
        self.assertLessEqual(gap, SUCCESSOR_S + BUSY_S + 1 / RATE)

        with self.subTest("and back"):
            back = self.node()
            for node in new:
                self.stop(node)
            self.speak_to(back)
            again = self.create(self.customers(40, seed=2), "--start")
            self.watch_to_the_end(again, rows=40, rate=RATE)
            taken_back = self.migrate_to_next("down")
            self.assertEqual(taken_back.code, DONE, taken_back.text)
            self.stop(back)

    def test_a_step_that_leaves_this_version_behind(self):
        """Is not taken while a node of it runs, and none starts after it."""
        leaves_behind = {"NEXT_LEAVES_BEHIND": "1"}
        self.ready_to_serve()
        node = self.node()

        refused = self.migrate_to_next("up", environment=leaves_behind)
        self.assertEqual(refused.code, FAILED, refused.text)
        self.assertIn(self.told_of(node)["node"], refused.err)

        self.stop(node)
        migrated = self.migrate_to_next("up", environment=leaves_behind)
        self.assertEqual(migrated.code, DONE, migrated.text)
        told = run("serve", "--database-url", self.postgres.url, "--callback-keys-file",
                   self.keys, "--api-port", 0, "--receiver-port", 0, "--admin-port", 0,
                   binary=BINARY)
        self.assertEqual(told.code, FAILED, told.text)
        self.assertIn("install a program at least as new", told.err)


if __name__ == "__main__":
    unittest.main()
