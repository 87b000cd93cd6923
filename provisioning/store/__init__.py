"""What Rollcall remembers, in SQLite. Turns rows into values and back, and decides nothing."""
