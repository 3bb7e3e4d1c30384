"""SavedModels: directories with a TensorFlow graph, judged before any of it runs.

A graph can read and write files and run Python. What is run of one here is cut out of it first:
what computes the chosen signature, what restores its variables, and what initializes its tables.
Only these operations are imported, and each must be on a list of operations that compute.
"""
