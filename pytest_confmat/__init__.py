"""Gate the release of a classifier on its confusion matrix."""
