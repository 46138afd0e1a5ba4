"""Loading the invented group: step by step, each step whole or not at all, so that a killed load goes on later."""

from collections.abc import Callable
from random import Random

from sqlalchemy import select

from admin.demo import defects, group, houses, matters, money, pictures, places, rota
from admin.demo.group import OFFICES, OfficePlan
from tenant.db import Database, refresh_statistics
from tenant.files import Store
from tenant.journal import Actor
from tenant.models import Office
from tenant.rules.terms import ActorKind
from tenant.scoping import Scope
from tenant.services.passwords import hash_password
from tenant.unscoped import Reason, across_offices

LOADER = Actor(kind=ActorKind.COMMAND, name="试用数据", request_id="demo")


def load(database: Database, store: Store, *, seed: int, password: str, say: Callable[[str], object]) -> None:
    """Load what is missing of the group, its pictures into ``store``; ``say`` is told what is being done."""
    with across_offices(database, Reason.SETTING_UP, LOADER) as session:
        known = set(session.scalars(select(Office.code)))
        if not known.issuperset(plan.code for plan in OFFICES):
            say("正在建立虚构的集团、公司、管理处与人员 …")
            group.build(session, Random(seed), hash_password(password))  # noqa: S311 - invented people, not secrets
            session.commit()
        offices = {code: office_id for code, office_id in session.execute(select(Office.code, Office.id))}  # noqa: C416 - rows, not pairs
    loaded = [
        _load_office(database, store, Random(f"{seed}:{plan.code}"), offices[plan.code], plan, say)  # noqa: S311 - as above
        for plan in OFFICES
    ]
    if any(loaded):
        refresh_statistics(database.addresses)


def _load_office(
    database: Database, store: Store, random: Random, office_id: int, plan: OfficePlan, say: Callable[[str], object]
) -> bool:
    """Load one office in one transaction; tell whether there was anything to do."""
    with database.session(Scope.of([office_id]), LOADER) as session:
        if houses.is_built(session):
            return False
        say(f"正在装入{plan.name}：{plan.units} 户，半年的报事、投诉、应收与实收 …")
        homes = houses.build(session, random, office_id, plan)
        money.build(session, random, office_id, homes)
        matters.build(session, random, office_id, homes)
        defects.build(session, random, office_id, homes)
        places.build(session, random, office_id, homes)
        rota.build(session, office_id)
        pictures.build(session, store)
        session.commit()
        return True
