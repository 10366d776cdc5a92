"""The auth server of matrix.py. The secret decides its answer, without the number at the secret's end, which tells the
clients apart. It keeps the queries."""

import http.server
import json
import threading
import urllib.parse

# All bytes that must not stand unencoded in a URL, so that the server has to encode them.
GOOD = "s e+c&r%t=/?#\u00fc"
NOTHING = "nothing"
ELSEWHERE = "elsewhere"
READER = "reader"
WRONG = "wrong"


def answer(secret):
    """The authorizations of a secret. None: the secret is unknown."""
    everything = {"topic": ".*", "channels": [".*"], "permissions": ["subscribe", "publish"]}
    return {
        GOOD: [everything],
        NOTHING: [],
        ELSEWHERE: [{**everything, "topic": "^elsewhere$"}],
        READER: [{**everything, "permissions": ["subscribe"]}],
    }.get(secret.rsplit(" ", 1)[0])


class Gatekeeper:
    def __init__(self):
        asked = self.asked = []  # the queries, as dicts

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                url = urllib.parse.urlsplit(self.path)
                query = {key: values[0] for key, values in
                         urllib.parse.parse_qs(url.query, keep_blank_values=True, encoding="utf-8").items()}
                asked.append((self.command, url.path, query))
                found = answer(query.get("secret", ""))
                body = json.dumps({"ttl": 3600, "identity": "somebody", "identity_url": "", "authorizations": found})
                self.send_response(403 if found is None else 200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.address = "127.0.0.1:%d" % self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
