"""The program behind its proxy: nginx as deploy/nginx sets it up, with TLS, in front of `wuguan web`."""

import http.client
import os
import re
import shutil
import socket
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme
from sqlalchemy import select

from audit.models import AuditEntry
from deployed import DEPLOY, WUGUAN, Crew, Instance, call, environment, free_port, opened, peopled, plain, serving
from tenant.db import Database
from tenant.settings import Settings
from tenant.unscoped import Reason, across_offices

pytestmark = pytest.mark.proxy

NAME = "wuguan.example.cn"
NGINX = os.environ.get("WUGUAN_TEST_NGINX", "nginx")
MEGABYTE = 1024 * 1024
VISITOR = "127.0.0.2"
CHINESE = re.compile(r"[\u4e00-\u9fff]")


@dataclass
class Site:
    """The proxy as the world sees it, and the program behind it."""

    folder: Path
    ports: dict[str, int]
    trust: ssl.SSLContext
    env: dict[str, str]
    web: Instance | None = None

    @contextmanager
    def connected(self, name: str = NAME) -> Iterator[http.client.HTTPConnection]:
        """Connect with TLS from another address than the proxy's own."""
        plain_socket = socket.create_connection(("127.0.0.1", self.ports["443"]), 30, (VISITOR, 0))
        connection = http.client.HTTPConnection(name, self.ports["443"])
        try:
            connection.sock = self.trust.wrap_socket(plain_socket, server_hostname=name)
            yield connection
        finally:
            connection.close()
            plain_socket.close()

    def get(self, path: str, **headers: str) -> tuple[int, http.client.HTTPMessage, str]:
        """Fetch a page."""
        return self.send("GET", path, None, headers)

    def send(
        self, method: str, path: str, body: bytes | None, headers: dict[str, str]
    ) -> tuple[int, http.client.HTTPMessage, str]:
        """Send a request and return status, headers and page."""
        with self.connected() as connection:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read().decode("utf-8", "replace")


