"""Pure arithmetic of the manuals' rules: no database, no clock, no environment, no chance.

Every function takes the instants, days and policy rows it needs and returns a value; the same arguments always give the
same answer.
"""
