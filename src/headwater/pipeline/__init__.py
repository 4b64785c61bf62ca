"""The composer: plan, run, resume. Knows every stage and the ports it needs; wires none of them to a database."""
