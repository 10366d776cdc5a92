"""Inputs of the fuzz target metadata (see fuzz/fuzz_metadata.c): nsqd.dat of nsqd 1.3.0, and changed and made ones."""
import pathlib

FILE = pathlib.Path(__file__).resolve().parents[1] / "tests/support/diskqueue/nsqd.dat"
NAME = "abcdefghijklmnopqrstuvwxyz.ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789"
CHANNEL, PAUSED, NAME_SHIFT, NOISE, LATE, TWICE = 1, 2, 2, 32, 64, 128


def add_metadata(seeds):
    def add(name, document, what=0):
        seeds.add_named("metadata", name, bytes([what]) + document.encode())

    def topics(*items):
        return '{"topics":[' + ",".join(items) + ']}'

    def made(name, *items, what=128):
        seeds.add_named("metadata", "made-" + name, bytes([what, *items]))

    whole = FILE.read_text()
    add("nsqd", whole)
    add("nsqd-empty", '{"topics":null,"version":"1.3.0"}')
    for n in range(0, len(whole), 19):
        add(f"nsqd-cut-off-{n}", whole[:n])
    for name, document in {
            "behind-it": whole + " x", "null": "null", "empty-list": topics(), "null-topic": topics("null", '{"name":"a"}'),
            "null-channel": topics('{"name":"a","channels":[null,{"name":"c"}]}'),
            "name-longest": topics('{"name":"%s"}' % NAME), "name-too-long": topics('{"name":"x%s"}' % NAME),
            "name-huge": topics('{"name":"%s"}' % ("x" * 256)), "name-none": topics("{}"),
            "name-nul": topics('{"name":"a\\u0000"}'), "name-escaped": topics('{"name":"\\u0061b"}'),
            "name-surrogate": topics('{"name":"\\ud800"}'), "name-not-ascii": topics('{"name":"\u00e9"}'),
            "name-twice": topics('{"name":"%s","name":"a"}' % NAME), "long-s": topics('{"name":"a","pau\u017fed":true}'),
            "number-big": '{"x":1e999,"y":-99999999999999999999,"topics":[]}', "number-bad": '{"x":01}',
            "ignored": topics('{"name":"a","x":{"name":"b","topics":[[{}]]},"topics":1}'),
            "ephemeral": topics('{"name":"t#ephemeral","channels":[{"name":"c"}]}', '{"name":"a","channels":[{"name":"c#ephemeral"}]}'),
            "wrong-document": "[]", "wrong-number": "7", "wrong-topics": '{"topics":{}}', "wrong-version": '{"version":1}',
            "wrong-topic": topics("{}", "[]"), "wrong-topic-text": topics('"a"'), "wrong-name": topics('{"name":[]}'),
            "wrong-name-bool": topics('{"name":true}'), "wrong-paused": topics('{"paused":"x"}'),
            "wrong-paused-number": topics('{"paused":1}'), "wrong-channels": topics('{"channels":{}}'),
            "wrong-channel": topics('{"channels":[{},true]}'), "wrong-after-channels": topics('{"channels":[{}],"name":1}'),
            "wrong-channel-paused": topics('{"channels":[{"name":"a"},{"paused":{}}]}'),
            "twice-topics": '{"topics":null,"TOPICS":null}', "twice-channels": topics('{"channels":[],"channels":null}')}.items():
        add(name, document)
    for near in range(8):
        add(f"nested-{near}", '{"a":["]\\""]}', 96 + near)
    add("nested-bad", "]]", 96)
    made("nothing")
    made("twice-topics", 0, what=129)
    made("twice-channels", CHANNEL & 0, TWICE)
    made("many", *([0, *[CHANNEL | PAUSED] * 3] * 10))
    for flags in range(8):
        made(f"all-names-{flags}", *(flags << 5 & (NOISE | LATE) | n % 8 << NAME_SHIFT | (n // 8 > 0) | flags >> 1 & PAUSED
                                     for n in (0, 8, 9, 10, 2, 8, 1, 11, 15, 3, 8, 9, 14, 4, 13, 5, 8, 6, 12, 7, 8)))
