"""A certificate authority of the tests' own, and certificates by it; nothing of it is kept."""

import pathlib
import ssl
import subprocess
import tempfile

NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]


def openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], stdin=subprocess.DEVNULL, check=True,
                   capture_output=True, timeout=60)


class Authority:
    def __init__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="chat-tls-")
        self.path = pathlib.Path(self.folder.name)
        self.certificate, self.key = self.path / "ca.pem", self.path / "ca.key"
        openssl("req", "-x509", *NEW_KEY, "-days", 2, "-subj", "/CN=Test Authority",
                "-keyout", self.key, "-out", self.certificate)

    def make(self, name, names="DNS:localhost,IP:127.0.0.1", extensions=()):
        """Writes NAME.pem and NAME.key, in place of what was there; their paths."""
        base = self.path / name
        extra = [word for line in (f"subjectAltName={names}", *extensions)
                 for word in ("-addext", line)]
        openssl("req", *NEW_KEY, "-subj", f"/CN={name}", *extra, "-keyout", f"{base}.key.new",
                "-out", f"{base}.request")
        openssl("x509", "-req", "-in", f"{base}.request", "-CA", self.certificate, "-CAkey",
                self.key, "-CAcreateserial", "-copy_extensions", "copy", "-days", 90,
                "-out", f"{base}.pem.new")
        for suffix in ("pem", "key"):
            pathlib.Path(f"{base}.{suffix}.new").rename(f"{base}.{suffix}")
        return pathlib.Path(f"{base}.pem"), pathlib.Path(f"{base}.key")

    def client_context(self, lowest=ssl.TLSVersion.TLSv1_2, highest=ssl.TLSVersion.TLSv1_3):
        context = ssl.create_default_context(cafile=self.certificate)
        context.minimum_version, context.maximum_version = lowest, highest
        return context

    def server_context(self, name):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.make(name))
        return context

    def end(self):
        self.folder.cleanup()
