"""All the SQL."""
