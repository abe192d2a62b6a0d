"""The obvious Python stack."""
