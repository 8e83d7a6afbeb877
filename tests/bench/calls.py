"""Claims, and the whole life of a call, against the least SQL that makes the same rows."""
from contest import Contest, Line
from nodes import Service


def claim(place):
    people, batch = place.size(100_000), 100

    def by(program):
        def measured():
            with place.database() as database:
                return place.measure(program, work="claim", people=people, batch=batch,
                                     database=place.postgres.url(database))
        return measured

    return Contest("claim", {"store": by("store_bench"), "raw SQL": by("raw_sql_bench")},
                   [Line("claim of 100", "store", "raw SQL", "per_second", "attempts/s"),
                    Line("claim of 100, p99", "store", "raw SQL", "p99_ms", "ms")])


class Costs:
    """What calls cost the database: WAL, disk and time."""

    def __init__(self, place, database):
        self._place, self._database = place, database
        self._before = self._now()

    def _now(self):
        postgres = self._place.postgres
        wal, disk = postgres.sql(
            self._database,
            "SELECT pg_current_wal_insert_lsn() - '0/0', pg_database_size(current_database())")[0]
        return float(wal), float(disk), postgres.cpu_seconds()

    def for_each(self, calls):
        wal, disk, cpu = (after - before for before, after in zip(self._before, self._now()))
        return {"wal_bytes": wal / calls, "disk_bytes": disk / calls,
                "database_cpu_us": cpu / calls * 1e6}


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
                         "calls/s")])


def over_http(place):
    """End to end: nodes, a call server, and callbacks, all on this machine."""
    people, shape = place.size(20_000), {}

    def ours():
        with place.database() as database, Service(place, database) as service:
            service.apply_trunk(port=service.call_server())
            service.serve()
            service.wait_for_the_end(service.start_campaign(people))
            shape.update(shape_of_calls(place, database))
            return {"per_second": service.ends_per_second()}

    return Contest("life-http", {"over HTTP": ours,
                                 "raw SQL": lambda: raw_life(place, people, shape)},
                   [Line("life of a call, over HTTP", "over HTTP", "raw SQL", "per_second",
                         "calls/s")])
