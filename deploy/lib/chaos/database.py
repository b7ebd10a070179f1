"""The final log, from the database itself."""

import json
import sqlite3

from chaos.check.record import Stored

LOG = """
SELECT json_build_object('key', c.key, 'seq', m.seq, 'sender', m.sender,
  'cid', convert_from(m.cid, 'UTF8'), 'ts', m.ts, 'body', convert_from(m.body, 'UTF8')::json)
FROM messages m JOIN conversations c ON c.id = m.conversation"""

SQLITE_LOG = """
SELECT c.key, m.seq, m.sender, m.cid, m.ts, m.body
FROM messages m JOIN conversations c ON c.id = m.conversation"""


async def log(cluster):
    """conversation -> all its rows."""
    rows = {}
    for line in (await cluster.sql(LOG)).splitlines():
        row = json.loads(line)
        rows.setdefault(row.pop("key"), []).append(Stored(**row))
    return rows


def sqlite_log(path):
    """The same from the database of an embedded node."""
    rows = {}
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as connection:
        for key, seq, sender, cid, ts, body in connection.execute(SQLITE_LOG):
            rows.setdefault(key, []).append(Stored(seq, sender, cid, ts, json.loads(body)))
    return rows
