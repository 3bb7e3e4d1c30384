"""Images in class directories."""
