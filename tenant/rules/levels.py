"""At which level of the group a role may be posted (A-O1 to A-O3)."""

from tenant.rules.terms import PostingLevel, Role

_ANYWHERE = frozenset(PostingLevel)
_ABOVE_OFFICES = frozenset({PostingLevel.GROUP, PostingLevel.COMPANY})
# a company may lend one person, a finance assistant say, to all its offices
_AT_WORK = frozenset({PostingLevel.COMPANY, PostingLevel.OFFICE})

_LEVELS: dict[Role, frozenset[PostingLevel]] = {
    Role.GROUP_CENTRE: frozenset({PostingLevel.GROUP}),
    Role.COMPANY_CENTRE: frozenset({PostingLevel.COMPANY}),
    Role.GENERAL_MANAGER: frozenset({PostingLevel.COMPANY}),
    Role.AUDITOR: _ANYWHERE,
    Role.SYSTEM_ADMIN: _ABOVE_OFFICES,
    Role.LEGAL_COUNSEL: _ANYWHERE,
}


def levels_for(role: Role) -> frozenset[PostingLevel]:
    """Return the levels the role may be posted at; office duties at an office, or at a company for all its offices."""
    return _LEVELS.get(role, _AT_WORK)
