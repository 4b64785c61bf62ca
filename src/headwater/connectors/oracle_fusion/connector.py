"""Oracle Fusion Cloud Applications as a connector."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from headwater.connectors.http.client import HttpClient
from headwater.connectors.http.exact_json import below
from headwater.connectors.http.failures import not_allowed
from headwater.connectors.http.queried import Queried, QueriedConnector
from headwater.connectors.oracle_fusion.collection import NUMBERS, TIMES, Collection
from headwater.connectors.oracle_fusion.config import FusionConfig, FusionResource
from headwater.connectors.protocol import Column, Resolve
from headwater.errors import InputRefused

_Attributes = list[dict[str, Any]]


class _Resources:
    """The collections of the config, as the pod describes them; each is asked for once."""

    def __init__(self, config: FusionConfig, client: HttpClient) -> None:
        self._config = config
        self._client = client
        self._described: dict[str, _Attributes] = {}

    def names(self) -> Sequence[str]:
        return [resource.name for resource in self._config.resources]

    def table(self, name: str, columns: Sequence[str]) -> Queried:
        resource = self._resource(name)
        attributes = self._attributes(resource)
        types = {each["name"]: str(each.get("type", "string")) for each in attributes}
        can_ask = {each["name"] for each in attributes if each.get("queryable", True) is True}
        chosen = tuple(dict.fromkeys((*columns, *resource.key))) if columns else ()
        cursors = {column: "time_window" for column in resource.cursors if types.get(column) in TIMES}
        cursors |= {column: "counter" for column in resource.cursors if types.get(column) in NUMBERS}
        return Queried(
            readable=Collection(self._client, self._url(resource), types, chosen),
            columns=tuple(
                Column(
                    name=each["name"],
                    type=types[each["name"]],
                    arrow=pa.string(),
                    nullable=each.get("mandatory") is not True,
                    numbers=types[each["name"]] in NUMBERS,
                )
                for each in attributes
            ),
            key=resource.key,
            cursors={column: by for column, by in cursors.items() if column in can_ask},  # type: ignore[misc] # of two words
            orderable=frozenset(can_ask),
            page_rows=self._config.page_rows,
            max_whole_rows=self._config.max_whole_rows,
        )

    def _resource(self, name: str) -> FusionResource:
        for resource in self._config.resources:
            if resource.name == name:
                return resource
        raise not_allowed(
            "the config names no such resource",
            self._config.url,
            "not_found",
            value=name,
            valid=", ".join(self.names()),
            remedy="Add it to resources.",
        )

    def _url(self, resource: FusionResource) -> str:
        return self._client.url(f"fscmRestApi/resources/{self._config.version}/{resource.name}")

    def _attributes(self, resource: FusionResource) -> _Attributes:
        if resource.name not in self._described:
            url = self._url(resource) + "/describe"
            found = below(self._client.json(url), ("Resources", resource.name, "attributes"))
            if not isinstance(found, list) or not all(isinstance(below(each, ("name",)), str) for each in found):
                raise InputRefused(
                    "the answer does not describe the resource",
                    where=url,
                    valid=f"Resources/{resource.name}/attributes, each with a name",
                    remedy="See that url leads to the pod itself, and that version is one it has.",
                )
            missing = [column for column in resource.key if column not in {each["name"] for each in found}]
            if missing:
                raise not_allowed(
                    "the resource has no such attribute for its key",
                    url,
                    "config",
                    value=", ".join(missing),
                    valid=", ".join(each["name"] for each in found),
                    remedy="Correct key in resources.",
                )
            self._described[resource.name] = found
        return self._described[resource.name]


class FusionConnector(QueriedConnector):
    """A pod that is open."""

    def __init__(self, config: FusionConfig, resolve: Resolve) -> None:
        client = HttpClient(config, resolve)
        super().__init__(client, _Resources(config, client))
