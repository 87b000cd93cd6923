"""Rollcall: self-service user provisioning from HiBob into Skillcast."""

__version__ = "0.1.0"
