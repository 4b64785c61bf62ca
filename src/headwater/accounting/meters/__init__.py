"""The calendar of meters: which days are billed twice, which not at all, what that means in CO2e, and named estimates.

calendar      overlaps and gaps of billing periods
filling       estimates for gaps, by a named method, marked as such
"""

from headwater.accounting.meters.calendar import BILLS_SCHEMA, Calendar, read_calendar
from headwater.accounting.meters.filling import METHODS, Filling, fill_gaps

__all__ = ["BILLS_SCHEMA", "METHODS", "Calendar", "Filling", "fill_gaps", "read_calendar"]
