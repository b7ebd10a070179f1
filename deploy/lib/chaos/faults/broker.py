"""RabbitMQ stopped, killed, short of memory, and without the queue of a node."""

import pika.exceptions

from chaos.faults.registry import fault, require
from chaos.faults.restarting import restart

WATERMARK = 'vm_memory_monitor:set_vm_memory_high_watermark({{absolute, "{}"}}), '
ALARMS = "timer:sleep(1200), rabbit_alarm:get_alarms()."


async def restart_broker(stage, how):
    await stage.note_unroutable()
    await restart(stage, "rabbitmq", "the broker", how, 0.2, 8)


@fault("broker-restart", 10)
async def broker_restart(stage):
    await restart_broker(stage, stage.cluster.stop)


@fault("broker-kill", 10)
async def broker_kill(stage):
    await restart_broker(stage, stage.cluster.kill)


@fault("broker-alarm", 10)
async def broker_alarm(stage):
    shown = await stage.cluster.erlang(WATERMARK.format("1MB") + ALARMS)
    require("memory" in shown, f"no alarm: {shown}")
    stage.injected("memory alarm", "rabbitmq")
    await stage.hold(3, 12)
    shown = await stage.cluster.erlang(WATERMARK.format("1GB") + ALARMS)
    if "memory" in shown:
        raise RuntimeError(f"the alarm stays: {shown}")


@fault("queue-deleted", 5)
async def queue_deleted(stage):
    """The node cannot make its queue anew for some seconds: what comes for it has nowhere to go."""
    node = stage.receivers_node()
    link = f"{node}.rabbitmq"
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
    await stage.cluster.amqp(lambda channel: channel.queue_delete(f"chat.queue.{node}"))
    # It has made it anew before anybody can look; that it had to is in the broker's log.
    stage.injected(f"the queue of {node} is deleted under its consumer", "rabbitmq")
    await stage.hold(0.5, 2)


def delete(channel, queue):
    """Says whether the queue is gone."""
    channel.queue_delete(queue)
    try:
        channel.queue_declare(queue, passive=True)
    except pika.exceptions.ChannelClosedByBroker as closed:
        return closed.reply_code == 404
    return False
