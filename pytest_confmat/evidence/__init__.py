"""Exact tests and intervals: of one share, of two models on the same examples, of a second set."""
