"""The API does what its OpenAPI document says, whatever is asked: schemathesis makes the requests."""

from __future__ import annotations

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from reconciler.web.api.asked import Query
from reconciler.web.api.document import document
from reconciler.web.api.endpoints import BASE, ENDPOINTS
from tests.web.shown.conftest import TOKEN

OPERATIONS = schemathesis.openapi.from_dict(document(ENDPOINTS))


RIGHT, WRONG = GenerationMode.POSITIVE, GenerationMode.NEGATIVE
TRIED = [(one.path, RIGHT) for one in ENDPOINTS] + [
    (one.path, WRONG) for one in ENDPOINTS if "{" in one.path or one.asks is not Query
]
SPANS = ("/availability", "/usage")
"""A document cannot say that the last day comes after the first."""


@pytest.mark.parametrize(("path", "mode"), TRIED)
def test_every_endpoint_keeps_to_the_document(looked, path, mode):
    operation = OPERATIONS[f"{BASE}{path}"]["GET"]

    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(max_examples=10, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    def keeps(case):
        case.call_and_validate(
            base_url=looked.url,
            headers={"Authorization": f"Bearer {TOKEN}"},
            excluded_checks=[positive_data_acceptance] if path in SPANS else [],
        )

    keeps()


def test_the_served_document_is_the_one_that_was_tried(looked):
    assert looked.json("/api/openapi.json") == document(ENDPOINTS)
