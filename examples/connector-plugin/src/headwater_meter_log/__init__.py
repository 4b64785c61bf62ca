"""The daily logs of a meter gateway, as a connector for Headwater."""

from headwater.connectors.protocol import Kind
from headwater_meter_log.config import MeterLogConfig
from headwater_meter_log.connector import MeterLog

kind = Kind(
    name="meter_log",
    title="Daily logs of a meter gateway",
    config=MeterLogConfig,
    open=MeterLog,
    chunks=("time_window",),
    cursor=True,
    proven_against=("a folder of files",),
)
