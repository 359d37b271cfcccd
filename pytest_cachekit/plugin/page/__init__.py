"""The HTML report: one page that needs nothing else, of the last run and those before."""
