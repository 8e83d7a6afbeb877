"""Claims, and the whole life of a call, against the least SQL that makes the same rows."""
from contest import Contest, Line
from nodes import Service

# Calls a second that a trunk offers a whole system on one machine: somewhat more than it
# can carry, and not so many that all are placed before the first has ended.
OFFERED = 2_000


def claim(place):
    # As many of them at most as may be in calls at once: a claim looks through those.
    people, calls = place.size(100_000), place.size(20_000)

    def by(program):
        def measured():
            with place.database() as database:
                return place.measure(program, work="claim", people=people, calls=calls,
                                     batch=100, database=place.postgres.url(database))
        return measured

    return Contest("claim", {"store": by("store_bench"), "raw SQL": by("raw_sql_bench")},
                   [Line("claim of 100", "store", "raw SQL", "per_second", "attempts/s"),
                    Line("claim of 100, p99", "store", "raw SQL", "p99_ms", "ms")])


def shape_of_calls(place, database):
    """The rows that calls have left, for those who are to make the same."""
    events, raw, raw_bytes, actions = place.postgres.sql(database, """
        WITH a AS (SELECT count(*)::numeric AS calls FROM call_attempt)
        SELECT round(count(*) / calls), round(count(e.raw) / calls),
               coalesce(round(avg(octet_length(e.raw))), 0),
               (SELECT round(count(*) / calls) FROM call_action)
        FROM call_event AS e, a GROUP BY calls""")[0]
    return {"events": int(events), "raw": int(raw), "raw_bytes": int(raw_bytes),
            "actions": int(actions)}


def raw_life(place, people, shape, batch=100, threads=2):
    """The same rows by SQL; with what they cost."""
    with place.database() as database:
        figures = place.measure("raw_sql_bench", work="life", people=people, batch=batch,
                                threads=threads, database=place.postgres.url(database), **shape)
    return figures


def life(place):
    """In process: facts are handed to the store, as the dialer does, without HTTP."""
    people, shape = place.size(40_000), {}

    def ours():
        with place.database() as database:
            figures = place.measure("store_bench", work="life", people=people, batch=100,
                                    threads=2, database=place.postgres.url(database))
            shape.update(shape_of_calls(place, database))
        return figures

    return Contest("life", {"in process": ours,
                            "raw SQL": lambda: raw_life(place, people, shape)},
                   [Line("life of a call, in process", "in process", "raw SQL", "per_second",
                         "calls/s"),
                    Line("WAL of a call", "in process", "raw SQL", "wal_bytes", "bytes"),
                    Line("disk of a call", "in process", "raw SQL", "disk_bytes", "bytes"),
                    Line("database's CPU of a call", "in process", "raw SQL", "database_cpu_us",
                         "us"),
                    Line("our CPU of a call", "in process", "raw SQL", "cpu_us", "us")])


def over_http(place):
    """End to end: nodes, a call server, and callbacks, all on this machine."""
    people, shape = place.size(20_000), {}

    def ours():
        with place.database() as database, Service(place, database) as service:
            service.apply_trunk(port=service.call_server(), rate=OFFERED)
            service.serve()
            service.wait_for_the_end(service.start_campaign(people))
            shape.update(shape_of_calls(place, database))
            return {"per_second": service.calls_per_second()}

    return Contest("life-http", {"over HTTP": ours,
                                 "raw SQL": lambda: raw_life(place, people, shape)},
                   [Line("life of a call, over HTTP", "over HTTP", "raw SQL", "per_second",
                         "calls/s")])
