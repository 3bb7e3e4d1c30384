"""What pytest-confmat costs, beside what people write without it and what the machine allows."""
