"""The ledger's past as samples with timestamps, so that graphs begin before the first scrape."""
