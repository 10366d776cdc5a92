"""A consumer for ../../cluster: finds the nsqds of a topic through nsqlookupds, and prints each message. It runs until it
is ended, 3 minutes at most.

    discover.py JOB
"""

import asyncio
import json
import logging
import sys

import nsq


def take(message):
    print("got %s" % message.body.decode(), flush=True)
    return True


async def discover(job):
    nsq.Reader(job["Topic"], job["Channel"], message_handler=take, lookupd_http_addresses=job["Lookups"],
               lookupd_poll_interval=1, lookupd_poll_jitter=0.0, max_in_flight=10)
    await asyncio.sleep(180)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: discover.py JOB")
    logging.basicConfig(level=logging.INFO)
    asyncio.run(discover(json.loads(sys.argv[1])))
