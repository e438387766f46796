"""Zadig's release-plan OpenAPI, `/openapi/release_plan/v1`, for clients that are written for Zadig."""
