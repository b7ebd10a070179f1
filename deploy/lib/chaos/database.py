"""The final log, from the database itself."""

import json
import sqlite3

from chaos.check.record import Stored

LOG = """
SELECT json_build_object('key', c.key, 'seq', m.seq, 'kind', m.kind, 'sender', m.sender,
  'cid', convert_from(m.cid, 'UTF8'), 'ts', m.ts, 'reference', m.reference,
  'body', convert_from(nullif(m.body, ''), 'UTF8')::json,
  'edited_by', m.edited_by, 'deleted_by', m.deleted_by)
FROM messages m JOIN conversations c ON c.id = m.conversation"""

SQLITE_LOG = """
SELECT c.key, m.seq, m.sender, m.cid, m.ts, m.body, m.kind, m.reference, m.edited_by, m.deleted_by
FROM messages m JOIN conversations c ON c.id = m.conversation"""

MARKS = """
SELECT json_build_object('key', c.key, 'user', m.name, 'recv', m.recv, 'read', m.read)
FROM members m JOIN conversations c ON c.id = m.conversation"""

SQLITE_MARKS = """
SELECT c.key, m.user, m.recv, m.read
FROM members m JOIN conversations c ON c.id = m.conversation"""


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
        for key, seq, sender, cid, ts, body, *more in connection.execute(SQLITE_LOG):
            rows.setdefault(key, []).append(
                Stored(seq, sender, cid, ts, json.loads(body) if body else None, *more))
    return rows


async def marks(cluster):
    """(conversation, user) -> how far each has received and read."""
    rows = (json.loads(line) for line in (await cluster.sql(MARKS)).splitlines())
    return {(row["key"], row["user"]): (row["recv"], row["read"]) for row in rows}


def sqlite_marks(path):
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as connection:
        return {(key, user): (recv, read)
                for key, user, recv, read in connection.execute(SQLITE_MARKS)}
