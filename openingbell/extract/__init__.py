"""Extract: ask the vendor for what is due and land the answers. Needs no warehouse."""
