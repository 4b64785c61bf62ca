-- What happened is forgotten once no message that is kept tells of it: this is asked from that side too.
CREATE INDEX notification_delivery_items_by_notification ON notification_delivery_items (tenant_id, notification_id);
