"""Imports: read → map → clean → plan → preview → apply in one transaction.

A file can be refused and a cell can be refused; neither can take a process down. The package knows the domain
(`tenant`), not the web and not the queue.
"""
