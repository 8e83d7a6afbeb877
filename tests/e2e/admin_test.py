"""What a node tells those who look after it: metrics and health."""
import re
import unittest
import urllib.error
import urllib.request

from service import Service
from tocsin import DONE, PATIENCE_S


def ask(address, path):
    """Status and body."""
    try:
        with urllib.request.urlopen(f"http://{address}{path}", timeout=PATIENCE_S) as told:
            return told.status, told.read().decode()
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, refused.read().decode()


class Admin(Service):
    def values(self, node, name):
        """Label text -> value, of each sample of that name."""
        status, page = ask(self.admin_of(node), "/metrics")
        self.assertEqual(status, 200, page)
        return {labels: float(value) for labels, value in
                re.findall(rf"^{name}(\{{.*\}})? (\S+)$", page, flags=re.MULTILINE)}

    @staticmethod
    def admin_of(node):
        return node.find(r"(?m)^metrics +http://(\S+)/metrics")

    def test_the_page_counts_what_the_report_counts(self):
        self.call_server()
        self.ready_to_serve(rate=100)
        node = self.serve()
        campaign = self.create(self.customers(150), "--start")
        self.watch_to_the_end(campaign, rows=150, rate=100)

        ended = self.values(node, "tocsin_attempts_ended_total")
        told = {f'{{trunk="local",disposition="{disposition}"}}': float(attempts)
                for disposition, attempts in self.sql(
                    "SELECT disposition, count(*) FROM reporting.call_attempts "
                    f"WHERE campaign_id = {campaign} GROUP BY 1")}
        self.assertEqual(ended, told)
        sent = self.values(node, "tocsin_create_call_seconds_count")
        self.assertEqual(sent['{result="accepted"}'], sum(told.values()))
        self.assertGreater(self.values(node, "tocsin_callbacks_acknowledged_total")[""], 0)
        self.assertEqual(self.values(node, "tocsin_live_calls"), {'{trunk="local"}': 0})
        self.assertEqual(self.values(node, "tocsin_pacer_leading"), {"": 1})

        with self.subTest("nothing personal"):
            page = ask(self.admin_of(node), "/metrics")[1]
            self.assertNotRegex(page, r"\+?1?[2-9]\d{2}5550\d{3}")
            self.assertNotIn(campaign, page)
        with self.subTest("alive and ready"):
            self.assertEqual(ask(self.admin_of(node), "/livez"), (200, "ok\n"))
            self.assertEqual(ask(self.admin_of(node), "/readyz"), (200, "ok\n"))
        with self.subTest("nothing else"):
            self.assertEqual(ask(self.admin_of(node), "/")[0], 404)
        self.assertEqual(node.stop(), DONE)

    def test_a_node_without_its_database_lives_and_is_not_ready(self):
        self.ready_to_serve()
        node = self.serve(roles="api")
        self.assertEqual(ask(self.admin_of(node), "/readyz")[0], 200)

        self.postgres.kill()

        status, why = ask(self.admin_of(node), "/readyz")
        self.assertEqual(status, 503)
        self.assertIn("database", why)
        self.assertEqual(ask(self.admin_of(node), "/livez")[0], 200)
        self.assertEqual(self.values(node, "tocsin_database_up"), {"": 0})
        self.postgres.start()


if __name__ == "__main__":
    unittest.main()
