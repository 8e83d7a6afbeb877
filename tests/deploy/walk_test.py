"""The walk through docs/operating.md: each command of its shell blocks, from "Install" to
"Upgrade", in their order and in one shell, on a machine of the test's own making.

The machine is a folder: paths, ports and the database's host are put in the place of
those in the page; `systemctl` and `sudo` are played by small programs that do what the
units say. Everything else is what it is.
"""
import os
import pathlib
import re
import subprocess
import unittest

from deploy import SOURCE, needs, tool
from service import Postgres, free_port
from tocsin import BINARY, EndToEnd

FIRST, LAST = "Install", "Upgrade"
# A rehearsal's campaign, its retries and the time after a restore are in it.
PATIENCE_S = 540

# What the units say, done by hand: settings, credentials, what comes before, what runs.
SYSTEMCTL = r'''#!/usr/bin/env python3
import os, pathlib, re, select, shlex, signal, subprocess, sys
root, state = pathlib.Path(os.environ["WALK_ROOT"]), pathlib.Path(os.environ["WALK_STATE"])
words = [word for word in sys.argv[1:] if not word.startswith("-")]

def here(text):
    for there in ("/usr/", "/etc/"):
        text = text.replace(there, f"{root}{there}")
    return text

def stop(name):
    kept = state / name
    if not kept.exists():
        return
    pid = int(kept.read_text())
    watched = os.pidfd_open(pid)
    os.kill(pid, signal.SIGTERM)
    assert select.select([watched], [], [], 60)[0], f"{name} does not stop"
    kept.unlink()

def start(name):
    instance = name.partition("@")[2]
    unit = root / "usr/lib/systemd/system" / (re.sub("@.*", "@", name) + ".service")
    lines = re.findall(r"(?m)^(\w+)=(.*)$", unit.read_text().replace("%i", instance))
    credentials = state / f"{name}.credentials"
    credentials.mkdir(exist_ok=True)
    environment = {"PATH": "/usr/bin:/bin"}
    run = []
    for key, value in lines:
        value = here(value.replace("%d", str(credentials)))
        if key == "Environment":
            environment.update([value.split("=", 1)])
        elif key == "EnvironmentFile":
            path = pathlib.Path(value.lstrip("-"))
            if path.exists() or not value.startswith("-"):
                environment.update(line.split("=", 1) for line in path.read_text().splitlines()
                                   if "=" in line and not line.startswith("#"))
        elif key == "LoadCredential":
            kept, path = value.split(":", 1)
            (credentials / kept).write_bytes(pathlib.Path(path).read_bytes())
        elif key in ("ExecStartPre", "ExecStart"):
            run.append((key, shlex.split(value)))
    for key, command in run:
        if key == "ExecStart" and "@" in name:
            log = (state / f"{name}.log").open("a")
            started = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL,
                                       stdout=log, stderr=log, start_new_session=True)
            (state / name).write_text(str(started.pid))
        else:
            subprocess.run(command, env=environment, check=True)

for name in words[1:]:
    if name == "postgresql":
        subprocess.run(shlex.split(os.environ["WALK_RESTART_POSTGRESQL"]), check=True)
        continue
    if words[0] in ("stop", "restart"):
        stop(name)
    if words[0] in ("start", "restart", "enable"):
        start(name)
'''
# As root this program, as "-u USER" any; the database knows who by the name alone.
SUDO = '''#!/bin/sh
test "$1" = -u || exit 2
PGUSER=$2; export PGUSER; shift 2
exec "$@"
'''


def blocks():
    """(heading, commands) of each shell block between the first and the last section."""
    page = (SOURCE / "docs/operating.md").read_text()
    begin = page.index(f"\n## {FIRST}\n")
    end = page.index("\n## ", page.index(f"\n## {LAST}\n") + 1)
    found = []
    for section in re.split(r"(?m)^## ", page[begin:end])[1:]:
        heading = section.partition("\n")[0]
        for block in re.findall(r"(?ms)^```sh\n(.*?)^```", section):
            found.append((heading, block))
    return found


