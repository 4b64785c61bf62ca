"""SQL on columns: the sandbox for users' expressions and the catalogue of exact operations, rendered for DuckDB."""