def configured(folder: Path, source: Path, ports: dict[str, int], upstream: int) -> Path:
    """Write a configuration for ``source`` with this test's ports and folders in place of the machine's."""
    text = source.read_text("utf-8").replace("${WUGUAN_SERVER_NAME}", NAME)
    for listened, port in ports.items():
        text = text.replace(f"listen {listened} ", f"listen 127.0.0.1:{port} ")
    for place in ("/etc/wuguan/certificates", "/etc/nginx/certificates"):
        text = text.replace(place, str(folder))
    text = text.replace("/etc/nginx/wuguan-proxy.conf", str(folder / "wuguan-proxy.conf"))
    text = text.replace("127.0.0.1:8080", f"127.0.0.1:{upstream}")
    common = (DEPLOY / "nginx/wuguan-proxy.conf").read_text("utf-8")
    (folder / "wuguan-proxy.conf").write_text(common.replace("/usr/share/nginx/wuguan/", f"{folder}/pages/"))
    scratch = "".join(
        f"{kind}_temp_path {folder}/scratch;\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    whole = folder / f"{source.name}.nginx"
    whole.write_text(
        f"daemon off;\nerror_log {folder}/error.log;\npid {folder}/{source.name}.pid;\n"
        f"events {{}}\nhttp {{\naccess_log off;\n{scratch}{text}}}\n"
    )
    return whole


@pytest.fixture(scope="module")
def site(database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """`wuguan web` with the settings of its unit, behind nginx with the configuration of a Debian machine."""
    folder = Path(tempfile.mkdtemp(prefix="wuguan-proxy-"))
    folder.chmod(0o755)  # nginx reads its pages as another user
    shutil.copytree(DEPLOY / "nginx/pages", folder / "pages")
    authority = trustme.CA()
    certificate = authority.issue_cert(NAME)
    certificate.private_key_pem.write_to_path(folder / "privkey.pem")
    certificate.cert_chain_pems[0].write_to_path(folder / "fullchain.pem")
    trust = ssl.create_default_context()
    authority.configure_trust(trust)
    crew, upstream, ports = Crew(tmp_path_factory.mktemp("logs")), free_port(), {"80": free_port(), "443": free_port()}
    env = environment(
        WUGUAN_HOME=str(tmp_path_factory.mktemp("home")),
        DATABASE_URL=plain(database.addresses.app),
        WUGUAN_OWNER_DATABASE_URL=plain(database.addresses.owner),
        WUGUAN_HOST="127.0.0.1",
        WUGUAN_SECURE_COOKIES="1",
        WUGUAN_TRUSTED_PROXIES="1",
    )
    peopled(env)
    found = Site(folder, ports, trust, env)
    try:
        found.web = crew.start(WUGUAN, "web", "--port", str(upstream), env=serving(env))
        crew.start(NGINX, "-c", configured(folder, DEPLOY / "nginx/site.conf", ports, upstream), env=env)
        crew.until(lambda: _answers(ports["443"]), what="nginx")
        crew.until(lambda: found.get("/sign-in")[0] == 200, what="the program behind nginx")
        yield found
    finally:
        crew.dismiss()
        shutil.rmtree(folder, ignore_errors=True)


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def test_pages_come_by_tls_with_a_cookie_that_travels_by_tls_alone(site: Site) -> None:
    status, headers, page = site.get("/sign-in")
    assert status == 200
    assert CHINESE.search(page)
    cookie = headers["Set-Cookie"]
    assert cookie.startswith("__Host-wuguan=")
    assert {"Secure", "HttpOnly"} <= {part.strip() for part in cookie.split(";")}
    assert "max-age=31536000" in headers["Strict-Transport-Security"]
    assert headers.get_all("Strict-Transport-Security") == [headers["Strict-Transport-Security"]], "said once"
    assert "/" not in (headers["Server"] or ""), "no version"


def test_who_comes_without_tls_is_sent_where_there_is_one(site: Site) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", site.ports["80"], timeout=30)
    connection.request("GET", "/units/?page=2", headers={"Host": "elsewhere.example.net"})
    answer = connection.getresponse()
    assert (answer.status, answer.getheader("Location")) == (301, f"https://{NAME}/units/?page=2")
    connection.close()


def test_who_asks_for_another_name_gets_no_answer(site: Site) -> None:
    stranger = ssl.create_default_context()
    stranger.check_hostname, stranger.verify_mode = False, ssl.CERT_NONE
    site_as_stranger = Site(site.folder, site.ports, stranger, site.env)
    with pytest.raises(ssl.SSLError), site_as_stranger.connected("elsewhere.example.net"):
        pass


def test_the_record_keeps_the_address_of_the_visitor_and_not_what_he_says(site: Site) -> None:
    _, headers, page = site.get("/sign-in")
    token = page.split('name="csrf_token" value="')[1].split('"')[0]
    form = f"csrf_token={token}&login=nobody&password=wrong".encode()
    claims = {
        "Cookie": headers["Set-Cookie"].split(";")[0],
        "Content-Type": "application/x-www-form-urlencoded",
        "Referer": f"https://{NAME}:{site.ports['443']}/sign-in",
        "X-Forwarded-For": "203.0.113.9",
        "X-Real-IP": "203.0.113.9",
        "Forwarded": "for=203.0.113.9",
    }
    status, _, _ = site.send("POST", "/sign-in", form, claims)
    assert status in {200, 401, 422}
    with opened(site.env) as database, across_offices(database, Reason.CLAIMING) as session:
        entries = session.scalars(select(AuditEntry).where(AuditEntry.verb == "sign_in.failed")).all()
    assert [entry.address for entry in entries] == [VISITOR]


@pytest.mark.parametrize("path", ["/metrics", "/metrics/", "/readyz", "/healthz", "/readyz?verbose", "//metrics"])
def test_figures_and_health_are_not_for_the_world(site: Site, path: str) -> None:
    status, _, page = site.get(path)
    assert status == 404
    assert "wuguan_" not in page


def test_what_is_too_large_is_refused_with_a_page_that_says_so(site: Site) -> None:
    status, _, page = site.send("POST", "/sign-in", b"x" * (25 * MEGABYTE), {"Content-Type": "multipart/form-data"})
    assert status == 413
    assert "20 MB" in page
    status, _, _ = site.send("POST", "/hooks/bounces", b"x" * (2 * MEGABYTE), {"Content-Type": "application/json"})
    assert status == 413


def test_the_pages_of_the_proxy_itself_cannot_be_asked_for(site: Site) -> None:
    assert site.get("/wuguan-error/502.html")[0] == 404


def test_nginx_takes_the_configuration_for_containers_too(site: Site) -> None:
    whole = configured(site.folder, DEPLOY / "nginx/compose.conf.template", site.ports, 1)
    done = call(NGINX, "-t", "-c", whole, env=site.env)
    assert done.returncode == 0, done.stderr
    assert "${" not in whole.read_text()


def test_z_while_the_program_is_away_visitors_are_told_so(site: Site) -> None:
    assert site.web is not None
    assert site.web.stop() == 0
    status, headers, page = site.get("/sign-in")
    assert status == 502
    assert "暂时不可用" in page
    assert headers["Cache-Control"] == "no-store"
    assert Settings.from_environment(site.env).trusted_proxies == 1
