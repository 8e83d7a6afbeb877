"""Three nodes on one database: whoever paces is killed, frozen, or has another clock, and
the others go on. Nobody is lost, nobody rung twice at once, and the rate stays a law."""
import pathlib
import signal
import unittest

from several_nodes import BUSY_S, LEASE_S, SCALE, SUCCESSOR_S, SeveralNodes
from tocsin import DONE, PATIENCE_S, run, wait_until

RATE = 20
ROWS = 500
CLOCK_PRELOAD = pathlib.Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1")


class Nodes(SeveralNodes):
    def begin(self, nodes=3):
        self.call_server(time_scale=SCALE)
        self.ready_to_serve(rate=RATE, time_scale=SCALE)
        for _ in range(nodes):
            self.node()
        return self.create(self.customers(ROWS), "--start")

    def pacer_that_dies(self):
        """The one with the lease; what is asked from now on another answers."""
        pacer = self.pacer()
        self.speak_to(next(node for node in self.nodes if node is not pacer))
        return pacer

    def assert_others_took_over_in_time(self, before, since, campaign):
        successor = self.pacer(besides=before)
        epoch = self.told_of(successor)["leaseEpoch"]
        gap = self.seconds_to_first_send_of(epoch, since)
        print(f"\nthe next call left {gap:.2f} s later", flush=True)
        self.assertLessEqual(gap, LEASE_S + SUCCESSOR_S + BUSY_S)
        # Nothing but the sending stopped.
        heard = int(self.sql(
            f"SELECT count(*) FROM call_event WHERE campaign_id = {campaign} AND received_at "
            f"BETWEEN timestamptz '{since}' + interval '1 s' AND timestamptz '{since}' + "
            f"interval '{gap} s'")[0][0])
        self.assertGreater(heard, RATE)
        return successor

    def end_well(self, campaign):
        self.watch_to_the_end(campaign, rows=ROWS, rate=RATE)
        for node in list(self.nodes):
            self.stop(node)
        # Who was stopped has taken leave; who was killed is still missed.
        self.assertEqual({entry["state"] for entry in self.list_nodes()} - {"SILENT"}, set())

    # --- the stories ---

    def test_the_nodes_are_listed(self):
        self.ready_to_serve()
        one = self.node()
        self.node(roles="receiver")
        pacing = self.pacer()
        self.assertIs(pacing, one)

        told = self.told_of(one)
        self.assertEqual(told["state"], "UP")
        self.assertEqual(told["roles"], ["api", "scheduler", "receiver"])
        self.assertEqual(told["lease"], "default")
        self.assertEqual(told["callbackLagSeconds"], 0)
        self.assertLess(abs(told["clockAheadSeconds"]), 1)
        version = run("version").out.split()[1]
        self.assertEqual(told["version"], version)
        listed = run("nodes", "--database-url", self.postgres.url)
        self.assertEqual(listed.code, DONE, listed.text)
        self.assertRegex(listed.out, r"up +api,scheduler,receiver +default \(\d+\) +" + version)
        self.assertRegex(listed.out, r"up +receiver +- ")

        self.stop(one)
        self.assertEqual([entry["roles"] for entry in self.list_nodes()], [["receiver"]])

    def test_the_pacer_is_killed(self):
        campaign = self.begin()
        before = self.pacer_that_dies()
        self.watch_until(campaign, attempts=50)

        since = self.time()
        before.kill()
        self.nodes.remove(before)

        self.assert_others_took_over_in_time(before, since, campaign)
        self.end_well(campaign)

    def test_the_pacer_freezes_and_thaws(self):
        campaign = self.begin()
        before = self.pacer_that_dies()
        self.watch_until(campaign, attempts=50)

        since = self.time()
        before.process.send_signal(signal.SIGSTOP)
        try:
            self.assert_others_took_over_in_time(before, since, campaign)
            self.assertEqual(self.told_of(before)["state"], "SILENT")
        finally:
            before.process.send_signal(signal.SIGCONT)

        before.wait_for_line("pacer_lease_lost")
        wait_until(lambda: self.told_of(before)["state"] == "UP")
        self.assertIsNone(self.told_of(before)["lease"])
        self.end_well(campaign)

    def test_the_database_is_killed_and_started_again(self):
        campaign = self.begin()
        self.watch_until(campaign, attempts=50)

        self.postgres.kill()
        for node in self.nodes:
            node.wait_for_line("database_away")
        self.postgres.start()

        self.end_well(campaign)

    def test_clocks_that_differ(self):
        self.assertTrue(CLOCK_PRELOAD.exists(), "script/bootstrap installs faketime")
        self.call_server(time_scale=SCALE)
        self.ready_to_serve(rate=RATE, time_scale=SCALE)
        # The API's library waits by the calendar, whose steps a fake one does not pass on.
        ahead, behind = [self.node(roles="scheduler,receiver", environment={
            "LD_PRELOAD": str(CLOCK_PRELOAD), "FAKETIME": shift,
            "FAKETIME_DONT_FAKE_MONOTONIC": "1"}) for shift in ("+90m", "-90m")]
        self.node(roles="api,receiver")
        self.assertIs(self.pacer(), ahead)
        self.assertAlmostEqual(self.told_of(ahead)["clockAheadSeconds"], 5400, delta=5)
        self.assertAlmostEqual(self.told_of(behind)["clockAheadSeconds"], -5400, delta=5)
        campaign = self.create(self.customers(ROWS), "--start")
        self.watch_until(campaign, attempts=50)

        since = self.time()
        ahead.kill()
        self.nodes.remove(ahead)

        self.assert_others_took_over_in_time(ahead, since, campaign)
        self.watch_to_the_end(campaign, rows=ROWS, rate=RATE)
        # Everything that was noted bears one clock's time, whoever noted it.
        began, ended = self.sql(
            f"SELECT extract(epoch FROM min(sent_at) - c.started_at), "
            f"extract(epoch FROM c.ended_at - max(sent_at)) FROM campaign AS c "
            f"JOIN call_attempt AS a USING (campaign_id) WHERE campaign_id = {campaign} "
            "GROUP BY c.campaign_id")[0]
        for distance in (began, ended):
            self.assertGreaterEqual(float(distance), -0.1)
            self.assertLess(float(distance), PATIENCE_S)


if __name__ == "__main__":
    unittest.main()
