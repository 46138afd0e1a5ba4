"""Any machine can install this from any index: nothing of the one it was written on stands in a file."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOCKS = [ROOT / "requirements" / name for name in ("main.txt", "dev.txt")]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
PIN = re.compile(r"^(?P<name>[a-z0-9._-]+)(\[[a-z0-9,._-]+\])?==(?P<version>\S+)")


def pins(lock):
    found = (PIN.match(line) for line in lock.read_text("utf-8").splitlines())
    return {pin["name"]: pin["version"] for pin in found if pin}


def canonical(requirement):
    return re.sub(r"[-_.]+", "-", re.split(r"[\[<>=! ]", requirement)[0]).lower()


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_a_lock_names_no_address_and_no_path(lock):
    text = lock.read_text("utf-8")
    assert not re.findall(r"https?:|file:|--index|--extra-index|--find-links|--trusted-host|(?m:^)-e |[ =]/\w+", text)


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_every_pin_has_a_hash(lock):
    entries = re.split(r"(?m)^(?=[a-z])", lock.read_text("utf-8"))
    assert all("--hash=sha256:" in entry for entry in entries if PIN.match(entry))


def test_what_is_tested_is_what_runs():
    main, dev = (pins(lock) for lock in LOCKS)
    assert main.items() <= dev.items()


def test_every_dependency_is_locked():
    main, dev = (pins(lock) for lock in LOCKS)
    groups = PROJECT["dependency-groups"]
    assert {canonical(line) for line in PROJECT["project"]["dependencies"] + groups["build"]} <= set(main)
    assert {canonical(line) for line in groups["dev"]} <= set(dev)


def test_every_ignored_lint_has_its_reason_beside_it():
    text = (ROOT / "pyproject.toml").read_text("utf-8")
    ignores = text[text.index("\nignore = [") : text.index("[tool.ruff.lint.per-file-ignores]")]
    reason = False
    for line in ignores.splitlines()[2:-2]:
        reason = (reason and bool(line.strip())) or "#" in line
        assert reason, line


def test_the_five_packages_are_named_alike_everywhere():
    packages = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["only-include"][:-1]
    assert packages == PROJECT["tool"]["importlinter"]["root_packages"]
    assert [*packages, "bench"] == PROJECT["tool"]["ruff"]["lint"]["isort"]["known-first-party"]
    assert all((ROOT / package / "__init__.py").is_file() for package in packages)
