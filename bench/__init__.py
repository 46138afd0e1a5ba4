"""Benchmarks: each runs its peer or its floor beside it, in the same run on the same data, and prints the ratio.

They are measurements, not tests: nothing fails because a machine was busy. ``python -m bench --help`` lists them.
"""
