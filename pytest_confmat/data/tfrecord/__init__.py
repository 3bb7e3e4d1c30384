"""Examples in TFRecord shards."""
