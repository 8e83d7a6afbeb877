"""deploy/ without anything running: each file is shown to the program that will read it.

A test whose program is not here is skipped and says so; script/bootstrap installs them.
"""
import json
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

from deploy import ALERTS, DEPLOY, SOURCE, TOOLS, dashboard_expressions, needs, rules, tool
from tocsin import BINARY, PATIENCE_S


def run(*command, **more):
    return subprocess.run([str(word) for word in command], capture_output=True, text=True,
                          timeout=PATIENCE_S, check=False, **more)


@needs("systemd-analyze")
class Systemd(unittest.TestCase):
    UNITS = ("tocsin@.service", "tocsin-migrate.service")

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="tocsin-units-"))
        self.addCleanup(shutil.rmtree, self.folder)
        for unit in self.UNITS:
            text = (DEPLOY / "systemd" / unit).read_text()
            self.assertIn("/usr/bin/tocsin ", text)
            # Where the binary is on this machine.
            (self.folder / unit.replace("@.", "@node.")).write_text(
                text.replace("/usr/bin/tocsin ", f"{BINARY} "))

    def units(self):
        return sorted(self.folder.iterdir())

    def test_units_are_understood(self):
        verified = run(tool("systemd-analyze"), "verify", "--man=no", *self.units())
        self.assertEqual(verified.returncode, 0, verified.stderr)
        complaints = [line for line in verified.stderr.splitlines() if str(self.folder) in line]
        self.assertEqual(complaints, [])

    def test_a_mistake_in_a_unit_is_found(self):
        unit = self.units()[0]
        unit.write_text(unit.read_text().replace("[Service]\n", "[Service]\nProtectHoem=true\n"))
        verified = run(tool("systemd-analyze"), "verify", "--man=no", unit)
        self.assertIn("ProtectHoem", verified.stderr)

    def test_units_are_closed(self):
        for unit in self.units():
            with self.subTest(unit.name):
                judged = run(tool("systemd-analyze"), "security", "--offline=true", "--no-pager",
                             "--threshold=20", unit)
                # The threshold is in tenths: a score above 2.0 is an exit code.
                self.assertEqual(judged.returncode, 0, judged.stdout[-2000:])
                self.assertIn("Overall exposure level", judged.stdout)

    def test_roles_are_settings(self):
        for path in sorted((DEPLOY / "systemd" / "roles").iterdir()):
            with self.subTest(path.name):
                variables = dict(line.split("=", 1) for line in path.read_text().splitlines()
                                 if line and not line.startswith("#"))
                keys = self.folder / "callback.keys"
                keys.write_text("k1:dGhpcnR5LXR3byBieXRlcyBmb3IgYSBzaWduYXR1cmU=\n")
                checked = run(BINARY, "serve", "--check-config", "--callback-keys-file", keys,
                              env={**variables, "TOCSIN_DATABASE_URL": "host=/nowhere"})
                self.assertEqual(checked.returncode, 0, checked.stderr)
                self.assertNotIn("warning: TOCSIN_ROLES", checked.stderr)

    @needs("systemd-sysusers", "systemd-tmpfiles")
    def test_user_and_folders(self):
        root = self.folder / "root"
        (root / "etc").mkdir(parents=True)
        for kind in ("sysusers", "tmpfiles"):
            folder = root / f"usr/lib/{kind}.d"
            folder.mkdir(parents=True)
            shutil.copy(DEPLOY / "systemd" / f"tocsin.{kind}", folder / "tocsin.conf")
        made = run(tool("systemd-sysusers"), f"--root={root}", "tocsin.conf")
        self.assertEqual(made.returncode, 0, made.stderr)
        self.assertIn("tocsin:", (root / "etc/passwd").read_text())
        laid = run(tool("systemd-tmpfiles"), f"--root={root}", "--create", "tocsin.conf")
        self.assertEqual(laid.returncode, 0, laid.stderr)
        self.assertEqual((root / "etc/tocsin").stat().st_mode & 0o777, 0o750)


@needs("promtool")
class Alerts(unittest.TestCase):
    def test_rules_are_understood(self):
        checked = run(tool("promtool"), "check", "rules", ALERTS)
        self.assertEqual(checked.returncode, 0, checked.stderr)

    def test_each_fires_when_it_should_and_only_then(self):
        tested = run(tool("promtool"), "test", "rules", SOURCE / "tests/deploy/alerts_test.yaml")
        self.assertEqual(tested.returncode, 0, tested.stdout + tested.stderr)

    def test_dashboard_speaks_promql(self):
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            # As JSON, which is YAML: a rule of each expression.
            json.dump({"groups": [{"name": "dashboard", "rules": [
                {"record": f"panel:{number}", "expr": expression.replace("$trunk", ".+")}
                for number, expression in enumerate(dashboard_expressions())]}]}, file)
            file.flush()
            checked = run(tool("promtool"), "check", "rules", file.name)
            self.assertEqual(checked.returncode, 0, checked.stderr)


class AlertsAndTheirWords(unittest.TestCase):
    def test_each_is_tested_both_ways(self):
        text = (SOURCE / "tests/deploy/alerts_test.yaml").read_text()
        for alert in rules():
            for what in ("fires", "does not"):
                self.assertIn(f"    name: {alert} {what}\n", text)

    def test_each_is_explained_to_the_operator(self):
        told = re.findall(r"^#### (Tocsin\w+)$", (SOURCE / "docs/operating.md").read_text(),
                          flags=re.MULTILINE)
        self.assertEqual(sorted(told), sorted(rules()))


