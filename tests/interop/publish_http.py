"""Publishes over HTTP with Tornado's client, and consumes with pynsq: publish_http.py TCP-ADDRESS HTTP-ADDRESS"""

import asyncio
import struct
import sys

import nsq
import tornado.httpclient

DEADLINE = 30  # seconds


async def main():
    tcp, http = sys.argv[1:]
    client = tornado.httpclient.AsyncHTTPClient()
    got = asyncio.Queue()
    reader = nsq.Reader(topic="py", channel="c", nsqd_tcp_addresses=[tcp], max_in_flight=10,
                        message_handler=lambda message: got.put_nowait(message.body) or True)
    binary = b"".join(struct.pack(">l", len(body)) + body for body in (b"three", b"\0\n\xff"))
    for path, body in (("/pub?topic=py", b"one"), ("/mpub?topic=py", b"two\nmore"),
                       ("/mpub?topic=py&binary=true", struct.pack(">l", 2) + binary),
                       ("/pub?topic=py&defer=100", b"later")):
        answer = await client.fetch("http://%s%s" % (http, path), method="POST", body=body)
        print(path, answer.code, answer.body.decode())
    try:
        await client.fetch("http://%s/pub?topic=py" % http, method="POST", body=b"")
    except tornado.httpclient.HTTPClientError as error:
        print("an empty message:", error, error.response.body.decode())
    for body in sorted([await asyncio.wait_for(got.get(), DEADLINE) for _ in range(6)]):
        print("got", body)
    reader.close()


asyncio.run(main())
