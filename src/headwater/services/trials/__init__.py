"""What a run or a mapping would do, tried without leaving anything behind."""
