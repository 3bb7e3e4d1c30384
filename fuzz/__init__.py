"""Fuzzing of everything that reads what others wrote: see `fuzz.targets` and `fuzz.run`."""
