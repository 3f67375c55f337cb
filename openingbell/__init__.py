"""Openingbell: a market data warehouse that fills itself from Financial Modeling Prep."""

__version__ = "0.1.0"
