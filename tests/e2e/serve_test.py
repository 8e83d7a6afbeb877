"""`tocsin serve`: a node, or several, on a database of its operator's."""
import unittest

from service import Service
from tocsin import CONFIG, DONE, FAILED, run


class Serve(Service):
    def test_from_an_empty_database_to_a_report(self):
        self.call_server()
        with self.subTest("nothing is migrated yet"):
            pending = self.migrate("status")
            self.assertEqual(pending.code, FAILED)
            self.assertIn("pending", pending.out)
            told = run("serve", "--database-url", self.postgres.url, "--callback-keys-file",
                       self.keys, "--api-port", 0, "--receiver-port", 0,
                       "--admin-port", 0)
            self.assertEqual(told.code, FAILED)
            self.assertIn("tocsin migrate up", told.err)

        self.assertEqual(self.migrate("up").code, DONE)
        self.assertEqual(self.migrate("status").code, DONE)
        node = self.serve()

        with self.subTest("no trunk yet"):
            told = self.campaign("create", "-f", self.impatient_campaign())
            self.assertNotEqual(told.code, DONE)
            self.assertIn("'local'", told.err)
            self.assertIn("tocsin trunk apply", told.err)

        # The node that runs takes the trunk up.
        self.apply_trunk()
        campaign = self.create(self.customers(300), "--start")
        self.watch_to_the_end(campaign, rows=300)

        report = self.campaign("report", campaign)
        self.assertEqual(report.code, DONE, report.text)
        self.assertIn("CONFIRMED", report.out)
        audited = self.campaign("audit", campaign)
        self.assertEqual(audited.code, DONE, audited.text)
        self.assertEqual(node.stop(), DONE)
        self.assertNotIn("20655501", node.output)

        with self.subTest("one step back"):
            self.assertEqual(self.migrate("down").code, DONE)
            self.assertEqual(self.migrate("status").code, FAILED)
            self.assertEqual(self.migrate("up").code, DONE)

    def test_divided_in_two_processes(self):
        self.call_server()
        self.ready_to_serve()
        caller = self.serve(roles="scheduler,receiver")
        api = self.serve(roles="api")
        self.assertNotRegex(api.output, r"(?m)^receiver ")
        self.assertNotRegex(caller.output, r"(?m)^API ")

        campaign = self.create(self.customers(300), "--start")
        self.watch_until(campaign, attempts=30)
        # What one does the other learns of at once: nothing leaves any more.
        self.assertEqual(self.campaign("pause", campaign).code, DONE)
        self.assertEqual(self.state_of(campaign), "PAUSED")
        self.assertEqual(self.campaign("resume", campaign).code, DONE)

        self.watch_to_the_end(campaign, rows=300)
        self.assertEqual(api.stop(), DONE)
        self.assertEqual(caller.stop(), DONE)

    def test_another_node_goes_on_after_kill_9(self):
        self.call_server()
        self.ready_to_serve(rate=50)
        self.serve(roles="api")
        caller = self.serve(roles="scheduler,receiver")
        campaign = self.create(self.customers(300), "--start")
        self.watch_until(campaign, attempts=30)

        caller.kill()
        self.serve(roles="scheduler,receiver")

        self.watch_to_the_end(campaign, rows=300, rate=50)

    def test_a_node_without_keys_says_how_to_get_them(self):
        told = run("serve", "--database-url", self.postgres.url)

        self.assertEqual(told.code, CONFIG)
        self.assertIn("--callback-keys-file", told.err)

    def test_trunks_are_listed_without_their_secrets(self):
        self.ready_to_serve()

        listed = run("trunk", "list", "--database-url", self.postgres.url)

        self.assertEqual(listed.code, DONE, listed.text)
        self.assertIn(f"http://127.0.0.1:{self.call_server_port}", listed.out)
        self.assertNotIn("20855501", listed.out)

    def test_a_trunk_is_checked_before_anybody_is_called(self):
        settings = ("--database-url", self.postgres.url, "--callback-keys-file", self.keys,
                    "--receiver-port", self.receiver_port)
        server = self.call_server()
        self.ready_to_serve()
        self.serve()

        checked = run("trunk", "check", "local", *settings)
        self.assertEqual(checked.code, DONE, checked.text)
        for check in ("credentials", "caller numbers", "receiver", "limits"):
            self.assertRegex(checked.out, rf"(?m)^{check} +good ")

        server.stop()
        checked = run("trunk", "check", "local", "-o", "json", *settings)
        self.assertEqual(checked.code, FAILED, checked.text)
        told = {check["check"]: check for check in checked.json()["checks"]}
        self.assertFalse(checked.json()["good"])
        self.assertEqual(told["endpoint"]["verdict"], "bad")
        self.assertIn("connect", told["endpoint"]["remedy"])
        self.assertEqual(told["receiver"]["verdict"], "good")

        checked = run("trunk", "check", "nowhere", *settings)
        self.assertEqual(checked.code, FAILED)
        self.assertIn("there is no trunk 'nowhere'", checked.err)

    def test_a_trunk_with_its_key_in_a_file_calls_and_shows_no_secret(self):
        key = "dGhpcnR5LXR3byBieXRlcyBmb3IgYSBzaWduYXR1cmU="
        self.file("carrier.key", key)
        self.call_server("--access-key-file", self.folder / "carrier.key")
        migrated = self.migrate("up")
        self.assertEqual(migrated.code, DONE, migrated.text)
        self.apply_trunk(more="access_key_file: carrier.key")
        self.serve()

        listed = run("trunk", "list", "--database-url", self.postgres.url)
        self.assertIn("access key", listed.out)
        self.assertNotIn(key, listed.out)
        kept = self.sql("SELECT t::text FROM trunk AS t")
        self.assertIn(f"file:{self.folder}/carrier.key", kept[0][0])
        self.assertNotIn(key, kept[0][0])
        campaign = self.create(self.customers(20), "--start")
        self.watch_to_the_end(campaign, rows=20)


if __name__ == "__main__":
    unittest.main()
