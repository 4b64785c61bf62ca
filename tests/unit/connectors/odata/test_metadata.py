from __future__ import annotations

import pytest

from headwater.connectors.odata.metadata import Property, service
from headwater.errors import InputRefused

V2 = """<?xml version="1.0" encoding="utf-8"?>
<edmx:Edmx Version="1.0" xmlns:edmx="http://schemas.microsoft.com/ado/2007/06/edmx"
    xmlns:m="http://schemas.microsoft.com/ado/2007/08/dataservices/metadata" xmlns:sap="http://www.sap.com/Protocols/SAPData">
  <edmx:DataServices m:DataServiceVersion="2.0">
    <Schema Namespace="S" xmlns="http://schemas.microsoft.com/ado/2008/09/edm">
      <EntityType Name="OrderType" sap:label="Orders">
        <Key><PropertyRef Name="Order"/><PropertyRef Name="Item"/></Key>
        <Property Name="Order" Type="Edm.String" Nullable="false" MaxLength="10" sap:label="Purchase Order"/>
        <Property Name="Item" Type="Edm.String" Nullable="false"/>
        <Property Name="Net" Type="Edm.Decimal" Precision="14" Scale="3" sap:filterable="false"/>
        <Property Name="Changed" Type="Edm.DateTimeOffset" Precision="7" sap:sortable="false"/>
        <NavigationProperty Name="to_Item" Relationship="S.r" FromRole="a" ToRole="b"/>
      </EntityType>
      <EntityContainer Name="C" m:IsDefaultEntityContainer="true">
        <EntitySet Name="Orders" EntityType="S.OrderType" sap:label="All orders"/>
        <FunctionImport Name="Release" ReturnType="S.OrderType"/>
      </EntityContainer>
    </Schema>
  </edmx:DataServices>
</edmx:Edmx>"""

V4 = """<edmx:Edmx Version="4.0" xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx">
  <edmx:DataServices>
    <Schema Namespace="com.example" Alias="Self" xmlns="http://docs.oasis-open.org/odata/ns/edm">
      <TypeDefinition Name="Money" UnderlyingType="Edm.Decimal" Precision="15" Scale="2"/>
      <EntityType Name="Base" Abstract="true">
        <Key><PropertyRef Name="ID"/></Key><Property Name="ID" Type="Edm.Guid" Nullable="false"/>
      </EntityType>
      <EntityType Name="Order" BaseType="Self.Base">
        <Property Name="Total" Type="Self.Money"/>
        <Property Name="Free" Type="Edm.Decimal" Scale="variable"/>
        <Property Name="Tags" Type="Collection(Edm.String)"/>
      </EntityType>
    </Schema>
    <Schema Namespace="com.example.service" xmlns="http://docs.oasis-open.org/odata/ns/edm">
      <EntityContainer Name="C"><EntitySet Name="Orders" EntityType="com.example.Order"/></EntityContainer>
    </Schema>
  </edmx:DataServices>
</edmx:Edmx>"""


def test_v2_with_what_sap_adds() -> None:
    found = service(V2.encode(), "x")
    assert found.version == "v2"
    (orders,) = found.sets
    assert (orders.name, orders.key, orders.comment) == ("Orders", ("Order", "Item"), "All orders")
    assert orders.properties == (
        Property(name="Order", type="Edm.String", nullable=False, comment="Purchase Order"),
        Property(name="Item", type="Edm.String", nullable=False),
        Property(name="Net", type="Edm.Decimal", precision=14, scale=3, can_filter=False),
        Property(name="Changed", type="Edm.DateTimeOffset", precision=7, can_sort=False),
    )


def test_v4_with_inherited_keys_aliases_and_named_types() -> None:
    found = service(V4.encode(), "x")
    assert found.version == "v4"
    (orders,) = found.sets
    assert orders.key == ("ID",)
    assert [(each.name, each.type, each.precision, each.scale) for each in orders.properties] == [
        ("ID", "Edm.Guid", None, None),
        ("Total", "Edm.Decimal", 15, 2),
        ("Free", "Edm.Decimal", None, None),
        ("Tags", "Collection(Edm.String)", None, None),
    ]


@pytest.mark.parametrize(
    ("document", "word"),
    [
        ('<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><x>&b;</x>', "DOCTYPE"),
        ('<!DOCTYPE x SYSTEM "file:///etc/passwd"><x/>', "DOCTYPE"),
        ("<html><body>log in</body></html>", "OData"),
        ("<html><body>", "XML"),
        ("", "XML"),
        ("<a>" * 60 + "</a>" * 60, "deeper"),
        (V4.replace('EntityType="com.example.Order"', 'EntityType="com.example.Gone"'), "type"),
        (V4.replace('Name="Base" Abstract="true"', 'Name="Base" BaseType="Self.Order"'), "type"),
        (V2.replace("ado/2007/06/edmx", "ado/2009/06/edmx"), "OData"),
    ],
    ids=["bomb", "external", "page", "cut", "nothing", "deep", "no type", "circle", "other version"],
)
def test_what_is_no_metadata_is_refused(document: str, word: str) -> None:
    with pytest.raises(InputRefused, match=word):
        service(document.encode(), "https://host/service/$metadata")
