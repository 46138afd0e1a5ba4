"""What an import does to the process it runs in."""

import gc

import psutil

from importers.turns import undisturbed

A_MEGABYTE = 1 << 20


def test_no_cycles_are_collected_while_a_plan_is_made_and_again_afterwards():
    assert gc.isenabled()
    with undisturbed():
        assert not gc.isenabled()
    assert gc.isenabled()


def test_what_an_earlier_import_has_freed_is_given_back_before_the_next_begins():
    held = psutil.Process().memory_info
    pieces = [bytes(1_000) for _ in range(100_000)]
    scattered = pieces[::100]
    del pieces
    before = held().rss
    with undisturbed():
        assert before - held().rss > 50 * A_MEGABYTE
    assert len(scattered) == 1_000
