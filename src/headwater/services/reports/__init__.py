"""Pages for people who were not there: of runs, figures and files, as HTML that needs nothing else."""
