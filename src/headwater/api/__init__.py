"""The HTTP interface, thin over services: one error shape, one list shape, a declared right for every route."""
