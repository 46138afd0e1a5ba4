"""Making the group's own things: companies and offices (A-O1). Only a session that sees every office can."""

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tenant.errors import NotFound, Refusal
from tenant.models import Company, Office
from tenant.services.lookups import refuse_unstorable

LONGEST_CODE = 32


def add_company(session: Session, code: str, name: str) -> Company:
    """Make a company; raises Refusal when the code is taken or either is empty."""
    code, name = _clean(code, "code"), _clean(name, "name")
    if session.scalar(select(Company.id).where(func.lower(Company.code) == code.lower())):
        raise Refusal(
            code="code_taken",
            message=f"公司编码「{code}」已被使用。请换一个编码，或直接使用已有的公司。",
            field="code",
            value=code,
        )
    company = Company(code=code, name=name)
    session.add(company)
    session.flush()
    return company


def add_office(session: Session, code: str, name: str, *, company_code: str) -> Office:
    """Make an office of the company with ``company_code``; raises Refusal when a code is taken, empty or unknown."""
    code, name = _clean(code, "code"), _clean(name, "name")
    company = company_by_code(session, company_code)
    if session.scalar(select(Office.id).where(func.lower(Office.code) == code.lower())):
        raise Refusal(
            code="code_taken",
            message=f"管理处编码「{code}」已被使用。请换一个编码。",
            field="code",
            value=code,
        )
    office = Office(code=code, name=name, company=company)
    session.add(office)
    session.flush()
    return office


def company_by_code(session: Session, code: str) -> Company:
    """Return the company with ``code``, whatever its case; raises NotFound."""
    company = session.scalar(select(Company).where(func.lower(Company.code) == code.strip().lower()))
    if company is None:
        raise NotFound(
            code="unknown_company",
            message=f"没有编码为「{code}」的公司。请核对编码，或先用 wuguan company add 建立公司。",
            field="company",
            value=code,
        )
    return company


def office_by_code(session: Session, code: str) -> Office:
    """Return the office with ``code``, whatever its case; raises NotFound, outside the scope too."""
    office = session.scalar(select(Office).where(func.lower(Office.code) == code.strip().lower()))
    if office is None:
        raise NotFound(
            code="unknown_office",
            message=f"没有编码为「{code}」的管理处。请核对编码，或先用 wuguan office add 建立管理处。",
            field="office",
            value=code,
        )
    return office


def _clean(text: str, field: str) -> str:
    text = text.strip()
    label = "编码" if field == "code" else "名称"
    refuse_unstorable(text, field=field, label=label)
    if not text:
        raise Refusal(code="empty", message=f"{label}不能为空。请填写后重试。", field=field, value=text)
    if field == "code" and len(text) > LONGEST_CODE:
        raise Refusal(
            code="too_long",
            message=f"编码「{text[:40]}」太长。最多 {LONGEST_CODE} 个字符。",
            field=field,
            value=text,
        )
    return text
