"""What the nodes use: turns that are short, and back to where it was when a fault is over."""

import statistics

TURN_SECONDS_MAX = 0.1
DESCRIPTORS_MORE = 4
MEMORY_MORE = 16 * 1024 * 1024
# What a second's load may have under way, and a burst.
QUEUED_MAX = 200
BASELINE_SAMPLES = 6


def check(record):
    yield from check_turns(record)
    yield from check_usage(record)
    yield from check_servers(record)
    yield from check_end(record)


def check_turns(record):
    """Time in which a thread could have run and another program had the processor is not its
    own."""
    for sample in record.samples:
        if own_turn(sample) > TURN_SECONDS_MAX:
            yield "long turn", (f"{sample['node']} at {sample['t']:.0f}: {sample['turn']:.3f} s, "
                                f"of which it waited {sample['starved']:.3f} s for a processor")


def longest_turn(record):
    return max((sample["turn"] for sample in record.samples if not sample["is_excused"]),
               default=0.0)


def own_turn(sample):
    return 0.0 if sample["is_excused"] else max(0.0, sample["turn"] - sample["starved"])


def before(record, time):
    """The last sample of each node before a time."""
    last = {}
    for sample in record.samples:
        if sample["t"] < time:
            last[sample["node"]] = sample
    return last.values()


def check_usage(record):
    """Descriptors but for those of the clients, which move; memory; their queues."""
    first = next((event["t"] for event in record.events if event["e"] == "begin"), None)
    if first is None or not record.samples:
        return
    early = [sample for sample in record.samples if sample["t"] < first][-3 * BASELINE_SAMPLES:]
    if not early:
        return
    descriptors = statistics.median(own_descriptors(sample) for sample in early)
    memory = statistics.median(sample["memory"] for sample in early)
    for event in record.events:
        if event["e"] not in ("settled", "stopped"):
            continue
        where = f"after {event.get('fault', 'the end')}"
        for sample in before(record, event["t"]):
            if own_descriptors(sample) > descriptors + DESCRIPTORS_MORE:
                yield "descriptors", (f"{sample['node']} {where}: {own_descriptors(sample)} "
                                      f"besides its clients', {descriptors:.0f} at first")
            if sample["queued"] > QUEUED_MAX:
                yield "queues", f"{sample['node']} {where}: {sample['queued']:.0f} still wait"
            if sample["memory"] > memory + MEMORY_MORE:
                yield "memory", (f"{sample['node']} {where}: {sample['memory'] >> 20} MiB, "
                                 f"{int(memory) >> 20} MiB at first")


def own_descriptors(sample):
    return sample["descriptors"] - sample["connections"]


def check_servers(record):
    """What the broker holds and let fall, and nodes that were told to stop and did not."""
    for event in record.events:
        if event["e"] == "unroutable" and event["count"] > 0:
            yield "dropped by the broker", f"{event['count']} messages that no queue took"
        for name, count in event["queues"].items() if event["e"] == "queues" else ():
            if count > QUEUED_MAX:
                yield "queues", f"{name} at {event['t']:.0f}: {count} messages"
        if event["e"] == "hung" and event["is_node"]:
            yield "did not stop", f"{event['server']} was told to, and had to be killed"


def check_end(record):
    """Nothing waits when nobody writes any more."""
    for name, value in record.final.items():
        if value:
            yield "left over", f"{name}: {value}"
