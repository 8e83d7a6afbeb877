"""Bad input: one clear message with the place and the remedy, nothing half done."""
import socket
import unittest

from tocsin import CONFIG, DONE, EXAMPLES, FAILED, NOT_FOUND, USAGE, EndToEnd, run

HEADER = "person_key,name,phone\n"


class CommandLine(unittest.TestCase):
    def test_tells_its_version(self):
        told = run("version")
        self.assertEqual(told.code, DONE)
        self.assertRegex(told.out, r"^tocsin \d+\.\d+\.\d+")

    def test_without_a_command_it_tells_how_it_is_used(self):
        told = run()
        self.assertEqual(told.code, USAGE)
        self.assertIn("tocsin up --data-dir", told.err)

    def test_help_says_what_can_be_set(self):
        for command in ("up", "serve", "migrate", "call-server"):
            told = run(command, "--help")
            self.assertEqual(told.code, DONE, command)
            self.assertIn("--log-level", told.out, command)
            self.assertIn("Exit codes", told.out, command)

    def test_campaign_help_says_how_it_ends(self):
        told = run("campaign", "--help")
        self.assertEqual(told.code, DONE)
        for code in ("0", "1", "2", "3"):
            self.assertIn(code, told.out)

    def test_an_unknown_flag_is_a_mistake_in_usage(self):
        told = run("up", "--data-dri", "/tmp/x")
        self.assertEqual(told.code, USAGE)
        self.assertIn("--data-dri", told.err)

    def test_bad_settings_are_reported_all_at_once(self):
        told = run("up", "--cps", "0", "--time-scale", "slow",
                   environment={"TOCSIN_SEEED": "1"})
        self.assertEqual(told.code, CONFIG)
        for what in ("--data-dir", "--cps", "--time-scale", "TOCSIN_SEEED"):
            self.assertIn(what, told.err)

    def test_a_variable_that_is_no_setting_hinders_nothing(self):
        told = run("migrate", "status", "--database-url", "host=/nowhere dbname=tocsin",
                   environment={"TOCSIN_API_PROT": "1"})
        self.assertEqual(told.code, FAILED)  # For want of the database.
        self.assertIn("did you mean TOCSIN_API_PORT?", told.err)

    def test_an_unknown_word_is_a_mistake_in_usage(self):
        for command in ("migrate", "trunk"):
            told = run(command, "sideways", "--database-url", "host=/nowhere dbname=tocsin")
            self.assertEqual(told.code, USAGE, command)
            self.assertIn("expected", told.err)


class WithoutAServer(unittest.TestCase):
    def test_campaign_says_where_it_looked(self):
        told = run("campaign", "list", environment={"TOCSIN_SERVER": "127.0.0.1:1"})
        self.assertEqual(told.code, FAILED)
        self.assertIn("127.0.0.1:1", told.err)


