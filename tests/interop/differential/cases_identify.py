"""IDENTIFY: which JSON is accepted, each field at its limits, the reply byte for byte, and IDENTIFY again."""

from case import MAGIC, SUB, Replies, Send, Table, identify, pub, u32

MAX_INT64 = 9223372036854775807


def negotiate(*members):
    """An object that asks for the JSON reply, which shows the fields that were applied."""
    return b"{" + b",".join((b'"feature_negotiation":true',) + members) + b"}"


def nested(depth, open_, close):
    return open_ * depth + close * depth


# name, JSON text: one reply each, an OK, a JSON object or an error.
DOCUMENTS = [
    # the top level
    ("empty-object", b"{}"),
    ("null", b"null"),
    ("true", b"true"),
    ("number", b"1"),
    ("string", b'"{}"'),
    ("empty-array", b"[]"),
    ("array-of-object", b"[{}]"),
    ("blank", b" "),
    ("newline-only", b"\n"),
    ("word", b"nil"),
    ("capital-null", b"Null"),
    ("part-of-null", b"nul"),
    # white space, and other bytes around the value
    ("spaces", b' \t\r\n{ \t\r\n"feature_negotiation" \t\r\n: \t\r\ntrue \t\r\n} \t\r\n'),
    ("form-feed", b"\f{}"),
    ("vertical-tab", b"{\v}"),
    ("form-feed-after", b"{}\f"),
    ("form-feed-in-member", b'{"x":\f1}'),
    ("vertical-tab-in-array", b'{"x":[\v1]}'),
    ("no-break-space", b"{}\xc2\xa0"),
    ("nul-before", b"\0{}"),
    ("nul-after", b"{}\0"),
    ("bom", b"\xef\xbb\xbf{}"),
    ("bom-after", b"{}\xef\xbb\xbf"),
    ("utf16", "{}".encode("utf-16-le")),
    ("trailing-brace", b"{}}"),
    ("trailing-comma-after", b"{},"),
    ("trailing-object", b"{}{}"),
    ("trailing-word", b"{} x"),
    ("trailing-quote", b'{}"'),
    ("trailing-open-string", b'{} "x'),
    ("trailing-open-string-after-null", b'null"x'),
    ("trailing-string", b'{}"x"'),
    ("trailing-part-of-true", b"{}tru"),
    ("trailing-minus", b"{}-"),
    ("trailing-backslash", b"{}\\"),
    ("trailing-comment", b"{}//x"),
    ("comment", b"{/**/}"),
    # objects
    ("unclosed", b"{"),
    ("unclosed-member", b'{"sample_rate":1'),
    ("unclosed-key", b'{"sample_rate'),
    ("no-value", b'{"sample_rate"}'),
    ("no-value-colon", b'{"sample_rate":}'),
    ("no-colon", b'{"sample_rate" 1}'),
    ("two-colons", b'{"sample_rate"::1}'),
    ("equals", b'{"sample_rate"=1}'),
    ("last-comma", b'{"sample_rate":1,}'),
    ("first-comma", b'{,"sample_rate":1}'),
    ("two-commas", b'{"sample_rate":1,,"msg_timeout":2000}'),
    ("no-comma", b'{"sample_rate":1 "msg_timeout":2000}'),
    ("semicolon", b'{"sample_rate":1;"msg_timeout":2000}'),
    ("only-comma", b"{,}"),
    ("bare-key", b"{sample_rate:1}"),
    ("single-quotes", b"{'sample_rate':1}"),
    ("number-key", b"{1:1}"),
    ("null-key", b"{null:1}"),
    ("mismatched", b'{"x":[1}'),
    ("mismatched-other", b'{"x":{1]}'),
    ("array-last-comma", b'{"x":[1,]}'),
    ("array-only-comma", b'{"x":[,]}'),
    ("array-no-comma", b'{"x":[1 2]}'),
    ("array-colon", b'{"x":[1:2]}'),
    # keys
    ("unknown-key", negotiate(b'"no_such_field":{"a":[1,"2",null,{}]}')),
    ("empty-key", negotiate(b'"":1')),
    ("legacy-ids", negotiate(b'"short_id":1,"long_id":{"x":[]}')),
    ("key-upper", negotiate(b'"SAMPLE_RATE":5')),
    ("key-mixed", negotiate(b'"Sample_Rate":5')),
    ("key-upper-negotiation", b'{"FEATURE_NEGOTIATION":true}'),
    ("key-long-s", negotiate('"ſample_rate":5'.encode())),
    ("key-long-s-inside", negotiate('"mſg_timeout":5000'.encode())),
    ("key-long-s-escaped", negotiate(b'"\\u017fample_rate":5')),
    ("key-kelvin", negotiate('"\u212a":5,"sample_rate":6'.encode())),
    ("key-dotless-i", negotiate('"msg_t\u0131meout":5000'.encode())),
    ("key-dotted-capital-i", negotiate('"msg_t\u0130meout":5000'.encode())),
    ("key-fullwidth", negotiate('"\uff53ample_rate":5'.encode())),
    ("key-sharp-s", negotiate('"me\u00dfage":5'.encode())),
    ("key-escaped", negotiate(b'"sample\\u005frate":5')),
    ("key-escaped-upper", negotiate(b'"\\u0053ample_rate":5')),
    ("key-hyphen", negotiate(b'"sample-rate":5')),
    ("key-go-name", negotiate(b'"SampleRate":5')),
    ("key-leading-space", negotiate(b'" sample_rate":5')),
    ("key-trailing-nul", negotiate(b'"sample_rate\\u0000":5')),
    ("key-prefix", negotiate(b'"sample_rat":5')),
    ("key-longer", negotiate(b'"sample_rates":5')),
    ("key-invalid-utf8", negotiate(b'"sample_rate\xff":5')),
    ("key-raw-newline", b'{"sample\n_rate":5}'),
    # the same key again
    ("duplicate-last-wins", negotiate(b'"sample_rate":5,"sample_rate":6')),
    ("duplicate-case", negotiate(b'"sample_rate":5,"SAMPLE_RATE":6')),
    ("duplicate-case-first", negotiate(b'"SAMPLE_RATE":6,"sample_rate":5')),
    ("duplicate-null-keeps", negotiate(b'"sample_rate":5,"sample_rate":null')),
    ("duplicate-negotiation", b'{"feature_negotiation":true,"feature_negotiation":false}'),
    ("duplicate-bad-then-good", negotiate(b'"sample_rate":200,"sample_rate":5')),
    ("duplicate-wrong-type-then-good", negotiate(b'"sample_rate":"x","sample_rate":5')),
    ("duplicate-good-then-wrong-type", negotiate(b'"sample_rate":5,"sample_rate":"x"')),
    # null leaves a field as it is
    ("null-number", negotiate(b'"sample_rate":null')),
    ("null-string", negotiate(b'"client_id":null')),
    ("null-bool", b'{"feature_negotiation":null}'),
    ("null-all", negotiate(b'"heartbeat_interval":null,"output_buffer_size":null,"output_buffer_timeout":null,"msg_timeout":null')),
    # wrong types
    ("string-for-number", negotiate(b'"sample_rate":"5"')),
    ("empty-string-for-number", negotiate(b'"sample_rate":""')),
    ("bool-for-number", negotiate(b'"sample_rate":true')),
    ("object-for-number", negotiate(b'"sample_rate":{}')),
    ("array-for-number", negotiate(b'"sample_rate":[5]')),
    ("number-for-string", negotiate(b'"client_id":5')),
    ("bool-for-string", negotiate(b'"hostname":false')),
    ("object-for-string", negotiate(b'"user_agent":{"a":1}')),
    ("array-for-string", negotiate(b'"client_id":["a"]')),
    ("string-for-bool", b'{"feature_negotiation":"true"}'),
    ("number-for-bool", b'{"feature_negotiation":1}'),
    ("zero-for-bool", negotiate(b'"tls_v1":0')),
    ("array-for-bool", negotiate(b'"snappy":[]')),
    ("object-for-bool", negotiate(b'"deflate":{}')),
    ("string-for-deflate-level", negotiate(b'"deflate_level":"6"')),
    ("string-for-heartbeat", negotiate(b'"heartbeat_interval":"1000"')),
    ("string-for-buffer-size", negotiate(b'"output_buffer_size":"64"')),
    ("string-for-buffer-timeout", negotiate(b'"output_buffer_timeout":"250"')),
    ("string-for-msg-timeout", negotiate(b'"msg_timeout":"1000"')),
    ("wrong-type-before-bad-value", negotiate(b'"client_id":5,"heartbeat_interval":1')),
    # literals
    ("capital-true", b'{"feature_negotiation":True}'),
    ("part-of-true", b'{"feature_negotiation":tru}'),
    ("longer-than-true", b'{"feature_negotiation":truee}'),
    ("nan", negotiate(b'"sample_rate":NaN')),
    ("infinity", negotiate(b'"sample_rate":Infinity')),
    ("undefined", negotiate(b'"sample_rate":undefined')),
    # numbers: their grammar
    ("minus-zero", negotiate(b'"sample_rate":-0')),
    ("leading-zero", negotiate(b'"sample_rate":05')),
    ("leading-zeros", negotiate(b'"sample_rate":00')),
    ("plus", negotiate(b'"sample_rate":+5')),
    ("minus-only", negotiate(b'"sample_rate":-')),
    ("minus-leading-zero", negotiate(b'"sample_rate":-05')),
    ("two-minus", negotiate(b'"sample_rate":--5')),
    ("float", negotiate(b'"sample_rate":5.0')),
    ("float-fraction", negotiate(b'"sample_rate":5.5')),
    ("float-no-digits", negotiate(b'"sample_rate":5.')),
    ("float-no-integer", negotiate(b'"sample_rate":.5')),
    ("float-zero", negotiate(b'"sample_rate":0.0')),
    ("exponent", negotiate(b'"sample_rate":5e0')),
    ("exponent-big", negotiate(b'"msg_timeout":1E3')),
    ("exponent-plus", negotiate(b'"msg_timeout":1e+3')),
    ("exponent-minus", negotiate(b'"msg_timeout":10000e-1')),
    ("exponent-no-digits", negotiate(b'"msg_timeout":1e')),
    ("hex", negotiate(b'"sample_rate":0x5')),
    ("underscore", negotiate(b'"msg_timeout":1_000')),
    ("space-inside", negotiate(b'"msg_timeout":1 000')),
    ("unknown-float", negotiate(b'"x":1.5e300')),
    ("unknown-huge-exponent", negotiate(b'"x":1e99999')),
    ("unknown-bad-number", negotiate(b'"x":01')),
    # numbers: their range
    ("int64-max", negotiate(b'"msg_timeout":%d' % MAX_INT64)),
    ("int64-over", negotiate(b'"msg_timeout":%d' % (MAX_INT64 + 1))),
    ("int64-min", negotiate(b'"msg_timeout":%d' % (-MAX_INT64 - 1))),
    ("int64-under", negotiate(b'"msg_timeout":%d' % (-MAX_INT64 - 2))),
    ("uint64-wrap", negotiate(b'"msg_timeout":%d' % (2**64 + 1000))),
    ("many-digits", negotiate(b'"msg_timeout":1' + b"0" * 400)),
    ("int32-max", negotiate(b'"sample_rate":2147483647')),
    ("int32-over", negotiate(b'"sample_rate":2147483648')),
    ("int32-min", negotiate(b'"sample_rate":-2147483648')),
    ("int32-under", negotiate(b'"sample_rate":-2147483649')),
    ("int32-wrap", negotiate(b'"sample_rate":4294967301')),
    ("heartbeat-int64-over", negotiate(b'"heartbeat_interval":%d' % (MAX_INT64 + 1))),
    ("buffer-size-int64-over", negotiate(b'"output_buffer_size":%d' % (MAX_INT64 + 1))),
    ("buffer-timeout-int64-over", negotiate(b'"output_buffer_timeout":%d' % (MAX_INT64 + 1))),
    ("deflate-level-int64-over", negotiate(b'"deflate_level":%d' % (MAX_INT64 + 1))),
    ("deflate-level-int64-max", negotiate(b'"deflate_level":%d' % MAX_INT64)),
    # strings
    ("string-escapes", negotiate(rb'"client_id":"\"\\\/\b\f\n\r\t\u00e9"')),
    ("string-bad-escape", negotiate(rb'"client_id":"\x41"')),
    ("string-escaped-quote-mark", negotiate(rb'"client_id":"\'"')),
    ("string-escaped-zero", negotiate(rb'"client_id":"\0"')),
    ("string-short-u", negotiate(rb'"client_id":"\u12"')),
    ("string-bad-u", negotiate(rb'"client_id":"\u12g4"')),
    ("string-capital-u", negotiate(rb'"client_id":"\U0041"')),
    ("string-nul-escape", negotiate(rb'"client_id":"\u0000"')),
    ("string-surrogate-pair", negotiate(rb'"client_id":"\ud83d\ude00"')),
    ("string-lone-high-surrogate", negotiate(rb'"client_id":"\ud83d"')),
    ("string-lone-low-surrogate", negotiate(rb'"client_id":"\ude00"')),
    ("string-swapped-surrogates", negotiate(rb'"client_id":"\ude00\ud83d"')),
    ("string-high-then-text", negotiate(rb'"client_id":"\ud83dx"')),
    ("string-high-then-other-escape", negotiate(rb'"client_id":"\ud83d\n"')),
    ("string-high-twice", negotiate(rb'"client_id":"\ud83d\ud83d\ude00"')),
    ("string-raw-nul", negotiate(b'"client_id":"a\0b"')),
    ("string-raw-newline", negotiate(b'"client_id":"a\nb"')),
    ("string-raw-tab", negotiate(b'"client_id":"a\tb"')),
    ("string-raw-1f", negotiate(b'"client_id":"a\x1fb"')),
    ("string-raw-del", negotiate(b'"client_id":"a\x7fb"')),
    ("string-raw-line-separator", negotiate('"client_id":"a\u2028b"'.encode())),
    ("string-invalid-utf8", negotiate(b'"client_id":"\xff\xfe"')),
    ("string-truncated-utf8", negotiate(b'"client_id":"\xe2\x82"')),
    ("string-overlong-utf8", negotiate(b'"client_id":"\xc0\x80"')),
    ("string-utf8-surrogate", negotiate(b'"client_id":"\xed\xa0\x80"')),
    ("string-utf8-too-big", negotiate(b'"client_id":"\xf4\x90\x80\x80"')),
    ("string-unclosed", b'{"client_id":"a}'),
    ("string-ends-in-backslash", b'{"client_id":"a\\"}'),
    ("string-long", negotiate(b'"client_id":"' + b"a" * 70000 + b'"')),
    ("unknown-invalid-utf8", negotiate(b'"x":"\xff"')),
    ("unknown-bad-escape", negotiate(b'"x":"\\q"')),
    ("unknown-raw-control", negotiate(b'"x":"\x01"')),
    ("invalid-utf8-outside", b"{\xff}"),
    # nesting: at most 10000, the outer object included
    ("nested-arrays-10000", negotiate(b'"x":' + nested(9999, b"[", b"]"))),
    ("nested-arrays-10001", negotiate(b'"x":' + nested(10000, b"[", b"]"))),
    ("nested-objects-10000", negotiate(b'"x":' + b'{"x":' * 9999 + b"1" + b"}" * 9999)),
    ("nested-objects-10001", negotiate(b'"x":' + b'{"x":' * 10000 + b"1" + b"}" * 10000)),
    ("nested-unclosed-10001", negotiate(b'"x":' + b"[" * 10000)),
    ("nested-top-array-10000", nested(10000, b"[", b"]")),
    ("nested-in-known-field", negotiate(b'"sample_rate":' + nested(100, b"[", b"]"))),
    # without feature_negotiation, fields are applied but not shown
    ("all-fields-without-negotiation", b'{"client_id":"c","hostname":"h","user_agent":"u","msg_timeout":1000,"sample_rate":1}'),
    ("features-without-negotiation", b'{"snappy":true,"deflate":true,"tls_v1":true}'),
    ("bad-value-without-negotiation", b'{"sample_rate":100}'),
    ("negotiation-false", b'{"feature_negotiation":false,"sample_rate":1}'),
    ("negotiation-only", negotiate()),
    ("tls-without-certificate", negotiate(b'"tls_v1":true')),
    # what real clients send
    (
        "like-go-nsq",
        b'{"client_id":"h","deflate":false,"deflate_level":6,"feature_negotiation":true,"heartbeat_interval":30000,'
        b'"hostname":"h.local","long_id":"h.local","msg_timeout":0,"output_buffer_size":16384,'
        b'"output_buffer_timeout":250,"sample_rate":0,"short_id":"h","snappy":false,"tls_v1":false,"user_agent":"go-nsq/1.1.0"}',
    ),
]

