import copy
import inspect
import pickle

import pytest

from tenant.rules import terms
from tenant.rules.levels import levels_for
from tenant.rules.terms import Gravity, PostingLevel, Role, Term

WORDS = [kind for _, kind in inspect.getmembers(terms, inspect.isclass) if issubclass(kind, Term) and kind is not Term]


@pytest.mark.parametrize("kind", WORDS, ids=lambda kind: kind.__name__)
def test_every_word_is_stored_in_english_and_shown_in_chinese(kind):
    for word in kind:
        assert word == word.value == str(word)
        assert word.value == word.name.lower()
        assert kind(word.value) is word
        assert any("\u4e00" <= letter <= "\u9fff" for letter in word.label)
        assert pickle.loads(pickle.dumps(word)) is word  # noqa: S301 - our own bytes
        assert copy.deepcopy(word) is word
    assert len({word.label for word in kind}) == len(kind)


@pytest.mark.parametrize("kind", WORDS, ids=lambda kind: kind.__name__)
def test_every_enumeration_opens_with_its_chinese_name(kind):
    name, dash, _ = kind.__doc__.partition(" — ")
    assert dash
    assert any("\u4e00" <= letter <= "\u9fff" for letter in name)


def test_gravities_carry_the_manuals_names():
    assert [gravity.label for gravity in Gravity] == ["一般", "重要", "重大", "无效"]


def test_counsel_alone_does_not_sign_in():
    assert [role for role in Role if not role.signs_in] == [Role.LEGAL_COUNSEL]


@pytest.mark.parametrize("role", Role)
def test_every_role_has_a_level_to_stand_at(role):
    assert levels_for(role)
    assert (PostingLevel.OFFICE in levels_for(role)) or role in {
        Role.GROUP_CENTRE,
        Role.COMPANY_CENTRE,
        Role.GENERAL_MANAGER,
        Role.SYSTEM_ADMIN,
    }


def test_only_those_who_answer_for_the_group_stand_at_its_level():
    at_group = {role for role in Role if PostingLevel.GROUP in levels_for(role)}
    assert at_group == {Role.GROUP_CENTRE, Role.AUDITOR, Role.SYSTEM_ADMIN, Role.LEGAL_COUNSEL}
