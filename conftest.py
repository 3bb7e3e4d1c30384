"""What the tests of a pytest plugin need: pytest run inside pytest."""

pytest_plugins = ["pytester"]
