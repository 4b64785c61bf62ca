-- The clocks that quiet hours go by are called as those of schedules are.
ALTER TABLE notification_channels RENAME COLUMN quiet_zone TO quiet_time_zone;
