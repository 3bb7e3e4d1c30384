"""What tests of several folders build again and again."""
