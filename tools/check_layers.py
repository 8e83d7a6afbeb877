#!/usr/bin/env python3
"""Fails if a folder includes from a folder above or beside it.

    check_layers.py [root]

CMake's link lines stop most of it; this stops the header-only rest. Folders
below app/ count as their own: app/pgcluster is a library that tests use too.
What lives in one place only (libpqxx in db/, httplib in ...) is in ONLY_IN.
"""
import pathlib
import re
import sys

# Folder -> the folders that it may include from, besides itself.
BELOW = {"base": set(), "core": {"base"}}
BELOW["wire"] = {"base", "core"}
BELOW["speech"] = {"base", "core"}
BELOW["db"] = {"base", "core"}
BELOW["scheduler"] = {"base", "core"}
BELOW["dialer"] = {"base", "core", "wire"}
BELOW["callserver"] = {"base", "core", "wire"}
BELOW["api"] = {"base", "core", "tocsin"}  # "tocsin/v1/...": made of proto/
BELOW["cli"] = {"base", "core", "tocsin"}
BELOW["app/pgcluster"] = {"base"}
BELOW["app"] = {"base", "core", "wire", "db", "scheduler", "dialer", "callserver", "api", "cli",
                "speech", "app/pgcluster"}

# A library's header -> the folders that may know it.
ONLY_IN = {
    "pqxx/": {"db"},
    "httplib.h": {"base", "dialer", "callserver"},
    "nlohmann/": {"wire", "cli", "callserver"},
    "grpcpp/": {"api", "cli"},
    "google/protobuf/": {"api", "cli"},
    "phonenumbers/": {"core"},
    "openssl/": {"wire", "base", "dialer"},
    "yaml-cpp/": {"cli", "app", "callserver"},
    "CLI/": {"cli", "app"},
    "boost/": {"base"},
    "spdlog/": {"base"},
    "flite/": {"speech"},
    "prometheus/": {"base"},
}
INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]')


def folder_of(path):
    """The library that a file or an include belongs to; None if it is not ours."""
    parts = path.split("/")
    if "/".join(parts[:2]) in BELOW and len(parts) > 2:
        return "/".join(parts[:2])
    return parts[0] if parts[0] in BELOW or parts[0] == "tocsin" else None


def complaints_of(root, path):
    relative = path.relative_to(root).as_posix()
    folder = folder_of(relative)
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        match = INCLUDE.match(line)
        if not match:
            continue
        included = match[2]
        where = f"{relative}:{number}"
        target = folder_of(included) if match[1] == '"' and "/" in included else None
        if target and target != folder and target not in BELOW[folder]:
            yield f"{where}: {folder}/ may not include {target}/"
        if match[1] == '"' and included.startswith("tests/"):
            yield f"{where}: {folder}/ may not include tests/"
        for prefix, known_in in ONLY_IN.items():
            if included.startswith(prefix) and folder not in known_in:
                yield f"{where}: {prefix} belongs to {', '.join(sorted(known_in))}, not {folder}/"


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()
    found = []
    for top in sorted({folder.split("/")[0] for folder in BELOW}):
        for path in sorted((root / top).rglob("*")):
            if path.suffix in (".h", ".cc"):
                found.extend(complaints_of(root, path))
    print("\n".join(found) if found else "layers: as drawn")
    sys.exit(bool(found))


main()
