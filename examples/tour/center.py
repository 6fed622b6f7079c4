"""What the steps ask of the center itself, over its socket."""
import http.client
import json
import os
import socket


class Connection(http.client.HTTPConnection):
    """HTTP over the center's Unix socket."""

    def __init__(self, system):
        super().__init__("localhost", timeout=60)
        self.path = os.path.join(system.env["RHODES_RUN_DIR"], "center.sock")

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Events:
    """The center's stream of events."""

    def __init__(self, stage, system):
        self.connection = Connection(system)
        stage.callback(self.connection.close)
        self.connection.request("GET", "/apis/v1/events")
        self.response = self.connection.getresponse()

    def take(self, kind, edge):
        """Waits for the next event of that type about that edge."""
        while True:
            line = json.loads(self.response.readline())
            if line["type"] == kind and line.get("edge") == list(edge):
                return line
