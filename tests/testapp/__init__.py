"""Models for what the people app does not have."""
