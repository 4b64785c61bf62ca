@requires: 'authenticated-user'
service Conformance {
  @cds.query.limit: { default: 7, max: 7 }
  entity SevenAtOnce { key id : Integer; }

  entity Items {
    key id    : Integer;
        at    : Timestamp;
        value : LargeString;
  }

  entity Numerics { key id : Integer; value : Decimal(38, 10); }
  entity Moments { key id : Integer; value : Timestamp; }
  entity Days { key id : Integer; value : Date; }
  entity Bytes { key id : Integer; value : Binary(1000); }
  entity Doubles { key id : Integer; value : Double; }
  entity Longs { key id : Integer; value : Integer64; }
  entity Booleans { key id : Integer; value : Boolean; }
  entity Times { key id : Integer; value : Time; }
  entity Uuids { key id : Integer; value : UUID; }
  entity Texts { key id : Integer; value : LargeString; }
}

@requires: 'someone-else'
service Closed {
  entity Items { key id : Integer; at : Timestamp; value : LargeString; }
}
