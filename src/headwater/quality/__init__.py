"""What is wrong with records and how a person mends it: findings, built only for the rows whose bitmask is not 0."""
