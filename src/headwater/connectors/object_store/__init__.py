"""What stores of files share: patterns, limits, and what is asked of S3 and Azure Blob through obstore."""
