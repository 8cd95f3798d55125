"""Ours against the peers."""
