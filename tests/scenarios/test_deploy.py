"""The files of deploy/ are held to the program they start: each command, setting, secret and figure in them is one."""

import os
import re
import shutil
from pathlib import Path
from typing import Final

import click
import pytest
import yaml

from admin import metrics
from admin.cli import wuguan
from admin.commands.supervising import GRACE_SECONDS
from deployed import DEPLOY, ROOT, call, environment
from systemd_units import Unit, span
from tenant.settings import Settings

COMPOSE: Final = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))
SERVICES: Final = COMPOSE["services"]
PROGRAM: Final = {name: service for name, service in SERVICES.items() if service["image"].startswith("wuguan:")}
CONTAINERFILE: Final = (DEPLOY / "Containerfile").read_text("utf-8")
SETTINGS: Final = set(
    re.findall(r'"((?:WUGUAN_|DATABASE_|BROKER_)[A-Z_]+)"', (ROOT / "tenant/settings.py").read_text("utf-8"))
)
UNITS: Final = [Unit.read(path, "8080") for path in sorted((DEPLOY / "systemd").glob("*.service"))]
SERVING: Final = [unit for unit in UNITS if "Restart" in unit.values]
ALERTS: Final = yaml.safe_load((DEPLOY / "prometheus/alerts.yml").read_text("utf-8"))["groups"][0]["rules"]
OWNER: Final = "WUGUAN_OWNER_DATABASE_URL"
GUIDE: Final = (ROOT / "docs/operations.md").read_text("utf-8")


