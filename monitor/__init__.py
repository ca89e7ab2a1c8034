"""Inventory turnover of a crypto trading desk: how fast does it turn, and what is stuck."""

__version__ = "0.1.0"
