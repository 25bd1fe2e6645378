"""Tidemill: a self-hosted workflow scheduler that speaks the DataWorks OpenAPI.

This file stays empty of imports: the guard and the runner import the package with the standard library alone.
"""

__version__ = "0.1.0"
