"""Inputs of the fuzz target diskqueue (see fuzz/fuzz_diskqueue.c): files that nsqd 1.3.0 wrote, and changed ones."""
import itertools
import pathlib
import struct

FILES = pathlib.Path(__file__).resolve().parents[1] / "tests/support/diskqueue"
ID = b"0123456789abcdef"


def record(body, message=ID, size=None):
    data = struct.pack(">qH", 1795987939127626247, 3) + message + body
    return struct.pack(">i", len(data) if size is None else size) + data


def add_diskqueue(seeds):
    def add(data, max_body=255, cuts=(0, 2)):
        seeds.add("diskqueue", bytes([max_body, *cuts]) + data)

    def add_named(name, data, max_body=255, cuts=(0, 2)):
        seeds.add_named("diskqueue", name, bytes([max_body, *cuts]) + data)

    for path in sorted(FILES.glob("*.dat")):
        data = path.read_bytes()
        add_named("nsqd-" + path.stem, data)
        for n in range(len(data)):
            add(data[:n], cuts=(n % 64, 3))
    for size in (-2**31, -1, 0, 25, 26, 27, 2**31 - 1):
        add_named(f"size-{size}", record(b"", size=size))
        add(record(b"one") + record(b"x", size=size) + record(b"two"))
    for n in range(3, 6):
        add_named(f"body-{n}-of-4", record(b"x" * n) + record(b""), max_body=4)
    for name, message in (("capitals", ID.upper()), ("letter-g", b"g" * 16), ("blanks", b" " * 16), ("NUL", b"\0" * 16)):
        add_named("id-" + name, record(b"x", message) + record(b"y"))
    text = b"5\n-1,2\n3,4\n"
    for n in range(len(text)):
        add_named(f"meta-cut-off-{n}", text[:n])
    add_named("meta-signs", b"+5\n-1,+2\n-0,4\n")
    add_named("meta-semicolon", b"5\n1;2\n3,4\n")
    add_named("meta-blank-before-comma", b"5\n1 ,2\n3,4\n")
    numbers = (b"0", b"-0", b"+7", b"007", b"9223372036854775807", b"9223372036854775808", b"-9223372036854775808",
               b"-9223372036854775809", b"99999999999999999999999", b"", b"-", b"--1", b"x", b"1_0")
    for number, place in itertools.product(numbers, range(5)):
        five = [b"1", b"2", b"3", b"4", b"5"]
        five[place] = number
        add(b"%b\n%b,%b\n%b,%b\n" % tuple(five))
    for space in ("\r", "\t", " ", "\v", "\n", "\x85", "\u00a0", "\u1680", "\u2000", "\u200b", "\u3000", "\u00e9"):
        five = ["1", "\n", "2", ",", "3", "\n", "4", ",", "5", "\n"]
        for place in range(len(five) + 1):
            add("".join([*five[:place], space, *five[place:]]).encode())
    queues = ("t", "t:c", "t#ephemeral", "t#ephemeral:c", "t:c#ephemeral", "t:", ":c", "", "a:b:c", "t;c", "t" * 64, "t" * 65,
              "t:" + "c" * 64, ".diskqueue.", "a.diskqueue.meta.dat")
    ends = ("meta.dat", "000000.dat", "00000.dat", "0000000.dat", "1000000.dat", "9223372036854775807.dat",
            "9223372036854775808.dat", "000001.dat.bad", "-00001.dat", "meta.dat.7.tmp", "meta.dat.bad", "00000x.dat")
    for queue, end in itertools.product(queues, ends):
        add((queue + ".diskqueue." + end).encode())
    add_named("name-longest", ("t" * 64 + ":" + "c" * 64 + ".diskqueue.9223372036854775807.dat.bad").encode())
    for topic, channel, number in itertools.product((b"t", b"t#ephemeral", b""), (b"c", b"c#ephemeral", b""), (0, 1000000, 2**63 - 1, -1)):
        for kind in range(3):
            add(bytes([kind]) + struct.pack(">q", number) + bytes([len(topic)]) + topic + channel)
    for pos, size, most in ((66, 34, 100), (66, 35, 100), (0, 35, 34), (1, 35, -1), (2**63 - 1, 30, 2**63 - 1)):
        add_named(f"rolls-{pos}-{size}-{most}", struct.pack(">qqqqq", pos, size, most, 0, -2**63))
