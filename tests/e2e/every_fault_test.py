"""Everything that can go wrong at once, one dialect each: nobody is lost, nobody is rung
twice at once, and no outcome says more than was told."""
import json
import sys
import threading
import unittest
import urllib.request

from service import Service
from tocsin import DONE, PATIENCE_S, SOURCE

sys.path.insert(0, str(SOURCE / "tools"))
import recount  # pylint: disable=wrong-import-position

ROWS = 1000
RATE = 100
TIME_SCALE = 60
CALLS_ON_A_CALLER_NUMBER = 10

# Lengths of requests are real, those of callbacks of the simulated world: a callback may
# come an hour late, which is a minute here.
FAULTS = f"""\
create:
  throttled: {{probability: 0.03}}
  retry_after: seconds
  retry_after_s: 1
  error_before: {{probability: 0.01}}
  error_after: {{probability: 0.01}}
  no_answer: {{probability: 0.01}}
  hang_s: 3
  slow: {{probability: 0.02}}
  slow_s: 0.4
  after_callbacks: {{probability: 0.03}}
  html: {{probability: 0.01}}
callbacks:
  lost: {{probability: 0.02}}
  delayed: {{probability: 0.03}}
  delay_min_s: 1
  delay_max_s: 3600
  reordered: {{probability: 0.03}}
  duplicated: {{probability: 0.05}}
  unknown: {{probability: 0.03}}
  garbage: {{probability: 0.03}}
calls:
  never_ends: {{probability: 0.03}}
tokens:
  expired: {{probability: 0.02}}
  key_rotated: {{probability: 0.002}}
  key_withdrawn: {{probability: 0.002}}
  keys_fail: {{probability: 0.2}}
limits:
  caller_number_calls_max: {CALLS_ON_A_CALLER_NUMBER}
  calls_max: 150
"""


class EveryFault(Service):
    def test_2021_05(self):
        self.campaign_in_the_worst_weather("2021-05")

    def test_2021_04(self):
        self.campaign_in_the_worst_weather("2021-04")

    def test_ga(self):
        self.campaign_in_the_worst_weather("ga")

    def campaign_in_the_worst_weather(self, dialect):
        self.call_server("--faults", self.file("faults.yaml", FAULTS), time_scale=TIME_SCALE)
        self.migrate("up")
        self.apply_trunk(rate=RATE, time_scale=TIME_SCALE, dialect=dialect,
                         per_caller=CALLS_ON_A_CALLER_NUMBER)
        self.serve("--request-timeout", "2s")
        campaign = self.create(self.customers(ROWS), "--start")
        watched = self.campaign("watch", campaign, timeout=2 * PATIENCE_S)
        self.assertEqual(watched.code, DONE, watched.text)
        counts = self.wait_until_everything_is_told()

        ledger = self.judge(campaign, rows=ROWS, rate=RATE)

        self.assertGreater(ledger["calls"], ROWS)
        for fault in counts["create"] | counts["callbacks"] | counts["calls"]:
            section = next(section for section in counts if fault in counts[section])
            self.assertGreater(counts[section][fault]["times"], 0, fault)
        counted = recount.recount(self.socket, self.ledger, campaign, time_scale=TIME_SCALE,
                                  as_told=True)
        self.assertEqual(counted["differing"], {}, counted)
        self.assertGreater(counted["lost"], 0)

    def faults(self):
        url = f"http://127.0.0.1:{self.call_server_port}/admin/faults"
        with urllib.request.urlopen(url, timeout=PATIENCE_S) as answer:
            return json.load(answer)

    def wait_until_everything_is_told(self):
        """Returns how often each fault happened, once no callback is under way any more."""
        for _ in range(PATIENCE_S * 10):
            report = self.faults()
            if report["stats"]["callbacks_waiting"] == 0 and report["stats"]["live_calls"] == 0:
                return report["counts"]
            threading.Event().wait(0.1)
        return self.fail(f"still under way: {report['stats']}")


if __name__ == "__main__":
    unittest.main()
