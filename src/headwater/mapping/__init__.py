"""Source columns to contract fields: the mapping document, its schema, and its compilation to SQL texts."""

from headwater.mapping.compile import CompiledMapping, compile_mapping
from headwater.mapping.document import Mapping, load_mapping, mapping_json_schema, read_mapping

__all__ = ["CompiledMapping", "Mapping", "compile_mapping", "load_mapping", "mapping_json_schema", "read_mapping"]
