"""Texts of the formats that the OpenAPI document names, for schemathesis: what JSON Schema has no
words for is how many bytes a text has in UTF-8."""

import schemathesis
from hypothesis import strategies

characters = strategies.characters(codec="utf-8", exclude_categories=["Cc", "Cs"])
schemathesis.openapi.format("client-id", strategies.text(characters, min_size=1, max_size=16))
schemathesis.openapi.format("line", strategies.text(characters, max_size=32))