def logged():
    """Event -> (levels, fields) of every call of Log()."""
    events = {}
    folders = ("app", "api", "base", "callserver", "db", "dialer", "scheduler")
    for path in sorted(file for folder in folders for file in (SOURCE / folder).rglob("*.cc")):
        text = path.read_text()
        for call in re.finditer(r"\bLog\(", text):
            depth, end = 1, call.end()
            while depth > 0:
                depth += {"(": 1, ")": -1}.get(text[end], 0)
                end += 1
            words = text[call.end():end - 1]
            for event in re.findall(r'"([a-z0-9_]+)"', words.split("{{")[0]):
                levels, fields = events.setdefault(event, (set(), set()))
                levels.update(level.lower() for level in re.findall(r"LogLevel::k(\w+)", words))
                fields.update(re.findall(r'\{"([a-z_]+)",', words))
    return events


class Logging(unittest.TestCase):
    def test_the_page_lists_every_event(self):
        told = {}
        for row in (SOURCE / "docs/logging.md").read_text().splitlines():
            if row.startswith("| `"):
                event, levels, fields, _ = (cell.strip() for cell in row.strip("|").split("|"))
                told[event.strip("`")] = (set(levels.split(", ")),
                                          set(re.findall(r"`(\w+)`", fields)))
        written = logged()
        for event in sorted(written.keys() | told.keys()):
            with self.subTest(event):
                self.assertIn(event, written, "docs/logging.md lists it, and nobody writes it")
                self.assertIn(event, told, "it is written, and docs/logging.md does not list it")
                self.assertEqual(told[event], written[event], "levels and fields")

    def test_lines_about_an_attempt_name_it(self):
        about_attempts = {event for event in logged() if re.match(
            r"(action|attempt|call|create_call|fact)_|hang_up_ordered|facts_recorded", event)}
        # Of the call server, which has calls and no attempts.
        about_attempts -= {"call_history_read", "callback_dropped", "callback_failed"}
        self.assertGreater(len(about_attempts), 10)
        for event in sorted(about_attempts):
            self.assertIn("attempt", logged()[event][1], event)


class Size(unittest.TestCase):
    """`tocsin size`, and the table in the page that was made with it."""

    @staticmethod
    def figures(people, within):
        told = run(BINARY, "size", "--people", people, "--within", within)
        cell = {line.rsplit("  ", 2)[0].split("  ")[0]: line.split("  ")
                for line in told.stdout.splitlines()}
        return [next(word.strip() for word in cell[what][1:] if word.strip())
                for what in ("calls a second", "calls at once", "caller numbers")]

    def test_the_page_has_what_it_says(self):
        page = (SOURCE / "docs/operating.md").read_text()
        rows = re.findall(r"(?m)^\| ([\d,]+) \| (.*/s.*) \|$", page)
        self.assertEqual(len(rows), 3)
        for people, cells in rows:
            for within, cell in zip(("30m", "60m", "120m"), cells.split(" | "), strict=True):
                with self.subTest(people, within=within):
                    told = [re.sub(r"/s$| at once$| numbers$", "", figure)
                            for figure in cell.split(", ")]
                    self.assertEqual(told, self.figures(people.replace(",", ""), within))

    def test_exit_codes(self):
        def code(*words):
            return run(BINARY, "size", *words).returncode
        self.assertEqual(code("--people", 1000, "--within", "10m"), 0)
        self.assertEqual(code("--people", 1000, "--within", "10m", "--caller-numbers", 10), 1)
        self.assertEqual(code("--people", 1000, "--caller-numbers", 10), 0)
        for wrong in (["--people", 0, "--within", "10m"], ["--people", 1000],
                      ["--people", 1000, "--within", "soon"], []):
            self.assertEqual(code(*wrong), 2, wrong)


@needs("dpkg", "objdump")
class Container(unittest.TestCase):
    def test_the_image_holds_what_the_binary_links(self):
        text = (DEPLOY / "container" / "Dockerfile").read_text()
        final = text[text.rindex("FROM "):]
        listed = set(re.search(r"apt-get install -y --no-install-recommends \\\n(.*?)&&", final,
                               re.DOTALL)[1].replace("\\\n", " ").split())
        sonames = set(re.findall(r"NEEDED +(\S+)", run(tool("objdump"), "-p", BINARY).stdout))
        self.assertIn("libpqxx-6.4.so", sonames)
        places = dict(re.findall(r"(\S+) => (\S+)", run("ldd", BINARY).stdout))
        needed = set()
        for soname in sonames:
            path = pathlib.Path(places.get(soname, "/none")).resolve()
            for known in (path, pathlib.Path(str(path).removeprefix("/usr"))):
                owner = run(tool("dpkg"), "-S", known).stdout
                if owner:
                    needed.add(owner.split(":")[0])
        # Part of every Debian; and the sanitizers of the builds that have them.
        needed -= {"libc6", "libgcc-s1", "libasan8", "libubsan1", "libtsan2"}
        self.assertEqual(needed, listed - {"ca-certificates", "tzdata", "espeak-ng"})


if __name__ == "__main__":
    print(f"tools that are looked for outside the path: {TOOLS}")
    unittest.main()
