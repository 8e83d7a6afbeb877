"""Nothing personal and nothing secret in any log, shown by feeding marked values in
everywhere and searching everything that comes out anywhere.

In: lists, campaign files, trunk files, settings, the environment, the gRPC port, callbacks
(good, forged, broken, garbage), the provider's answers. Out: what each process writes,
PostgreSQL and nginx included, metrics, health, the titles of processes, and every
statement that PostgreSQL was sent.
"""
import asyncio
import base64
import http.server
import itertools
import json
import pathlib
import re
import shutil
import socket
import threading
import unittest

from admin_test import ask
from certificates import Authority
from deploy import DEPLOY, needs
from front import Front
from front_test import Attacker, head, signed_path
from service import KEYS, Service
from tocsin import DONE, EXAMPLES, FAILED, PATIENCE_S, Up, run

PEOPLE = 40
SECRET = "MarkedSecret"


def secret(name, length=32):
    """A base64 key that nobody can mistake."""
    return base64.b64encode((SECRET + name).encode().ljust(length, b"x")).decode()


# What it is -> how it looks. Each is fed in below, and is looked for in everything.
MARKS = {
    "a person's name": ["Zephyrine Markedname"],
    "a person's key": ["personkeymark"],
    "a file of a message": ["markedmessagefile"],
    "a cell of a list": ["markedcell"],
    "an access key": [secret("AccessKey")],
    "a bearer token": ["eyMarked0Bearer0Token.eyMarked1Bearer1Token.Marked-2_Bearer"],
    "the database's password": ["MarkedDatabasePassword"],
    "a key of callback URLs": [KEYS.strip().partition(":")[2]],
    "a setting that is secret": ["MarkedSetting+MarkedSetting/="],
    "a callback": ["markedcallback"],
    "a provider's page": ["markedpage"],
    "what a stranger asked for": ["markedrequest"],
}
# The exchange 555 is nobody's. As digits alone: however they are written, they are found.
NUMBERS = [f"206555{n:04}" for n in range(100, 100 + PEOPLE)]
SPELLINGS = ("+1{0}{1}{2}", "({0}) {1}-{2}", "{0}.{1}.{2}", "1-{0}-{1}-{2}")
CALLER = "20855501"


def spelled(number, spelling):
    return SPELLINGS[spelling % len(SPELLINGS)].format(number[:3], number[3:6], number[6:])


def digits_of(text):
    """With the numbers in it as digits alone, and percent-encoding undone."""
    text = re.sub(r"%2[bB]", "+", text)
    return re.sub(r"(?<=\d)[-. ()/]+(?=\d)", "", text)


class Provider:
    """One that answers create-calls with errors which quote all that it was sent."""

    def __init__(self, reader_of_requests):
        answers = itertools.cycle([
            (400, "json"), (401, "json"), (403, "json"), (404, "json"), (409, "json"),
            (422, "html"), (429, "json"), (500, "json"), (500, "html"), (502, "html"),
            (200, "html"), (200, "json"), (201, "json"), (202, "odd"), (302, "html")])

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
                said = (f"markedpage {self.headers.get('Authorization')} {body} {self.path} "
                        f"{dict(self.headers)}")
                reader_of_requests(said)
                status, form = next(answers)
                told = {"json": json.dumps({
                            "code": said, "message": said, "callLegId": said,
                            "error": {"code": said, "message": said,
                                      "innererror": {"code": said, "message": said}}}),
                        "html": f"<html><body>{said}</body></html>",
                        "odd": said}[form].encode()
                self.send_response(status, "markedpage")
                self.send_header("Content-Length", len(told))
                self.send_header("Location", "http://127.0.0.1:1/markedpage")
                self.send_header("x-ms-request-id", "markedpage")
                self.send_header("Retry-After", "markedpage" if status == 429 else "1")
                self.end_headers()
                self.wfile.write(told)

            do_POST = do_GET = do_DELETE = answer

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self):
        self._server.shutdown()
        self._server.server_close()


