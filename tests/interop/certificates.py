"""The certificates of matrix.py. The openssl command makes them at every run; none is kept in the project.

After make(folder) the folder has: ca.pem, which signed server.pem (127.0.0.1 and localhost), good.pem and expired.pem;
wrong.pem, signed by an unknown authority; forged.pem, signed by an authority that only has the name of the first. For
each NAME.pem there is a NAME.key."""

import subprocess

LIMIT = 30  # seconds for one command

CONFIG = """
[req]
distinguished_name = name
[name]
[authority]
basicConstraints = critical, CA:true
keyUsage = critical, keyCertSign
[server]
basicConstraints = CA:false
extendedKeyUsage = serverAuth
subjectAltName = IP:127.0.0.1, DNS:localhost
[client]
basicConstraints = CA:false
extendedKeyUsage = clientAuth
[ca]
default_ca = issue
[issue]
database = index.txt
new_certs_dir = .
rand_serial = yes
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
"""


def make(folder):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config").write_text(CONFIG)
    (folder / "index.txt").write_text("")

    def openssl(*words):
        done = subprocess.run(["openssl", *words], cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=LIMIT)
        if done.returncode != 0:
            raise RuntimeError("openssl %s: %s" % (" ".join(words), done.stderr.strip()))

    def key(name):
        openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", name + ".key")

    def authority(name, common_name):
        key(name)
        openssl("req", "-x509", "-new", "-key", name + ".key", "-out", name + ".pem", "-days", "30",
                "-config", "config", "-extensions", "authority", "-subj", "/CN=" + common_name)

    def signed(name, common_name, extensions, by="ca", dates=("-days", "30")):
        key(name)
        openssl("req", "-new", "-key", name + ".key", "-out", name + ".csr", "-config", "config",
                "-subj", "/CN=" + common_name)
        # Only this openssl command accepts dates in the past.
        openssl("ca", "-batch", "-notext", "-config", "config", "-extensions", extensions, "-cert", by + ".pem",
                "-keyfile", by + ".key", "-in", name + ".csr", "-out", name + ".pem", *dates)

    authority("ca", "the authority")
    authority("other", "an authority that nobody knows")
    authority("forger", "the authority")
    signed("server", "the server", "server")
    signed("good", "a good client", "client")
    past = ("-startdate", "20200101000000Z", "-enddate", "20200201000000Z")
    signed("expired", "an expired client", "client", dates=past)
    signed("wrong", "a client of the wrong authority", "client", by="other")
    signed("forged", "a good client", "client", by="forger")
