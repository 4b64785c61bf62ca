"""Who did what: entries chained by hashes, one chain an organisation, verifiable offline."""
