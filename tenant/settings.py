"""What the environment says, read once and checked before anything starts."""

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from tenant.errors import SettingsError

BROKER_SCHEMES = frozenset({"redis", "rediss", "amqp", "amqps"})
DATABASE_SCHEMES = frozenset({"postgresql", "postgres", "postgresql+psycopg"})
SMTP_SCHEMES = frozenset({"smtp", "smtps"})
WEB_SCHEMES = frozenset({"http", "https"})
IMAP_SCHEMES = frozenset({"imap", "imaps"})
LOG_FORMATS = frozenset({"text", "json"})
HIGHEST_PORT = 65535
MOST_PROXIES = 9
MOST_MAILS = 100_000
LARGEST_FILE_MB = 200
BUCKET_EXAMPLE = "s3://bucket/prefix?endpoint=https://主机&region=区域"
BUCKET_OPTIONS = frozenset({"endpoint", "region"})


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket for files and what every key in it begins with.

    ``endpoint`` and ``region`` None: as the environment has them.
    """

    name: str
    prefix: str = ""
    endpoint: str | None = None
    region: str | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """The deployment's settings; every field has a working default, so an empty environment starts a small office.

    ``database_url`` None means the embedded server in ``home``; ``broker_url`` None means the worker runs inside
    the serving process; ``smtp_url`` None means mail is collected in the built-in mailbox and nothing leaves.
    ``trusted_proxies`` is how many proxies before the program are believed about address and scheme.
    ``metrics_address`` None: no figures are served. ``mail_per_minute`` bounds what goes to one domain.
    ``files`` None: attachments are kept below ``home``; ``largest_file`` bounds each, in bytes.
    ``bounce_imap_url`` None: no mailbox is read for returned mail; ``bounce_secret`` empty: no webhook takes any.
    """

    home: Path
    database_url: str | None = None
    owner_database_url: str | None = None
    broker_url: str | None = None
    smtp_url: str | None = None
    smtp_ca_file: Path | None = None
    mail_per_minute: int = 120
    bounce_imap_url: str | None = None
    bounce_secret: str = field(default="", repr=False)
    files: Path | Bucket | None = None
    largest_file: int = 15 * 1024 * 1024
    metrics_address: tuple[str, int] | None = None
    log_format: str = "text"
    mail_from: str = "物管客户服务中心 <noreply@wuguan.invalid>"
    host: str = "127.0.0.1"
    port: int = 8080
    base_url: str = "http://127.0.0.1:8080"
    secure_cookies: bool = False
    trusted_proxies: int = 0
    secret_key: str = field(default="", repr=False)
    is_demo: bool = False

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> "Settings":
        """Read the settings; raises SettingsError naming the variable, its value and the way out."""
        env = os.environ if environ is None else environ
        home = _home(env.get("WUGUAN_HOME"))
        port = _number(env, "WUGUAN_PORT", "8080", range(HIGHEST_PORT + 1), "端口号")
        host = env.get("WUGUAN_HOST") or "127.0.0.1"
        return cls(
            home=home,
            database_url=_url(env, "DATABASE_URL", DATABASE_SCHEMES, "postgresql://用户@主机/库名"),
            owner_database_url=_url(env, "WUGUAN_OWNER_DATABASE_URL", DATABASE_SCHEMES, "postgresql://用户@主机/库名"),
            broker_url=_url(env, "BROKER_URL", BROKER_SCHEMES, "redis://127.0.0.1:6379/0 或 amqp://主机:5672"),
            smtp_url=_url(env, "WUGUAN_SMTP_URL", SMTP_SCHEMES, "smtp://用户:口令@主机:587"),
            smtp_ca_file=_file(env, "WUGUAN_SMTP_CA_FILE"),
            mail_per_minute=_number(
                env, "WUGUAN_MAIL_PER_MINUTE", "120", range(1, MOST_MAILS + 1), "每分钟发往同一域名的邮件数"
            ),
            bounce_imap_url=_url(env, "WUGUAN_BOUNCE_IMAP_URL", IMAP_SCHEMES, "imaps://用户:口令@主机/INBOX"),
            bounce_secret=env.get("WUGUAN_BOUNCE_SECRET", ""),
            files=_files(env, "WUGUAN_FILES"),
            largest_file=1024
            * 1024
            * _number(env, "WUGUAN_FILE_MB", "15", range(1, LARGEST_FILE_MB + 1), "单个附件的最大 MB 数"),
            metrics_address=_address(env, "WUGUAN_METRICS"),
            log_format=_one_of(env, "WUGUAN_LOG", LOG_FORMATS),
            mail_from=env.get("WUGUAN_MAIL_FROM") or "物管客户服务中心 <noreply@wuguan.invalid>",
            host=host,
            port=port,
            base_url=(_url(env, "WUGUAN_BASE_URL", WEB_SCHEMES, "https://主机") or f"http://{host}:{port}").rstrip("/"),
            secure_cookies=_switch(env, "WUGUAN_SECURE_COOKIES"),
            trusted_proxies=_number(env, "WUGUAN_TRUSTED_PROXIES", "0", range(MOST_PROXIES + 1), "反向代理的层数"),
            secret_key=env.get("WUGUAN_SECRET_KEY", ""),
            is_demo=_switch(env, "WUGUAN_DEMO"),
        )

    def signing_key(self) -> str:
        """Return the key that signs session cookies: the stated one, else one made once and kept in ``home``."""
        if self.secret_key:
            return self.secret_key
        try:
            return _kept_key(self.home / "secret-key")
        except OSError as error:
            raise SettingsError(
                code="home_unusable",
                message=(
                    f"目录 {self.home} 无法读写（{error.strerror}）。请把 WUGUAN_HOME 设为可写的目录，"
                    "或用 WUGUAN_SECRET_KEY 给出会话签名密钥。"
                ),
                field="WUGUAN_HOME",
                value=str(self.home),
            ) from error


def _kept_key(path: Path) -> str:
    """Return the key in ``path``, made the first time: whole before it has its name, and the same for who comes second.

    Raises OSError.
    """
    if not path.exists() or not path.read_text():
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_name(f"{path.name}.{os.getpid()}.part")
        with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(48))
        try:
            os.link(unfinished, path)
        except FileExistsError:
            if not path.read_text():  # left behind by a start that was killed
                unfinished.replace(path)
        finally:
            unfinished.unlink(missing_ok=True)
    return path.read_text()


def _home(text: str | None) -> Path:
    try:
        return Path(text or _default_home()).expanduser().resolve()
    except (RuntimeError, OSError, ValueError):
        raise SettingsError(
            code="bad_home",
            message=f"环境变量 WUGUAN_HOME 的值「{text}」不是可用的目录。请写出完整的路径。",
            field="WUGUAN_HOME",
            value=text,
        ) from None


def _default_home() -> Path:
    """Return where data lives: root's own folder is no place, the server's user would have to be let into it."""
    return Path("/var/lib/wuguan") if os.geteuid() == 0 else Path.home() / ".local" / "share" / "wuguan"


def _number(env: Mapping[str, str], name: str, default: str, allowed: range, what: str) -> int:
    """Return a whole number; ``what`` says in the refusal what it counts."""
    text = (env.get(name) or default).strip()
    if text.isascii() and text.isdigit() and len(text) <= len(str(allowed[-1])) and int(text) in allowed:
        return int(text)
    raise SettingsError(
        code="bad_number",
        message=f"环境变量 {name} 的值「{text}」不是{what}。请填 {allowed[0]} 到 {allowed[-1]} 之间的整数。",
        field=name,
        value=text,
    )


def _address(env: Mapping[str, str], name: str) -> tuple[str, int] | None:
    """Return host and port of ``host:port``, None where nothing is stated."""
    text = env.get(name, "").strip()
    if not text:
        return None
    host, _, port = text.rpartition(":")
    if host and port.isascii() and port.isdigit() and int(port) <= HIGHEST_PORT:
        return host.strip("[]"), int(port)
    raise SettingsError(
        code="bad_address",
        message=f"环境变量 {name} 的值「{text}」不是监听地址。请写成 127.0.0.1:9191 这样的格式。",
        field=name,
        value=text,
    )


def _one_of(env: Mapping[str, str], name: str, allowed: frozenset[str]) -> str:
    text = env.get(name, "").strip().lower() or "text"
    if text in allowed:
        return text
    raise SettingsError(
        code="bad_choice",
        message=f"环境变量 {name} 的值「{text}」无法识别。请填 {' 或 '.join(sorted(allowed))}。",
        field=name,
        value=text,
    )


def _file(env: Mapping[str, str], name: str) -> Path | None:
    """Return the path of a file that can be read, None where nothing is stated."""
    text = env.get(name, "").strip()
    if not text:
        return None
    path = Path(text).expanduser()
    if path.is_file() and os.access(path, os.R_OK):
        return path
    raise SettingsError(
        code="bad_file",
        message=f"环境变量 {name} 指的文件「{text}」不存在或无法读取。请检查路径和权限。",
        field=name,
        value=text,
    )


def _files(env: Mapping[str, str], name: str) -> Path | Bucket | None:
    """Return where files are kept, None where nothing is stated."""
    text = env.get(name, "").strip()
    if not text:
        return None
    if text.startswith("/"):
        return Path(text)
    try:
        return _bucket(text)
    except ValueError:
        shown = text.partition("?")[0][:80]
        raise SettingsError(
            code="bad_files",
            message=(
                f"环境变量 {name} 的值「{shown}」不是存放附件的地方。"
                f"请填目录的完整路径，或 {BUCKET_EXAMPLE} 这样的地址；"
                "对象存储的账号和密钥用 AWS_ACCESS_KEY_ID、AWS_SECRET_ACCESS_KEY 给出。"
            ),
            field=name,
            value=shown,
        ) from None


def _bucket(text: str) -> Bucket:
    """Return the bucket that ``s3://bucket/prefix?endpoint=…&region=…`` names. Raises ValueError for any other text."""
    parts = urlsplit(text)
    asked = dict(parse_qsl(parts.query, strict_parsing=True) if parts.query else ())
    is_whole = parts.scheme == "s3" and parts.netloc and not parts.fragment and asked.keys() <= BUCKET_OPTIONS
    if not is_whole or not {"@", ":"}.isdisjoint(parts.netloc):
        raise ValueError(text)
    endpoint = asked.get("endpoint")
    if endpoint is not None:
        where = urlsplit(endpoint)
        if where.scheme not in WEB_SCHEMES or not where.hostname or where.username:
            raise ValueError(text)
    prefix = parts.path.strip("/")
    return Bucket(parts.netloc, f"{prefix}/" if prefix else "", endpoint, asked.get("region"))


def _switch(env: Mapping[str, str], name: str) -> bool:
    text = env.get(name, "").strip().lower()
    if text in {"", "0", "no", "false"}:
        return False
    if text in {"1", "yes", "true"}:
        return True
    raise SettingsError(
        code="bad_switch",
        message=f"环境变量 {name} 的值「{text}」无法识别。请填 1（开）或 0（关）。",
        field=name,
        value=text,
    )


def _url(env: Mapping[str, str], name: str, schemes: frozenset[str], example: str) -> str | None:
    text = env.get(name, "").strip()
    if not text:
        return None
    try:
        parts = urlsplit(text)
        scheme, is_whole = parts.scheme, parts.port is None or parts.port > 0
    except ValueError:
        scheme, is_whole = "", False
    if scheme not in schemes or not is_whole:
        begins = scheme or text.partition(":")[0][:20]  # no more of it: there may be a password further on
        raise SettingsError(
            code="bad_url",
            message=f"环境变量 {name} 不是可用的地址（现以「{begins}」开头）。请写成 {example} 这样的格式。",
            field=name,
            value=scheme,
        )
    return text