@needs("nginx")
class Leaks(Service):
    def setUp(self):
        super().setUp()
        self.told = {}  # Where it was said -> what.
        self.asked = []  # What the provider was sent: it must have got the marks.
        self.provider = Provider(self.asked.append)
        self.addCleanup(self.provider.stop)
        self.authority = Authority(self.folder / "tls")
        self.as_it_is_shipped()

    def as_it_is_shipped(self):
        """PostgreSQL with the shipped settings, and a password; and besides it writes down
        each statement, which the settings forbid: what no statement holds cannot be seen in
        pg_stat_activity by anybody, at any moment."""
        self.sql("CREATE ROLE node LOGIN CREATEROLE PASSWORD 'MarkedDatabasePassword'; "
                 "ALTER DATABASE tocsin OWNER TO node")
        self.postgres.stop()
        settings = shutil.copy(DEPLOY / "postgresql/tocsin.conf", self.folder)
        with (self.postgres.folder / "postgresql.conf").open("a") as main:
            main.write(f"include '{settings}'\nlog_statement = all\n")
        rules = self.postgres.folder / "pg_hba.conf"
        rules.write_text("local all node scram-sha-256\n" + rules.read_text())
        self.postgres.start()

    @property
    def url(self):
        return (f"host={self.postgres.socket} user=node dbname=tocsin "
                "password=MarkedDatabasePassword")

    # --- Saying and hearing ---

    def hear(self, where, text):
        self.told[where] = self.told.get(where, "") + text

    def command(self, *arguments, environment=None):
        """What a command says is looked through as well."""
        done = run(*arguments, environment={
            "TOCSIN_DATABASE_URL": self.url,
            **(self.api() if self.address else {}), **(environment or {})})
        self.hear("tocsin " + " ".join(map(str, arguments)), done.text)
        return done

    def starting(self, command, *more, environment=None):
        started = Up(*more, "--log-level", "debug", command=command,
                     environment={"TOCSIN_DATABASE_URL": self.url, **(environment or {})})
        self.started.append(started)
        return started

    def titles(self):
        """Of every process of ours, as anybody on the machine sees them."""
        processes = {up.process.pid for up in self.started} | {
            self.postgres.process.pid, self.front.process.pid}
        parents = {}
        for entry in pathlib.Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    stat = (entry / "stat").read_text()
                    parents[int(entry.name)] = int(stat.rpartition(")")[2].split()[1])
                    if processes & {int(entry.name), parents[int(entry.name)]}:
                        title = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                        self.hear("titles", f"{title}\n{(entry / 'comm').read_text()}")
                except (FileNotFoundError, ProcessLookupError):
                    pass  # It has ended meanwhile.

    def pages(self, node):
        admin = node.find(r"(?m)^metrics +http://(\S+)/metrics")
        for path in ("/metrics", "/readyz", "/livez", "/markedrequest?markedrequest"):
            self.hear(path, ask(admin, path)[1])
        self.titles()

    # --- What is fed in ---

    def people(self):
        """A list with good rows and bad ones, and numbers spelled in every way."""
        rows = ["person_key,name,phone,phone2,time_zone,language,priority"]
        for n, number in enumerate(NUMBERS):
            rows.append(f'personkeymark{n},"Zephyrine Markedname {n}","{spelled(number, n)}",'
                        f'"{spelled(NUMBERS[n - 1], n + 1)}",,,')
        for bad in ("markedcell,,,,", f"+1{NUMBERS[0]}9999999,,,,", "911,,,,",
                    f"{NUMBERS[1]},,markedcell/Zone,,", f"{NUMBERS[1]},,,markedcell,",
                    f"{NUMBERS[1]},,,,markedcell", ",,,,"):
            rows.append(f"personkeymark-bad{len(rows)},Zephyrine Markedname,{bad}")
        rows.append(rows[1])  # The same person again.
        return self.file("markedmessagefile.csv", "\n".join(rows) + "\n")

    def campaign_file(self, trunk, name="campaign.yaml"):
        text = self.impatient_campaign().read_text()
        shutil.copy(EXAMPLES / "outage.wav", self.folder / "markedmessagefile.wav")
        return self.file(name, text.replace("audio: outage.wav", "audio: markedmessagefile.wav")
                         .replace("trunk: local", f"trunk: {trunk}"))

    def trunk(self, name, endpoint, credential, dialect="2021-05"):
        callers = ", ".join(f'"+1{CALLER}{n:02}"' for n in range(20))
        file = self.file(f"{name}.yaml", f"""\
name: {name}
endpoint: {endpoint}
dialect: {dialect}
caller_numbers: [{callers}]
calls_per_second: 50
concurrent_max: 2000
concurrent_max_per_caller: 100
time_scale: 60
{credential}
""")
        return self.command("trunk", "apply", file)

    def bad_settings(self):
        """Secrets in places where they are wrong, and wrong secrets where they belong."""
        mark = MARKS["a setting that is secret"][0]
        password = MARKS["the database's password"][0]
        broken_key = self.file("broken.key", f"-----BEGIN {'PRIVATE'} KEY-----\n{mark}\n")
        for number, text in enumerate((
                f"access_key: {mark}", f"callback_keys: {mark}", f"bearer_token: [{mark}]",
                f"database_url: {{password: {mark}}}", f"callback_keys_file: {broken_key}",
                f"access_key_file: {broken_key}", f"database_url: [{mark}",
                f"database_url: postgresql://node:{mark}@[::1/tocsin",
                f"callback_url: ftp://user:{mark}@calls.example.com",
                f"api_tls_certificate_file: {broken_key}\napi_tls_key_file: {broken_key}")):
            file = self.file(f"bad{number}.yaml", text + "\n")
            for command in ("serve", "call-server"):
                self.command(command, "--check-config", "--config", file)
        for name in ("CALLBACK_KEYS", "ACCESS_KEY", "BEARER_TOKEN", "NO_SUCH", "DIALER_THREADS"):
            for value in (mark, f"k1:{mark}!", f"{mark} {mark}"):
                for command in ("serve", "call-server"):
                    self.command(command, "--check-config",
                                 environment={f"TOCSIN_{name}": value})
        for url in (f"postgresql://node:{password}@[::1/tocsin",
                    f"postgresql://node:{password} x@/tocsin",
                    f"postgresql://node:{password}@127.0.0.1:1/tocsin?bogus=1",
                    f"postgresql://node:{password}/x@127.0.0.1:1/tocsin",
                    f"postgresql://node:x@{password}@127.0.0.1:1/tocsin",
                    f"host=/nowhere password={password} bogus=1",
                    f"host=/nowhere password='{password}", f"host=/nowhere password {password}",
                    f"host={self.postgres.socket} user=node password=x{password} dbname=tocsin",
                    f"host={self.postgres.socket} user=node password={password} dbname=none"):
            for command in (["migrate", "status"], ["trunk", "list"], ["restored"]):
                told = self.command(*command, environment={"TOCSIN_DATABASE_URL": url})
                self.assertNotEqual(told.code, DONE, told.text)
        for text in (f"access_key: {mark}", f"bearer_token: {mark}", f"access_key_env: {mark}",
                     f"access_key_file: {broken_key}", f"connection_string_file: {broken_key}",
                     f"endpoint: https://user:{mark}@127.0.0.1"):
            self.assertEqual(self.trunk("bad", "http://127.0.0.1:1", text).code, FAILED)
        # A file with a secret where another one belongs.
        for command in (["trunk", "apply", broken_key], ["serve", "--config", broken_key],
                        ["call-server", "--population", broken_key],
                        ["call-server", "--faults", broken_key],
                        ["campaign", "create", "--recipients", broken_key, "-f", broken_key]):
            self.assertNotEqual(self.command(*command).code, DONE, command)

    def bad_lists(self):
        """Files that cannot be read: the complaint goes to who wrote them, and to no log."""
        good = self.people().read_text()
        for number, text in enumerate((
                good + 'markedcell,"Zephyrine Markedname never closed', "markedcell,phone\n1,2\n",
                good.replace(",", ";"), good + "too,few\n", good.encode().decode() + "\0\n")):
            self.command("campaign", "create", "-f", self.campaign_file("local"), "--recipients",
                         self.file(f"list{number}.csv", text))
        for number, (before, after) in enumerate((
                ("purpose:", "purpose: [\n"), ("audio:", "audio: /nowhere/"), ("ring_limit: 30s",
                 f"ring_limit: {NUMBERS[0]}"), ("name:", "markedcell:"), ("audio:", "'"))):
            text = self.campaign_file("local").read_text().replace(before, after)
            self.command("campaign", "create", "-f", self.file(f"bad-campaign{number}.yaml", text),
                         "--recipients", self.people())

    def strangers_at_the_api(self):
        """Bytes at the gRPC port that are no gRPC, or no call of ours."""
        host, _, port = self.address.rpartition(":")
        path = b"/markedrequest/markedrequest"
        block = b"\x83\x86\x44" + bytes([len(path)]) + path + b"\x41\x0dmarkedrequest"
        frame = len(block).to_bytes(3, "big") + b"\x01\x05\x00\x00\x00\x01" + block
        for sent in (b"GET /markedrequest HTTP/1.1\r\nHost: markedrequest\r\n\r\n",
                     b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0" + frame,
                     b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nmarkedrequest markedrequest markedrequest",
                     b"\x16\x03\x01markedrequest"):
            with socket.create_connection((host, int(port)), PATIENCE_S) as wire:
                wire.sendall(sent)
                wire.shutdown(socket.SHUT_WR)
                try:
                    while wire.recv(1 << 16):
                        pass
                except ConnectionResetError:
                    pass

    def callbacks(self, campaign, attempt):
        """Good, forged, malformed and garbage; straight to the receiver and through nginx."""
        number = f"+1{NUMBERS[0]}"
        signed = signed_path(campaign, attempt)
        event = {"id": "markedcallback", "type": "Microsoft.Communication.markedcallback",
                 "eventType": "markedcallback", "source": f"calls/{number}", "subject": number,
                 "specversion": "1.0", "time": "markedcallback",
                 "data": {"callLegId": number, "state": "markedcallback", number: number,
                          "resultInfo": {"code": 400, "message": f"markedcallback {number}"}}}
        known = {**event, "type": "Microsoft.Communication.CallConnectionStateChanged",
                 "eventType": "Microsoft.Communication.CallConnectionStateChanged"}
        text = json.dumps([event])
        bodies = [text, json.dumps([known]), json.dumps(event), text[:-5], text.replace(":", "="),
                  f"<html>markedcallback {number}</html>", f"markedcallback {number}",
                  "\xff\xfemarkedcallback", "[" * 500 + "markedcallback", "",
                  json.dumps([{"markedcallback": number}]), f'["{number}"]',
                  f'{{"markedcallback":1,"markedcallback":"{number}"}}', "x" * (1 << 20)]
        paths = [signed, signed[:-2], signed + "&markedcallback", f"/callbacks/{number}/1?k=1&s=1",
                 "/callbacks/1/1", f"/{number}", "/markedrequest?markedrequest",
                 signed.replace("k=k1", "k=markedcallback"), "/prompts/markedrequest.wav",
                 f"/callbacks/{campaign}/{int(attempt) + 999_999}" + signed[signed.index("?"):]]
        lines = [f"User-Agent: markedrequest {number}", f"Authorization: Bearer {SECRET}",
                 "X-Forwarded-For: markedrequest", "Connection: close"]
        straight = Attacker(self.receiver_port, self.authority.ca)

        async def all_of_it():
            for sender, tls in ((Attacker(self.front.port, self.authority.ca), True),
                                (straight, False)):
                for path, body in ([(path, bodies[0]) for path in paths] +
                                   [(signed, body) for body in bodies]):
                    sent = body.encode()
                    await sender.send(head(path, *lines, f"Content-Length: {len(sent)}") +
                                      b"\r\n" + sent, tls=tls)
                await sender.send(b"markedrequest markedrequest\r\n\r\n", tls=tls)
                await sender.send(head("/markedrequest", "markedrequest", lines[-1]) + b"\r\n",
                                  tls=tls)

        asyncio.run(asyncio.wait_for(all_of_it(), PATIENCE_S))

    def break_the_database(self, node):
        """Statements that PostgreSQL refuses, in ways whose messages quote the row."""
        lines = len(node.lines)
        create = ["campaign", "create", "-f", self.campaign_file("local"), "--recipients",
                  self.people()]
        quoting = ("CREATE FUNCTION quotes() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
                   "PERFORM to_jsonb(NEW)::text::{type}; RETURN NEW; END $$; "
                   "CREATE TRIGGER quotes BEFORE INSERT ON {table} FOR EACH ROW "
                   "EXECUTE FUNCTION quotes()")
        raising = quoting.replace("PERFORM to_jsonb(NEW)::text::{type}",
                                  "RAISE EXCEPTION '%', to_jsonb(NEW)::text")
        undone = "DROP TRIGGER quotes ON {table}; DROP FUNCTION quotes()"
        never = "ALTER TABLE {table} ADD CONSTRAINT never CHECK (false) NOT VALID"
        again = "ALTER TABLE {table} DROP CONSTRAINT never"
        for table in ("recipient", "recipient_number", "refused_row", "prompt", "campaign"):
            for wrong, right in ((quoting, undone), (raising, undone), (never, again)):
                if not self.sql(f"SELECT 1 FROM pg_class WHERE relname = '{table}'"):
                    continue
                self.sql(wrong.format(table=table, type="int"))
                told = self.command(*create)
                self.sql(right.format(table=table))
                self.assertNotEqual(told.code, DONE, table)
        self.assertGreater(len(node.lines), lines)

    # --- The story ---

    def test_no_mark_comes_out_anywhere(self):
        self.bad_settings()
        self.assertEqual(self.command("migrate", "up").code, DONE)
        access_key = self.file("access.key", MARKS["an access key"][0] + "\n")
        token = self.file("token", MARKS["a bearer token"][0])
        for file in (access_key, token):
            file.chmod(0o600)

        self.front = Front(self.folder / "front", self.authority,
                           [f"127.0.0.1:{self.receiver_port}"])
        self.addCleanup(self.front.stop)
        faults = self.file("faults.yaml", "callbacks:\n  garbage: {every: 7}\n  unknown: {every: 9}"
                           "\ncreate:\n  html: {every: 11}\n  error_after: {every: 13}\n")
        server = self.starting(
            "call-server", "--call-server-port", self.call_server_port, "--ledger", self.ledger,
            "--time-scale", 60, "--seed", 7, "--caller-number-calls-max", 100, "--faults", faults,
            "--access-key-file", access_key, "--tls-ca-file", self.authority.ca)
        self.authority.issue("admin")
        self.node = node = self.starting(
            "serve", "--callback-keys-file", self.keys, "--api-port", 0, "--admin-port", 0,
            "--receiver-port", self.receiver_port, "--callback-url", self.front.url,
            "--request-timeout", "2s")
        self.address = node.find(r"(?m)^API +(\S+)")
        end = f"http://127.0.0.1:{self.call_server_port}"
        echo = f"http://127.0.0.1:{self.provider.port}"
        for trunk in (("local", end, f"access_key_file: {access_key}"),
                      ("ga", end, f"access_key_file: {access_key}", "ga"),
                      ("echo", echo, f"bearer_token_file: {token}"),
                      ("echoga", echo, f"bearer_token_file: {token}", "ga")):
            self.assertEqual(self.trunk(*trunk).code, DONE)
        for name in ("local", "ga", "echo", "echoga"):
            self.command("trunk", "check", name, "--callback-keys-file", self.keys,
                         "--receiver-port", self.receiver_port)

        self.bad_lists()
        self.strangers_at_the_api()
        # Facts that PostgreSQL does not take: a kind of them first, then all.
        self.sql("ALTER TABLE call_event ADD CONSTRAINT never CHECK (kind <> 'ANSWERED') "
                 "NOT VALID")
        made = {}
        for name in ("local", "ga", "echo", "echoga"):
            done = self.command("campaign", "create", "-f", self.campaign_file(name),
                                "--recipients", self.people(), "-o", "json", "--start")
            self.assertEqual(done.code, DONE, done.text)
            made[name] = self.id_of(done)
        node.wait_for_line("fact_not_storable")
        self.sql("ALTER TABLE call_event DROP CONSTRAINT never; "
                 "REVOKE INSERT ON call_event FROM node")
        node.wait_for_line("fact_set_aside")
        attempt = self.sql("SELECT min(attempt_id) FROM reporting.call_attempts WHERE "
                           f"campaign_id = {made['local']}")[0][0]
        self.callbacks(made["local"], attempt)
        self.pages(node)
        self.break_the_database(node)
        self.sql("GRANT INSERT ON call_event TO node")
        node.wait_for_line("facts_brought_back")

        with self.subTest("the database goes away and comes back"):
            self.postgres.kill()
            node.wait_for_line("database_away")
            self.pages(node)
            self.command("campaign", "list")
            self.command("campaign", "create", "-f", self.campaign_file("local"))
            self.postgres.start()
            node.wait_for_line("database_back")

        with self.subTest("the secrets are spoiled"):
            token.write_text(MARKS["a bearer token"][0] + " again")
            access_key.write_text(MARKS["a setting that is secret"][0] + " !")
            node.wait_for_line("credential_unreadable")
            access_key.write_text(MARKS["an access key"][0] + "\n")
        self.assertEqual(self.campaign("watch", made["local"]).code, DONE)
        self.assert_audit_is_empty()
        self.until_the_quoting_are_asked([made["echo"], made["echoga"]])
        for name, campaign in made.items():
            self.command("campaign", "cancel", campaign, "--hang-up")
            for word in ("get", "refused", "report", "audit"):
                self.command("campaign", word, campaign)
                self.command("campaign", word, campaign, "-o", "json")
        self.command("campaign", "list")
        self.pages(node)
        self.assertEqual(node.stop(), DONE)
        server.stop()
        self.front.stop()
        self.postgres.stop()

        self.hear("the node", node.output)
        self.hear("the call server", server.output)
        self.hear("PostgreSQL", "\n".join(self.postgres.said))
        for path, text in self.front.everything_said().items():
            self.hear(f"nginx: {path.name}", text)
        self.judge_all_that_was_said()

    def signatures_asked_with(self):
        return set(re.findall(r"&s=([\w-]{32})", " ".join(self.asked)))

    def until_the_quoting_are_asked(self, campaigns):
        """Such answers pause a campaign: it goes on until there was enough to quote."""
        for _ in range(PATIENCE_S * 5):
            if NUMBERS[0] in " ".join(self.asked) and len(self.signatures_asked_with()) > 20:
                return
            for campaign in campaigns:
                if self.state_of(campaign) == "PAUSED":
                    self.command("campaign", "resume", campaign)
            threading.Event().wait(0.2)
        self.fail(f"asked with {len(self.signatures_asked_with())} signatures")

    def judge_all_that_was_said(self):
        with self.subTest("the marks went in, and things were said"):
            asked = " ".join(self.asked)
            for mark in (NUMBERS[0], CALLER, MARKS["a bearer token"][0], "&s="):
                self.assertIn(mark, asked)
            for where, words in (
                    ("the node", ("callback_refused", "create_call_unanswered", "fact_set_aside",
                                  "fact_not_storable", "database_away", "api_call",
                                  "credential_unreadable")),
                    ("the call server", ("callback_",)),
                    ("PostgreSQL", ("statement: ", "execute ", "connection authorized")),
                    ("nginx: tocsin.log", (" 401 ", " 200 ", " 400 ")),
                    ("/metrics", ("tocsin_callbacks_refused_total",)), ("/readyz", ("database",)),
                    ("titles", ("postgres: ", "nginx: ", "serve"))):
                for word in words:
                    self.assertIn(word, self.told[where], where)
        signatures = self.signatures_asked_with()
        self.assertGreater(len(signatures), 20)
        marks = {**MARKS, "a number": NUMBERS, "a caller number": [CALLER],
                 "a signature": sorted(signatures),
                 "a key of TLS": self.authority.key("front").read_text().splitlines()[1:-1]}
        for where, text in self.told.items():
            digits = digits_of(text)
            for what, looks in marks.items():
                # Who brought a list or a file is told of it by the words that are in it,
                # and who asks about a trunk by the provider's.
                if where.startswith("tocsin ") and what in OWN:
                    continue
                if where.startswith("tocsin trunk check") and what == "a provider's page":
                    continue
                searched = digits if "number" in what else text
                found = next((look for look in looks if look in searched), None)
                with self.subTest(where, what=what):
                    if found is not None:
                        at = searched.index(found)
                        self.fail(f"{found!r} in: ...{searched[max(0, at - 300):at + 100]}...")


# What the one who submitted it may be told of what was in it: which row, which file.
OWN = {"a person's key", "a file of a message", "a cell of a list", "what a stranger asked for"}


if __name__ == "__main__":
    unittest.main()
