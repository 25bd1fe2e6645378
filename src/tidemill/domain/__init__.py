"""Pure rules: no database, clock, network or settings."""
