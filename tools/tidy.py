#!/usr/bin/env python3
"""The house rules that no compiler knows.

    tidy.py [root]

Reads the files that git knows or would add. Each rule says which files it is
for and which are let off; a line that breaks one is printed with the rule's
reason, and the exit code is 1.
"""
import fnmatch
import pathlib
import re
import subprocess
import sys

CODE = ("*.h", "*.cc")
OURS = ("base/*", "core/*", "wire/*", "db/*", "scheduler/*", "dialer/*", "callserver/*", "api/*",
        "cli/*", "app/*")

# Statements that may read the database's clock: the pacer's lease and a node's sign
# of life are about the database's time alone, and it is by them that nodes learn it.
CLOCK_STATEMENTS = {"AcquirePacerLease", "ReleasePacerLease", "ReadPacerLease", "NoteNode"}


class Rule:
    """A pattern that may not stand in the files `where`, but for `let_off`."""

    def __init__(self, pattern, why, where=CODE, let_off=()):
        self.pattern = re.compile(pattern)
        self.why, self.where, self.let_off = why, where, let_off

    def applies_to(self, path):
        name = path.rsplit("/", 1)[-1]
        return (any(fnmatch.fnmatch(name, w) for w in self.where)
                and not any(fnmatch.fnmatch(path, let) for let in self.let_off))


RULES = [
    Rule(r"\bthrow\b", "exceptions stop in db/; ours are absl::Status",
         let_off=("db/*", "tests/*")),
    Rule(r"\bsleep_for\b|\busleep\s*\(|\bnanosleep\s*\(|\babsl::SleepFor\b",
         "wait on a Clock, which a test can turn", let_off=("base/*",)),
    Rule(r"\bsystem_clock\b|\babsl::Now\s*\(|\bgettimeofday\s*\(|\bstd::time\s*\(",
         "the wall clock is read in base/system_clock.cc only",
         let_off=("base/system_clock.*", "*/system_clock.h")),
    Rule(r"#include \"base/system_clock", "take a const Clock&", let_off=("base/*",)),
    Rule(r"\b(TODO|FIXME|XXX|HACK)\b", "finish it, or write an issue",
         where=("*.h", "*.cc", "*.sql", "*.proto", "*.py", "*.cmake", "CMakeLists.txt", "*.sh"),
         let_off=("tools/tidy.py",)),
    Rule(r"^.{101,}$", "100 columns", where=("*.h", "*.cc", "*.sql", "*.proto", "*.py")),
    Rule(r"[ \t]+$", "space at the end of the line",
         where=("*.h", "*.cc", "*.sql", "*.proto", "*.py", "*.cmake", "CMakeLists.txt", "*.yaml")),
    Rule(r"\t", "a tab", where=("*.h", "*.cc", "*.sql", "*.proto", "*.py")),
    Rule(r"\bSELECT\s+\*", "name the columns", where=("*.sql",)),
    Rule(r"\bOFFSET\s+\$", "page by key", where=("*.sql",)),
    Rule(r"\btimestamp\s+(?!with)", "timestamptz", where=("migrations/*.sql", "*.up.sql")),
    Rule(r"-----BEGIN [A-Z ]*PRIVATE KEY-----", "a private key", where=("*",),
         let_off=("tools/tidy.py",)),
    Rule(r"https?://[\w.:-]*(artifactory|nexus|jfrog|pypi|npmjs|deb\.debian|mirror)[\w.:-]*",
         "a registry or mirror belongs to the machine, not to the project", where=("*",),
         let_off=("tools/tidy.py",)),
    Rule(r"\b(class|struct)\s+\w*(Job|Task|Item|Manager|Helper|Processor|Util|Common)\b",
         "name it for what it is (design, part 2)"),
]
SQL_NAME = re.compile(r"^-- name: *(\S+)")
SQL_NOW = re.compile(r"\b(now\s*\(\s*\)|clock_timestamp\s*\(|current_timestamp\b|"
                     r"statement_timestamp\s*\(|transaction_timestamp\s*\()", re.IGNORECASE)


def files_of(root):
    listed = subprocess.run(
        ["git", "-C", root, "ls-files", "--cached", "--others", "--exclude-standard"],
        check=True, capture_output=True, text=True).stdout.splitlines()
    return sorted(path for path in set(listed) if (root / path).is_file())


def database_clock(path, lines):
    """Rules get `now` as a parameter; only leases and signs of life do not."""
    statement = ""
    for number, line in enumerate(lines, 1):
        if match := SQL_NAME.match(line):
            statement = match[1]
        code = line.split("--", 1)[0]
        if SQL_NOW.search(code) and statement not in CLOCK_STATEMENTS:
            yield f"{path}:{number}: {statement} reads the database's clock; take now as $n"


def function_lengths(path, lines):
    """Our formatter puts a function's closing brace alone in column 0."""
    begun = None
    for number, line in enumerate(lines, 1):
        if line.endswith("{") and line[:1] not in (" ", "}", "#", "/") and "(" in line:
            begun = number
        elif line.startswith(("namespace", "class", "struct", "enum", "TEST")):
            begun = None
        elif line.startswith("}") and begun is not None:
            if number - begun > 72:
                yield f"{path}:{begun}: a function of {number - begun} lines; 70 fill a screen"
            begun = None


def complaints_of(root, path):
    try:
        lines = (root / path).read_text(encoding="utf-8").split("\n")
    except UnicodeDecodeError:
        return
    for rule in (rule for rule in RULES if rule.applies_to(path)):
        for number, line in enumerate(lines, 1):
            if rule.pattern.search(line):
                yield f"{path}:{number}: {rule.why}"
    if fnmatch.fnmatch(path, "db/queries/*.sql"):
        yield from database_clock(path, lines)
    if path.endswith(".cc") and any(fnmatch.fnmatch(path, ours) for ours in OURS):
        yield from function_lengths(path, lines)


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()
    found = [line for path in files_of(root) for line in complaints_of(root, path)]
    print("\n".join(found) if found else "tidy: nothing to say")
    sys.exit(bool(found))


main()
