"""What the tests of deploy/ share: where its files are, what they say, and the programs
of others that read them."""
import json
import os
import pathlib
import re
import shutil
import unittest

SOURCE = pathlib.Path(os.environ["E2E_SOURCE"])
DEPLOY = SOURCE / "deploy"
ALERTS = DEPLOY / "prometheus" / "tocsin-alerts.yaml"
DASHBOARD = DEPLOY / "grafana" / "tocsin.json"

# script/bootstrap unpacks there what it does not install, because installed it
# would start by itself.
TOOLS = SOURCE / ".cache" / "tools"


def tool(name):
    """Where a program is, or None."""
    places = [os.environ["PATH"], "/usr/sbin", "/sbin",
              *(str(TOOLS / folder) for folder in ("usr/bin", "usr/sbin"))]
    return shutil.which(name, path=os.pathsep.join(places))


def needs(*names):
    """Skips a test, and says why, where a program is missing."""
    missing = [name for name in names if tool(name) is None]
    return unittest.skipIf(missing, f"not here: {', '.join(missing)}; see script/bootstrap")


def rules():
    """The names of all alerts."""
    return re.findall(r"^ +- alert: (\w+)$", ALERTS.read_text(), flags=re.MULTILINE)


def dashboard_expressions():
    return [target["expr"] for panel in json.loads(DASHBOARD.read_text())["panels"]
            for target in panel.get("targets", [])]


def metrics_named():
    """What rules and dashboard ask for: name -> who asks."""
    asked = {}
    for who, text in (("the alert rules", ALERTS.read_text()),
                      ("the dashboard", "\n".join(dashboard_expressions()))):
        if who == "the alert rules":
            text = re.sub(r"(?m)^ +(summary|- alert):.*$", "", text)
        for name in re.findall(r"\btocsin_[a-z_]+", text):
            asked.setdefault(name, who)
    return asked
