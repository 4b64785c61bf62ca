"""Use cases: the one face behind command line, API and pages. Here the pipeline is wired to the store."""
