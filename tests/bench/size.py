"""Whether what something costs depends on how long the list is: 10,000 people, 100,000,
a million."""
from contest import Contest, Line
from nodes import Service
from place import resident_mb

SIZES = (10_000, 100_000, 1_000_000)
CALLS = 10_000     # Of each list.
DIALED_A_SECOND = 100
DIALED = 1_000     # After which a node's memory is looked at.


def node_with(place, people):
    """A node that takes a list in and rings it for a while."""
    with place.database() as database, place.create_call_stub() as port, \
            Service(place, database) as service:
        service.apply_trunk(port=port, rate=DIALED_A_SECOND)
        node = service.serve()
        imported = place.measure("import_bench", server=service.address, people=people,
                                 start="yes")
        service.wait_until(f"SELECT count(*) >= {min(place.size(DIALED), people)} "
                           "FROM call_event")
        return {"imported_per_second": imported["per_second"],
                "node_mb": resident_mb(node.process.pid)}


def contest(place):
    def entrant(people):
        def measured():
            figures = node_with(place, people)
            with place.database() as database:
                figures |= place.measure(
                    "store_bench", work="life", people=people, calls=min(CALLS, people),
                    batch=100, threads=2, database=place.postgres.url(database))
            return figures
        return measured

    sizes = [place.size(size) for size in SIZES]
    names = [f"list of {size:,}" for size in sizes]
    lines = [Line(f"{what}, {longer}", longer, names[0], figure, unit)
             for what, figure, unit in (("import", "imported_per_second", "rows/s"),
                                        ("claim of 100", "claims_per_second", "attempts/s"),
                                        ("claim of 100, p99", "claim_p99_ms", "ms"),
                                        ("life of a call", "per_second", "calls/s"),
                                        ("WAL of a call", "wal_bytes", "bytes"),
                                        ("database's CPU of a call", "database_cpu_us", "us"),
                                        ("memory of a node", "node_mb", "MB"))
             for longer in names[1:]]
    return Contest("size", {name: entrant(size) for name, size in zip(names, sizes)}, lines)
