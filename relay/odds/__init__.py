"""The statistics of failures: is one transient, is a retry worth it, is a branch broken, what was it.

Everything here is a function of its arguments, time included. "odds.md 3" in a docstring is section 3 of
docs/odds.md, which has the formulas. Read it in this order: attempts, outcomes, tally, rates, passing, terms,
chances, economics, case, decide; then known, breakage, branches, ending and masking.
"""
