"""Predictors: models behind one call."""
