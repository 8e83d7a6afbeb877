"""The callback door: events that are durable before they are answered with 200, against
Node's http and pg with an INSERT for each."""
from contest import Contest, Line

CONNECTIONS = 64
OFFERED = 2_000  # Events a second of an open loop that both can follow.


def contest(place):
    many, few = place.size(15_000), place.size(3_000)

    def ours(calls=many, **more):
        def measured():
            with place.database() as database:
                return place.measure("receiver_bench", database=place.postgres.url(database),
                                     connections=CONNECTIONS, calls=calls, **more)
        return measured

    def node(calls=many, **more):
        def measured():
            with place.database() as database:
                with place.node("door.mjs", place.postgres.socket, database) as process:
                    return place.measure("receiver_bench", port=int(process.stdout.readline()),
                                         connections=CONNECTIONS, calls=calls, **more)
        return measured

    offered = f"{OFFERED:,}/s offered"
    return Contest(
        "door",
        {"tocsin": ours(), "node http + pg": node(),
         f"tocsin, {offered}": ours(few, rate=OFFERED),
         f"node http + pg, {offered}": node(few, rate=OFFERED)},
        [Line("callback door", "tocsin", "node http + pg", "per_second", "events/s"),
         Line("callback door, p99", "tocsin", "node http + pg", "p99_ms", "ms"),
         Line(f"callback door, p99, {offered}", f"tocsin, {offered}",
              f"node http + pg, {offered}", "p99_ms", "ms")])