# Fields with a range: name, values that stand on both sides of each limit.
DEFAULT_LIMITS = [
    ("heartbeat_interval", (-2, -1, 0, 1, 999, 1000, 1001, 59999, 60000, 60001)),
    ("output_buffer_timeout", (-2, -1, 0, 1, 24, 25, 26, 29999, 30000, 30001)),
    ("output_buffer_size", (-2, -1, 0, 1, 63, 64, 65, 65535, 65536, 65537)),
    ("sample_rate", (-1, 0, 1, 98, 99, 100)),
    ("msg_timeout", (-1, 0, 1, 999, 1000, 1001, 899999, 900000, 900001)),
    ("deflate_level", (-1, 0, 1, 6, 7, 100)),
]
SMALL_LIMITS = [
    ("heartbeat_interval", (4999, 5000, 5001)),
    ("output_buffer_timeout", (99, 100, 101, 1999, 2000, 2001)),
    ("output_buffer_size", (1023, 1024, 1025)),
    ("msg_timeout", (3999, 4000, 4001)),
    ("deflate_level", (3, 4)),
]

# Several bad fields at once: the first check that fails answers, whatever the order in the text.
CHECK_ORDER = [
    ("heartbeat-first", b'"msg_timeout":1,"sample_rate":100,"output_buffer_size":1,"output_buffer_timeout":1,"heartbeat_interval":1'),
    ("timeout-before-size", b'"output_buffer_size":1,"output_buffer_timeout":1'),
    ("size-before-rate", b'"sample_rate":100,"output_buffer_size":1'),
    ("rate-before-msg-timeout", b'"msg_timeout":1,"sample_rate":100'),
    ("size-minus-one-clears-timeout", b'"output_buffer_size":-1,"output_buffer_timeout":1000'),
    ("timeout-checked-before-size-minus-one", b'"output_buffer_size":-1,"output_buffer_timeout":1'),
]


