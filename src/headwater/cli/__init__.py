"""The command line, thin over services: reads arguments, prints tables or JSON, and turns errors into exit codes."""
