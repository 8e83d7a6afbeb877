"""TLS on everything that listens and on everything that connects."""
import re
import socket
import ssl
import unittest
import urllib.request

from certificates import Authority
from tocsin import CONFIG, DONE, FAILED, PATIENCE_S, USAGE, EndToEnd, run

LISTENERS = ("api", "receiver", "admin", "call-server")


class Tls(EndToEnd):
    def setUp(self):
        super().setUp()
        self.authority = Authority(self.folder / "tls")
        self.authority.issue("server")
        self.client = {"TOCSIN_SERVER_CA_FILE": str(self.authority.ca)}

    def everything(self, *more):
        flags = [flag for listener in LISTENERS
                 for flag in self.authority.flags(listener, "server")]
        return self.up(*flags, "--tls-ca-file", self.authority.ca, *more, rate=100)

    def listening(self):
        told = (self.folder / "data" / "listening").read_text()
        return dict(line.split("=", 1) for line in told.splitlines())

    def port_of(self, what):
        return int(self.listening()[what].rsplit(":", 1)[1])

    def shown_by(self, what):
        """The certificate that a listener shows whoever connects now."""
        context = ssl.create_default_context(cafile=self.authority.ca)
        context.set_alpn_protocols(["h2", "http/1.1"])
        with socket.create_connection(("127.0.0.1", self.port_of(what)), PATIENCE_S) as wire:
            with context.wrap_socket(wire, server_hostname="127.0.0.1") as connection:
                return connection.getpeercert()["serialNumber"]

    def metrics(self):
        context = ssl.create_default_context(cafile=self.authority.ca)
        with urllib.request.urlopen(self.listening()["admin"] + "/metrics", timeout=PATIENCE_S,
                                    context=context) as page:
            return page.read().decode()

    def value(self, name, listener):
        found = re.search(rf'^{name}{{listener="{listener}"}} (\S+)$', self.metrics(), re.MULTILINE)
        return float(found[1])

    def test_a_campaign_over_tls_while_the_certificate_is_renewed(self):
        up = self.everything()
        self.assertTrue(all(url.startswith("https://") for name, url in self.listening().items()
                            if name != "postgres"), self.listening())
        self.enter(self.client)
        campaign = self.create(self.customers(60), "--start")

        shown = [self.shown_by(what) for what in ("api", "receiver", "admin", "call_server")]
        self.assertEqual(len(set(shown)), 1)
        self.authority.issue("server")
        renewed = [self.shown_by(what) for what in ("api", "receiver", "admin", "call_server")]
        self.assertEqual(len(set(renewed)), 1)
        self.assertNotEqual(renewed[0], shown[0])

        self.assertEqual(self.campaign("watch", campaign).code, DONE)
        self.judge(campaign, rows=60, rate=100)

        with self.subTest("a broken one is not taken, and that is told"):
            good = self.authority.certificate("server").read_text()
            self.authority.certificate("server").write_text("not a certificate\n")
            for what in ("api", "receiver", "admin", "call_server"):
                self.assertEqual(self.shown_by(what), renewed[0])
                self.assertEqual(self.value("tocsin_tls_certificate_not_taken", what), 1)
            up.wait_for_line("certificate_not_taken")
            self.authority.certificate("server").write_text(good)
            self.assertEqual(self.value("tocsin_tls_certificate_not_taken", "api"), 0)
            self.assertGreater(self.value("tocsin_tls_certificate_expires_timestamp_seconds",
                                          "receiver"), 1.7e9)
        self.assertEqual(up.stop(), DONE)

    def test_the_command_line_says_what_is_wrong_and_what_would_be_right(self):
        self.authority.issue("elsewhere", hosts="DNS:tocsin.example.com")
        stranger = Authority(self.folder / "stranger")
        self.up(*self.authority.flags("api", "server"), "--api-tls-client-ca-file",
                self.authority.ca)
        address = self.listening()["api"].removeprefix("https://")

        def said(*flags, server="https://" + address):
            told = run("campaign", "list", "--server", server, *flags)
            self.assertEqual(told.code, FAILED, told.text)
            return told.err

        ca = ["--server-ca-file", self.authority.ca]
        self.assertIn("speaks TLS", said(server=address))
        self.assertIn("not trusted", said())
        self.assertIn("not trusted", said("--server-ca-file", stranger.ca))
        self.assertIn("--client-certificate-file", said(*ca))
        self.authority.issue("person")
        ours = ["--client-certificate-file", self.authority.certificate("person"),
                "--client-key-file", self.authority.key("person")]
        let_in = run("campaign", "list", "--server", address, *ca, *ours)
        self.assertEqual(let_in.code, DONE, let_in.text)
        with self.subTest("the audit trail has the name that is proven"):
            self.enter({"TOCSIN_SERVER_CA_FILE": str(self.authority.ca),
                        "TOCSIN_CLIENT_CERTIFICATE_FILE": str(ours[1]),
                        "TOCSIN_CLIENT_KEY_FILE": str(ours[3])})
            self.create(self.customers(1))
            self.assertIn("with the certificate of person",
                          self.sql("SELECT actor FROM audit_trail")[0][0])
        with self.subTest("half of what is needed"):
            half = run("campaign", "list", "--server", address, *ca, *ours[:2])
            self.assertEqual(half.code, USAGE)
            self.assertIn("--client-key-file", half.err)
        with self.subTest("another host's certificate"):
            for suffix in ("pem", "key"):
                (self.authority.folder / f"elsewhere.{suffix}").rename(
                    self.authority.folder / f"server.{suffix}")
            self.assertIn("is for tocsin.example.com, not for 127.0.0.1", said(*ca, *ours))

    def test_what_cannot_be_served_is_told_at_the_start(self):
        def refused(*flags):
            told = run("up", "--data-dir", self.folder / "data", *flags)
            self.assertEqual(told.code, CONFIG, told.text)
            return told.err

        certificate, key = (self.authority.certificate("server"), self.authority.key("server"))
        self.assertIn("--api-tls-key-file: is needed as well",
                      refused("--api-tls-certificate-file", certificate))
        self.assertIn("is not that of the first certificate",
                      refused("--admin-tls-certificate-file", certificate, "--admin-tls-key-file",
                              self.authority.folder / "ca.key"))
        self.assertIn("/nowhere.pem cannot be read: No such file or directory",
                      refused("--receiver-tls-certificate-file", "/nowhere.pem",
                              "--receiver-tls-key-file", key))
        self.assertIn("--tls-ca-file: /nowhere.pem cannot be read",
                      refused("--tls-ca-file", "/nowhere.pem"))
        key.chmod(0o644)
        told = refused(*self.authority.flags("api", "server"), "--cps", "0")
        self.assertIn("everybody on this machine may read it; chmod o=", told)
        self.assertIn("the receiver is reached at 0.0.0.0 without TLS",
                      refused("--receiver-host", "0.0.0.0", "--cps", "0"))


if __name__ == "__main__":
    unittest.main()
