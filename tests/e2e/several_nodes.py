"""What the stories of several nodes on one database share."""
from balancer import Balancer
from service import Service
from tocsin import BINARY, DONE, Up, run, wait_until

# What the death of the pacer may cost, and what a busy machine may add to it.
LEASE_S, SUCCESSOR_S, BUSY_S = 5.0, 1.0, 0.5
# A tenth of life, so that seconds of a gap are not minutes of a call.
SCALE = 10


class SeveralNodes(Service):
    """A test with nodes behind one address for callbacks."""

    def setUp(self):
        super().setUp()
        self.balancer = Balancer()
        self.addCleanup(self.balancer.close)
        self.nodes = []

    def node(self, *more, roles="api,scheduler,receiver", environment=None, binary=BINARY):
        """One more; its callbacks come through the balancer."""
        started = Up("--database-url", self.postgres.url, "--callback-keys-file", self.keys,
                     "--roles", roles, "--api-port", 0, "--admin-port", 0, "--receiver-port", 0,
                     "--callback-url", self.balancer.url, *more, command="serve",
                     environment=environment, binary=binary)
        self.started.append(started)
        self.nodes.append(started)
        if "receiver" in roles:
            self.balancer.add(int(started.find(r"(?m)^receiver +http://127.0.0.1:(\d+)")))
        if "api" in roles:
            self.address = started.find(r"(?m)^API +(\S+)")
        return started

    def speak_to(self, node):
        """From now on, through the API of that one."""
        self.address = node.find(r"(?m)^API +(\S+)")

    def stop(self, node):
        self.nodes.remove(node)
        self.assertEqual(node.stop(), DONE, node.output)

    # --- who is there ---

    def list_nodes(self):
        listed = run("nodes", "-o", "json", "--database-url", self.postgres.url)
        self.assertEqual(listed.code, DONE, listed.text)
        return listed.json()["nodes"]

    def told_of(self, node):
        """What the list says of a process: its name has the process's number."""
        told = [entry for entry in self.list_nodes()
                if entry["node"].split("-")[-2] == str(node.process.pid)]
        self.assertEqual(len(told), 1)
        return told[0]

    def pacer(self, besides=None):
        """Waits until one of the nodes, but for one perhaps, holds the lease; its process."""
        def holder():
            for node in self.nodes:
                if node is not besides and self.told_of(node)["lease"] is not None:
                    return node
            return None
        return wait_until(holder)

    # --- when calls leave ---

    def time(self):
        return self.sql("SELECT clock_timestamp()")[0][0]

    def seconds_to_first_send_of(self, epoch, since):
        """How long after `since` the first call of that epoch left."""
        return wait_until(lambda: float(self.sql(
            f"SELECT coalesce(extract(epoch FROM min(s.sent_at) - '{since}'), 0) "
            "FROM reporting.sends AS s JOIN call_attempt AS a USING (campaign_id, attempt_id) "
            f"WHERE a.intent_epoch = {epoch}")[0][0]))

    def longest_gap(self, campaign, since, until):
        """The longest time between two sends of a span in which people were due."""
        return float(self.sql(
            "SELECT max(gap) FROM (SELECT extract(epoch FROM sent_at - lag(sent_at) OVER "
            f"(ORDER BY sent_at)) AS gap FROM reporting.sends WHERE campaign_id = {campaign} "
            f"AND sent_at BETWEEN '{since}' AND '{until}') AS gaps")[0][0])
