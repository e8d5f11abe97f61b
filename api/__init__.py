"""What the front desk works with: taking bodies in, answering in one shape, health, ending politely."""

PREFIX = "/api/v1/video"
"""Below this path lie the session endpoints."""
