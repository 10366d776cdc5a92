"""A consumer for ../../cluster: finds the nsqds of a topic through nsqlookupds, and prints each message. It runs until it
is ended, 3 minutes at most.

    discover.py JOB
"""

import json
import logging
import sys

import gevent
import gnsq


def take(_, message):
    print("got %s" % message.body.decode(), flush=True)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: discover.py JOB")
    logging.basicConfig(level=logging.INFO)
    job = json.loads(sys.argv[1])
    gnsq.Consumer(job["Topic"], job["Channel"], lookupd_http_addresses=job["Lookups"], message_handler=take,
                  lookupd_poll_interval=1, lookupd_poll_jitter=0, max_in_flight=10).start(block=False)
    gevent.sleep(180)
