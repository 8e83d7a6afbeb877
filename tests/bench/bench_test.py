#!/usr/bin/env python3
"""Whether script/bench still works and tells what it promises: sizes are tiny, and nobody
looks at how fast anything was."""
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

BENCH = pathlib.Path(__file__).resolve().with_name("bench.py")
BUILD = sys.argv.pop(sys.argv.index("--build") + 1)


def bench(*arguments):
    """What it wrote as JSON, and what it printed."""
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        ran = subprocess.run([BENCH, "--build", BUILD, "--rounds", "1", "--shrink", "200",
                              "--json", file.name, *arguments],
                             capture_output=True, text=True, timeout=500, check=False)
        if ran.returncode != 0:
            raise AssertionError(ran.stderr)
        return json.load(file), ran.stdout


class Bench(unittest.TestCase):
    def judge(self, told, printed, names):
        self.assertEqual([line["name"] for line in told], names)
        for line in told:
            self.assertEqual(set(line), {"name", "against", "unit", "ratio"})
            ratio = line["ratio"]
            self.assertEqual(set(ratio), {"min", "median", "max"})
            self.assertLessEqual(0, ratio["min"])
            self.assertLessEqual(ratio["min"], ratio["median"])
            self.assertLessEqual(ratio["median"], ratio["max"])
            self.assertIn(line["name"], printed)

    def test_lists_and_claims(self):
        self.judge(*bench("import", "claim"),
                   ["import", "import, the store alone", "WAL of a row", "disk of a row",
                    "database's CPU of a row", "claim of 100", "claim of 100, p99"])

    def test_lists_of_several_lengths(self):
        told, printed = bench("size")
        self.judge(told, printed, [line["name"] for line in told])
        self.assertEqual(len(told), 14)

    def test_lives_on_a_slow_disk(self):
        self.judge(*bench("life", "life-http", "--fsync-ms", "1"),
                   ["life of a call, in process", "WAL of a call", "disk of a call",
                    "database's CPU of a call", "our CPU of a call",
                    "life of a call, over HTTP"])

    def test_pacing(self):
        told, printed = bench("pacing", "--rates", "200")
        self.assertEqual([line["rate"] for line in told], [200])
        for line in told:
            self.assertEqual(set(line), {"rate", "max_in_rolling_second",
                                         "ledger_max_in_rolling_second", "used_percent"})
            self.assertLessEqual(line["max_in_rolling_second"], line["rate"])
            self.assertGreater(line["used_percent"], 0)
        self.assertIn("used, %", printed)

    def test_an_unknown_name_is_refused(self):
        ran = subprocess.run([BENCH, "--build", BUILD, "nonsense"], capture_output=True, text=True,
                             check=False)
        self.assertEqual(ran.returncode, 2)
        self.assertIn("there is no bench nonsense; there are import,", ran.stderr)


if __name__ == "__main__":
    sys.argv.remove("--build")
    unittest.main()
