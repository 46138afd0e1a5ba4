"""The verbs of the domain: functions of a session that check, change and plan, and never commit."""
