#!/usr/bin/env python3
"""Lays the attempts that the reporting schema tells of beside the calls that the
call server's ledger tells of, one by one.

    recount.py --campaign ID --database SOCKET_DIR --ledger FILE [--as-told]

Prints a JSON object; exit code 1 if the two differ anywhere. The ledger is the
call server's own word (docs/ledger.md): nothing in it comes from the dialer but
the attempt that each call was for.

With --as-told, for a call server with faults: of each call only that counts
which a callback told that was answered with 200. What nobody was told must not
be known, so an outcome is never stronger than that.
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
    SELECT attempt_id, coalesce(disposition, ''), seizure, acknowledged_at IS NOT NULL,
           coalesce(delivery, '')
    FROM reporting.call_attempts
    WHERE campaign_id = {campaign}"""

EXPLAINED = {"answered": "the ledger says answered, the report does not, or the reverse",
             "placed": "a call without an attempt, or an attempt that was taken without a call",
             "acknowledged": "the confirming key was pressed and not counted, or the reverse",
             "heard": "a whole copy was played and not counted, or the reverse",
             "ended": "an end that was told and not counted, or the reverse"}


class Attempt:
    """What the report tells of one attempt."""

    def __init__(self, disposition="", seizure="f", acknowledged="f", delivery=""):
        self.answered = disposition == "ANSWERED"
        self.lost = disposition == "LOST"
        self.taken = seizure == "t"
        self.acknowledged = acknowledged == "t"
        self.heard = delivery == "FULL"


class Call:
    """What the ledger tells of one call."""

    def __init__(self):
        self.answered = False
        self.heard = False
        self.ended = False
        self.began_us = None  # When it first heard anything.
        self.pressed_us = []  # After that, each press of the confirming key.
        self.told = Told()

    def note(self, what, entry, key):
        if what == "ended":
            self.answered = entry["answered"]
            self.ended = True
        elif what == "play":
            self.began_us = self.began_us or entry["at_us"]
        elif what == "play_ended":
            self.heard |= whole(entry)
        elif what == "callback":
            self.told.note(entry, key)
        elif entry["key"] == key and self.began_us:
            self.pressed_us.append(entry["at_us"] - self.began_us)

    def as_told(self):
        """The same, of which only that is known which was told."""
        self.answered, self.heard, self.ended = (
            self.told.answered, self.told.heard, self.told.ended)
        if not self.told.key:
            self.pressed_us = []
        return self


class Told:
    """What the callbacks of one call told that were answered with 200."""

    def __init__(self):
        self.answered = self.heard = self.ended = self.key = False

    def note(self, entry, key):
        if entry["dropped"]:
            return
        kind, tone = entry["type"], entry.get("tone", "")
        played = kind in ("PlayAudioResult", "PlayCompleted") and whole(entry)
        self.heard |= played
        self.key |= key in tone
        self.ended |= entry.get("state") == "Terminated" or kind in (
            "CallDisconnected", "CreateCallFailed")
        # A key or a whole copy proves the answer, though nobody told of it.
        self.answered |= bool(played or tone or entry.get("state") == "Established" or
                              kind == "CallConnected")


def whole(entry):
    """Whether a play ended because it was through."""
    return entry.get("code") == 200 and entry.get("subcode") == 0


def calls_of(lines, campaign, key):
    """attempt_id -> Call, for every call that was placed for the campaign."""
    by_leg, by_attempt = {}, {}
    for line in lines:
        what = line[9:line.find('"', 9)]
        if what not in ("create", "play", "play_ended", "key", "ended", "callback"):
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
    """attempt_id -> Attempt, as reported."""
    told = subprocess.run(
        ["psql", "-h", database, "-U", "tocsin", "-d", "tocsin", "--csv", "--tuples-only",
         "--no-psqlrc", "-c", ATTEMPTS.format(campaign=campaign)],
        check=True, stdout=subprocess.PIPE, text=True).stdout
    return {int(attempt): Attempt(*columns) for attempt, *columns in csv.reader(told.splitlines())}


def differences(call, attempt, known_us):
    """In what a call and its attempt differ. By `known_us` the message has said who
    calls: earlier keys do not count."""
    if call is None:
        return {"placed"} if attempt.taken else set()
    found = set()
    if call.answered != attempt.answered:
        found.add("answered")
    surely = any(us >= known_us + 1e6 * SLACK_S for us in call.pressed_us)
    perhaps = any(us >= known_us - 1e6 * SLACK_S for us in call.pressed_us)
    if surely and not attempt.acknowledged or attempt.acknowledged and not perhaps:
        found.add("acknowledged")
    return found


def recount(database, ledger, campaign, key="1", identity_ends_s=4.0, time_scale=1.0,
            as_told=False):
    """How many attempts were compared, and the differences by kind."""
    with open(ledger, encoding="utf-8") as file:
        calls = calls_of(file, int(campaign), key)
    told = told_by(database, campaign)
    differing = {kind: [] for kind in EXPLAINED}
    for attempt_id in sorted(calls.keys() | told.keys()):
        attempt, call = told.get(attempt_id, Attempt()), calls.get(attempt_id)
        found = set()
        if call is not None and as_told:
            call.as_told()
            # Nobody need know of a call that was not told of.
            if attempt.heard != call.heard:
                found.add("heard")
            if call.ended and attempt.lost or attempt_id not in told:
                found.add("ended")
        elif call is not None and not attempt.taken:
            found.add("placed")
        found |= differences(call, attempt, 1e6 * identity_ends_s / time_scale)
        for kind in found:
            differing[kind].append(attempt_id)
    return {"calls": len(calls),
            "attempts": len(told),
            "answered": sum(call.answered for call in calls.values()),
            "acknowledged": sum(attempt.acknowledged for attempt in told.values()),
            "lost": sum(attempt.lost for attempt in told.values()),
            "differing": {kind: len(attempts) for kind, attempts in differing.items() if attempts},
            "examples": {kind: attempts[:5] for kind, attempts in differing.items() if attempts}}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--campaign", required=True)
    parser.add_argument("--database", required=True, help="folder of PostgreSQL's socket")
    parser.add_argument("--ledger", required=True, help="the call server's ledger")
    parser.add_argument("--time-scale", type=float, default=1.0)
    parser.add_argument("--as-told", action="store_true",
                        help="only what was told by callbacks that were answered")
    args = parser.parse_args()
    found = recount(args.database, args.ledger, args.campaign, time_scale=args.time_scale,
                    as_told=args.as_told)
    print(json.dumps(found, indent=2))
    for kind in found["differing"]:
        print(f"{kind}: {EXPLAINED[kind]}", file=sys.stderr)
    sys.exit(bool(found["differing"]))


if __name__ == "__main__":
    main()
