"""A unit of systemd, read and started as systemd would: its settings, its command, its word that it is ready."""

import re
import shlex
import socket
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from deployed import PATIENCE, Crew, Instance


@dataclass(frozen=True)
class Unit:
    """What a unit file says: each key of `[Service]` and `[Unit]` with all its values."""

    name: str
    instance: str
    values: Mapping[str, list[str]]

    @classmethod
    def read(cls, path: Path, instance: str = "") -> "Unit":
        """Read a unit file; ``instance`` stands for `%i`."""
        values: dict[str, list[str]] = defaultdict(list)
        for line in path.read_text("utf-8").splitlines():
            if "=" in line and not line.startswith("#"):
                key, value = line.split("=", 1)
                values[key].append(value.replace("%i", instance))
        return cls(path.name, instance, values)

    def one(self, key: str) -> str:
        """Return the only value of ``key``."""
        (value,) = self.values[key]
        return value

    @property
    def command(self) -> list[str]:
        """The command it starts."""
        return shlex.split(self.one("ExecStart"))

    @property
    def settings(self) -> dict[str, str]:
        """What it sets in the environment by itself."""
        return dict(word.split("=", 1) for line in self.values["Environment"] for word in shlex.split(line))

    @property
    def stop_seconds(self) -> float:
        """How long it may take to stop."""
        return span(self.one("TimeoutStopSec"))


def span(text: str) -> float:
    """Return the seconds that `75s`, `2m`, `2min` or a bare number mean."""
    found = re.fullmatch(r"(\d+)(s|m|min|)", text)
    assert found, text
    return int(found[1]) * (60 if found[2].startswith("m") else 1)


@dataclass
class Starter:
    """What systemd does with units of `Type=notify`."""

    folder: Path
    crew: Crew

    def start(self, unit: Unit, program: Path, env: dict[str, str], user: int | None = None) -> Instance:
        """Start a unit with ``program`` in place of the installed one, as ``user``, and wait until it says it is ready.

        The unit's environment file is ``env``; as with systemd, it goes before the unit's own settings.
        """
        assert unit.one("Type") == "notify"
        place = self.folder / f"{unit.name}.notify"
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
            heard.bind(str(place))
            place.chmod(0o777)
            heard.settimeout(PATIENCE)
            command = [str(program), *unit.command[1:]]
            around = unit.settings | env | {"NOTIFY_SOCKET": str(place)}
            options = {} if user is None else {"user": user, "group": user, "extra_groups": ()}
            instance = self.crew.start(*command, env=around, cwd=self.folder, **options)
            try:
                said = heard.recv(1024)
            except TimeoutError:
                raise AssertionError(f"{unit.name} did not say it is ready:\n{instance.said}") from None
            assert said == b"READY=1", instance.said
            return instance
