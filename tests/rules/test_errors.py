import pickle

import pytest

from tenant.errors import Conflict, NotFound, Refusal, ScopeMissing, SettingsError, WallBreach


def test_a_refusal_reads_as_its_sentence_and_carries_its_four_parts():
    refusal = Refusal(code="x", message="请改正。", field="phone", value="123")
    assert str(refusal) == "请改正。"
    assert refusal.as_json() == {"code": "x", "message": "请改正。", "field": "phone", "value": "123"}


def test_missing_and_foreign_records_get_one_answer():
    assert str(NotFound()) == str(NotFound(value="7"))
    assert NotFound().code == "not_found"


@pytest.mark.parametrize(
    "refusal",
    [Refusal(code="x", message="甲", field="f", value="v"), NotFound(), Conflict(), SettingsError(message="乙")],
)
def test_a_refusal_survives_the_way_between_processes(refusal):
    again = pickle.loads(pickle.dumps(refusal))  # noqa: S301 - our own bytes
    assert type(again) is type(refusal)
    assert again.as_json() == refusal.as_json()


@pytest.mark.parametrize("fault", [ScopeMissing, WallBreach])
def test_faults_of_the_program_are_never_answers_to_a_user(fault):
    assert not issubclass(fault, Refusal)