@needs("systemd-sysusers", "systemd-tmpfiles", "curl", "cmake")
@unittest.skipIf(os.getuid() != 0, "files are given to other users: wants root")
class Walk(EndToEnd):
    def setUp(self):
        super().setUp()
        self.root, self.state = self.folder / "root", self.folder / "state"
        self.programs = self.folder / "programs"
        for made in (self.root / "etc/postgresql/15/main/conf.d", self.root / "var/backups",
                     self.state, self.programs):
            made.mkdir(parents=True)
        for path in (self.root, self.root / "var", self.root / "var/backups"):
            path.chmod(0o755)
        # As the distribution leaves it: a superuser "postgres", and nothing of ours.
        self.postgres = Postgres(self.folder, lambda made: made.run(
            "initdb", "-D", made.folder, "-U", "postgres", "-A", "trust", "-E", "UTF8",
            "--locale=C.UTF-8", "--no-sync"))
        self.addCleanup(self.postgres.stop)
        self.socket = self.postgres.socket
        with (self.postgres.folder / "postgresql.conf").open("a") as main:
            main.write(f"include_dir = '{self.root}/etc/postgresql/15/main/conf.d'\n"
                       f"unix_socket_directories = '{self.socket}'\nlisten_addresses = ''\n")
        # From now on by its own means: it is restarted from within.
        self.postgres.stop()
        control = self.postgres.command("pg_ctl", "-s", "-w", "-D", self.postgres.folder, "-l",
                                        self.postgres.folder / "log")
        self.restart = " ".join(map(str, [*control, "-m", "fast", "restart"]))
        subprocess.run([*map(str, control), "start"], check=True, cwd="/")
        self.addCleanup(subprocess.run, [*map(str, control), "-m", "fast", "stop"], cwd="/",
                        check=False)
        self.ports = {port: str(free_port()) for port in ("7233", "7234", "7235", "8080")}
        self.program("systemctl", SYSTEMCTL)
        self.program("sudo", SUDO)
        for name in ("sysusers", "tmpfiles"):
            self.program(f"systemd-{name}", f'#!/bin/sh\nexec {tool("systemd-" + name)} '
                         f'--root={self.root} "$@"\n')

    def program(self, name, text):
        path = self.programs / name
        path.write_text(text)
        path.chmod(0o755)

    def here(self, text):
        """The page's words for this machine."""
        text = re.sub(r"(?<![\w.])/(etc|usr|var)(?=[/ \n])", rf"{self.root}/\1", text)
        text = text.replace("build/release", str(pathlib.Path(BINARY).parent.parent))
        text = text.replace("@db.internal/", f"@{str(self.socket).replace('/', '%2F')}/")
        text = text.replace("https://calls.example.com",
                            f"http://127.0.0.1:{self.ports['7234']}")
        for port, ours in self.ports.items():
            text = re.sub(rf"\b{port}\b", ours, text)
        return text

    def test_every_command_of_the_page_does_what_it_says(self):
        found = blocks()
        headings = [heading for heading, _ in found]
        for heading in ("Install", "Back up", "Restore", "Upgrade"):
            self.assertIn(heading, headings)
        script = ["set -eu", f"cd {SOURCE}",
                  "trap 'systemctl stop tocsin@node; kill $(jobs -p) 2>/dev/null || true' EXIT"]
        for number, (heading, block) in enumerate(found):
            script += [f"echo '== {number} {heading}' >&2", self.here(block)]
            if "cmake --install" in block:
                # What has just been installed is for this machine, too.
                script += [f"{self.programs}/for-this-machine",
                           f"cd {self.folder}"]
        self.program("for-this-machine", "#!/bin/sh\nset -e\n" + "".join(
            f"find {self.root}/usr/share/doc/tocsin/deploy -type f -exec sed -i "
            f"'s#\\b{before}\\b#{after}#g' '{{}}' +\n"
            for before, after in (*self.ports.items(), ("https://calls.example.com",
                                  f"http://127.0.0.1:{self.ports['7234']}"))))

        walked = subprocess.run(
            ["bash", "-c", "\n".join(script)], capture_output=True, text=True, cwd=SOURCE,
            timeout=PATIENCE_S, check=False,
            env={"PATH": f"{self.programs}:{self.root}/usr/bin:{os.environ['PATH']}",
                 "HOME": str(self.folder),
                 "PGHOST": str(self.socket), "WALK_ROOT": str(self.root),
                 "WALK_STATE": str(self.state), "WALK_RESTART_POSTGRESQL": self.restart,
                 "TOCSIN_SERVER": f"127.0.0.1:{self.ports['7233']}", "LANG": "C.UTF-8"})

        log = self.state / "tocsin@node.log"
        told = walked.stdout + walked.stderr + (log.read_text() if log.exists() else "")
        self.assertEqual(walked.returncode, 0, told[-6000:])
        self.assertEqual(walked.stderr.count("\n== ") + walked.stderr.startswith("== "),
                         len(found), told[-6000:])
        # What the page promises at the end of all that.
        self.assertEqual(self.sql("SELECT state FROM campaign"), [["COMPLETED"]])
        self.assert_audit_is_empty()
        self.assertEqual(self.sql("SHOW log_min_messages"), [["log"]])
        for kept in ("var/backups/tocsin/base/PG_VERSION", "var/backups/tocsin/tocsin.dump",
                     "var/backups/tocsin/before.dump"):
            self.assertTrue((self.root / kept).exists(), kept)
        self.assertEqual((self.root / "etc/tocsin/callback.keys").stat().st_mode & 0o777, 0o600)


if __name__ == "__main__":
    unittest.main()