class Submissions(EndToEnd):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.shared = None

    def submit(self, csv_text, encoding="utf-8", yaml=None):
        csv_file = self.file("customers.csv", csv_text, encoding)
        return self.campaign("create", "-f", yaml or EXAMPLES / "outage.yaml", "--recipients",
                             csv_file, "-o", "json")

    def edited_yaml(self, before, after):
        text = (EXAMPLES / "outage.yaml").read_text()
        self.assertIn(before, text)
        self.file("outage.wav", "")
        (self.folder / "outage.wav").write_bytes((EXAMPLES / "outage.wav").read_bytes())
        return self.file("edited.yaml", text.replace(before, after))

    def test_everything_that_can_be_wrong_with_a_submission(self):
        self.up()

        with self.subTest("a column that nobody knows"):
            told = self.submit("person_key,phone,fone2\nC1,2065550100,\n")
            self.assertNotEqual(told.code, DONE)
            self.assertIn("fone2", told.err)

        with self.subTest("a quote that is never closed"):
            told = self.submit(HEADER + 'C1,"Ana,2065550100\nC2,Ben,2065550101\n')
            self.assertNotEqual(told.code, DONE)
            self.assertIn("2", told.err)  # The line on which it was opened.

        with self.subTest("a file that is not UTF-8"):
            told = self.submit(HEADER + "C1,Zoë,2065550100\n", encoding="latin-1")
            self.assertNotEqual(told.code, DONE)
            self.assertIn("UTF-8", told.err)

        with self.subTest("semicolons"):
            told = self.submit(HEADER.replace(",", ";") + "C1;Ana;2065550100\n")
            self.assertNotEqual(told.code, DONE)
            self.assertIn("comma", told.err)

        with self.subTest("of all these nothing is left half done"):
            self.assertEqual(self.campaign("list", "-o", "json").json(), [])

        with self.subTest("a byte order mark and CRLF"):
            told = self.submit("\ufeff" + HEADER.replace("\n", "\r\n") +
                               "C1,Zoë,2065550100\r\nC2,Ben,2065550101\r\n")
            self.assertEqual(told.code, DONE, told.text)

        with self.subTest("a typo in a key of the campaign"):
            told = self.submit(HEADER + "C1,Ana,2065550100\n",
                               yaml=self.edited_yaml("ring_limit:", "ring_limti:"))
            self.assertNotEqual(told.code, DONE)
            self.assertIn("ring_limti", told.err)
            self.assertRegex(told.err, r"edited\.yaml:\d+:\d+")
            self.assertIn("did you mean 'ring_limit'?", told.err)

        with self.subTest("nobody in the list"):
            told = self.submit(HEADER)
            if told.code == DONE:
                told = self.campaign("start", self.id_of(told))
            self.assertNotEqual(told.code, DONE)
            self.assertRegex(told.err, "import|no rows")

        with self.subTest("a campaign that does not exist"):
            self.assertEqual(self.campaign("get", "12345").code, NOT_FOUND)

        with self.subTest("starting what was canceled"):
            made = self.submit(HEADER + "C1,Ana,2065550100\n")
            self.assertEqual(made.code, DONE, made.text)
            self.assertEqual(self.campaign("start", self.id_of(made)).code, DONE)
            self.assertEqual(self.campaign("cancel", self.id_of(made)).code, DONE)
            told = self.campaign("start", self.id_of(made))
            self.assertEqual(told.code, FAILED)
            self.assertRegex(told.err.lower(), "cancel")

    def test_a_port_in_use_is_named_with_the_remedy(self):
        flags = ("--api-port", "--receiver-port", "--admin-port", "--call-server-port")
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]

            for flag in flags:
                with self.subTest(flag):
                    ports = [word for other in flags
                             for word in (other, port if other == flag else 0)]
                    told = run("up", "--data-dir", self.folder / "data", *ports)
                    self.assertEqual(told.code, FAILED)
                    said = [line for line in told.err.splitlines() if line.startswith("tocsin")]
                    self.assertEqual(len(said), 1, told.err)
                    self.assertIn(str(port), said[0])
                    self.assertIn(f"{flag} takes another port", said[0])

            with self.subTest("call-server"):
                told = run("call-server", "--call-server-port", port)
                self.assertEqual(told.code, FAILED)
                self.assertIn("--call-server-port takes another port", told.err)

    def test_a_file_of_settings_with_a_typo_is_refused_with_its_place(self):
        told = run("up", "--config", self.file("tocsin.yaml", "cps: 10\napi_prot: 1\n"))
        self.assertEqual(told.code, CONFIG)
        self.assertIn("tocsin.yaml:2: unknown key api_prot; did you mean api_port?", told.err)

    def test_a_ledger_that_cannot_be_written_is_named(self):
        told = run("call-server", "--ledger", self.folder / "nowhere" / "ledger.jsonl")
        self.assertEqual(told.code, CONFIG)
        self.assertIn(f"ledger: {self.folder}/nowhere: No such file", told.err)
        self.assertNotIn("--call-server-port", told.err)

    def test_a_second_up_on_the_same_folder_is_refused(self):
        first = self.up()

        told = run("up", "--data-dir", self.folder / "data", "--api-port", 0,
                   "--receiver-port", 0, "--admin-port", 0)

        self.assertEqual(told.code, FAILED)
        self.assertIn(str(first.process.pid), told.err)


if __name__ == "__main__":
    unittest.main()
