"""RabbitMQ stopped, killed, short of memory, and without the queue of a node."""

import asyncio
import time

import pika.exceptions

from chaos.faults.registry import fault, require
from chaos.faults.restarting import kill, restart, stop

WATERMARK = 'vm_memory_monitor:set_vm_memory_high_watermark({{absolute, "{}"}}), '
ALARMS = "timer:sleep(1200), rabbit_alarm:get_alarms()."
ANEW_SECONDS = 10


async def restart_broker(stage, end):
    await stage.note_unroutable()
    await restart(stage, "rabbitmq", "the broker", end, 0.2, 8)


@fault("broker-restart", 10)
async def broker_restart(stage):
    await restart_broker(stage, stop)


@fault("broker-kill", 10)
async def broker_kill(stage):
    await restart_broker(stage, kill)


@fault("broker-alarm", 10)
async def broker_alarm(stage):
    try:
        shown = await stage.cluster.erlang(WATERMARK.format("1MB") + ALARMS)
        require("memory" in shown, f"no alarm: {shown}")
        stage.injected("memory alarm", "rabbitmq")
        await stage.hold(3, 12)
    finally:
        shown = await stage.cluster.erlang(WATERMARK.format("1GB") + ALARMS)
    if "memory" in shown:
        raise RuntimeError(f"the alarm stays: {shown}")


@fault("queue-deleted", 5)
async def queue_deleted(stage):
    """The node cannot make its queue anew for some seconds: what comes for it has nowhere to go."""
    node = stage.receivers_node()
    link = f"{node}.rabbitmq"
    stage.disturbed(f"{link} is cut")
    await stage.cluster.set_link(link, "cut")
    try:
        gone = await stage.cluster.amqp(lambda channel: delete(channel, f"chat.queue.{node}"))
        require(gone, f"{node} still has its queue")
        stage.injected(
            f"the queue of {node} is deleted, and the node away from the broker", "rabbitmq")
        await stage.hold(2, 5)
    finally:
        await stage.cluster.set_link(link, "whole")
    await stage.note_unroutable()


@fault("queue-deleted-in-use", 3)
async def queue_deleted_in_use(stage):
    node = stage.receivers_node()
    before = len(stage.cluster.log(node))
    stage.disturbed(f"the queue of {node} is deleted")
    await stage.cluster.amqp(lambda channel: channel.queue_delete(f"chat.queue.{node}"))
    # It has made it anew before anybody can look; that it had to it says itself.
    deadline = time.monotonic() + ANEW_SECONDS
    while "broker is back" not in stage.cluster.log(node)[before:]:
        require(time.monotonic() < deadline, f"{node} did not notice that its queue was gone")
        await asyncio.sleep(0.05)
    stage.injected(f"the queue of {node} was deleted under its consumer", "rabbitmq")
    await stage.hold(0.5, 2)


def delete(channel, queue):
    """Says whether the queue is gone."""
    channel.queue_delete(queue)
    try:
        channel.queue_declare(queue, passive=True)
    except pika.exceptions.ChannelClosedByBroker as closed:
        return closed.reply_code == 404
    return False
