"""Stopping all mail from a terminal: at once, on the record, once; and letting it go on."""

import json
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from conftest import Program

CHINESE = re.compile(r"[\u4e00-\u9fff]")


def test_mail_is_stopped_and_let_go_on_once_each_and_the_record_says_who_and_why(wuguan: "Program") -> None:
    early = wuguan("mail", "resume", "--json")
    assert early.code == 1
    assert json.loads(early.out)["error"]["code"] == "not_stopped"
    stopped = wuguan("mail", "stop", "--reason", "发信服务器在维护", "--json")
    assert stopped.code == 0, stopped.err
    assert stopped.json["reason"] == "发信服务器在维护"
    assert stopped.json["stopped_at"]
    again = wuguan("mail", "stop", "--reason", "另一个原因", "--json")
    assert again.code == 1
    assert json.loads(again.out)["error"]["code"] == "already_stopped"
    assert CHINESE.search(again.err)
    assert wuguan("mail", "resume", "--json").json == {"stopped_at": None}
    entries = wuguan("audit", "list", "--subject", "mail_gate", "--json").json["entries"]
    told = [entry for entry in entries if (entry["after"] or {}).get("reason") == "发信服务器在维护"]
    assert told
    assert {entry["actor_kind"] for entry in entries} == {"command"}


def test_mail_is_not_stopped_without_a_reason(wuguan: "Program") -> None:
    assert wuguan("mail", "stop").code == 2
    refused = wuguan("mail", "stop", "--reason", "  ", "--json")
    assert refused.code == 1
    assert CHINESE.search(json.loads(refused.out)["error"]["message"])
    assert wuguan("mail", "resume").code == 1, "nothing was stopped"
