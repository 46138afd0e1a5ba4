"""Build the wheel, install it into a clean environment from the lock, and look inside.

An editable install hides what the wheel lacks; the first user finds out. Nothing is downloaded that requirements/ does
not name by hash.
"""

import subprocess
import sys
import tempfile
import tomllib
import venv
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
PACKAGES = {"tenant", "admin", "importers", "tasks", "audit"}
SHIPPED = {"tenant", "admin", "importers", "tasks", "audit", "migrations"}


def run(*command: str | Path, cwd: Path) -> str:
    """Run ``command`` in ``cwd`` and return what it printed; raises CalledProcessError when it fails."""
    done = subprocess.run([str(part) for part in command], cwd=cwd, check=True, text=True, stdout=subprocess.PIPE)
    return done.stdout


def build(folder: Path) -> Path:
    """Build the wheel into ``folder`` and return its path."""
    run(sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", folder, ".", cwd=ROOT)
    (wheel,) = folder.glob("*.whl")
    return wheel


def tracked_files() -> set[str]:
    """Return what the wheel must hold, by its path there: each tracked file of the five packages and the migrations."""
    listed = run("git", "ls-files", "-z", *sorted(SHIPPED), cwd=ROOT).split("\0")
    here = {name for name in listed if name and (ROOT / name).is_file()}
    return {
        name.replace("migrations/", "admin/_migrations/", 1) if name.startswith("migrations/") else name
        for name in here
    }


def complaints_about(wheel: Path) -> list[str]:
    """Return what is wrong with the contents of ``wheel``, in words."""
    held = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    top = {name.split("/")[0] for name in held}
    found = [f"top-level names are {sorted(top)}, not {sorted(PACKAGES)}"] if top != PACKAGES else []
    found += [f"{name} is missing from the wheel" for name in sorted(tracked_files() - held)]
    for what, start, end in (
        ("revision", "admin/_migrations/versions/", ".py"),
        ("migration environment", "admin/_migrations/env", ".py"),
        ("policy", "tenant/policy/", ".toml"),
        ("template", "admin/templates/wuguan/", ".html"),
        ("style sheet", "admin/static/", ".css"),
        ("mail template", "tasks/mail/", ".txt"),
        ("form", "tasks/papers/forms/", ".typ"),
        ("font", "tasks/papers/fonts/", ".otf"),
    ):
        if not any(name.startswith(start) and name.endswith(end) for name in held):
            found.append(f"the wheel holds no {what} ({start}*{end})")
    return found


def install(wheel: Path, folder: Path) -> Path:
    """Install ``wheel`` and its locked requirements into a new environment and return that environment's bin folder."""
    venv.create(folder, with_pip=True)
    pip: list[str | Path] = [
        folder / "bin/python",
        "-m",
        "pip",
        "--disable-pip-version-check",
        "install",
        "--quiet",
        "--quiet",
        "--no-deps",
    ]
    run(*pip, "--require-hashes", "--only-binary", ":all:", "-r", ROOT / "requirements/main.txt", cwd=folder)
    run(*pip, wheel, cwd=folder)
    run(folder / "bin/python", "-m", "pip", "--disable-pip-version-check", "check", cwd=folder)
    return folder / "bin"


def main() -> int:
    """Build, look, install, start; return 1 when the wheel's contents are wrong."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        wheel = build(folder)
        complaints = complaints_about(wheel)
        for complaint in complaints:
            print(complaint, file=sys.stderr)
        if complaints:
            return 1
        commands = install(wheel, folder / "clean")
        for package in sorted(PACKAGES):
            run(commands / "python", "-I", "-c", f"import {package}", cwd=folder)
        if "Usage: wuguan" not in run(commands / "wuguan", "--help", cwd=folder):
            print("`wuguan --help` does not introduce itself", file=sys.stderr)
            return 1
        print(f"{wheel.name}: {len(zipfile.ZipFile(wheel).namelist())} files, installed clean, `wuguan --help` answers")
    return 0


if __name__ == "__main__":
    sys.exit(main())
