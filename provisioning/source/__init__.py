"""HiBob in: bytes to columns. Decides nothing about people, and imports neither targets nor the store."""