def again(*documents):
    return b"".join(identify(d) for d in documents)


def cases():
    t = Table("identify")
    for name, document in DOCUMENTS:
        t.replies("json-" + name, 1, identify(document))
    for configuration, limits in (("default", DEFAULT_LIMITS), ("small", SMALL_LIMITS)):
        for field, values in limits:
            for value in values:
                document = negotiate(b'"%s":%d' % (field.encode(), value))
                name = "%s-%s-%d" % (configuration, field, value)
                t.replies(name, 1, identify(document), configuration=configuration)
    for name, members in CHECK_ORDER:
        t.replies("order-" + name, 1, identify(negotiate(members)))

    t.replies("reply-small", 1, identify(negotiate()), configuration="small")
    t.replies("small-features-off", 1, identify(negotiate(b'"snappy":true,"deflate":true')), configuration="small")

    # compression: what follows the reply is compressed, so the cases end with it
    asks = (("snappy", b'"snappy":true'), ("deflate", b'"deflate":true'), ("deflate-level", b'"deflate":true,"deflate_level":3'))
    for name, members in asks:
        t.steps("upgrade-" + name, Send(MAGIC + identify(negotiate(members)), "a"), Replies(1, "a"))
    t.replies("upgrade-both", 1, identify(negotiate(b'"snappy":true,"deflate":true')))

    # IDENTIFY again: allowed before SUB; what the first one set stays unless the next one sets it
    t.replies("again-ok", 2, again(b"{}", b"{}"))
    t.replies("again-three-times", 3, again(b"{}", negotiate(), b"{}"))
    t.replies(
        "again-keeps", 2,
        again(negotiate(b'"msg_timeout":2000,"sample_rate":7,"output_buffer_size":100'), negotiate()),
    )
    t.replies(
        "again-replaces", 2,
        again(negotiate(b'"msg_timeout":2000,"output_buffer_size":100'), negotiate(b'"msg_timeout":3000,"output_buffer_size":200')),
    )
    t.replies(
        "again-buffer-timeout-off-then-default", 2,
        again(negotiate(b'"output_buffer_timeout":-1'), negotiate(b'"output_buffer_timeout":0')),
    )
    t.replies(
        "again-buffer-size-off-then-size", 2,
        again(negotiate(b'"output_buffer_size":-1'), negotiate(b'"output_buffer_size":64')),
    )
    t.replies("again-bad", 2, again(b"{}", b'{"sample_rate":100}'))
    t.replies("again-not-json", 2, again(b"{}", b"x"))
    t.replies(
        "again-heartbeat-off-then-on", 3, again(b'{"heartbeat_interval":-1}', b'{"heartbeat_interval":1000}') + SUB,
    )
    t.replies(
        "again-heartbeat-off-then-zero", 3, again(b'{"heartbeat_interval":-1}', b'{"heartbeat_interval":0}') + SUB,
    )
    t.replies("again-after-sub", 2, SUB + b"IDENTIFY\n")
    t.replies("then-commands", 3, identify(b"{}") + pub() + SUB)
    t.replies("after-pub", 2, pub() + identify(negotiate()))

    # the line
    t.replies("extra-parameters", 1, b"IDENTIFY a b\n" + u32(2) + b"{}")
    t.replies("trailing-space", 1, b"IDENTIFY \n" + u32(2) + b"{}")
    t.replies("carriage-return", 1, b"IDENTIFY\r\n" + u32(2) + b"{}")

    # sizes
    for configuration, limit in (("default", 5242880), ("small", 5120)):
        t.ends(configuration + "-size-over-limit", b"IDENTIFY\n" + u32(limit + 1), configuration=configuration)
    body = b"{" + b" " * 5117 + b"}"
    t.replies("size-under-limit", 1, identify(body), configuration="small")
    t.replies("size-at-limit", 1, identify(body + b" "), configuration="small")
    for name, size in (("0", 0), ("minus-1", -1), ("2e31-1", 0x7FFFFFFF), ("2e31", 0x80000000), ("minus-2e16", -0x10000)):
        t.ends("size-" + name, b"IDENTIFY\n" + u32(size))

    # cuts
    t.cut("cut-after-line", b"IDENTIFY\n")
    t.cut("cut-in-size-1", b"IDENTIFY\n\0")
    t.cut("cut-in-size-3", b"IDENTIFY\n\0\0\0")
    t.cut("cut-after-size", b"IDENTIFY\n" + u32(2))
    t.cut("cut-in-body", b"IDENTIFY\n" + u32(2) + b"{")
    t.cut("cut-after-body", identify(b"{}"))
    t.cut("cut-after-negotiation", identify(negotiate()))
    t.cut("cut-of-complete-json", b"IDENTIFY\n" + u32(3) + b"{}")
    return t.cases
