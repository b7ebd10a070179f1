"""A process with TCP links that can be cut, frozen, slowed: orders come as JSON lines.

    python3 -m chaos.links '{"server1.redis": [20064, 20001], ...}'     name: [from port, to port]
    {"link": "server1.redis", "fault": "slow"}                          answers what it is carrying
"""

import asyncio
import json
import sys

CHUNK = 65536
SLOW_SECONDS = 0.25
DRIBBLE_TRICKLE = 64
# For connections that are cut at the end to notice.
END_SECONDS = 0.1


class Link:
    """One listener and its connections; a fault is of all of them, and of those to come.

    The faults: `whole`, `cut`, `frozen`, `mute` when nothing goes out, `deaf` when nothing comes
    back, `slow`, `dribble`.
    """

    def __init__(self, name, to):
        self.name, self.to = name, to
        self.fault = "whole"
        self.changed = asyncio.Event()
        self.writers = set()
        self.open = self.refused = self.hindered = 0

    async def accept(self, reader, writer):
        if self.fault == "cut":
            self.refused += 1
            writer.transport.abort()
            return
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.to)
        except OSError:
            writer.transport.abort()
            return
        self.open += 1
        self.writers |= {writer, far_writer}
        try:
            # When one side ends so does the other: nobody here needs half a connection.
            ways = [asyncio.create_task(self.carry(reader, far_writer, True)),
                    asyncio.create_task(self.carry(far_reader, writer, False))]
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
        finally:
            self.open -= 1
            for each in (writer, far_writer):
                self.writers.discard(each)
                each.transport.abort()

    async def carry(self, reader, writer, is_outward):
        try:
            while data := await reader.read(CHUNK):
                await self.hinder(is_outward)
                if self.fault == "dribble":
                    await self.dribble(data, writer)
                else:
                    writer.write(data)
                await writer.drain()
        except OSError:
            pass

    async def hinder(self, is_outward):
        """Waits as long as the fault wants it; what waits for a frozen link goes on later."""
        if self.fault == "slow":
            self.hindered += 1
            await asyncio.sleep(SLOW_SECONDS)
        while self.fault in ("frozen", "mute" if is_outward else "deaf"):
            self.hindered += 1
            await self.changed.wait()

    async def dribble(self, data, writer):
        for place in range(len(data)):
            writer.write(data[place:place + 1])
            self.hindered += 1
            # One segment each, as far as the kernel keeps them apart.
            await asyncio.sleep(0)
            if place % DRIBBLE_TRICKLE == 0:
                await writer.drain()
            if self.fault != "dribble":
                writer.write(data[place + 1:])
                return

    def set(self, fault):
        """Changes what the link does; tells what it carries and what the last fault did to it."""
        told = {"open": self.open, "refused": self.refused, "hindered": self.hindered}
        self.fault, self.refused, self.hindered = fault, 0, 0
        if fault == "cut":
            for writer in list(self.writers):
                writer.transport.abort()
        self.changed.set()
        self.changed = asyncio.Event()
        return told


async def main():
    links, servers = {}, []
    for name, (port, to) in json.loads(sys.argv[1]).items():
        links[name] = Link(name, to)
        servers.append(await asyncio.start_server(links[name].accept, "127.0.0.1", port))
    print("ready", flush=True)
    orders = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    # It ends with its harness: at the end of input.
    while line := await orders.readline():
        order = json.loads(line)
        print(json.dumps(links[order["link"]].set(order["fault"])), flush=True)
    for server in servers:
        server.close()
    for link in links.values():
        link.set("cut")
    await asyncio.sleep(END_SECONDS)


if __name__ == "__main__":
    asyncio.run(main())
