"""What needs more than TensorFlow: each test says what is missing where it is skipped."""
