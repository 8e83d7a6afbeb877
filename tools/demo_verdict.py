#!/usr/bin/env python3
"""Says what a demo found, and whether it kept its promises.

    demo_verdict.py --campaign ID --database SOCKET_DIR --ledger FILE --cps R ...

Asks the reporting schema, as any analyst may, and lays beside it what the call
server saw. Exit code 1 if a promise was broken.
"""
import argparse
import csv
import io
import json
import subprocess
import sys

import recount


class Reporting:
    def __init__(self, socket_directory, campaign):
        self.socket_directory, self.campaign = socket_directory, campaign

    def rows(self, question):
        """`question` holds :campaign where the campaign's id belongs."""
        told = subprocess.run(
            ["psql", "-h", self.socket_directory, "-U", "tocsin", "-d", "tocsin", "--csv",
             "--tuples-only", "--no-psqlrc", "-c", question.replace(":campaign", self.campaign)],
            check=True, capture_output=True, text=True).stdout
        return list(csv.reader(io.StringIO(told)))

    def number(self, question):
        cell = self.rows(question)[0][0]
        return float(cell) if cell else 0.0

    def counts(self, question):
        return {name: int(count) for name, count in self.rows(question)}


# While somebody waits for a first call, the rate is what binds: from the first
# send to the last first attempt.
CPS_ACHIEVED = """
    WITH busy AS (SELECT min(sent_at) AS from_at, max(sent_at) AS to_at
                  FROM reporting.call_attempts
                  WHERE campaign_id = :campaign AND attempt_no = 1)
    SELECT (count(*) - 1) / nullif(extract(epoch FROM max(sent_at) - min(sent_at)), 0)
    FROM reporting.sends, busy
    WHERE campaign_id = :campaign AND sent_at BETWEEN from_at AND to_at"""

SENT_MAX = """
    SELECT max(sends) FROM (
        SELECT count(*) OVER (ORDER BY sent_at RANGE BETWEEN CURRENT ROW
                              AND interval '999999 microseconds' FOLLOWING) AS sends
        FROM reporting.sends WHERE campaign_id = :campaign) AS each"""


def found(args):
    asked = Reporting(args.database, args.campaign)
    with open(args.ledger, encoding="utf-8") as file:
        ledger = json.load(file)
    outcomes = asked.counts("SELECT coalesce(outcome, ''), count(*) "
                            "FROM reporting.recipient_outcomes "
                            "WHERE campaign_id = :campaign GROUP BY 1 ORDER BY 2 DESC")
    dispositions = asked.counts("SELECT coalesce(disposition, ''), count(*) "
                                "FROM reporting.call_attempts "
                                "WHERE campaign_id = :campaign GROUP BY 1 ORDER BY 2 DESC")
    return {
        "recipients": args.recipients,
        "people": sum(outcomes.values()),
        "outcomes": outcomes,
        "attempts": sum(dispositions.values()),
        "dispositions": dispositions,
        "acknowledged": outcomes.get("CONFIRMED", 0),
        "audit_rows": len(asked.rows("SELECT * FROM reporting.audit()")),
        "cps_limit": args.cps,
        "cps_achieved": round(asked.number(CPS_ACHIEVED), 2),
        "sent_max_in_rolling_second": int(asked.number(SENT_MAX)),
        "ledger": {key: ledger[key] for key in
                   ("calls", "max_in_rolling_second", "overlapping_calls")},
        "recount": recount.recount(args.database, args.ledger_file, args.campaign,
                                   time_scale=args.time_scale),
        "seconds": round(args.rung - args.rang, 1),
        "seconds_with_build": round(args.rung - args.begun, 1),
    }


def broken(what):
    """The promises that a finished campaign can be held to."""
    if what["audit_rows"]:
        yield f"the audit names {what['audit_rows']} broken promises"
    if "" in what["outcomes"]:
        yield f"{what['outcomes']['']} people have no outcome"
    if what["sent_max_in_rolling_second"] > what["cps_limit"]:
        yield "more was sent in a second than the limit allows"
    if what["ledger"]["max_in_rolling_second"] > what["cps_limit"] * 1.02 + 1:
        yield "more arrived in a second than the limit allows, by more than 2 %"
    if what["ledger"]["overlapping_calls"]:
        yield "somebody was rung while already in a call"
    for kind, attempts in what["recount"]["differing"].items():
        yield f"{attempts} attempts differ from the ledger ({kind}): {recount.EXPLAINED[kind]}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--campaign", required=True)
    parser.add_argument("--database", required=True, help="folder of PostgreSQL's socket")
    parser.add_argument("--ledger", required=True, help="what call-server audit said, as JSON")
    parser.add_argument("--ledger-file", required=True, help="the ledger itself")
    parser.add_argument("--time-scale", type=float, required=True)
    parser.add_argument("--recipients", type=int, required=True)
    parser.add_argument("--cps", type=float, required=True)
    for moment in ("begun", "rang", "rung"):
        parser.add_argument(f"--{moment}", type=float, required=True)
    parser.add_argument("--json", help="file that gets all of it")
    args = parser.parse_args()

    what = found(args)
    text = json.dumps(what, indent=2)
    print(text)
    if args.json:
        with open(args.json, "w", encoding="utf-8") as file:
            file.write(text + "\n")
    complaints = list(broken(what))
    for complaint in complaints:
        print(f"broken: {complaint}", file=sys.stderr)
    if not complaints:
        print("every promise was kept")
    sys.exit(bool(complaints))


main()
