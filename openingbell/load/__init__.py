"""Load: landed text becomes typed rows of the raw warehouse, every version once."""
