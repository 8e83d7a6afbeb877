"""People who ask for an operator, on each dialect: they are put through or hear the message
once more, and who spoke to somebody is not rung again."""
import json
import unittest

from tocsin import DONE, EndToEnd

OPERATOR = "+12025550177"
ROWS, RATE = 120, 20

# Everybody answers, and presses a key: half of them that for an operator, who has one line.
POPULATION = """\
reachability: {at_once: 1, sometimes: 0}
answers: {machine: 0, fax: 0}
human: {leaves_early_share: 0, presses_share: 1, presses_early_share: 0,
        key_1: 1, key_9: 0, key_0: 1, key_other: 0}
blocking: {share_max: 0}
"""

# What the provider posts when somebody was there, and when nobody was.
TOLD = {"ga": ("CallTransferAccepted", "CallTransferFailed", "TRANSFERRED"),
        "2021-05": ("InviteParticipantResult", "InviteParticipantResult", "JOINED"),
        "2021-04": ("InviteParticipantResult", "InviteParticipantResult", "JOINED")}


class Operators(EndToEnd):
    def test_ga(self):
        self.put_through("ga")

    def test_2021_05(self):
        self.put_through("2021-05")

    def test_2021_04(self):
        self.put_through("2021-04")

    def impatient_campaign(self):
        path = super().impatient_campaign()
        text = path.read_text()
        return self.file("operator.yaml", text.replace(
            "flow:\n", f"flow:\n  operator_number: \"{OPERATOR}\"\n", 1))

    def put_through(self, dialect):
        self.up("--dialect", dialect, "--population", self.file("people.yaml", POPULATION),
                rate=RATE, time_scale=20)
        campaign = self.create(self.customers(ROWS), "--start")
        watched = self.campaign("watch", campaign, timeout=600)
        self.assertEqual(watched.code, DONE, watched.text)
        self.judge(campaign, rows=ROWS, rate=RATE)

        asked, there, again = map(int, self.sql(
            "SELECT count(asked_operator_at), count(put_through_at), "
            "count(*) FILTER (WHERE asked_operator_at IS NOT NULL AND put_through_at IS NULL) "
            f"FROM reporting.call_attempts WHERE campaign_id = {campaign}")[0])
        self.assertGreater(there, 0)
        self.assertGreater(again, 0, "one line is not enough for all of them")
        self.assertEqual(asked, there + again)
        self.compare(campaign, dialect, there)
        self.who_spoke_is_done(campaign)
        self.who_did_not_heard_more(campaign)

    def compare(self, campaign, dialect, there):
        """With what the call server says that it told."""
        succeeded, _, kind = TOLD[dialect]
        told = set()
        for line in self.ledger.read_text().splitlines():
            entry = json.loads(line)
            if (entry["what"] == "callback" and entry["type"] == succeeded
                    and entry.get("code", 200) == 200):
                self.assertEqual(entry["operation_context"], "71")
                told.add(entry["call_leg_id"])
        self.assertEqual(len(told), there)
        put_through = self.sql("SELECT provider_call FROM reporting.call_attempts "
                               f"WHERE campaign_id = {campaign} AND put_through_at IS NOT NULL")
        self.assertEqual({call for (call,) in put_through}, told)
        self.assertEqual(self.count(campaign, f"kind = '{kind}'"), there)

    def who_spoke_is_done(self, campaign):
        later = self.sql(
            "SELECT later.attempt_id FROM reporting.attempt_people AS p "
            "JOIN reporting.call_attempts AS a USING (campaign_id, attempt_id) "
            "JOIN reporting.attempt_people AS q ON q.campaign_id = p.campaign_id "
            " AND q.recipient_id = p.recipient_id "
            "JOIN reporting.call_attempts AS later ON later.campaign_id = q.campaign_id "
            " AND later.attempt_id = q.attempt_id AND later.planned_at > a.ended_at "
            f"WHERE p.campaign_id = {campaign} AND a.put_through_at IS NOT NULL")
        self.assertEqual(later, [])

    def who_did_not_heard_more(self, campaign):
        """The call went on with another copy after the transfer had failed."""
        failed = self.count(campaign, "kind = 'TRANSFER_FAILED'")
        went_on = int(self.sql(
            "SELECT count(*) FROM call_event AS f WHERE f.kind = 'TRANSFER_FAILED' "
            f"AND f.campaign_id = {campaign} AND EXISTS (SELECT FROM call_event AS p "
            "WHERE p.campaign_id = f.campaign_id AND p.attempt_id = f.attempt_id "
            "AND p.kind = 'ACTION_ACCEPTED' AND p.number < 51 AND p.at > f.at)")[0][0])
        self.assertGreater(failed, 0)
        self.assertGreater(went_on, 0)

    def count(self, campaign, condition):
        return int(self.sql("SELECT count(*) FROM call_event WHERE "
                            f"campaign_id = {campaign} AND {condition}")[0][0])


if __name__ == "__main__":
    unittest.main()
