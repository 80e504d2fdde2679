"""The benchmark: imports of this library side by side with what people use today. See ``docs/performance.md``."""
