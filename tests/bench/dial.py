"""The "dialer job": insert an attempt, POST create-call to a stub, write down the answer.
Ours does so with everything that a node does (claim, intent, pacing, the log), against
job queues that do this and no more."""
from contest import Contest, Line
from nodes import Service
from place import PATIENCE_S


def per_second(place, database, times):
    """Between the first tenth and the last, when everything was under way."""
    first, last, count = place.postgres.sql(database, f"""
        SELECT extract(epoch FROM percentile_disc(0.1) WITHIN GROUP (ORDER BY at)),
               extract(epoch FROM percentile_disc(0.9) WITHIN GROUP (ORDER BY at)), count(*)
        FROM ({times}) AS sent (at)""")[0]
    return {"per_second": 0.8 * int(count) / (float(last) - float(first))}


def contest(place):
    people = place.size(20_000)

    def ours():
        accepted = "FROM call_event WHERE kind = 'CREATE_ACCEPTED'"
        with place.database() as database, place.create_call_stub() as port, \
                Service(place, database) as service:
            service.apply_trunk(port=port)
            service.serve()
            service.start_campaign(people)
            service.wait_until(f"SELECT count(*) >= {people} {accepted}", PATIENCE_S, every_s=1)
            return per_second(place, database, f"SELECT at {accepted}")

    def peer(script):
        def measured():
            with place.database() as database, place.create_call_stub() as port:
                place.measure_node(script, "dial", place.postgres.socket, database, people, port)
                return per_second(place, database,
                                  "SELECT sent_at FROM call_attempt WHERE provider_call <> ''")
        return measured

    return Contest("dialer-job",
                   {"tocsin": ours, "graphile-worker": peer("graphile_worker.mjs"),
                    "pg-boss": peer("pg_boss.mjs")},
                   [Line("dialer job", "tocsin", other, "per_second", "jobs/s")
                    for other in ("graphile-worker", "pg-boss")])
