"""Which charge type a sheet means: the office's own by its name, else a known other word for it, else a new one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rapidfuzz import fuzz

from importers.faults import shown_text
from importers.money.rows import OPENING, comparable_type

if TYPE_CHECKING:
    from collections.abc import Mapping

_SAID_ALIKE = (
    frozenset({"物业费", "物业服务费", "物业管理费", "物业管理服务费", "物管费", "管理费"}),
    frozenset({"停车费", "停车服务费", "停车管理费", "车位费", "车位管理费", "车位服务费"}),
    frozenset({"水费", "自来水费"}),
    frozenset({"垃圾费", "垃圾清运费", "生活垃圾费", "垃圾处理费"}),
    frozenset({"公摊费", "公摊水电费", "公共水电费", "公共能耗费"}),
)
"""Words the trade uses for one thing; taken for each other only where the office has exactly one of them."""
_CLOSE = 75


class ChargeTypes:
    """The charge types of an office and those a file brings, and what people should know of how they were read."""

    def __init__(self, known: Mapping[str, int]) -> None:
        self._names = {comparable_type(name): name for name in known}
        self._ids = dict(known)
        self._said: dict[str, str] = {}
        self._read_as: dict[str, str] = {}
        self.new: list[str] = []
        """The names of those to be made, in the order of the file."""

    def name_of(self, said: str) -> str:
        """Return the name under which a charge stands: the office's own, else as the file has it."""
        if said in self._said:
            return self._said[said]
        self._said[said] = name = self._found(said)
        return name

    def _found(self, said: str) -> str:
        key = comparable_type(said)
        if said in self._ids or key in self._names:
            return said if said in self._ids else self._names[key]
        others = next((words for words in _SAID_ALIKE if key in words), frozenset())
        alike = [name for name in self._ids if comparable_type(name) in others]
        if len(alike) == 1:
            self._read_as[said] = self._names[key] = alike[0]
            return alike[0]
        self._names[key] = said
        return said

    def id_of(self, name: str) -> int | None:
        """Return the id of a type the office has, None for one the file brings."""
        return self._ids.get(name)

    def bring(self, name: str) -> bool:
        """Tell whether a name is new and was not brought before; from now on it is."""
        if name in self._ids or name in self.new:
            return False
        self.new.append(name)
        return True

    def notices(self) -> list[str]:
        """Return how names were read that are not the office's own."""
        lines = [f"收费项目「{shown_text(said)}」按已有的「{name}」读取。" for said, name in self._read_as.items()]
        for name in self.new:
            close = [
                known for known in self._ids if fuzz.ratio(comparable_type(known), comparable_type(name)) >= _CLOSE
            ]
            hint = f"它与已有的「{close[0]}」相近，如果是同一项，请在文件里改成相同的名称。" if close else ""
            price = "" if name == OPENING else "还没有单价，写入后请到「收费项目」补上。"
            lines.append(f"将新建收费项目「{shown_text(name)}」（按用量，金额逐笔填写）。{price}{hint}")
        return lines
