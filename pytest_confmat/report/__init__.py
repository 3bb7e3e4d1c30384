"""Forms that a result can take: text, JSON, a picture. No decisions are taken here."""
