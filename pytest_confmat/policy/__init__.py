"""thresholds.yaml as a Policy."""
