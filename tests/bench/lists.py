"""Import: a list through the front door, against COPY of the same rows."""
from contest import Contest, Line
from nodes import Service

BATCH = 1000


def contest(place):
    people = place.size(300_000)

    def through_the_api():
        with place.database() as database, Service(place, database) as service:
            service.apply_trunk(port=9)  # Where nobody listens: nobody is rung.
            service.serve("--roles", "api")
            return place.measure("import_bench", server=service.address, people=people,
                                 batch=BATCH)

    def by(program, work, threads):
        def measured():
            with place.database() as database:
                return place.measure(program, work=work, database=place.postgres.url(database),
                                     people=people, batch=BATCH, threads=threads)
        return measured

    def peer(script):
        def measured():
            with place.database() as database:
                return place.measure_node(script, "enqueue", place.postgres.socket, database,
                                          people)
        return measured

    entrants = {"gRPC": through_the_api, "store alone": by("store_bench", "import", 2),
                "COPY": by("raw_sql_bench", "copy", 1)}
    lines = [Line("import", "gRPC", "COPY", "per_second", "rows/s"),
             Line("import, the store alone", "store alone", "COPY", "per_second", "rows/s")]
    lines += [Line("WAL of a row", "store alone", "COPY", "wal_bytes", "bytes"),
              Line("disk of a row", "store alone", "COPY", "disk_bytes", "bytes"),
              Line("database's CPU of a row", "store alone", "COPY", "database_cpu_us", "us")]
    if place.peers:
        entrants["graphile-worker"] = peer("graphile_worker.mjs")
        entrants["pg-boss"] = peer("pg_boss.mjs")
        lines += [Line("import", "gRPC", peer_name, "per_second", "rows/s")
                  for peer_name in ("graphile-worker", "pg-boss")]
    return Contest("import", entrants, lines)
