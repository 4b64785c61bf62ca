-- Where somebody is erased, notifications of before lose what errors quoted; the grants let the application take that out.
COMMENT ON COLUMN notifications.summary IS 'names, counts and ids, no value of any record';
COMMENT ON COLUMN notifications.data IS 'likewise';
