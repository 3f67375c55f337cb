"""The warehouses: raw (DW1), analytics (DW2) and operations, behind one small protocol. All SQL lives in here."""
