"""The call server away, slow or out of its mind: campaigns go on when it is itself
again; nobody is lost and nobody is rung twice."""
import socket
import threading
import unittest

from service import Service
from tocsin import DONE

ROWS = 200


class CallServerFaults(Service):
    def campaign_with(self, *call_server, serve=(), rows=ROWS):
        """A whole campaign against a call server with a fault."""
        self.call_server(*call_server)
        self.ready_to_serve()
        self.serve(*serve)
        campaign = self.create(self.customers(rows), "--start")
        self.watch_to_the_end(campaign, rows=rows)
        return campaign

    def unanswered_in(self, campaign):
        """Attempts whose request was sent and never answered as it should be."""
        return int(self.sql("SELECT count(DISTINCT attempt_id) FROM call_event WHERE "
                            f"campaign_id = {campaign} AND kind = 'CREATE_UNKNOWN'")[0][0])

    def test_down_at_the_start(self):
        self.ready_to_serve()
        node = self.serve()
        campaign = self.create(self.customers(ROWS), "--start")
        node.wait_for_line("trunk_stopped")

        self.call_server()

        ledger = self.watch_to_the_end(campaign, rows=ROWS)
        node.wait_for_line("trunk_goes_on")
        # A request that found nobody was none: no attempt of anybody's is used up.
        self.assertEqual(self.sql("SELECT count(*) FROM reporting.call_attempts WHERE "
                                  f"campaign_id = {campaign}")[0][0], str(ledger["calls"]))

    def test_killed_in_the_middle_and_started_again(self):
        server = self.call_server()
        self.ready_to_serve(rate=50)
        node = self.serve()
        campaign = self.create(self.customers(ROWS), "--start")
        self.watch_until(campaign, attempts=30)

        server.kill()
        node.wait_for_line("trunk_stopped")
        self.call_server()

        self.watch_to_the_end(campaign, rows=ROWS, rate=50)

    def test_answers_too_late(self):
        campaign = self.campaign_with("--fault-hang-every", 5,
                                      serve=["--request-timeout", "500ms"])
        self.assertGreater(self.unanswered_in(campaign), 0)

    def test_answers_500_although_it_rings(self):
        campaign = self.campaign_with("--fault-error-every", 5)
        self.assertGreater(self.unanswered_in(campaign), 0)

    def test_answers_a_page_of_html(self):
        campaign = self.campaign_with("--fault-html-every", 5)
        self.assertGreater(self.unanswered_in(campaign), 0)

    def test_answers_that_there_are_too_many_requests(self):
        campaign = self.campaign_with("--fault-throttle-every", 10)
        self.assertEqual(self.unanswered_in(campaign), 0)

    def test_answers_nothing_but_html_until_it_is_mended(self):
        broken = self.call_server("--fault-html-every", 1)
        self.ready_to_serve()
        node = self.serve()
        campaign = self.create(self.customers(ROWS), "--start")
        node.wait_for_line("trunk_stopped")

        self.assertEqual(broken.stop(), DONE)
        self.call_server()

        self.watch_to_the_end(campaign, rows=ROWS)

    def test_listens_and_says_nothing(self):
        with Mute(self.call_server_port):
            self.ready_to_serve()
            node = self.serve("--request-timeout", "500ms")
            campaign = self.create(self.customers(ROWS), "--start")
            node.wait_for_line("trunk_stopped")

        self.call_server()

        self.watch_to_the_end(campaign, rows=ROWS)


class Mute:
    """A server that accepts whoever comes and never says a word."""

    def __init__(self, port):
        self._socket = socket.create_server(("127.0.0.1", port), backlog=1024)
        self._clients = []
        self._thread = threading.Thread(target=self._accept, daemon=True)

    def __enter__(self):
        self._thread.start()

    def __exit__(self, *_):
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        for closing in (self._socket, *self._clients):
            closing.close()

    def _accept(self):
        try:
            while True:
                self._clients.append(self._socket.accept()[0])
        except OSError:
            pass


if __name__ == "__main__":
    unittest.main()
