"""What sheets of money mean: who owes what for which unit and period, what was received and what it settles."""
