"""Who may do what inside an organisation; what can be seen at all is the database's to say (row-level security)."""