def assigned(path: Path) -> dict[str, str]:
    """Return what a file of settings assigns."""
    lines = [line for line in path.read_text("utf-8").splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


def assert_command(arguments: list[str]) -> None:
    """Hold ``arguments`` to be a command of ours, with options it has."""
    command: click.Command = wuguan
    context = click.Context(command, info_name="wuguan")
    while isinstance(command, click.Group):
        name, found, arguments = command.resolve_command(context, list(arguments))
        assert found is not None, name
        command, context = found, click.Context(found, info_name=name, parent=context)
    command.make_parser(context).parse_args(list(arguments))


# ---- compose
@pytest.mark.parametrize("name", PROGRAM)
def test_each_service_runs_a_command_there_is_with_settings_there_are(name: str) -> None:
    service = PROGRAM[name]
    if service["command"][0] == "wuguan-backup":
        assert "deploy/backup.sh /usr/local/bin/wuguan-backup" in CONTAINERFILE
    else:
        assert_command(service["command"])
    assert set(service["environment"]) <= SETTINGS
    assert set(service["secrets"]) <= SETTINGS
    assert service["read_only"]
    assert service["cap_drop"] == ["ALL"]


def test_only_the_proxy_is_reached_from_outside_and_everything_comes_up_again() -> None:
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["proxy"]
    assert COMPOSE["networks"]["inside"]["internal"]
    lasting = {name for name in SERVICES if name not in {"upgrade", "backup"}}
    assert all(SERVICES[name]["restart"] == "unless-stopped" for name in lasting)
    watched = {name for name in lasting if "healthcheck" in SERVICES[name] or name in PROGRAM}
    assert watched == lasting, "the image has a health check of its own"


def test_the_login_that_migrates_is_given_to_nobody_who_serves() -> None:
    assert {name for name in PROGRAM if OWNER in SERVICES[name]["secrets"]} == {"upgrade", "backup"}
    for name in ("web", "worker", "scheduler"):
        assert SERVICES[name]["depends_on"]["upgrade"] == {"condition": "service_completed_successfully"}


def test_every_secret_file_and_folder_that_is_named_is_there_or_made_by_the_preparation() -> None:
    prepared = (DEPLOY / "prepare.sh").read_text("utf-8")
    for secret, where in COMPOSE["secrets"].items():
        assert where == {"file": f"secrets/{secret}"}
        assert f"keep {secret} " in prepared
    used = {secret for service in SERVICES.values() for secret in service.get("secrets", [])}
    assert used == set(COMPOSE["secrets"])
    for service in SERVICES.values():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            if source.startswith("./"):
                assert (DEPLOY / source).exists() or source == "./certificates", source
            else:
                assert source in COMPOSE["volumes"]


def test_a_worker_is_given_longer_to_stop_than_it_takes() -> None:
    assert span(SERVICES["worker"]["stop_grace_period"]) > GRACE_SECONDS + 10
    (worker,) = [unit for unit in UNITS if unit.name == "wuguan-worker.service"]
    assert worker.stop_seconds > GRACE_SECONDS + 10


@pytest.mark.parametrize("name", ["wuguan.env.example", "systemd/wuguan.env.example", "systemd/upgrade.env.example"])
def test_a_file_of_settings_names_settings_there_are(name: str) -> None:
    assert set(assigned(DEPLOY / name)) <= SETTINGS


def test_prepared_secrets_are_settings_the_program_takes_and_are_made_once(tmp_path: Path) -> None:
    for name in ("prepare.sh", "wuguan.env.example"):
        shutil.copy(DEPLOY / name, tmp_path)
    assert call(tmp_path / "prepare.sh", env=environment()).returncode == 2
    made = call(tmp_path / "prepare.sh", "wuguan.office.example", env=environment())
    assert made.returncode == 0, made.stderr
    secrets = {path.name: path.read_text() for path in (tmp_path / "secrets").iterdir()}
    assert set(secrets) == set(COMPOSE["secrets"])
    assert (tmp_path / "secrets").stat().st_mode & 0o077 == 0
    env = {name: value for name, value in secrets.items() if name in SETTINGS} | assigned(tmp_path / "wuguan.env")
    found = Settings.from_environment(env | {"WUGUAN_HOME": str(tmp_path)})
    assert found.base_url == "https://wuguan.office.example"
    assert found.smtp_url is None
    assert len(found.secret_key) >= 64
    again = call(tmp_path / "prepare.sh", "wuguan.office.example", env=environment())
    assert again.returncode == 0
    assert {path.name: path.read_text() for path in (tmp_path / "secrets").iterdir()} == secrets


# ---- units
@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_each_unit_runs_a_command_there_is_as_a_user_that_may_do_little(unit: Unit) -> None:
    if unit.command[0].endswith("backup.sh"):
        assert (DEPLOY / "backup.sh").stat().st_mode & 0o111
    else:
        assert unit.command[0] == "/opt/wuguan/bin/wuguan"
        assert_command(unit.command[1:])
    assert set(unit.settings) <= SETTINGS
    assert unit.one("User") == "wuguan"
    assert (unit.one("NoNewPrivileges"), unit.one("ProtectSystem"), unit.one("PrivateTmp")) == ("yes", "strict", "yes")
    assert unit.one("CapabilityBoundingSet") == ""
    given = "/etc/wuguan/upgrade.env" in unit.values["EnvironmentFile"]
    assert given == (unit not in SERVING), "the login that migrates is not for who serves"


@pytest.mark.parametrize("unit", SERVING, ids=lambda unit: unit.name)
def test_what_serves_is_started_again_and_stops_with_the_whole(unit: Unit) -> None:
    assert unit.one("Type") == "notify"
    assert unit.one("Restart") == "always"
    assert unit.one("StartLimitIntervalSec") == "0"
    assert unit.one("PartOf") == "wuguan.target"
    assert "wuguan-upgrade.service" in unit.one("After").split()


def test_no_two_units_of_one_machine_listen_at_the_same_address() -> None:
    taken: list[int] = []
    for unit in SERVING:
        port = int(unit.settings["WUGUAN_METRICS"].rpartition(":")[2])
        several = int(unit.command[unit.command.index("--processes") + 1]) if "--processes" in unit.command else 1
        taken += range(port, port + several)
    assert len(set(taken)) == len(taken)
    (scraped,) = yaml.safe_load((DEPLOY / "prometheus/prometheus.yml").read_text("utf-8"))["scrape_configs"]
    (targets,) = scraped["static_configs"]
    assert {int(target.rpartition(":")[2]) for target in targets["targets"]} == set(taken)


@pytest.mark.units
def test_systemd_takes_the_units_as_they_are(tmp_path: Path) -> None:
    for path in (DEPLOY / "systemd").iterdir():
        text = path.read_text("utf-8")
        for program in ("/opt/wuguan/bin/wuguan", "/opt/wuguan/deploy/backup.sh"):
            text = text.replace(program, "/bin/true")
        (tmp_path / path.name.replace("@.", "@8080.")).write_text(text)
        (tmp_path / path.name).write_text(text)
    units = sorted(path for suffix in ("service", "target", "timer") for path in tmp_path.glob(f"*[!@].{suffix}"))
    analyze = os.environ.get("WUGUAN_TEST_SYSTEMD_ANALYZE", "systemd-analyze")
    done = call(analyze, "verify", "--man=no", *units, env=environment(SYSTEMD_UNIT_PATH=f"{tmp_path}:"))
    ours = [line for line in done.stderr.splitlines() if "wuguan" in line]
    assert (done.returncode, ours) == (0, [])


# ---- figures, and the guide
def test_every_alert_asks_for_figures_there_are_and_is_explained_in_the_guide() -> None:
    told = set(re.findall(r"``(wuguan_[a-z_]+)``", str(metrics.__doc__)))
    for alert in ALERTS:
        asked = {re.sub(r"_bucket$", "", name) for name in re.findall(r"wuguan_[a-z_]+", alert["expr"])}
        assert asked <= told, alert["alert"]
        assert asked or "up{" in alert["expr"]
        assert f"`{alert['alert']}`" in GUIDE, f"the guide does not tell what to do about {alert['alert']}"
        assert re.search(r"[\u4e00-\u9fff]", alert["annotations"]["summary"])


def test_the_guide_tells_of_every_finding_of_the_doctor() -> None:
    # a finding is its name beside its Chinese label, wherever the doctor writes it
    found = set(re.findall(r'"([a-z_]+)",\s*"[\u4e00-\u9fff]', (ROOT / "admin/doctor.py").read_text("utf-8")))
    assert {"settings", "database", "head", "broker", "smtp"} <= found
    for name in sorted(found):
        assert f"| `{name}` |" in GUIDE, f"the guide does not tell of the doctor's line {name}"


def test_the_guide_names_no_command_setting_or_file_that_is_not_there() -> None:
    for line in re.findall(r"`(wuguan [^`]+)`", GUIDE):
        words = [word for word in line.split()[1:] if not re.search(r"[^\x20-\x7e]|…", word)]
        command: click.Command = wuguan
        for word in words:
            if not isinstance(command, click.Group):
                break
            assert word in command.commands, line
            command = command.commands[word]
        for option in re.findall(r"--[a-z-]+", line):
            assert option == "--json" or any(option in parameter.opts for parameter in command.params), line
    assert set(re.findall(r"\bWUGUAN_[A-Z_]+\b", GUIDE)) <= SETTINGS | {"WUGUAN_COMMAND", "WUGUAN_SECRETS"}
    for path in re.findall(r"`(deploy/[a-zA-Z0-9_./@-]+)`", GUIDE):
        made = path.split("/")[1] in {"secrets", "certificates", "wuguan.env", ".env"}
        assert made or (ROOT / path).exists(), path
