"""Files sent over HTTP: received piece by piece, looked at, mapped, planned as a run."""
