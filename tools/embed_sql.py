#!/usr/bin/env python3
"""Turns SQL files into a C++ header, so that the binary carries its own SQL.

    embed_sql.py queries    db/queries/*.sql             -o db/queries.gen.h
    embed_sql.py migrations migrations/*.{up,down}.sql   -o db/migrations.gen.h

queries: a file holds statements, each led by its name:

    -- name: ClaimDueRecipients
    -- What it promises, why it is shaped so.
    --
    -- $1 campaign_id bigint, $2 now timestamptz
    SELECT ...

which becomes, in namespace tocsin::db::query,

    inline constexpr Query kClaimDueRecipients = {"ClaimDueRecipients", R"sql(SELECT ...)sql"};

and one more line of the array kAll. Whole-line comments stay in the file; the
server does not need them. Text before the first name is the file's own prose
and must be comment.

migrations: pairs NNNN_name.up.sql and NNNN_name.down.sql, numbered from 1
without a gap, become the array tocsin::db::kMigrations, in order, word for word
(the checksum that the migrator records is one of these words) but for the first
line of an up.sql:

    -- oldest program: 0008

which says who may still run on the schema once the step is taken: programs whose
newest migration is that one, or a later one. Its own number: nobody older.
"""
import argparse
import pathlib
import re
import sys

NAME = re.compile(r"^-- name: *(\S+) *$")
CAMEL = re.compile(r"^[A-Z][A-Za-z0-9]*$")
MIGRATION = re.compile(r"^(\d{4})_([a-z0-9_]+)\.(up|down)\.sql$")
OLDEST = re.compile(r"^-- oldest program: (\d{4})\n")
DELIMITER = "sql"


def fail(where, message):
    sys.exit(f"{where}: {message}")


def literal(where, text):
    if f"){DELIMITER}\"" in text:
        fail(where, f'the SQL may not contain ){DELIMITER}"')
    return f'R"{DELIMITER}({text}){DELIMITER}"'


class Statement:
    def __init__(self, name, where):
        self.name, self.where, self.lines = name, where, []

    def sql(self):
        """Without whole-line comments, blank edges and the closing semicolon."""
        kept = [line.rstrip() for line in self.lines if not line.lstrip().startswith("--")]
        text = "\n".join(line for line in kept if line)
        return text[:-1].rstrip() if text.endswith(";") else text


def read_statements(path):
    statements = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        where = f"{path}:{number}"
        if match := NAME.match(line):
            if not CAMEL.match(match[1]):
                fail(where, f"{match[1]} is not a name in CamelCase")
            statements.append(Statement(match[1], where))
        elif line.startswith("-- name"):
            fail(where, "expected '-- name: CamelCase'")
        elif statements:
            statements[-1].lines.append(line)
        elif line.strip() and not line.startswith("--"):
            fail(where, "SQL before the first '-- name:'")
    return statements


def embed_queries(paths):
    statements = [s for path in sorted(paths) for s in read_statements(path)]
    seen = {}
    for s in statements:
        if s.name in seen:
            fail(s.where, f"{s.name} already stands at {seen[s.name]}")
        if not s.sql():
            fail(s.where, f"{s.name} has no SQL")
        seen[s.name] = s.where
    yield "#include <array>\n\nnamespace tocsin::db::query {\n"
    yield ("// A statement by its name in db/queries, where it is explained.\n"
           "struct Query {\n  const char* name;\n  const char* sql;\n};\n")
    for s in statements:
        sql = literal(s.where, s.sql())
        yield f'inline constexpr Query k{s.name} = {{"{s.name}", {sql}}};\n'
    names = "".join(f"    k{s.name},\n" for s in statements)
    yield (f"inline constexpr std::array<Query, {len(statements)}> kAll = {{{{\n{names}}}}};\n"
           if statements else "inline constexpr std::array<Query, 0> kAll = {};\n")
    yield "}  // namespace tocsin::db::query"


def embed_migrations(paths):
    found = {}
    for path in sorted(paths):
        match = MIGRATION.match(path.name)
        if not match:
            fail(path, "expected NNNN_name.up.sql or NNNN_name.down.sql")
        number, name, way = int(match[1]), match[2], match[3]
        entry = found.setdefault(number, {"name": name})
        if entry["name"] != name:
            fail(path, f"number {number:04} is also {entry['name']}")
        text = path.read_text(encoding="utf-8")
        if way == "up":
            oldest = OLDEST.match(text)
            if not oldest or not 1 <= int(oldest[1]) <= number:
                fail(path, "expected as the first line: -- oldest program: NNNN, the newest "
                           "migration of the oldest program that may run beside this one")
            entry["oldest"] = int(oldest[1])
            text = text[oldest.end():]
        entry[way] = literal(path, text)
    for expected, (number, entry) in enumerate(sorted(found.items()), 1):
        if number != expected:
            fail("migrations", f"number {expected:04} is missing")
        for way in ("up", "down"):
            if way not in entry:
                fail("migrations", f"{number:04}_{entry['name']}.{way}.sql is missing")
    yield '#include <array>\n\n#include "db/migrations.h"\n\nnamespace tocsin::db {\n'
    rows = "".join(f'    Migration{{{number}, "{e["name"]}", {e["oldest"]}, {e["up"]}, '
                   f'{e["down"]}}},\n'
                   for number, e in sorted(found.items()))
    yield (f"inline constexpr std::array<Migration, {len(found)}> kMigrations = {{{{\n{rows}}}}};\n"
           if found else "inline constexpr std::array<Migration, 0> kMigrations = {};\n")
    yield "}  // namespace tocsin::db"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kind", choices=["queries", "migrations"])
    parser.add_argument("files", nargs="*", type=pathlib.Path)
    parser.add_argument("-o", "--output", required=True, type=pathlib.Path)
    args = parser.parse_args()
    embed = embed_queries if args.kind == "queries" else embed_migrations
    text = "\n".join(["#pragma once", "// Made by tools/embed_sql.py. Edit the SQL files instead.",
                      *embed(args.files), ""])
    args.output.parent.mkdir(parents=True, exist_ok=True)
    args.output.write_text(text, encoding="utf-8")


main()
