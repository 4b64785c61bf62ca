"""What the connectors of SQL databases share: how a table is cut into chunks, and how a chunk becomes a statement.

No kind of connector itself. A kind brings a `Dialect` (how its database quotes, binds and compares), a way to look a
table up, and sessions that run statements; `Source` makes a connector of them.
"""

from headwater.connectors.sql.dialect import Dialect
from headwater.connectors.sql.source import Session, Source
from headwater.connectors.sql.tables import Family, Field, SqlTable

__all__ = ["Dialect", "Family", "Field", "Session", "Source", "SqlTable"]
