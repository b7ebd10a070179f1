"""Edits, deletions and reactions: what each is of, and how what they change is read later."""


class Revisions:
    """The edits and the deletion of each message, by the final log."""

    def __init__(self, log):
        self.changes = {}
        for key, rows in log.items():
            for _, row in sorted(rows.items()):
                if row.kind_name in ("edit", "delete"):
                    self.changes.setdefault((key, row.reference), []).append(row)

    def of_message(self, key, seq):
        return self.changes.get((key, seq), ())

    def of(self, key, row):
        """What changed an entry: who deletes a message empties its edits too."""
        match row.kind_name:
            case "message":
                return self.of_message(key, row.seq)
            case "edit":
                return [change for change in self.of_message(key, row.reference)
                        if change.kind_name == "delete"]
            case _:
                return ()

    def last(self, key, row, kind):
        """The number of the last change of a kind, if there is one."""
        return max((change.seq for change in self.of(key, row) if change.kind_name == kind),
                   default=None)

    def is_deleted(self, key, row):
        return self.last(key, row, "delete") is not None


def body_shown(record, key, row, shown):
    """The body of an entry in the form that a frame says that it has; nothing for one that it never
    had. A deletion's own body is what stands in place of the one that it took out."""
    for kind, member in (("delete", "deleted"), ("edit", "edited")):
        if member in shown:
            return next((record.written(change) for change in record.revisions.of(key, row)
                         if (change.kind_name, change.seq) == (kind, shown[member])), None)
    return record.written(row)


def check(record, committed):
    """`committed`: (conversation, seq) -> when it was first acked."""
    for key, rows in record.log.items():
        for row in rows.values():
            yield from check_stored(record, key, row)
            if row.kind_name in ("edit", "delete", "react"):
                yield from check_target(record, key, row)
    for each in record.histories:
        for connection in each.connections:
            for _, frame in connection.frames:
                if frame["type"] == "page" and frame.get("id") in connection.asked:
                    yield from check_page(record, each, frame, connection.asked[frame["id"]],
                                          committed)


def check_stored(record, key, row):
    """Whether the database knows what became of an entry, and its body is gone with it."""
    edited, deleted = (record.revisions.last(key, row, kind) for kind in ("edit", "delete"))
    if (row.edited_by, row.deleted_by) != (edited, deleted):
        yield "altered", (f"{key} {row.seq}: stored as edited by {row.edited_by} and deleted by "
                          f"{row.deleted_by}, and it was by {edited} and {deleted}")
    if deleted is not None and row.body is not None:
        yield "still there", f"{key} {row.seq}: deleted by {deleted}, and its body is stored"


def check_target(record, key, row):
    """Whether it is of a message that was there; edits and deletions of one's own."""
    target = record.log[key].get(row.reference)
    is_there = (target is not None and target.kind_name == "message" and target.seq < row.seq
                and not any(change.kind_name == "delete" and change.seq < row.seq
                            for change in record.revisions.of(key, target)))
    if not is_there or row.kind_name != "react" and target.sender != row.sender:
        yield "no target", f"{key} {row.seq}: {row.sender}'s {row.kind_name} of {row.reference}"


def check_page(record, each, page, asked, committed):
    """Whether it shows what had been acked when it was asked for."""
    key = each.key(page["conv"])
    for item in page["items"]:
        row = record.log.get(key, {}).get(item["seq"])
        if row is None:
            continue
        shown = item.get("deleted", item.get("edited", 0))
        due = max((change.seq for change in record.revisions.of(key, row)
                   if committed.get((key, change.seq), asked) < asked), default=0)
        if shown < due:
            yield "stale form", (f"{each}: {key} {row.seq} on a page asked for at {asked:.1f}, as "
                                 f"before its {due}")
