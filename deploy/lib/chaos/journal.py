"""What happened, one JSON object a line, in the order in which it happened."""

import json
import time


class Journal:
    """A file of events; `t` is the harness' own monotonic clock, the same for all files."""

    def __init__(self, path):
        self.path = path
        self.file = path.open("w", encoding="utf-8")

    def note(self, event, **fields):
        self.file.write(json.dumps({"t": time.monotonic(), "e": event, **fields}) + "\n")

    def flush(self):
        self.file.flush()

    def close(self):
        self.file.close()


def read(path):
    with path.open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]
