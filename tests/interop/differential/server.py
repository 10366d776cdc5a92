"""Starts one server with one configuration in a directory of its own, and stops it."""

import os
import re
import shutil
import signal
import subprocess
import tempfile
import time

START_SECONDS = 10
STOP_SECONDS = 10

# By default upstream scans 20 random channels at a time for due messages; with this it scans every channel each time.
SCAN = ["-queue-scan-selection-count=100000"]
# Two sets of limits: nsqd's defaults, and small ones, whose bounds are cheap to reach.
CONFIGURATIONS = {
    "default": SCAN,
    "small": SCAN + [
        "-max-msg-size=1024",
        "-max-body-size=5120",
        "-max-rdy-count=10",
        "-max-channel-consumers=2",
        "-max-req-timeout=5s",
        "-msg-timeout=2s",
        "-max-msg-timeout=4s",
        "-max-heartbeat-interval=5s",
        "-max-output-buffer-size=1024",
        "-output-buffer-timeout=200ms",
        "-min-output-buffer-timeout=100ms",
        "-max-output-buffer-timeout=2s",
        "-max-deflate-level=3",
        "-deflate=false",
        "-snappy=false",
    ],
}
NODE_ID = 7


def version_of(path):
    done = subprocess.run([path, "--version"], stdout=subprocess.PIPE, timeout=START_SECONDS, check=True)
    return done.stdout.decode("utf-8", "backslashreplace").strip()


class Server:
    def __init__(self, path, configuration):
        # Upstream syncs its metadata at every new topic, which takes seconds unless the files are in memory.
        root = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        self.directory = tempfile.mkdtemp(prefix="nsq-differential-", dir=root)
        self.log_path = os.path.join(self.directory, "log")
        command = [
            path,
            "-tcp-address=127.0.0.1:0",
            "-http-address=127.0.0.1:0",
            "-https-address=127.0.0.1:0",
            "-data-path=" + self.directory,
            "-node-id=%d" % NODE_ID,
        ]
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(
                command + CONFIGURATIONS[configuration],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            self.address = ("127.0.0.1", self._port("TCP"))
            self.http_address = ("127.0.0.1", self._port("HTTP"))
            has_tls = any(flag.startswith("-tls-cert=") for flag in CONFIGURATIONS[configuration])
            self.https_address = ("127.0.0.1", self._port("HTTPS")) if has_tls else None
        except Exception:
            self.stop()
            raise

    def _port(self, protocol):
        limit = time.monotonic() + START_SECONDS
        while time.monotonic() < limit:
            found = re.search(r"\b%s: listening on 127\.0\.0\.1:(\d+)" % protocol, self.log())
            if found:
                return int(found.group(1))
            if self.process.poll() is not None:
                break
            time.sleep(0.02)
        raise RuntimeError("%s did not start:\n%s" % (self.process.args[0], self.log()))

    def log(self):
        with open(self.log_path, "rb") as log:
            return log.read().decode("utf-8", "backslashreplace")

    def stop(self):
        """Ends the server. Returns what was wrong with its exit, or None."""
        trouble = None
        if self.process.poll() is not None:
            trouble = "ended by itself with code %d" % self.process.returncode
        else:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                trouble = "did not end within %d s of SIGTERM" % STOP_SECONDS
                self.process.kill()
                self.process.wait()
            else:
                if self.process.returncode != 0:
                    trouble = "ended with code %d after SIGTERM" % self.process.returncode
        if trouble:
            trouble += "\n" + "\n".join(self.log().splitlines()[-20:])
        shutil.rmtree(self.directory, ignore_errors=True)
        return trouble
