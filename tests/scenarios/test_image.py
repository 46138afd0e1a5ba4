"""What the image is built by and what the units start, really done: the Containerfile's own lines, a stranger's user.

No container engine is asked for: the lines that make the image run here, in folders of this test in place of the
image's, and what comes out is started as the user `nobody` where this test may choose a user.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from deployed import DEPLOY, ROOT, Crew, asked, call, environment, free_port, fresh_database, plain
from systemd_units import Starter, Unit
from tenant import embedded

PLACES = "/usr/local/bin:/usr/bin:/bin"


def base_python() -> str:
    """Return a Python to build with: the machine's own where it can make environments, else the one that runs this."""
    found = shutil.which("python3.11", path=PLACES)
    fits = found and subprocess.run([found, "-c", "import ensurepip"], capture_output=True, check=False).returncode == 0  # noqa: S603
    return found if found and fits else str(Path(sys.executable).resolve())


PYTHON = base_python()
NOBODY = 65534 if os.geteuid() == 0 and PYTHON.startswith("/usr/") else None
"""Whom the program runs as: a stranger, where we may choose and he may reach the interpreter."""
CONTAINERFILE = (DEPLOY / "Containerfile").read_text("utf-8")
STEPS = [re.sub(r"\s*\\\n\s*", " ", step) for step in re.findall(r"(?m)^(?:[A-Z]+ (?:.*\\\n)*.*)$", CONTAINERFILE)]


@dataclass(frozen=True)
class Image:
    """What the build made, and where its folders lie here."""

    folder: Path

    @property
    def wuguan(self) -> Path:
        """The installed command."""
        return self.folder / "opt/wuguan/bin/wuguan"

    def here(self, text: str) -> str:
        """Return ``text`` with the image's folders as they lie here."""
        return re.sub(r"(?<![\w/.])/(opt/wuguan|source|wheels|usr/local/bin)\b", rf"{self.folder}/\1", text)


def stages() -> list[list[str]]:
    """Return the steps of each stage of the Containerfile."""
    found: list[list[str]] = []
    for step in STEPS:
        if step.startswith("FROM "):
            found.append([])
        found[-1].append(step)
    return found


@pytest.fixture(scope="module")
def image() -> Iterator[Image]:
    """The first stage of the Containerfile, its lines run one by one, and the scripts the second one copies."""
    folder = Path(tempfile.mkdtemp(prefix="wuguan-image-"))
    folder.chmod(0o755)  # the program's user must get in
    made = Image(folder)
    source = folder / "source"
    source.mkdir()
    base = folder / "base"
    base.mkdir()
    (base / "python3").symlink_to(PYTHON)
    env = environment(PIP_NO_CACHE_DIR="1", PATH=f"{base}:{PLACES}")
    for step in stages()[0]:
        kind, _, rest = step.partition(" ")
        if kind == "COPY":
            *sources, target = rest.split()
            for name in sources:
                _copied(ROOT / name, source / target / name if target.endswith("/") else source / target)
        elif kind == "RUN":
            done = call("sh", "-euc", made.here(rest), env=env, cwd=source)
            assert done.returncode == 0, f"{rest}\n{done.stdout}{done.stderr}"
    for step in stages()[1]:
        if step.startswith("COPY deploy/"):
            _, name, target = step.split()
            _copied(ROOT / name, Path(made.here(target)))
    yield made
    shutil.rmtree(folder, ignore_errors=True)


