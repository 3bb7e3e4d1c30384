"""thresholds.yaml as a Policy."""

from pytest_confmat.policy.keys import dataset_from_keys
from pytest_confmat.policy.policy import Policy
from pytest_confmat.policy.reader import read_policy

__all__ = ["Policy", "dataset_from_keys", "read_policy"]
