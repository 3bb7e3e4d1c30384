"""Parts of an evaluation that are computed apart, by shards, and brought together by a merge."""
