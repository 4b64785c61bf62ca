"""Measurements of Headwater beside other tools: a generator with a fixed seed, peers, runner, report."""
