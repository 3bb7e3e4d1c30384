"""Reports of a result: text, JSON, a picture. Nothing is decided here."""
