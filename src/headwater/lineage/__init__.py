"""Where a figure came from: which columns of a source decide about which column of a result."""
