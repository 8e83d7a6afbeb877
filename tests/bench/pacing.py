"""Pacing: three nodes on one database, of which the one that sends is killed in the middle
and started again. Never over the rate, and as good as all of it used."""
import bisect
import json
import time

from contest import number, say
from nodes import Service

NODES = 3
RATES = (10, 100, 1_000)
SECONDS = 40       # At the rate, for all.
KILL_AFTER_S = 15  # From the first send.
LEASE_S = 5        # What a successor waits for after a kill (scheduler/scheduler.h),
SETTLE_S = 1       # and then so long, until no window holds a send of its predecessor.
GUARD_S = 0.001    # Kept by the pacer beyond each second.


def most_in_a_second(times_us):
    """The largest number of moments in any rolling second."""
    times_us = sorted(times_us)
    return max((i + 1 - bisect.bisect_right(times_us, at - 1_000_000)
                for i, at in enumerate(times_us)), default=0)


def used(times_s, begin_s, end_s, rate):
    """What was sent between two moments, and what could have been. A moment that lies less
    than one send away from the first or last send is taken for it, so that what counts are
    the steps between sends."""
    step = (1 + GUARD_S) / rate
    inside = [at for at in times_s if begin_s <= at <= end_s]
    if not inside:
        return 0, (end_s - begin_s) / step
    sent = len(inside)
    if inside[0] - begin_s <= step:
        begin_s, sent = inside[0], sent - 1
    return sent, ((inside[-1] if end_s - inside[-1] <= step else end_s) - begin_s) / step


def judged(rate, sent_us, arrived_us, killed_s):
    """The promise on the rate, in figures. Arrivals are as the kernel noted them, so that
    what the call server itself was late for is not in them."""
    times_s = sorted(at / 1e6 for at in sent_us)
    resumed_s = killed_s + LEASE_S + SETTLE_S
    pieces = [used(times_s, times_s[0], killed_s, rate),
              used(times_s, resumed_s, times_s[-1], rate)]
    sent, possible = (sum(column) for column in zip(*pieces))
    return {"rate": rate,
            "max_in_rolling_second": most_in_a_second(sent_us),
            "ledger_max_in_rolling_second": most_in_a_second(arrived_us),
            "used_percent": round(100 * sent / possible, 3) if possible else 0.0}


def kill_the_sender(service, nodes):
    """Kills the node that holds the lease, starts it again, and tells when it was killed."""
    holder = service.sql("SELECT holder FROM pacer_lease WHERE expires_at > clock_timestamp()")
    pid = int(holder[0][0].rsplit("-", 2)[1])
    place, sender = next((place, up) for place, up in enumerate(nodes) if up.process.pid == pid)
    killed_s = time.time()
    sender.kill()
    service.forget(sender)
    nodes[place] = service.serve(receiver_port=service.receiver_ports[place])
    return killed_s


def arrivals(ledger):
    with open(ledger, encoding="utf-8") as lines:
        return [entry["at_us"] for entry in map(json.loads, lines) if entry["what"] == "create"]


def measure(place, rate):
    people = max(place.size(rate * SECONDS), 2 * rate)
    kill_after_s = people / rate * KILL_AFTER_S / SECONDS
    ledger = place.folder / "ledger.jsonl"
    with place.database() as database, Service(place, database) as service:
        # The usual people: how many answer is not what a rate depends on.
        port = service.call_server("--ledger", ledger, population="calm")
        service.apply_trunk(port=port, rate=rate)
        service.choose_receiver_ports(NODES)
        nodes = [service.serve(receiver_port=port) for port in service.receiver_ports]
        campaign = service.start_campaign(people)
        service.wait_until("SELECT min(at) < now() - "
                           f"interval '{kill_after_s} s' FROM call_event")
        killed_s = kill_the_sender(service, nodes)
        service.wait_for_the_end(campaign)
        sent_us = [int(row[0]) for row in service.sql(
            "SELECT (extract(epoch FROM sent_at) * 1000000)::bigint FROM reporting.sends")]
    figures = judged(rate, sent_us, arrivals(ledger), killed_s)
    ledger.unlink()
    return figures


def run(place, rates=RATES):
    """An object for each rate."""
    found = []
    for rate in rates:
        found.append(measure(place, rate))
        say("pacing: " + ", ".join(f"{name} {number(value)}"
                                   for name, value in found[-1].items()))
    return found


def table(found):
    yield (f"{'calls/s':>8}  {'most in a second':>16}  {'by the ledger':>13}  "
           f"{'used, % of rate / (1 + guard)':>29}")
    for line in found:
        yield (f"{line['rate']:>8,}  {line['max_in_rolling_second']:>16,}  "
               f"{line['ledger_max_in_rolling_second']:>13,}  {line['used_percent']:>29.2f}")


def as_lines(found):
    """The same in the form of every other bench: what was used, over what may be."""
    return [{"name": f"pacing, {line['rate']:,} calls/s", "against": "rate / (1 + guard)",
             "unit": "calls/s",
             "ratio": dict.fromkeys(("min", "median", "max"),
                                    round(line["used_percent"] / 100, 5))} for line in found]
