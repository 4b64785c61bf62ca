"""Models for the OData server of the tests, made from what SAP's services say of themselves."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

_EDM = "{http://schemas.microsoft.com/ado/2008/09/edm}"
_SAP = "{http://www.sap.com/Protocols/SAPData}"


def from_edmx(path: Path) -> str:
    """A service with the entity sets of an EDMX, in CDS."""
    schema = next(ET.parse(path).getroot().iter(_EDM + "Schema"))  # noqa: S314 - a file of our own folder
    types = {found.get("Name"): found for found in schema.iter(_EDM + "EntityType")}
    lines = ["@requires: 'authenticated-user'", f"service {schema.get('Namespace')} {{"]
    for entity_set in schema.iter(_EDM + "EntitySet"):
        found = types[(entity_set.get("EntityType") or "").rpartition(".")[2]]
        key = {ref.get("Name") for ref in found.iter(_EDM + "PropertyRef")}
        lines.append(f"  entity {entity_set.get('Name')} {{")
        for declared in found.iter(_EDM + "Property"):
            name = declared.get("Name")
            lines.append(f"    {'key ' if name in key else ''}{name} : {_type(declared)};")
        lines.append("  }")
    return "\n".join([*lines, "}", ""])


def _type(declared: ET.Element) -> str:
    kind = (declared.get("Type") or "").removeprefix("Edm.")
    match kind:
        case "String":
            return f"String({declared.get('MaxLength', '5000')})"
        case "Decimal":
            return f"Decimal({declared.get('Precision')}, {declared.get('Scale', '0')})"
        case "DateTime":
            return "Date" if declared.get(_SAP + "display-format") == "Date" else "DateTime"
        case "DateTimeOffset":
            return "Timestamp"
        case _:
            return {"Guid": "UUID", "Int32": "Integer", "Int64": "Integer64"}.get(kind, kind)


def stock_from_envelope(path: Path) -> str:
    """API_MATERIAL_STOCK_SRV with the fields of an answer of it, and the quantity as SAP declares it."""
    record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))["d"]["results"][0]
    names = [name for name, value in record.items() if isinstance(value, str)]
    fields = "".join(f"    key {name} : String(40);\n" for name in names)
    return (
        "@requires: 'authenticated-user'\nservice API_MATERIAL_STOCK_SRV {\n  entity A_MatlStkInAcctMod {\n"
        f"{fields}    MaterialBaseUnit : String(3);\n    MatlWrhsStkQtyInMatlBaseUnit : Decimal(31, 14);\n  }}\n}}\n"
    )
