"""A real IMAP server for the tests: Debian's dovecot in a folder of its own, on ports of its own, with our certificate.

It runs as whoever runs the tests; for root its mail processes become ``nobody``, as dovecot wants it.
"""

import grp
import imaplib
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

CONFIGURATION = """
protocols = imap
listen = 127.0.0.1
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
ssl = yes
ssl_cert = <{folder}/certificate.pem
ssl_key = <{folder}/key.pem
disable_plaintext_auth = no
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
first_valid_uid = 0
first_valid_gid = 0
mail_location = maildir:{folder}/mail/%u
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={folder}/mail/%u
}}
namespace inbox {{
  inbox = yes
}}
service anvil {{
  chroot =
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {plain}
  }}
  inet_listener imaps {{
    port = {wrapped}
    ssl = yes
  }}
}}
"""
PASSWORD = "geheim%40%3A"
PATIENCE = 60


@dataclass
class Server:
    """The running server: its ports, and a mailbox for each name that asks for one."""

    plain: int
    wrapped: int
    folder: Path

    def url(self, user, *, scheme="imaps", folder="INBOX"):
        """Return the address of a user's mailbox."""
        port = self.wrapped if scheme == "imaps" else self.plain
        return f"{scheme}://{user}:{PASSWORD}@localhost:{port}/{folder}"

    @contextmanager
    def mailbox(self, user):
        """Open a mailbox by the standard library alone."""
        with imaplib.IMAP4("127.0.0.1", self.plain, timeout=PATIENCE) as connection:
            connection.login(user, "geheim@:")
            connection.select("INBOX")
            yield connection

    def put(self, user, *messages):
        """Lay messages into a mailbox, unseen, the first one the oldest."""
        with self.mailbox(user) as connection:
            for message in messages:
                connection.append("INBOX", None, None, message.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))

    def unseen(self, user):
        """Return how many messages of a mailbox nobody has marked."""
        with self.mailbox(user) as connection:
            return len(connection.search(None, "UNSEEN")[1][0].split())


@contextmanager
def running(certificate, program):
    """Run the server with a certificate of ``trustme`` until the block ends."""
    folder = Path(tempfile.mkdtemp(prefix="wuguan-imap-"))
    me = pwd.getpwuid(os.geteuid())
    mail = pwd.getpwnam("nobody") if os.geteuid() == 0 else me
    folder.chmod(0o755)
    (folder / "mail").mkdir()
    os.chown(folder / "mail", mail.pw_uid, mail.pw_gid)
    certificate.cert_chain_pems[0].write_to_path(str(folder / "certificate.pem"))
    certificate.private_key_pem.write_to_path(str(folder / "key.pem"))
    plain, wrapped = _free_ports()

    (folder / "dovecot.conf").write_text(
        CONFIGURATION.format(
            folder=folder, user=mail.pw_name, group=grp.getgrgid(mail.pw_gid).gr_name,
            uid=mail.pw_uid, gid=mail.pw_gid, plain=plain, wrapped=wrapped, password="geheim@:",
        )
    )  # fmt: skip
    command = [program, "-F", "-c", str(folder / "dovecot.conf")]
    with subprocess.Popen(command, stderr=subprocess.STDOUT) as process:  # noqa: S603 - the program the machine names
        try:
            _wait_for(plain, process, folder / "log")
            yield Server(plain, wrapped, folder)
        finally:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(PATIENCE)
            process.kill()
    shutil.rmtree(folder, ignore_errors=True)


def _free_ports():
    with socket.socket() as first, socket.socket() as second:
        first.bind(("127.0.0.1", 0))
        second.bind(("127.0.0.1", 0))
        return first.getsockname()[1], second.getsockname()[1]


def _wait_for(port, process, log):
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and process.poll() is None:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    said = log.read_text() if log.exists() else "nothing"
    raise AssertionError(f"dovecot did not start; it said: {said}")
