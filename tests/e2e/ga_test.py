"""The same campaigns over a trunk that speaks GA: call by call against the ledger, and
with answers that get lost on their way."""
import json
import unittest

from service import Service
from tocsin import DONE, EndToEnd

# What the far end of an unanswered call did -> how we say that.
DISPOSITIONS = {"busy": "BUSY", "no_answer": "NO_ANSWER", "dead": "INVALID_NUMBER",
                "unreachable": "UNREACHABLE", "declined": "DECLINED",
                "congestion": "CONGESTION"}
# Of the example's message, in its own time; and how near to it a test will not judge.
IDENTITY_ENDS_MS, TOO_NEAR_MS = 4000, 400


def calls_in(ledger):
    """What each call of a ledger came to, by its id."""
    calls = {}
    for line in ledger.read_text().splitlines():
        entry = json.loads(line)
        leg = entry.get("call_leg_id")
        if leg is None:
            continue
        call = calls.setdefault(leg, {"whole_copies": 0, "ones": [], "plays": 0})
        if entry["what"] == "play":
            call["plays"] += 1
        elif entry["what"] == "play_ended":
            call["whole_copies"] += entry["code"] == 200 and entry["subcode"] == 0
        elif entry["what"] == "key" and entry["key"] == "1":
            call["ones"].append(entry["play_ms"] if call["plays"] == 1 else IDENTITY_ENDS_MS * 2)
        elif entry["what"] == "ended":
            call["ended"] = entry
    return calls


def disposition_of(ended):
    if ended["answered"]:
        return "ANSWERED"
    if ended["reason"] == "in_call":
        return "BUSY"
    if ended["reason"] in ("application", "ring_limit"):
        return "NO_ANSWER"
    return DISPOSITIONS[ended["far_end"]]


class OverGa(EndToEnd):
    def test_every_call_is_told_as_it_was(self):
        self.up("--dialect", "ga", rate=100, time_scale=20)
        campaign = self.create(self.customers(300), "--start")

        watched = self.campaign("watch", campaign, timeout=600)

        self.assertEqual(watched.code, DONE, watched.text)
        self.judge(campaign, rows=300, rate=100)
        self.compare(campaign)
        # No key without continuous DTMF, and each play with its beginning.
        self.assertNotEqual(self.count(campaign, "kind = 'TONE'"), 0)
        self.assertEqual(self.count(campaign, "kind = 'TONE' AND raw NOT LIKE "
                                    "'%ContinuousDtmfRecognitionToneReceived%'"), 0)
        self.assertEqual(self.count(campaign, "kind = 'PLAY_STARTED'"),
                         sum(call["plays"] for call in calls_in(self.ledger).values()))

    def compare(self, campaign):
        calls = calls_in(self.ledger)
        rows = self.sql(
            "SELECT provider_call, disposition, disposition_source, delivery, "
            "acknowledged_at IS NOT NULL FROM reporting.call_attempts "
            f"WHERE campaign_id = {campaign}")
        self.assertEqual(len(rows), len(calls))
        for leg, disposition, source, delivery, acknowledged in rows:
            call = calls[leg]
            with self.subTest(leg=leg, call=call):
                self.assertEqual(disposition, disposition_of(call["ended"]))
                self.assertEqual(source, "OBSERVED")
                self.assertEqual(delivery == "FULL", call["whole_copies"] > 0)
                counted = [at for at in call["ones"] if at >= IDENTITY_ENDS_MS + TOO_NEAR_MS]
                early = [at for at in call["ones"] if at < IDENTITY_ENDS_MS - TOO_NEAR_MS]
                if counted or len(early) == len(call["ones"]):
                    self.assertEqual(acknowledged == "t", bool(counted))

    def count(self, campaign, condition):
        return int(self.sql("SELECT count(*) FROM call_event WHERE "
                            f"campaign_id = {campaign} AND {condition}")[0][0])


# What is lost is so after four minutes of life: not before it was asked for again.
TIME_SCALE = 20


class UnknownFates(Service):
    """An answer that is lost is asked for again under its id, unless an event of the call
    has told before: nobody is lost with it."""

    def settle(self, campaign, rows, rate=100):
        """How many sends were asked for again, of how many without an answer."""
        ledger = self.watch_to_the_end(campaign, rows=rows, rate=rate)
        self.assertEqual(ledger["repeated_attempts"], 0)
        unknown, repeated, lost = self.sql(
            "SELECT (SELECT count(*) FROM call_event WHERE kind = 'CREATE_UNKNOWN'), "
            "(SELECT count(*) FROM call_event WHERE kind = 'CREATE_REPEATED'), "
            "(SELECT count(*) FROM reporting.call_attempts WHERE disposition = 'LOST')")[0]
        self.assertGreater(int(unknown), 0)
        self.assertEqual(int(lost), 0)
        return int(repeated), int(unknown)

    def test_answers_500_and_nobody_rings(self):
        faults = self.file("faults.yaml", "create: {error_before: {every: 6}}\n")
        self.call_server("--faults", faults, time_scale=TIME_SCALE)
        self.ready_to_serve(dialect="ga", time_scale=TIME_SCALE)
        self.serve()
        repeated, unknown = self.settle(self.create(self.customers(200), "--start"), rows=200)
        # No event could tell.
        self.assertGreaterEqual(repeated, unknown)

    def test_answers_500_although_it_rings(self):
        self.call_server("--fault-error-every", 5, time_scale=TIME_SCALE)
        self.ready_to_serve(dialect="ga", time_scale=TIME_SCALE)
        self.serve()
        self.settle(self.create(self.customers(200), "--start"), rows=200)

    def test_answers_too_late(self):
        self.call_server("--fault-hang-every", 8, time_scale=TIME_SCALE)
        self.ready_to_serve(rate=40, dialect="ga", time_scale=TIME_SCALE)
        self.serve("--request-timeout", "500ms")
        self.settle(self.create(self.customers(200), "--start"), rows=200, rate=40)

    def test_killed_between_send_and_answer(self):
        self.call_server("--fault-hang-every", 10, time_scale=TIME_SCALE)
        self.ready_to_serve(rate=50, dialect="ga", time_scale=TIME_SCALE)
        node = self.serve("--request-timeout", "60s")
        campaign = self.create(self.customers(200), "--start")
        self.watch_until(campaign, attempts=60)

        node.kill()
        self.serve("--request-timeout", "500ms")

        self.settle(campaign, rows=200, rate=50)


if __name__ == "__main__":
    unittest.main()
