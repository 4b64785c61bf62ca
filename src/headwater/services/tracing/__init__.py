"""From a record or figure back to the cell it came from."""
