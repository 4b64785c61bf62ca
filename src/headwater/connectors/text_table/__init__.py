"""A table of texts: what a file of any format is turned into, once, so that everything after reads one form."""

from headwater.connectors.text_table.parts import Batch, Part, Table

__all__ = ["Batch", "Part", "Table"]
