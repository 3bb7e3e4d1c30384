"""Evaluations kept until something they depend on changes."""
