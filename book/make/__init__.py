"""The workshop: what runs the chapters, checks the ledger, and makes the pages."""
