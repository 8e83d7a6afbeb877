"""An authority of a test's own, and certificates by it, made with openssl."""
import pathlib
import subprocess

NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]


def openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


class Authority:
    """Files `name`.pem and `name`.key in a folder of its own."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir()
        self.ca = self.folder / "ca.pem"
        openssl("req", "-x509", *NEW_KEY, "-days", 1, "-subj", "/CN=an authority of a test",
                "-keyout", self.folder / "ca.key", "-out", self.ca)

    def certificate(self, name):
        return self.folder / f"{name}.pem"

    def key(self, name):
        return self.folder / f"{name}.key"

    def issue(self, name, hosts="IP:127.0.0.1,DNS:localhost"):
        """In the place of those that are there, the key first, each at one instant."""
        openssl("req", *NEW_KEY, "-subj", f"/CN={name}", "-keyout", self.folder / "new.key",
                "-out", self.folder / "new.csr")
        (self.folder / "names").write_text(f"subjectAltName={hosts}\n")
        openssl("x509", "-req", "-in", self.folder / "new.csr", "-CA", self.ca, "-CAkey",
                self.folder / "ca.key", "-days", 1, "-extfile", self.folder / "names", "-out",
                self.folder / "new.pem")
        (self.folder / "new.key").chmod(0o600)
        (self.folder / "new.key").rename(self.key(name))
        (self.folder / "new.pem").rename(self.certificate(name))

    def flags(self, listener, name):
        return [f"--{listener}-tls-certificate-file", self.certificate(name),
                f"--{listener}-tls-key-file", self.key(name)]
