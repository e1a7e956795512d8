"""Enrichment: what a webhook leaves out and a rule or a template needs, asked of CircleCI once per event."""

from relay.enriching.asking import PROBLEM, Enricher
from relay.enriching.line import Line
from relay.enriching.needs import FAILED_ONLY, FETCHABLE, FIRST_ERROR, Needs, fetched_of, names_used

__all__ = [
    "FAILED_ONLY",
    "FETCHABLE",
    "FIRST_ERROR",
    "PROBLEM",
    "Enricher",
    "Line",
    "Needs",
    "fetched_of",
    "names_used",
]
