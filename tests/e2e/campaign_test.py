"""A campaign from its file to its report, undisturbed and disturbed."""
import os
import random
import signal
import unittest

from tocsin import DONE, FAILED, EndToEnd, Up, run


class WholeCampaign(EndToEnd):
    def test_rings_everybody_and_tells_what_became_of_them(self):
        up = self.up(rate=200)
        campaign = self.create(self.customers(300), "--start")

        watched = self.campaign("watch", campaign)

        self.assertEqual(watched.code, DONE, watched.text)
        self.judge(campaign, rows=300, rate=200)
        report = self.campaign("report", campaign)
        self.assertEqual(report.code, DONE, report.text)
        self.assertIn("CONFIRMED", report.out)
        self.assertIn("reporting.", report.out)
        self.assertEqual(up.stop(), DONE)
        self.assertNotIn("20655501", up.output)

    def test_goes_on_after_kill_9(self):
        dice = random.Random(self.seed())
        up = self.up(rate=50)
        campaign = self.create(self.customers(400), "--start")

        for _ in range(3):
            done = dice.randrange(20, 300)
            self.watch_until(campaign, attempts=done)
            up.kill()
            up = self.up(rate=50)
        watched = self.campaign("watch", campaign)

        self.assertEqual(watched.code, DONE, watched.text)
        self.judge(campaign, rows=400, rate=50)

    def test_goes_on_after_an_orderly_stop(self):
        up = self.up(rate=50)
        campaign = self.create(self.customers(200), "--start")
        self.watch_until(campaign, attempts=30)

        self.assertEqual(up.stop(), DONE)
        self.up(rate=50)
        watched = self.campaign("watch", campaign)

        self.assertEqual(watched.code, DONE, watched.text)
        self.judge(campaign, rows=200, rate=50)

    def test_outlives_its_postgres(self):
        up = self.up(rate=50)
        campaign = self.create(self.customers(200), "--start")
        self.watch_until(campaign, attempts=30)

        pid = int((self.folder / "data/postgres/cluster/postmaster.pid").read_text().split()[0])
        os.kill(pid, signal.SIGKILL)
        up.wait_for_line("postgres_restarted")
        watched = self.campaign("watch", campaign)

        self.assertEqual(watched.code, DONE, watched.text)
        self.judge(campaign, rows=200, rate=50)

    def test_pause_stops_and_resume_goes_on(self):
        self.up(rate=20)
        campaign = self.create(self.customers(200), "--start")
        self.watch_until(campaign, attempts=10)

        self.assertEqual(self.campaign("pause", campaign).code, DONE)
        self.assertEqual(self.state_of(campaign), "PAUSED")
        self.assertEqual(self.campaign("resume", campaign).code, DONE)
        watched = self.campaign("watch", campaign)

        self.assertEqual(watched.code, DONE, watched.text)
        self.judge(campaign, rows=200, rate=20)

    def test_cancel_by_hanging_up_gives_everybody_an_outcome(self):
        self.up(rate=50, time_scale=60)
        campaign = self.create(self.customers(500), "--start")
        self.watch_until(campaign, attempts=10)

        self.assertEqual(self.campaign("cancel", campaign, "--hang-up").code, DONE)
        watched = self.campaign("watch", campaign)

        self.assertIn(watched.code, (DONE, FAILED), watched.text)
        self.assertEqual(self.state_of(campaign), "CANCELED")
        self.assert_audit_is_empty()

    def seed(self):
        seed = int(os.environ.get("E2E_SEED", "1"))
        print(f"E2E_SEED={seed}")
        return seed


class Parts(EndToEnd):
    def test_the_call_server_runs_alone(self):
        alone = Up("--call-server-port", 0, command="call-server")
        self.started.append(alone)
        self.assertRegex(alone.output, r"http://127\.0\.0\.1:\d+")
        self.assertEqual(alone.stop(), DONE)

    def test_the_schema_goes_up_and_down(self):
        up = self.up()
        url = f"host={self.folder}/data/postgres/run user=tocsin dbname=tocsin"
        status = run("migrate", "status", "--database-url", url)
        self.assertEqual(status.code, DONE, status.text)
        self.assertEqual(up.stop(), DONE)


if __name__ == "__main__":
    unittest.main()
