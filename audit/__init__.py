"""The record: what was seen, changed and exported, written by the session itself and proven unaltered."""
