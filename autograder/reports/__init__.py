"""A report in the formats of the systems around us, one module each."""
