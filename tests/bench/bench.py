#!/usr/bin/env python3
"""Measures Tocsin beside what it can be measured against; script/bench starts it."""
import argparse
import json
import signal
import sys

import calls
import contest
import dial
import door
import lists
import pacing
import size
from place import BenchError, Place

NAMES = {"import": lists.contest, "claim": calls.claim, "life": calls.life,
         "life-http": calls.over_http, "door": door.contest,
         "dialer-job": dial.contest, "pacing": pacing.run,
         "size": size.contest}
NEED_PEERS = {"door", "dialer-job"}


def arguments():
    parser = argparse.ArgumentParser(prog="script/bench")
    parser.add_argument("names", nargs="*", metavar="name")
    parser.add_argument("--build", required=True)
    parser.add_argument("--peers")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json")
    parser.add_argument("--fsync-ms", type=float, default=0)
    parser.add_argument("--rates", type=lambda text: [int(rate) for rate in text.split(",")],
                        default=pacing.RATES)
    parser.add_argument("--shrink", type=int, default=1)
    args = parser.parse_args()
    for name in args.names:
        if name not in NAMES:
            parser.error(f"there is no bench {name}; there are {', '.join(NAMES)}")
        if name in NEED_PEERS and not args.peers:
            parser.error(f"{name} is measured against others: add --with-peers")
    return args


def run(args, place):
    """What is to be written, as JSON."""
    names = args.names or [name for name in NAMES if place.peers or name not in NEED_PEERS]
    results, paced = [], []
    for name in names:
        if name == "pacing":
            paced = pacing.run(place, args.rates)
        else:
            results += contest.run(NAMES[name](place), args.rounds)
    if results:
        print("\n".join(contest.table(results)))
    if paced:
        print("\n".join(pacing.table(paced)))
    if names == ["pacing"]:
        return paced
    return [result.as_json() for result in results] + pacing.as_lines(paced)


def main():
    args = arguments()
    # Told to end, it takes with it what it has started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("bench: told to end"))
    try:
        place = Place(args.build, args.peers, args.fsync_ms, args.shrink)
        try:
            found = run(args, place)
        finally:
            place.close()
    except BenchError as error:
        sys.exit(f"bench: {error}")
    if args.json:
        with open(args.json, "w", encoding="utf-8") as out:
            json.dump(found, out, indent=2)
            out.write("\n")


if __name__ == "__main__":
    main()
