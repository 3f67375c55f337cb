"""Is the data right: the catalogue of checks, the checks that one row can answer, and the score that follows."""
