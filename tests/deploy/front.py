"""deploy/nginx/tocsin.conf in a real nginx: the file as it is shipped, with a test's own
paths and port in it, and shorter times where a test waits for them to be over."""
import os
import pathlib
import re
import socket
import subprocess

from deploy import DEPLOY, tool
from tocsin import PATIENCE_S

MAIN = """\
daemon off;
{user}worker_processes 2;
pid {folder}/nginx.pid;
error_log {folder}/log/error.log info;
events {{ worker_connections {connections}; }}
http {{
    client_body_temp_path {folder}/temp/body;
    proxy_temp_path {folder}/temp/proxy;
    fastcgi_temp_path {folder}/temp/fastcgi;
    scgi_temp_path {folder}/temp/scgi;
    uwsgi_temp_path {folder}/temp/uwsgi;
    include {folder}/tocsin.conf;
}}
"""


def replaced(text, before, after):
    """Fails where there is nothing to be replaced: the shipped file has changed then."""
    new, times = re.subn(before, after, text, flags=re.MULTILINE)
    if times == 0:
        raise AssertionError(f"deploy/nginx says no {before!r} any more")
    return new


class Front:
    """An nginx that listens as soon as it is constructed. `limits` are directives of the
    shipped file with other values."""

    def __init__(self, folder, authority, receivers, connections=4096, limits=None):
        self.folder = pathlib.Path(folder)
        for made in (self.folder, self.folder / "log", self.folder / "temp"):
            made.mkdir()
        authority.issue("front")
        # Opened here and handed on, so that nobody takes the port, nobody waits for it,
        # and who connects before nginx is up is served once it is.
        with socket.socket() as listening:
            listening.bind(("127.0.0.1", 0))
            listening.listen(1024)
            # Its workers would wait in accept() for a connection that another one took.
            listening.setblocking(False)
            self.port = listening.getsockname()[1]
            self._write(authority, receivers, connections, limits or {})
            os.set_inheritable(listening.fileno(), True)
            with (self.folder / "said").open("w") as said:
                self.process = subprocess.Popen(
                    [tool("nginx"), "-p", self.folder, "-e", self.folder / "log/start.log", "-c",
                     self.folder / "nginx.conf"],
                    env={**os.environ, "NGINX": f"{listening.fileno()};"},
                    pass_fds=[listening.fileno()], stdout=said, stderr=subprocess.STDOUT)

    @property
    def url(self):
        return f"https://127.0.0.1:{self.port}"

    def _write(self, authority, receivers, connections, limits):
        nodes = (DEPLOY / "nginx/tocsin-nodes.conf").read_text()
        one = re.search(r"(?m)^server .*$", nodes)[0]
        (self.folder / "nodes.conf").write_text("".join(
            replaced(one, r"127\.0\.0\.1:7234", address) + "\n"
            for address in receivers))
        text = (DEPLOY / "nginx/tocsin.conf").read_text()
        for before, after in (
                (r"^    listen 443 ssl;", f"    listen 127.0.0.1:{self.port} ssl;"),
                (r"/etc/nginx/tocsin-nodes\.conf", f"{self.folder}/nodes.conf"),
                (r"/etc/ssl/tocsin/fullchain\.pem", str(authority.certificate("front"))),
                (r"/etc/ssl/tocsin/privkey\.pem", str(authority.key("front"))),
                (r"/var/log/nginx/", f"{self.folder}/log/"),
                *((rf"^    {name} \S+;", f"    {name} {value};")
                  for name, value in limits.items())):
            text = replaced(text, before, after)
        (self.folder / "tocsin.conf").write_text(text)
        (self.folder / "nginx.conf").write_text(MAIN.format(
            user="user nobody nogroup;\n" if os.getuid() == 0 else "", folder=self.folder,
            connections=connections))

    def requests(self):
        """What the access log says of each: the words of its line."""
        return [line.split() for line in (self.folder / "log/tocsin.log").read_text().splitlines()]

    def everything_said(self):
        """All that nginx wrote anywhere, its temporary files included."""
        return {path: path.read_text(errors="replace")
                for path in sorted(self.folder.rglob("*"))
                if path.is_file() and path.suffix != ".conf"}

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
        return self.process.wait(PATIENCE_S)