def _copied(origin: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if origin.is_dir():
        shutil.copytree(origin, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy(origin, target)


def as_program(image: Image, *command: str | Path, env: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    """Run a command through the image's entry point, as the user it would run as."""
    options = {} if NOBODY is None else {"user": NOBODY, "group": NOBODY, "extra_groups": ()}
    path = f"{image.wuguan.parent}:{image.folder}/usr/local/bin:{PLACES}"
    entry = image.folder / "usr/local/bin/wuguan-entrypoint"
    return call(entry, *command, env=env | {"PATH": path}, cwd="/", **options)


@pytest.fixture
def home(image: Image) -> Iterator[Path]:
    """A home that is the only place the program's user may write to."""
    folder = Path(tempfile.mkdtemp(prefix="wuguan-image-home-", dir="/tmp"))
    if NOBODY is not None:
        os.chown(folder, NOBODY, NOBODY)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def healthy(place: str) -> bool:
    """Tell whether the process answers as the image's health check asks it."""
    try:
        with urllib.request.urlopen(f"http://{place}/healthz", timeout=4) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def test_the_image_names_no_address_runs_as_a_user_of_its_own_and_watches_itself() -> None:
    assert not re.search(
        r"https?://(?!127\.0\.0\.1:9191/healthz)|--(?:extra-)?index|--find-links|@sha256", CONTAINERFILE
    )
    bases = [step.split()[1] for step in STEPS if step.startswith("FROM ")]
    assert set(bases) == {"docker.io/library/python:3.11-slim"}
    last = stages()[1]
    assert "USER wuguan" in last
    assert any(step.startswith("HEALTHCHECK ") and "/healthz" in step for step in last)
    assert not any(step.startswith(("ADD ", "ARG ")) for step in STEPS)


def test_what_the_image_is_made_from_is_let_through_and_secrets_are_not() -> None:
    lines = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    assert "*" in lines
    let_through = {line.removeprefix("!") for line in lines if line.startswith("!")}
    copied = {
        name for step in STEPS if step.startswith("COPY ") and "--from" not in step for name in step.split()[1:-1]
    }
    assert copied == let_through
    assert not any(name.startswith(("deploy/secrets", "deploy/certificates", ".git")) for name in let_through)


def test_the_installed_program_runs_as_a_stranger_who_may_write_to_its_home_alone(image: Image, home: Path) -> None:
    env = environment(WUGUAN_HOME=str(home), TMPDIR=str(home), XDG_RUNTIME_DIR=str(home))
    upgraded = as_program(image, "db", "upgrade", env=env)  # with the database that came along
    assert upgraded.returncode == 0, upgraded.stderr
    looked = "import zoneinfo; zoneinfo.reset_tzpath(()); zoneinfo.ZoneInfo('Asia/Shanghai')"
    found = call(image.wuguan.with_name("python"), "-I", "-c", looked, env=environment())
    assert found.returncode == 0, "zones come with the program"
    assert not image.wuguan.with_name("pip").exists(), "nothing can be installed into it"


def test_the_entry_point_takes_settings_from_files_after_the_environments(image: Image, home: Path) -> None:
    secrets = home / "secrets"
    secrets.mkdir()
    for name, value in {
        "DATABASE_URL": "mysql://from-a-file/x",
        "WUGUAN_PORT": "",
        "PATH": "/nowhere",
        "postgres-password": "x",
    }.items():
        (secrets / name).write_text(value)
        (secrets / name).chmod(0o644)
    env = environment(WUGUAN_HOME=str(home), WUGUAN_SECRETS=str(secrets))
    refused = as_program(image, "db", "current", env=env)
    assert refused.returncode == 1
    assert "DATABASE_URL" in refused.stderr, "the file was read"
    stated = as_program(image, "db", "current", env=env | {"DATABASE_URL": "kafka://from-the-environment/x"})
    assert "现以「kafka」开头" in stated.stderr, "and the environment went before it"


def test_the_database_of_the_containers_lets_the_serving_login_in_with_its_password(
    server: embedded.EmbeddedServer, tmp_path: Path
) -> None:
    password = tmp_path / "app-password"
    password.write_text('it\'s a "password" \\ of $signs')
    script = DEPLOY / "postgres/serving-login.sh"
    text = script.read_text("utf-8").replace("wuguan_app", "wuguan_app_of_containers")
    with fresh_database(server.url("postgres", "postgres")) as address:
        (tmp_path / "login.sh").write_text(text)
        env = environment(
            APP_PASSWORD_FILE=str(password),
            POSTGRES_DB=str(address.database),
            PGHOST=str(address.query["host"]),
            PATH=f"{embedded.programs()[18]}:{os.environ['PATH']}",
        )
        done = call("sh", tmp_path / "login.sh", env=env)
        assert done.returncode == 0, done.stderr
        kept = (
            "SELECT rolcanlogin AND NOT rolinherit AND NOT rolbypassrls AND rolpassword LIKE 'SCRAM-SHA-256$%'"
            " AND NOT has_database_privilege('public', current_database(), 'CONNECT')"
            " FROM pg_authid WHERE rolname = 'wuguan_app_of_containers'"
        )
        assert asked(address, kept) is True
        again = call("sh", tmp_path / "login.sh", env=env)
        assert again.returncode != 0, "it is for a new database alone"
    assert asked(server.url("postgres", "postgres"), "DROP ROLE wuguan_app_of_containers") is None


def test_each_unit_starts_says_it_is_ready_and_stops_in_time(
    image: Image, home: Path, server: embedded.EmbeddedServer, tmp_path_factory: pytest.TempPathFactory
) -> None:
    crew, port = Crew(tmp_path_factory.mktemp("logs")), free_port()
    with fresh_database(server.url("postgres", "postgres")) as address:
        env = environment(
            WUGUAN_HOME=str(home),
            DATABASE_URL=plain(address.set(username="wuguan_app")),
            WUGUAN_SECRET_KEY="of the test, long enough",
            PYTHONUNBUFFERED="1",
        )
        upgrade = Unit.read(DEPLOY / "systemd/wuguan-upgrade.service")
        done = call(image.wuguan, *upgrade.command[1:], env=env | {"WUGUAN_OWNER_DATABASE_URL": plain(address)})
        assert done.returncode == 0, done.stderr
        starter = Starter(home, crew)
        try:
            units = {
                name: Unit.read(DEPLOY / f"systemd/wuguan-{name}.service", str(port))
                for name in ("scheduler", "web@", "worker")
            }
            ours = {name: env | {"WUGUAN_METRICS": f"127.0.0.1:{free_port()}"} for name in units}
            running = {name: starter.start(unit, image.wuguan, ours[name]) for name, unit in units.items()}
            for place in (setting["WUGUAN_METRICS"] for setting in ours.values()):
                crew.until(lambda place=place: healthy(place), what=f"{place}/healthz")
            for name, instance in running.items():
                assert instance.stop(units[name].stop_seconds) == 0, instance.said
        finally:
            crew.dismiss()
