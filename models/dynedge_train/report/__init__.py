"""Model cards, and the page that puts the papers' claim to the test, from the files of runs.

Every number on a card or on docs/claim.md is read from a file that a run, an evaluation or
the SDK wrote, or is a figure of the paper (paper.py). Same inputs, same bytes.
"""


class ReportError(ValueError):
    """Input of a report is missing or does not fit; the message says what to do."""
