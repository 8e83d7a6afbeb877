#!/usr/bin/env python3
"""Lays the attempts that the reporting schema tells of beside the calls that the
call server's ledger tells of, one by one.

    recount.py --campaign ID --database SOCKET_DIR --ledger FILE

Prints a JSON object; exit code 1 if the two differ anywhere. The ledger is the
call server's own word (docs/ledger.md): nothing in it comes from the dialer but
the attempt that each call was for.
"""
import argparse
import csv
import json
import subprocess
import sys

# Seconds by which the two may disagree on when a key was pressed: the dialer
# counts from the events, the ledger from the moment itself.
SLACK_S = 0.1

ATTEMPTS = """
    SELECT attempt_id, coalesce(disposition, ''), seizure, acknowledged_at IS NOT NULL
    FROM reporting.call_attempts
    WHERE campaign_id = {campaign}"""

EXPLAINED = {"answered": "the ledger says answered, the report does not, or the reverse",
             "placed": "a call without an attempt, or an attempt that was taken without a call",
             "acknowledged": "the confirming key was pressed and not counted, or the reverse"}


class Call:
    """What the ledger tells of one call."""

    def __init__(self):
        self.answered = False
        self.began_us = None  # When it first heard anything.
        self.pressed_us = []  # After that, each press of the confirming key.

    def note(self, what, entry, key):
        if what == "ended":
            self.answered = entry["answered"]
        elif what == "play":
            self.began_us = self.began_us or entry["at_us"]
        elif entry["key"] == key and self.began_us:
            self.pressed_us.append(entry["at_us"] - self.began_us)


def calls_of(lines, campaign, key):
    """attempt_id -> Call, for every call that was placed for the campaign."""
    by_leg, by_attempt = {}, {}
    for line in lines:
        what = line[9:line.find('"', 9)]
        if what not in ("create", "play", "key", "ended"):
            continue
        try:
            entry = json.loads(line)
        except ValueError:
            continue  # Torn by a kill: the next line is a server_started.
        leg = entry.get("call_leg_id")
        if what == "create":
            if leg and entry.get("campaign_id") == campaign:
                by_leg[leg] = by_attempt.setdefault(entry["attempt_id"], Call())
        elif leg in by_leg:
            by_leg[leg].note(what, entry, key)
    return by_attempt


def told_by(database, campaign):
    """attempt_id -> (answered, taken by the provider, acknowledged), as reported."""
    told = subprocess.run(
        ["psql", "-h", database, "-U", "tocsin", "-d", "tocsin", "--csv", "--tuples-only",
         "--no-psqlrc", "-c", ATTEMPTS.format(campaign=campaign)],
        check=True, stdout=subprocess.PIPE, text=True).stdout
    return {int(attempt): (disposition == "ANSWERED", seizure == "t", acknowledged == "t")
            for attempt, disposition, seizure, acknowledged in csv.reader(told.splitlines())}


def recount(database, ledger, campaign, key="1", identity_ends_s=4.0, time_scale=1.0):
    """How many attempts were compared, and the differences by kind."""
    with open(ledger, encoding="utf-8") as file:
        calls = calls_of(file, int(campaign), key)
    told = told_by(database, campaign)
    differing = {kind: [] for kind in EXPLAINED}
    # By then the message has said who calls: earlier keys do not count.
    known_us = 1e6 * identity_ends_s / time_scale
    for attempt in sorted(calls.keys() | told.keys()):
        answered, taken, acknowledged = told.get(attempt, (False, False, False))
        call = calls.get(attempt)
        if (call is not None) != taken:
            differing["placed"].append(attempt)
        if call is None:
            continue
        if call.answered != answered:
            differing["answered"].append(attempt)
        surely = any(us >= known_us + 1e6 * SLACK_S for us in call.pressed_us)
        perhaps = any(us >= known_us - 1e6 * SLACK_S for us in call.pressed_us)
        if surely and not acknowledged or acknowledged and not perhaps:
            differing["acknowledged"].append(attempt)
    return {"calls": len(calls),
            "attempts": len(told),
            "answered": sum(call.answered for call in calls.values()),
            "acknowledged": sum(row[2] for row in told.values()),
            "differing": {kind: len(attempts) for kind, attempts in differing.items() if attempts},
            "examples": {kind: attempts[:5] for kind, attempts in differing.items() if attempts}}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--campaign", required=True)
    parser.add_argument("--database", required=True, help="folder of PostgreSQL's socket")
    parser.add_argument("--ledger", required=True, help="the call server's ledger")
    parser.add_argument("--time-scale", type=float, default=1.0)
    args = parser.parse_args()
    found = recount(args.database, args.ledger, args.campaign, time_scale=args.time_scale)
    print(json.dumps(found, indent=2))
    for kind in found["differing"]:
        print(f"{kind}: {EXPLAINED[kind]}", file=sys.stderr)
    sys.exit(bool(found["differing"]))


if __name__ == "__main__":
    main()
