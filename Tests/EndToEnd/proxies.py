"""Proxies of others in front of a node, each with its configuration in a folder of its own."""

import pathlib
import tempfile

from servers import ROOT, Program, free_port

HAPROXY = """
defaults
  mode tcp
  timeout connect 5s
  timeout client 60s
  timeout server 60s
listen nodes
  bind 127.0.0.1:{port}
  server node 127.0.0.1:{node_port} {options}
"""


class Proxy(Program):
    """A program that listens on `port` and passes on to a node."""

    def __init__(self, program, configuration, arguments):
        self.port = free_port()
        self.settings = tempfile.TemporaryDirectory(prefix="chat-proxy-")
        folder = pathlib.Path(self.settings.name)
        file = folder / "configuration"
        file.write_text(configuration(folder, self.port))
        super().__init__(program, *arguments, file)
        self.url = f"ws://127.0.0.1:{self.port}/ws"
        self.await_port(self.port)

    def end(self):
        super().end()
        self.settings.cleanup()


class HAProxy(Proxy):
    """Passes connections on; `options` say how it announces them."""

    def __init__(self, node_port, *options):
        super().__init__(
            "/usr/sbin/haproxy",
            lambda _, port: HAPROXY.format(
                port=port, node_port=node_port, options=" ".join(options)),
            ("-db", "-f"))


class Nginx(Proxy):
    """Passes requests on, as deploy/cluster has it configured."""

    def __init__(self, node_port):
        def configuration(folder, port):
            text = (ROOT / "deploy/lib/nginx.conf.in").read_text()
            for name, value in {"state": folder, "port": port,
                                "balance": "",
                                "servers": f"server 127.0.0.1:{node_port};"}.items():
                text = text.replace(f"@{name}@", str(value))
            return text.replace("worker_processes 2", "worker_processes 1")
        super().__init__("/usr/sbin/nginx", configuration, ("-e", "stderr", "-c"))

    def end(self):
        # Killed, the master would leave its worker behind.
        if self.is_alive():
            self.process.terminate()
            self.wait(10)
        super().end()
