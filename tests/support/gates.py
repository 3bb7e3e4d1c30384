"""How tests run a gate, and the counts of one that fails."""

RED = [[16, 4, 0], [2, 18, 0], [0, 0, 10]]
WORKERS = [(), ("-n", "2")]  # alone, and under xdist
